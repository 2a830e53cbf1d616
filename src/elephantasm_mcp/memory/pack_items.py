"""Pack items: the candidate lines of a pack, how they stand and how they read.

Owns the line of each kind of row and its score. Which of them go in is `packs`' and
`pure/packing.py`'s. Invariant: an item is one line, whatever its row holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from elephantasm_mcp.memory import index, recall
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.pure import packing, scoring
from elephantasm_mcp.pure.labels import age_label, clock_time, day
from elephantasm_mcp.pure.packing import Line
from elephantasm_mcp.pure.passages import best_passage
from elephantasm_mcp.pure.scoring import Scored
from elephantasm_mcp.pure.text import cut, to_line
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.cache import StoredRow
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory
from elephantasm_mcp.types.reading import Reason
from elephantasm_mcp.types.records import EventState, MemoryState, Trust

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elephantasm_mcp.memory.granted import Granted
    from elephantasm_mcp.pure.ranking import Ranking

MAX_QUOTED_CHARS = 100_000
"""Where a passage is looked for: what ranking reads of a text."""
RAW_WORDS = 120
"""A raw event is quoted whole up to here: cutting earlier costs evidence (recall.md)."""
RAW_CHARS = 1_000
"""And never longer than this: a word may be of any length."""
CONTRADICTION_CHARS = 120
"""How much of the other side of a conflict stands in a line."""
AUTHOR_CHARS = 40
"""How much of an author's name stands in a line."""
OUTSIDE = "reported, unverified"
"""What is said of words that came from outside."""


