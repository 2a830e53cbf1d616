"""Packing: which lines of which section fit into a token budget, and how the pack reads.

Owns choosing and rendering, for lines of any origin. Invariant: what `render` gives for the chosen
lines, with handles, is never longer than the budget; and no line that would still fit is left out,
unless it repeats one that is in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elephantasm_mcp.pure.similarity import near_duplicate
from elephantasm_mcp.pure.text import terms
from elephantasm_mcp.pure.tokens import estimate_tokens


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pack: `{prefix}{text} ({handle}, {mark})`."""

    prefix: str
    text: str
    handle: str
    mark: str = ""

    def render(self, *, with_handles: bool) -> str:
        """The line with its handle, or without it; a mark of doubt always stays."""
        marks = [self.handle] if with_handles else []
        marks += [self.mark] if self.mark else []
        return f"{self.prefix}{self.text}" + (f" ({', '.join(marks)})" if marks else "")


@dataclass(frozen=True, slots=True)
class Section:
    """A section's candidate lines, best first, and its share of the budget in [0, 1]."""

    title: str
    share: float
    lines: Sequence[Line]


def choose(
    sections: Sequence[Section], *, fixed: Sequence[str], budget_tokens: int
) -> dict[str, list[Line]]:
    """The lines that go in, by title, best first.

    Each section first gets its share; what one leaves unused goes to the others, in their order.
    """
    choice = _Choice(budget_tokens - sum(tokens_of(text) + 1 for text in fixed))
    budget = choice.left
    for section in sections:
        choice.fill(section, limit=min(choice.left, int(budget * section.share)))
    for section in sections:
        choice.fill(section, limit=choice.left)
    return {
        section.title: [line for line in section.lines if line in choice.chosen]
        for section in sections
    }


def render(lines: Mapping[str, Sequence[Line]], *, last_line: str, with_handles: bool) -> str:
    """The markdown: sections in their order, empty ones left out, then the last line."""
    blocks = [
        "\n".join([title, *(line.render(with_handles=with_handles) for line in chosen)])
        for title, chosen in lines.items()
        if chosen
    ]
    return "\n\n".join([*blocks, last_line] if last_line else blocks)


def tokens_of(text: str) -> int:
    """Tokens of a text by the fitted estimator, rounded up."""
    return estimate_tokens(text)


class _Choice:
    """What was chosen so far, and what is left of the budget."""

    def __init__(self, budget_tokens: int) -> None:
        self.left = budget_tokens
        self.chosen: dict[Line, None] = {}
        self._titles: set[str] = set()
        self._terms: list[frozenset[str]] = []

    def fill(self, section: Section, *, limit: int) -> None:
        """Take lines of a section, best first, up to `limit` tokens; longer ones are skipped."""
        spent = 0
        for line in section.lines:
            if line in self.chosen:
                continue
            cost = tokens_of(line.render(with_handles=True)) + 1
            if section.title not in self._titles:
                cost += tokens_of(section.title) + 2
            if spent + cost > limit or self._repeats(line):
                continue
            self._take(section.title, line)
            spent += cost
        self.left -= spent

    def _take(self, title: str, line: Line) -> None:
        self.chosen[line] = None
        self._titles.add(title)
        self._terms.append(frozenset(terms(line.text)))

    def _repeats(self, line: Line) -> bool:
        mine = frozenset(terms(line.text))
        return any(near_duplicate(mine, other) for other in self._terms)
