"""Advice: what a language model proposes for the night.

Owns what it is shown, within one call's budget, and reading its answer. Decides nothing: its
operations pass the same rules, caps and gate as all others. Invariant: it is shown rows of one
anima, fenced as data; an operation on a row that it was not shown has no input and is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from elephantasm_mcp.errors import BudgetError, ModelError
from elephantasm_mcp.memory import identity, index, inputs, survey
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.memory.operations import Planned
from elephantasm_mcp.memory.survey import Survey, SurveyRow, is_weak
from elephantasm_mcp.ports import Ask, Prompt, Tx
from elephantasm_mcp.prompts import read_prompt
from elephantasm_mcp.pure.fences import fence_key
from elephantasm_mcp.pure.labels import day
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.values import from_micros
from elephantasm_mcp.types.operations import Operation, Operations, handles_of
from elephantasm_mcp.types.records import handle_of

NEAR: Final = 0.3
"""Rows within this cosine distance overlap (design.md §2)."""
SHOWN_TOKENS: Final = 8_000
ANSWER_TOKENS: Final = 4_000
LARGEST_GROUP: Final = 6
COMPOUND_SENTENCES: Final = 4
"""A memory of so many sentences may tell of several things."""
_WEAK_ROWS: Final = 20
_COMPOUND_ROWS: Final = 10
_OWN_SENTENCES: Final = 30
_ROW_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class Advice:
    """What a model proposed."""

    planned: list[Planned] = field(default_factory=list)
    model: str = ""
    tokens: int = 0
    note: str = ""
    """Why there is none."""


@dataclass(slots=True)
class _Page:
    """What is shown, as long as it fits."""

    lines: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    tokens: int = 0

    def add(self, lines: Sequence[str], shown: dict[str, str]) -> bool:
        size = sum(estimate_tokens(line) for line in lines)
        if self.tokens + size > SHOWN_TOKENS:
            return False
        self.lines += lines
        self.inputs |= shown
        self.tokens += size
        return True


async def seek(core: Core, surveyed: Survey, taken: Collection[str], ask: Ask) -> Advice:
    """Ask the model once about what overlaps, is compound or weak; `taken` rows are left out.

    A model that fails is no failure of the night: the note says so.
    """
    groups = await _groups(core, surveyed, taken)
    page = await core.database.read(_page, surveyed, groups, taken)
    if not page.inputs:
        return Advice()
    try:
        answer = await ask(_prompt(core, page), Operations)
    except (ModelError, BudgetError) as error:
        return Advice(note=f"Without the language model: {error}")
    usage, proposed = answer.usage, answer.value.operations
    tokens = usage.tokens_in + usage.tokens_out
    planned = [
        Planned(one, _seen(one, page.inputs), usage.model, share)
        for one, share in zip(proposed, _shares(tokens, len(proposed)), strict=True)
    ]
    return Advice(planned, usage.model, tokens)


async def _groups(core: Core, surveyed: Survey, taken: Collection[str]) -> list[list[SurveyRow]]:
    """Rows that overlap, a few together, the nearest first."""
    groups: list[list[SurveyRow]] = []
    model, dimensions = next(iter(index.models_of(core).items()), ("", 0))
    if not dimensions:
        return groups
    for layer, rows in (("memory", surveyed.memories), ("knowledge", surveyed.knowledge)):
        groups += await core.database.read(_near, surveyed, layer, rows, model, dimensions, taken)
    return groups


def _near(
    tx: Tx,
    surveyed: Survey,
    layer: DerivedLayer,
    rows: Sequence[SurveyRow],
    model: str,
    dimensions: int,
    taken: Collection[str],
) -> list[list[SurveyRow]]:
    import numpy as np

    from elephantasm_mcp.pure.overlap import near_pairs  # numpy: not at start-up

    living: dict[int, SurveyRow] = {row.id: row for row in rows if row.handle not in taken}
    ids, stored = survey.vectors(tx, surveyed.anima.anima_no, layer, model, dimensions)
    kept = [place for place, id_ in enumerate(ids) if id_ in living]
    pairs = near_pairs(stored[np.array(kept, dtype=np.intp)], distance=NEAR)
    group_of: dict[int, list[int]] = {}
    for first, second, _ in pairs:
        mine, theirs = group_of.get(first, [first]), group_of.get(second, [second])
        if mine is not theirs and len(mine) + len(theirs) <= LARGEST_GROUP:
            mine += theirs
            group_of |= dict.fromkeys(mine, mine)
    distinct = {id(group): group for group in group_of.values()}
    return [[living[ids[kept[place]]] for place in sorted(group)] for group in distinct.values()]


def _page(
    tx: Tx, surveyed: Survey, groups: Iterable[Sequence[SurveyRow]], taken: Collection[str]
) -> _Page:
    page = _Page()
    for title, rows, full in _chapters(surveyed, groups, taken):
        shown = [row for one in rows if (row := inputs.find(tx, surveyed.anima, one.handle))]
        handles = {row.handle: inputs.digest(row) for row in shown if inputs.lives(row)}
        if full:
            handles |= dict.fromkeys((each for row in shown for each in _events(row)), "event")
        if not page.add([f"\n{title}:", *(_line(row, full=full) for row in shown)], handles):
            break
    _add_evidence(tx, surveyed, page)
    return page


def _chapters(
    surveyed: Survey, groups: Iterable[Sequence[SurveyRow]], taken: Collection[str]
) -> Iterator[tuple[str, Sequence[SurveyRow], bool]]:
    """What is shown, the most telling first: title, rows, and whether with their full text."""
    for group in groups:
        yield "These overlap", group, False
    free = [row for row in surveyed.rows if row.handle not in taken and not row.pinned]
    compound = [
        row for row in free if row.layer == "memory" and _sentences(row) >= COMPOUND_SENTENCES
    ]
    for row in compound[:_COMPOUND_ROWS]:
        yield "This may tell of several things", [row], True
    weak = [row for row in free if is_weak(row)][:_WEAK_ROWS]
    if weak:
        yield "These are weak", weak, False


def _add_evidence(tx: Tx, surveyed: Survey, page: _Page) -> None:
    """What the agent said of itself, when that is more than the identity rests on."""
    said = identity.replies(tx, surveyed.anima)
    own = identity.own_statements(said)[:_OWN_SENTENCES]
    known = set() if surveyed.identity is None else _evidence_of(surveyed)
    if own and not {reply.handle for reply, _ in own} <= known:
        lines = [f"{reply.handle}: {text}" for reply, text in own]
        before = [] if surveyed.identity is None else [f"Until now: {surveyed.identity.prose}"]
        title = "\nEvidence of who the agent is, in its own words:"
        page.add([title, *before, *lines], {reply.handle: "event" for reply, _ in own})


def _evidence_of(surveyed: Survey) -> set[str]:
    statements = () if surveyed.identity is None else surveyed.identity.statements
    return {handle for one in statements for handle in one.evidence}


def _sentences(row: SurveyRow) -> int:
    return row.content.count(". ") + row.content.count("\n") + 1


def _line(row: Row, *, full: bool) -> str:
    snapshot = row.snapshot
    when = snapshot.get("time_end") or snapshot.get("valid_from") or snapshot["created_at"]
    about = [day(from_micros(when)), *([snapshot["type"]] if "type" in snapshot else [])]
    about += ["pinned"] if snapshot["pinned"] else []
    about += [f"from {', '.join(_events(row))}"] if full else []
    text = snapshot["content"] if full or row.layer == "knowledge" else snapshot["summary"]
    return f"{row.handle} ({'; '.join(about)}): {to_line(text, max_chars=_ROW_CHARS)}"


def _events(row: Row) -> list[str]:
    ids = dict.fromkeys(id_ for layer, id_, _ in row.snapshot["links"] if layer == "event")
    return [handle_of("event", id_) for id_ in ids]


def _prompt(core: Core, page: _Page) -> Prompt:
    """The page in a fence that nobody who wrote it can guess."""
    text = "\n".join(page.lines).strip()
    key = fence_key(text, secret=core.secret)
    return Prompt(
        instructions=read_prompt("deep_sleep"),
        data=f'<remembered key="{key}">\n{text}\n</remembered key="{key}">',
        max_tokens=ANSWER_TOKENS,
    )


def _seen(operation: Operation, shown: dict[str, str]) -> dict[str, str]:
    return {handle: shown[handle] for handle in handles_of(operation) if handle in shown}


def _shares(tokens: int, count: int) -> list[int]:
    """Tokens of one call, over its operations."""
    return [tokens // count + (place < tokens % count) for place in range(count)]