@dataclass(frozen=True, slots=True)
class Item:
    """One candidate line with the row behind it."""

    line: Line
    tokens: int
    """What the line costs with its handle."""
    row: StoredRow
    time: datetime
    standing: Scored
    """How the row stands without a query,"""
    standing_reason: Reason
    """and why it may then be here."""
    score: float
    """What it is worth, comparable between sections."""
    beside: Scored
    """What its standing counts beside a query."""
    is_whole: bool = True
    """Whether the line says all of the row."""
    answers: Answers | None = None
    """What a query found, if there is one,"""
    rank: int = 0
    """and at which rank this row."""
    granted: Granted | None = None
    """Whose row it is, if another anima's."""

    @property
    def own_handle(self) -> str:
        """The handle of the row in its own anima."""
        match self.row:
            case StoredEvent(event=event):
                return event.handle
            case StoredMemory(memory=memory):
                return memory.handle
            case StoredKnowledge(knowledge=knowledge):
                return knowledge.handle

    @property
    def scored(self) -> Scored:
        """The score, and what each factor gave of it."""
        if self.answers is None:
            return self.standing
        return Scored(self.score, self.answers.breakdown(self.rank) | self.beside.breakdown)

    @property
    def reason(self) -> Reason:
        """Why it may be here."""
        if self.answers is None:
            return self.standing_reason
        return recall.reason_of(self.row, worded=bool(self.answers.found.worded[self.rank]))

    @property
    def similarity(self) -> float | None:
        """The cosine to the query, if a model took part."""
        if self.answers is None or self.answers.found.similarity is None:
            return None
        return float(self.answers.found.similarity[self.rank])

    @property
    def firm(self) -> bool:
        """Whether it may claim its layer's share of the budget (contract §2)."""
        return self.answers is None or self.answers.firm[self.rank]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a query found, as it counts in a pack; lists by rank."""

    found: Ranking
    parts: NDArray[np.float64]
    """What each kind of evidence counts, shape (n, kinds)."""
    scores: list[float]
    """What they add up to."""
    firm: list[bool]
    """Whether a row would not be weak in any company."""

    @classmethod
    def of(cls, found: Ranking) -> Answers:
        """For all that was found."""
        import numpy as np

        from elephantasm_mcp.pure import weights

        parts = np.round(found.parts * scoring.QUERY_SHARE, 6) + 0.0
        return cls(
            found,
            parts,
            parts.sum(axis=1).tolist(),
            (found.relevance >= weights.FLOOR_OF_WORDS).tolist(),
        )

    def breakdown(self, rank: int) -> dict[str, float]:
        """What each kind of evidence counts."""
        from elephantasm_mcp.pure import weights

        return dict(zip(weights.SCORE, self.parts[rank].tolist(), strict=True))


def found_item(
    standing: Item, answers: Answers, rank: int, *, max_words: int, clock: datetime
) -> Item:
    """What a query found: relevance first, how it stands without one second.

    A long event is quoted by the passage of `max_words` that holds most of the query's terms, by
    their worth.
    """
    line, tokens, row = standing.line, standing.tokens, standing.row
    if not standing.is_whole and isinstance(row, StoredEvent):
        said = best_passage(
            row.event.content[:MAX_QUOTED_CHARS],
            answers.found.worth,
            max_words=max_words,
            max_chars=max_words * 8,
        )
        line = event_line(row, clock, said=said)
        tokens = packing.cost_of(line)
    return Item(
        line=line,
        tokens=tokens,
        row=row,
        time=standing.time,
        standing=standing.standing,
        standing_reason=standing.standing_reason,
        score=round(answers.scores[rank] + standing.beside.score, 6),
        beside=standing.beside,
        answers=answers,
        rank=rank,
    )


def standing_item(anima: StoredAnima, row: StoredRow, *, clock: datetime) -> Item:
    """The line of a row in a long-term section, and how it stands without a query."""
    scored = _standing(anima, row, clock)
    match row:
        case StoredEvent():
            return event_item(row, scored, "recency", clock)
        case StoredMemory():
            return memory_item(row, scored, standing_reason(row), clock)
        case StoredKnowledge():
            return knowledge_item(row, scored, standing_reason(row))


def _standing(anima: StoredAnima, row: StoredRow, clock: datetime) -> Scored:
    """How a row stands without a query."""
    match row:
        case StoredEvent():
            return event_standing(anima, row, clock)
        case StoredMemory():
            return memory_standing(anima, row, clock)
        case StoredKnowledge():
            return knowledge_standing(row, clock, anima.settings.recency_half_life_h)


def recency_only(moment: datetime, clock: datetime, half_life_h: float) -> Scored:
    """How recent something is, and nothing else: what counts inside a session."""
    return scoring.weigh(
        {"recency": scoring.recency(clock - moment, half_life_h=half_life_h)}, {"recency": 1.0}
    )


def memory_standing(anima: StoredAnima, one: StoredMemory, clock: datetime) -> Scored:
    """The four factors of a memory (design.md §2); a decaying one counts half."""
    memory = one.memory
    unused_since = one.last_accessed_at or memory.created_at
    decayed = scoring.decay(
        clock - unused_since,
        accesses=one.access_count,
        half_life_d=anima.settings.decay_half_life_d,
    )
    scored = scoring.composite(
        importance=memory.importance or 0.0,
        confidence=memory.confidence or 0.0,
        recency=scoring.recency(
            clock - (memory.time_end or memory.created_at),
            half_life_h=anima.settings.recency_half_life_h,
        ),
        freshness=1.0 - decayed,
    )
    if memory.pinned:
        return Scored(score=1.0, breakdown={"pinned": 1.0})
    if memory.state is MemoryState.DECAYING:
        return scoring.scale(scored, scoring.DECAYING_PENALTY)
    return scored


def event_standing(anima: StoredAnima, event: StoredEvent, clock: datetime) -> Scored:
    """A raw event stands like a memory of middling importance that was just made."""
    importance = event.event.importance_score
    return scoring.composite(
        importance=0.5 if importance is None else importance,
        confidence=0.5,
        recency=scoring.recency(clock - event.time, half_life_h=anima.settings.recency_half_life_h),
        freshness=1.0,
    )


def knowledge_standing(one: StoredKnowledge, clock: datetime, half_life_h: float) -> Scored:
    """Certainty and recency of a knowledge item; a pinned one comes first."""
    knowledge = one.knowledge
    if knowledge.pinned:
        return Scored(score=1.0, breakdown={"pinned": 1.0})
    age = clock - (knowledge.valid_from or knowledge.created_at)
    return scoring.weigh(
        {
            "confidence": knowledge.confidence,
            "recency": scoring.recency(age, half_life_h=half_life_h),
        },
        scoring.KNOWLEDGE,
    )


def standing_reason(one: StoredMemory | StoredKnowledge) -> Reason:
    """Why a row stands in a pack without a query."""
    if isinstance(one, StoredKnowledge):
        return "pinned" if one.knowledge.pinned else "high importance"
    if one.memory.pinned:
        return "pinned"
    return "high importance" if (one.memory.importance or 0.0) >= 0.5 else "recency"


def memory_item(one: StoredMemory, scored: Scored, reason: Reason, clock: datetime | None) -> Item:
    """A memory's line; with a clock its age stands before it."""
    time = one.memory.time_end or one.memory.created_at
    age = f"[{age_label(time, now=clock)}] " if clock else ""
    text = _as_line(one.memory.summary or "")
    mark = _mark(one.memory.trust)
    line = Line(prefix=f"- {age}", text=text, handle=one.memory.handle, mark=mark)
    return _item(line, one, scored, reason, time)


