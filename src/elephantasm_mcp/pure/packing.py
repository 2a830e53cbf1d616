"""Packing: which lines of which section fit into a token budget, and how the pack reads.

Owns choosing and rendering, for lines of any origin. Invariant: what `render` gives for the chosen
lines, with handles, is never longer than the budget; no line that would still fit is left out,
unless it repeats one that is in; and where lines are left, one is cut to fill the budget.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zlib import crc32

from elephantasm_mcp.pure.similarity import near_duplicate
from elephantasm_mcp.pure.text import cut, terms
from elephantasm_mcp.pure.tokens import estimate_tokens

FULL = 0.95
"""A line is cut to fill what is left, if less than this of the budget is used (contract §2)."""
MASK_BITS = 512
LEAST_SHARED = 0.63
"""Near-duplicates have more than this share of either's terms in common: .95 of ⅔."""
SHORTEST_CUT_CHARS = 24
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
    costs: Sequence[int]
    """What `cost_of` gives for each line."""
    scores: Sequence[float]
    """What each line is worth, comparable between sections."""
    firm: Sequence[bool]
    """Whether it may claim the section's share, or only compete for what is left."""


def choose(
    sections: Sequence[Section], *, fixed: Sequence[str], budget_tokens: int
) -> dict[str, list[Line]]:
    """The lines that go in, by title, best first; the last one taken may be cut.

    The firm lines of each section first get its share; what is left goes to the best of any.
    Handles are unique in a section.
    """
    choice = _Choice(sections, budget_tokens - sum(tokens_of(text) + 1 for text in fixed))
    budget = choice.left
    for section in sections:
        choice.fill(section, limit=min(choice.left, int(budget * section.share)))
    choice.fill_any()
    choice.measure()  # each line's cost was rounded up
    choice.fill_any()
    for section in sections:
        if choice.left > (1 - FULL) * budget_tokens:
            choice.top_up(section)
    return choice.by_title()


def cost_of(line: Line) -> int:
    """The tokens of a line with its handle, without its newline."""
    return tokens_of(line.render(with_handles=True))


def repeated(line: Line, chosen: Iterable[Line]) -> Line | None:
    """The line among those that were chosen that says nearly the same: why this one is not."""
    mine = _terms_of(line.text)
    return next((one for one in chosen if near_duplicate(mine, _terms_of(one.text))), None)


def render(
    lines: Mapping[str, Sequence[Line]], *, first: str = "", last_line: str, with_handles: bool
) -> str:
    """The markdown: `first`, sections in their order, empty ones left out, then the last line."""
    blocks = [first] if first else []
    blocks += [
        "\n".join([title, *(line.render(with_handles=with_handles) for line in chosen)])
        for title, chosen in lines.items()
        if chosen
    ]
    return "\n\n".join([*blocks, last_line] if last_line else blocks)


@lru_cache(maxsize=8192)
def tokens_of(text: str) -> int:
    """Tokens of a text by the fitted estimator, rounded up."""
    return estimate_tokens(text)


@lru_cache(maxsize=8192)
def _terms_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))


@lru_cache(maxsize=8192)
def _mask(text: str) -> int:
    """The terms of a text as bits; two of them may share one."""
    mask = 0
    for term in _terms_of(text):
        mask |= 1 << crc32(term.encode()) % MASK_BITS
    return mask


class _Choice:
    """What was chosen so far, and what is left of the budget."""

    def __init__(self, sections: Sequence[Section], budget_tokens: int) -> None:
        self._sections = sections
        self._budget_tokens = budget_tokens
        self._chosen: dict[str, dict[str, Line]] = {section.title: {} for section in sections}
        self._ranked = sorted(
            (-score, number, place)
            for number, section in enumerate(sections)
            for place, score in enumerate(section.scores)
        )
        self._taken: list[tuple[int, frozenset[str]]] = []
        self._repeats: set[str] = set()
        self.left = budget_tokens

    def fill(self, section: Section, *, limit: int) -> None:
        """Take firm lines of a section, best first, up to `limit` tokens; longer ones wait.

        The very best may take more than that: it is what the pack is read for.
        """
        spent = 0
        for place, line in enumerate(section.lines):
            cost = self._title_cost(section) + section.costs[place] + 1
            room = limit if place else self.left
            if section.firm[place] and spent + cost <= room and self._is_new(section, line):
                self._take(section, line)
                spent += cost
        self.left -= spent

    def fill_any(self) -> None:
        """Take lines of all sections, best first, as long as they fit."""
        for _, number, place in self._ranked:
            section = self._sections[number]
            cost = section.costs[place] + 1
            if cost > self.left or (cost := cost + self._title_cost(section)) > self.left:
                continue
            if self._is_new(section, section.lines[place]):
                self._take(section, section.lines[place])
                self.left -= cost

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

    def _title_cost(self, section: Section) -> int:
        """Tokens of the section's title, as long as no line stands below it."""
        return 0 if self._chosen[section.title] else tokens_of(section.title) + 2

    def _shorten(self, section: Section, line: Line) -> Line | None:
        chars = len(line.text)
        shorter = line
        title = self._title_cost(section)
        while (cost := title + cost_of(shorter) + 1) > self.left:
            chars = min(chars - 1, chars * self.left // cost)
            if chars < SHORTEST_CUT_CHARS:
                return None
            shorter = line.shortened(chars)
        return shorter

    def _take(self, section: Section, line: Line) -> None:
        self._chosen[section.title][line.handle] = line
        self._taken.append((_mask(line.text), _terms_of(line.text)))

    def _is_new(self, section: Section, line: Line) -> bool:
        if line.handle in self._chosen[section.title] or line.handle in self._repeats:
            return False
        mine, mask = _terms_of(line.text), _mask(line.text)
        # who shares less is no duplicate; terms that share a bit are counted as one
        least = LEAST_SHARED * len(mine) - (len(mine) - mask.bit_count())
        for other_mask, other in self._taken:
            if (mask & other_mask).bit_count() >= least and near_duplicate(mine, other):
                self._repeats.add(line.handle)
                return False
        return True
