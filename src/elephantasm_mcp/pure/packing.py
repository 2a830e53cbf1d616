"""Packing: which lines of which section fit into a token budget, and how the pack reads.

Owns choosing and rendering, for lines of any origin. Invariant: what `render` gives for the chosen
lines, with handles, is never longer than the budget; no line that would still fit is left out,
unless it repeats one that is in; and where lines are left, one is cut to fill the budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from elephantasm_mcp.pure.similarity import near_duplicate
from elephantasm_mcp.pure.text import cut, terms
from elephantasm_mcp.pure.tokens import estimate_tokens

FULL = 0.95
"""A line is cut to fill what is left, if less than this of the budget is used (contract §2)."""
SHORTEST_CUT_CHARS = 20
"""Less of a line than this says too little to stand in a pack."""


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

    def shortened(self, max_chars: int) -> "Line":
        """The line with the beginning of its text; a quotation stays closed."""
        end = '"' if self.text.endswith('"') else ""
        text = cut(self.text.removesuffix(end), max_chars=max_chars - len(end))
        return replace(self, text=text + end if '"' in text else text)


@dataclass(frozen=True, slots=True)
class Section:
    """A section's candidate lines, best first, and its share of the budget in [0, 1]."""

    title: str
    share: float
    lines: Sequence[Line]


def choose(
    sections: Sequence[Section], *, fixed: Sequence[str], budget_tokens: int
) -> dict[str, list[Line]]:
    """The lines that go in, by title, best first; the last one taken may be cut.

    Each section first gets its share; what one leaves unused goes to the others, in their order.
    Handles are unique in a section.
    """
    choice = _Choice(sections, budget_tokens - sum(tokens_of(text) + 1 for text in fixed))
    budget = choice.left
    for section in sections:
        choice.fill(section, limit=min(choice.left, int(budget * section.share)))
    for _ in range(2):  # measured in between, since each line's cost was rounded up
        for section in sections:
            choice.fill(section, limit=choice.left)
        choice.measure()
    for section in sections:
        if choice.left > (1 - FULL) * budget_tokens:
            choice.top_up(section)
    return choice.by_title()


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

    def __init__(self, sections: Sequence[Section], budget_tokens: int) -> None:
        self._sections = sections
        self._budget_tokens = budget_tokens
        self._chosen: dict[str, dict[str, Line]] = {section.title: {} for section in sections}
        self._terms: list[frozenset[str]] = []
        self.left = budget_tokens

    def fill(self, section: Section, *, limit: int) -> None:
        """Take lines of a section, best first, up to `limit` tokens; longer ones are skipped."""
        spent = 0
        for line in section.lines:
            cost = self._cost(section, line)
            if spent + cost <= limit and self._is_new(section, line):
                self._take(section, line)
                spent += cost
        self.left -= spent

    def top_up(self, section: Section) -> None:
        """Take the beginning of the section's best line that is not in, if enough of it fits."""
        for line in section.lines:
            if self._is_new(section, line):
                shorter = self._shorten(section, line)
                if shorter is not None:
                    self._take(section, shorter)
                    self.measure()
                return

    def measure(self) -> None:
        """Say exactly what is left."""
        text = render(self.by_title(), last_line="", with_handles=True)
        self.left = self._budget_tokens - tokens_of(text)

    def by_title(self) -> dict[str, list[Line]]:
        """The lines that are in, best first."""
        return {
            section.title: [
                self._chosen[section.title][line.handle]
                for line in section.lines
                if line.handle in self._chosen[section.title]
            ]
            for section in self._sections
        }

    def _cost(self, section: Section, line: Line) -> int:
        """Tokens of a line and its newline; with the title where it is the first."""
        title = 0 if self._chosen[section.title] else tokens_of(section.title) + 2
        return title + tokens_of(line.render(with_handles=True)) + 1

    def _shorten(self, section: Section, line: Line) -> Line | None:
        chars = len(line.text)
        shorter = line
        while (cost := self._cost(section, shorter)) > self.left:
            chars = min(chars - 1, chars * self.left // cost)
            if chars < SHORTEST_CUT_CHARS:
                return None
            shorter = line.shortened(chars)
        return shorter

    def _take(self, section: Section, line: Line) -> None:
        self._chosen[section.title][line.handle] = line
        self._terms.append(frozenset(terms(line.text)))

    def _is_new(self, section: Section, line: Line) -> bool:
        if line.handle in self._chosen[section.title]:
            return False
        mine = frozenset(terms(line.text))
        return not any(near_duplicate(mine, other) for other in self._terms)
