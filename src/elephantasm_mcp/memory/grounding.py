"""Grounding: what a synthesizer proposes is kept as far as its sources bear it.

Owns every check of a proposal, whoever made it: that its sources were shown, that its quotes stand
in them, and what is put right (dates, secrets). Invariant: what comes out cites only events that
were shown, and every quote in it is a substring of its event, character for character.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, final

from elephantasm_mcp.pure.dates import annotate
from elephantasm_mcp.pure.redaction import Mask
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
)
from elephantasm_mcp.types.screening import Candidate, Refusal, Screened

MOST_MEMORIES: Final = 20
"""Of one answer, beside one for each event that was shown; what is beyond is passed over."""
MOST_ITEMS: Final = 20
"""Pieces of knowledge of one memory."""
_LETTER: Final = re.compile(r"\w")


@final
class Shown:
    """One event as the synthesizer saw it."""

    def __init__(self, text: str, *, said_on: date) -> None:
        self.text: Final = text
        self.said_on: Final = said_on
        self._folded: tuple[str, list[int]] | None = None

    def has_words(self, quote: str) -> bool:
        """Whether a quote says something: a letter, a digit, or all that was said ("👍")."""
        said = quote.strip()
        return bool(_LETTER.search(said)) or (said != "" and said == self.text.strip())

    def find(self, quote: str) -> str | None:
        """The words of the event that a quote means: white space and case aside, the same."""
        if quote in self.text:
            return quote
        if self._folded is None:
            self._folded = _fold(self.text)
        text, places = self._folded
        wanted, _ = _fold(quote.strip())
        start = text.find(wanted)
        if start < 0 or not wanted:
            return None
        return self.text[places[start] : places[start + len(wanted) - 1] + 1]


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory that its sources bear."""

    place: int
    """Where it stands in the answer."""
    memory: MemoryProposal
    dropped: list[Refusal] = field(default_factory=list)
    """Its knowledge that was not kept."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is kept of an answer, and what is not."""

    kept: list[Kept] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def proposals(self) -> Proposals:
        """The kept memories, as they are stored."""
        return Proposals(memories=[one.memory for one in self.kept])


def ground(
    screened: Screened, shown: Mapping[str, Shown], *, must_quote: bool, mask: Mask
) -> Grounded:
    """Keep what names events that were shown, quotes what stands there, and was not said before.

    `must_quote`: a source without a quote is none. `mask`: what is masked in events.
    """
    rules = _Rules(shown, must_quote=must_quote, mask=mask)
    grounded = Grounded(refused=list(screened.refused))
    said: set[tuple[str, ...]] = set()
    for one in screened.candidates:
        try:
            grounded.kept.append(_admit(rules.ground(one), said, most=MOST_MEMORIES + len(shown)))
        except _UngroundedError as error:
            reason = f"`memories[{one.place}]` was not kept: {error}."
            grounded.refused.append(Refusal(one.place, reason, frozenset(_cited(one.memory))))
    grounded.refused.sort(key=lambda refusal: refusal.place)
    return grounded


def _admit(kept: Kept, said: set[tuple[str, ...]], *, most: int) -> Kept:
    """A memory that is not one too many, and says something new."""
    key = (kept.memory.summary, kept.memory.content, *sorted(_cited(kept.memory)))
    if len(said) >= most:
        raise _UngroundedError("it is beyond what one answer may hold")
    if key in said:
        raise _UngroundedError("it says the same as an earlier one")
    said.add(key)
    return kept


class _UngroundedError(Exception):
    """A proposal that its sources do not bear; the text says why."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for all proposals of one answer."""

    shown: Mapping[str, Shown]
    must_quote: bool
    mask: Mask

    def ground(self, candidate: Candidate) -> Kept:
        """A memory with what is kept of its sources and its knowledge."""
        memory = candidate.memory
        sources = self._check(memory.sources)
        items: list[KnowledgeProposal] = []
        dropped = list(candidate.dropped)
        for place, item in candidate.items:
            try:
                items.append(self._ground_item(item, room=len(items) < MOST_ITEMS))
            except _UngroundedError as error:
                reason = f"`knowledge[{place}]` was not kept: {error}."
                dropped.append(Refusal(place, reason))
        grounded = memory.model_copy(
            update={
                "summary": self._put_right(memory.summary, sources),
                "content": self._put_right(memory.content, sources),
                "sources": sources,
                "knowledge": items,
            }
        )
        return Kept(candidate.place, grounded, sorted(dropped, key=lambda one: one.place))

    def _ground_item(self, item: KnowledgeProposal, *, room: bool) -> KnowledgeProposal:
        if not room:
            raise _UngroundedError(f"a memory has at most {MOST_ITEMS} pieces of knowledge")
        sources = self._check(item.sources)
        content = self._put_right(item.content, sources)
        return item.model_copy(update={"content": content, "sources": sources})

    def _check(self, sources: Iterable[SourceQuote]) -> list[SourceQuote]:
        """The sources that hold, each once, with the words as they stand in the event."""
        found: dict[tuple[str, str | None], SourceQuote] = {}
        wrong: list[str] = []
        for source in sources:
            try:
                quote = self._quoted(source)
            except _UngroundedError as error:
                wrong.append(str(error))
                continue
            true = source.model_copy(update={"quote": quote})
            found.setdefault((source.event, quote), true)
        if not found:
            raise _UngroundedError("; ".join(dict.fromkeys(wrong)) or "it names no source")
        return list(found.values())

    def _quoted(self, source: SourceQuote) -> str | None:
        """The words of the event that a source quotes; None when it quotes none and need not."""
        event = self.shown.get(source.event)
        if event is None:
            raise _UngroundedError(f"{source.event[:20]!r} is none of the events that were shown")
        if source.quote is None and not self.must_quote:
            return None
        if source.quote is None or not event.has_words(source.quote):
            raise _UngroundedError(f"it quotes no words of {source.event}")
        quote = event.find(source.quote)
        if quote is None:
            raise _UngroundedError(f"its quote does not stand in {source.event}")
        return quote

    def _put_right(self, text: str, sources: Sequence[SourceQuote]) -> str:
        """A text with dates behind "yesterday" and the like, and without secrets.

        Dates need one day on which all of it was said: without one, none is certain.
        """
        days = {self.shown[source.event].said_on for source in sources}
        if len(days) == 1:
            text = annotate(text, said_on=days.pop())
        return self.mask(text)[0]


def _cited(memory: MemoryProposal) -> set[str]:
    return {source.event for source in memory.sources}


def _fold(text: str) -> tuple[str, list[int]]:
    """A text without case, each run of white space as one blank; and where each letter stood."""
    letters: list[str] = []
    places: list[int] = []
    blank = True
    for place, char in enumerate(text):
        if char.isspace():
            if not blank:
                letters.append(" ")
                places.append(place)
            blank = True
            continue
        blank = False
        for letter in char.casefold():
            letters.append(letter)
            places.append(place)
    return "".join(letters), places