def event_item(
    event: StoredEvent, scored: Scored, reason: Reason, clock: datetime, *, in_session: bool = False
) -> Item:
    """A raw event's line, as `event_line`."""
    content = event.event.content
    said = cut(content, max_words=RAW_WORDS, max_chars=RAW_CHARS)
    line = event_line(event, clock, said=said, in_session=in_session)
    return _item(line, event, scored, reason, event.time, is_whole=said == content)


def event_line(event: StoredEvent, clock: datetime, *, said: str, in_session: bool = False) -> Line:
    """What is quoted of it, attributed, with its age and day; in its session with its time.

    Days and times are those of the clock's zone.
    """
    time = event.time.astimezone(clock.tzinfo)
    when = clock_time(time) if in_session else day(time)
    age = "" if in_session else f"[{age_label(time, now=clock)}] "
    text = f"{author_of(event)}, {when}: {quoted(_as_line(said))}"
    raw = event.event.state in (EventState.PENDING, EventState.HELD)
    marks = [mark for mark in ("raw" if raw else "", _mark(event.event.trust)) if mark]
    return Line(prefix=f"- {age}", text=text, handle=event.event.handle, mark="; ".join(marks))


def knowledge_item(one: StoredKnowledge, scored: Scored, reason: Reason) -> Item:
    """A knowledge item's line: its type, and what is known."""
    line = Line(
        prefix=f"- [{one.knowledge.type}] ",
        text=_as_line(one.knowledge.content),
        handle=one.knowledge.handle,
        mark=_mark(one.knowledge.trust),
    )
    time = one.knowledge.valid_from or one.knowledge.created_at
    return _item(line, one, scored, reason, time)


def contradicted(item: Item, *, by: Row) -> Item:
    """The same line, saying what another says instead: a person or the agent may settle it."""
    text = by.snapshot.get("summary") or by.snapshot["content"]
    said = quoted(to_line(text, max_chars=CONTRADICTION_CHARS))
    marks = [mark for mark in (item.line.mark, f"unsettled: {by.handle} says {said}") if mark]
    line = replace(item.line, mark="; ".join(marks))
    return replace(item, line=line, tokens=packing.cost_of(line))


def _item(
    line: Line,
    row: StoredRow,
    scored: Scored,
    reason: Reason,
    time: datetime,
    *,
    is_whole: bool = True,
) -> Item:
    return Item(
        line=line,
        tokens=packing.cost_of(line),
        row=row,
        time=time,
        standing=scored,
        standing_reason=reason,
        score=scored.score,
        is_whole=is_whole,
        beside=scoring.scale(scored, 1 - scoring.QUERY_SHARE),
    )


def author_of(event: StoredEvent) -> str:
    """Who speaks in an event, on a line and not too long."""
    return _short_name(index.event_author(event))


@lru_cache(maxsize=1024)
def _short_name(author: str) -> str:
    return to_line(author, max_chars=AUTHOR_CHARS)


@lru_cache(maxsize=8192)
def _as_line(text: str) -> str:
    return to_line(text)


def quoted(line: str) -> str:
    """The line between quotation marks, which it cannot close."""
    return '"' + line.replace('"', "'") + '"'


def _mark(trust: Trust) -> str:
    return OUTSIDE if trust is Trust.REPORTED else ""


def as_memories(items: Sequence[Item]) -> list[dict[str, Any]]:
    """The items that are memories or events, as a `ScoredMemory` is written in JSON."""
    return [
        {
            "id": str(row.event.id if isinstance(row, StoredEvent) else row.memory.id),
            "handle": item.line.handle,
            "summary": item.line.text,
            **_why(item),
            "raw": isinstance(row, StoredEvent),
        }
        for item in items
        if not isinstance(row := item.row, StoredKnowledge)
    ]


def as_knowledge(items: Sequence[Item]) -> list[dict[str, Any]]:
    """The items that are knowledge, as a `ScoredKnowledge` is written in JSON."""
    return [
        {
            "id": str(row.knowledge.id),
            "handle": item.line.handle,
            "content": row.knowledge.content,
            "type": row.knowledge.type.value,
            **_why(item),
        }
        for item in items
        if isinstance(row := item.row, StoredKnowledge)
    ]


def _why(item: Item) -> dict[str, Any]:
    scored = item.scored
    return {
        "score": scored.score,
        "reason": item.reason,
        "breakdown": scored.breakdown,
        "similarity": item.similarity,
        "origin": item.granted.origin.model_dump(mode="json") if item.granted else None,
    }
