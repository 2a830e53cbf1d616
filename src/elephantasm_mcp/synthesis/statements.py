"""A quote with its worth, and which quotes a memory shows.

Owns the record, its making and the choice. What people say is read in `persons`, what assistants
and tools report in `replies`. Invariant: a statement's quote is an exact substring of its event.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from elephantasm_mcp.synthesis.cues import HEDGED_CONFIDENCE, VERBATIM_CONFIDENCE, hedges
from elephantasm_mcp.synthesis.quotes import cut
from elephantasm_mcp.synthesis.sentences import Sentence
from elephantasm_mcp.synthesis.turns import Turn
from elephantasm_mcp.synthesis.words import content_stem, count_words, plain, spelled

MAX_QUOTE_WORDS: Final = 32
_REDUNDANT: Final = 0.6
"""Share of a statement's content words that an earlier choice may already have."""
_SAME_TURN_POINTS: Final = 0.6
"""What each further statement of a turn loses, so that every turn gets its line."""
_CUT_POINTS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Statement:
    """A quote of the turn at place `no`. `whole` is False where the sentence goes on behind it.

    `trusted` is how much its speaker is, when not hedging.
    `asked` is the question that it answers, where it says little without it.
    """

    no: int
    turn: Turn
    start: int
    quote: str
    whole: bool
    score: float
    trusted: float
    asks: bool = False
    asked: tuple[Turn, str] | None = None

    @property
    def confidence(self) -> float:
        """How sure it is: as its speaker, less with a hedge."""
        return min(self.trusted, HEDGED_CONFIDENCE) if hedges(self.quote) else self.trusted

    @property
    def stems(self) -> frozenset[str]:
        """The content words of the quote."""
        return frozenset(content_stem(plain(word)) for word in spelled(self.quote)) - {""}

    @property
    def words(self) -> int:
        """Length as shown, with the question that it answers."""
        return count_words(self.quote) + (count_words(self.asked[1]) if self.asked else 0)


def state(
    no: int,
    turn: Turn,
    clause: Sentence,
    *,
    score: float,
    confidence: float = VERBATIM_CONFIDENCE,
    asked: tuple[Turn, str] | None = None,
) -> Statement:
    """The statement that quotes `clause`, cut if it is endless."""
    quote = cut(clause.text, max_words=MAX_QUOTE_WORDS)
    return Statement(
        no=no,
        turn=turn,
        start=clause.start,
        quote=quote,
        whole=clause.whole and quote == clause.text,
        score=score,
        trusted=confidence,
        asked=asked,
    )


def shortened(statement: Statement, *, max_words: int) -> Statement:
    """The statement with its quote cut to `max_words`; what is cut is worth less."""
    quote = cut(statement.quote, max_words=max_words)
    if quote == statement.quote:
        return statement
    return replace(statement, quote=quote, whole=False, score=statement.score - _CUT_POINTS)


def spread(found: Iterable[Statement]) -> list[Statement]:
    """The same statements, the second and third best of a turn at a lower score."""
    before: Counter[int] = Counter()
    spaced: list[Statement] = []
    for statement in sorted(found, key=_best_first):
        lost = _SAME_TURN_POINTS * before[statement.no]
        before[statement.no] += 1
        spaced.append(replace(statement, score=statement.score - lost) if lost else statement)
    return spaced


def choose(found: Iterable[Statement], *, max_words: int, limit: int) -> list[Statement]:
    """The best statements that fit, each adding something to the better ones, as they were said."""
    chosen: list[Statement] = []
    said: list[frozenset[str]] = []
    words = 0
    for statement in sorted(found, key=_best_first):
        if len(chosen) == limit:
            break
        if words + statement.words > max_words:
            continue
        stems = statement.stems
        if not any(_repeats(stems, other) for other in said):
            chosen.append(statement)
            said.append(stems)
            words += statement.words
    return sorted(chosen, key=lambda s: (s.no, s.start))


def _best_first(statement: Statement) -> tuple[float, int, int]:
    return (-statement.score, statement.no, statement.start)


def _repeats(stems: frozenset[str], other: frozenset[str]) -> bool:
    return bool(stems) and len(stems & other) >= _REDUNDANT * len(stems)
