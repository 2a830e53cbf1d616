"""The report of a measurement: means by category, as a table and as JSON.

Owns which questions are summed up and how the figures are shown. Invariant: it holds nothing but
what follows from the data and the models: no time, no path, no version.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.cli.bench.conversations import Conversation, LeftOut
from elephantasm_mcp.cli.bench.measures import mean
from elephantasm_mcp.cli.output import line, table
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from elephantasm_mcp.cli.bench.trial import Figures, Outcome

ALL: Final = "all"
SUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "categories 1–4": ("multi-hop", "temporal", "open-domain", "single-hop"),
    "core": (
        "information_extraction",
        "knowledge_update",
        "multi_session_reasoning",
        "temporal_reasoning",
        "contradiction_resolution",
    ),
}
"""What is usually reported of LoCoMo (turns, not the adversarial ones) and of BEAM."""
COLUMNS: Final = {
    "recall@5": "R@5",
    "recall@10": "R@10",
    "recall@20": "R@20",
    "ndcg@10": "nDCG@10",
    "any_session@5": "any S@5",
    "sessions@10": "S@10",
    "evidence@2000": "E@2k",
    "evidence@4000": "E@4k",
}
LEGEND: Final = (
    "R@k: share of the gold turns among the first k; nDCG@10 of the turns.",
    "any S@5: a gold session is among the first five; S@10: share of them among the first ten.",
    "E@2k, E@4k: share of the gold turns of which 80 % of the words stand in one line of a pack",
    "of 2,000 or 4,000 tokens. All in percent, means over the questions.",
)
DECIMALS: Final = 4


@dataclass(slots=True)
class Benchmark:
    """What was measured of one benchmark, and what was not."""

    name: str
    conversations: int = 0
    turns: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)
    outcomes: "list[Outcome]" = field(default_factory=list)

    def add(self, conversation: Conversation, outcomes: "Sequence[Outcome]") -> None:
        """Take in what became of one conversation; nothing, where it had no question."""
        self.left_out += conversation.left_out
        if outcomes:
            self.conversations += 1
            self.turns += len(conversation.turns)
            self.outcomes += outcomes


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that are summed up: a category, or several."""

    name: str
    questions: int
    systems: dict[str, dict[str, float]]
    """The mean of each measure, by system."""


def groups_of(outcomes: "Sequence[Outcome]") -> list[Group]:
    """The usual sums, then all, then each category by name."""
    by_category: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_category[one.category].append(one)
    groups: list[Group] = []
    for name, categories in SUMS.items():
        held = by_category.keys() & set(categories)
        if held and held < by_category.keys():
            groups.append(_group(name, [one for one in outcomes if one.category in held]))
    if len(by_category) > 1:
        groups.append(_group(ALL, outcomes))
    return groups + [_group(name, by_category[name]) for name in sorted(by_category)]


def as_json(benchmarks: Iterable[Benchmark]) -> dict[str, object]:
    """The document of `--json`; shares lie in [0, 1]."""
    return {
        "benchmarks": [
            {
                "name": one.name,
                "mode": mode_of(one.outcomes),
                "conversations": one.conversations,
                "turns": one.turns,
                "questions": len(one.outcomes),
                "left_out": one.left_out,
                "groups": groups_of(one.outcomes),
            }
            for one in benchmarks
        ]
    }


def as_lines(benchmarks: Iterable[Benchmark]) -> Iterator[str]:
    """The tables, with what their columns mean."""
    for one in benchmarks:
        yield line(one.name)
        yield (
            f"{counted(len(one.outcomes), 'question')},"
            f" {counted(one.conversations, 'conversation')}, {counted(one.turns, 'turn')};"
            f" mode: {mode_of(one.outcomes)}"
        )
        if missing := describe(one.left_out):
            yield f"left out: {missing}"
        yield ""
        yield from _table(groups_of(one.outcomes))
        yield ""
    yield from LEGEND


def describe(left_out: LeftOut) -> str:
    """What was left out, in words; nothing when nothing was."""
    parts = (
        (left_out.questions, "question", "without evidence"),
        (left_out.evidence, "reference", "to no turn"),
        (left_out.turns, "turn", "without text"),
        (left_out.conversations, "conversation", "without a turn"),
    )
    return ", ".join(f"{counted(number, noun)} {why}" for number, noun, why in parts if number)


def mode_of(outcomes: "Iterable[Outcome]") -> str:
    """The models that were used; more than one where they changed on the way."""
    return "; ".join(dict.fromkeys(one.mode for one in outcomes))


def _group(name: str, outcomes: "Sequence[Outcome]") -> Group:
    systems = dict.fromkeys(system for one in outcomes for system in one.figures)
    return Group(
        name=name,
        questions=len(outcomes),
        systems={system: _means([one.figures[system] for one in outcomes]) for system in systems},
    )


def _means(figures: "Sequence[Figures]") -> dict[str, float]:
    """The mean of each measure over the questions that have it."""
    means = {name: mean([one[name] for one in figures if name in one]) for name in COLUMNS}
    return {name: round(value, DECIMALS) for name, value in means.items() if value is not None}


def _table(groups: Iterable[Group]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", *COLUMNS.values())]
    for group in groups:
        rows.append((f"{line(group.name)} ({group.questions:,})", *("" for _ in COLUMNS)))
        for system, means in group.systems.items():
            rows.append((f"  {system}", *(_percent(means.get(name)) for name in COLUMNS)))
    return table(rows, right=range(1, len(COLUMNS) + 1))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
