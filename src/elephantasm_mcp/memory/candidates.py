"""Candidates: the lines that may stand in a pack, by section, best first.

Owns what competes in each section, and when a memory gives way to the event it was made of. How a
line reads is `pack_items`', which of them go in is `pure/packing.py`'s. Invariant: what competes
depends on the state, the query and the clock, not on what was read before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from elephantasm_mcp.memory import conflicts, index, pack_items, recall
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.memory.pack_items import Answers, Item
from elephantasm_mcp.memory.presets import KNOWLEDGE, LONG_TERM, SESSION, SHARES, Preset
from elephantasm_mcp.memory.recall import Retrieved, RowKey
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import scoring
from elephantasm_mcp.pure.scoring import Scored
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.cache import AnimaState
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.records import EventState, EventType, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.asking import Asked

MOST = 400
"""How many rows of each kind compete for a pack."""
SAID = (EventType.MESSAGE_IN, EventType.MESSAGE_OUT, EventType.SYSTEM)
GIVEN = (EventType.TOOL_RESULT,)
MOST_GIVEN = 3
"""How many of what tools gave, where nobody asked for it."""
GIVING_WAY = 100
"""Ranks: 0 leaves 3 % of the evidence of LoCoMo out of packs of 2,000 tokens."""
AMPLE = 1.1
"""With a query no more lines compete than would fill the budget so many times, and each section's
share of it: some repeat others."""
BEST = 3
BEST_WORDS = 300
"""So many of the best hits may be quoted at this length."""
ROWS_AT_ONCE = 24
KEPT_LINES = 5_000
"""How many lines are kept while nothing changes."""

Lines = dict[str, list[Item]]
"""By section."""


@dataclass(frozen=True, slots=True)
class _Session:
    """The current session: its id, and the span of its events."""

    session_id: str | None
    start: datetime
    end: datetime


def without_query(
    tx: Tx, anima: StoredAnima, *, session_id: str | None, preset: Preset, clock: datetime
) -> Lines:
    """What matters, what is recent, and the current session."""
    raw = _raw_events(tx, anima)
    in_session = _session_items(
        tx, anima, raw, session_id=session_id, window=preset.session_window, clock=clock
    )
    knowledge, long_term = _by_standing(tx, anima, raw, clock=clock)
    return _unsettled(_by_section(in_session, knowledge, long_term), _contradicted(tx, anima))


def for_query(
    tx: Tx,
    core: Core,
    anima: StoredAnima,
    asked: Asked,
    *,
    session_id: str | None,
    preset: Preset,
    max_tokens: int,
    clock: datetime,
) -> tuple[Lines, Retrieved]:
    """What is above the relevance floor, and the current session; and what the query found."""
    state = core.corpora.get(tx, anima, index.models_of(core))
    window = preset.session_window
    key = ("session", session_id, window, clock)
    if key not in state.notes:
        raw = _raw_events(tx, anima)
        state.notes[key] = _session_items(
            tx, anima, raw, session_id=session_id, window=window, clock=clock
        )
    in_session = cast("list[Item]", state.notes[key])
    retrieved = recall.retrieve(state, core, anima, asked)
    knowledge, long_term = _by_question(tx, anima, retrieved, max_tokens=max_tokens, clock=clock)
    asked_once = ("contradicted",)
    if asked_once not in state.notes:
        state.notes[asked_once] = _contradicted(tx, anima)
    told = cast("dict[str, Row]", state.notes[asked_once])
    return _unsettled(_by_section(in_session, knowledge, long_term), told), retrieved


def told_by(tx: Tx, retrieved: Retrieved) -> dict[RowKey, RowId]:
    """The memories that a source of theirs tells better, each with the best such event.

    A summary shares words with many questions; the words that answer stand in the event. So it
    gives way to a source that is found up to `GIVING_WAY` ranks after it; a pinned one does not.
    """
    keys = [retrieved.keys[rank] for rank in retrieved.ranks("event", "memory")]
    place_of = {id_: place for place, (layer, id_) in enumerate(keys) if layer == "event"}
    found = [(place, id_) for place, (layer, id_) in enumerate(keys) if layer == "memory"]
    made_of = _made_of(tx, retrieved.state, [id_ for _, id_ in found])
    told: dict[RowKey, RowId] = {}
    for place, memory in found:
        sources = [event for event in made_of[memory] if event in place_of]
        best = min(sources, key=place_of.__getitem__, default=None)
        if best is not None and place_of[best] < place + GIVING_WAY:
            told["memory", memory] = best
    return told


def _contradicted(tx: Tx, anima: StoredAnima) -> dict[str, Row]:
    """What is said otherwise of the rows in open conflicts, by their handles."""
    open_conflicts = conflicts.open_of(tx, anima)
    told = {one.first.handle: one.second for one in open_conflicts}
    return told | {one.second.handle: one.first for one in open_conflicts}


def _unsettled(lines: Lines, told: Mapping[str, Row]) -> Lines:
    """The same lines; one that another contradicts, and nobody knows which holds, says so."""
    if not told:
        return lines
    return {
        title: [
            pack_items.contradicted(item, by=told[item.line.handle])
            if item.line.handle in told
            else item
            for item in items
        ]
        for title, items in lines.items()
    }


def _by_section(
    in_session: Sequence[Item], knowledge: Sequence[Item], long_term: Sequence[Item]
) -> Lines:
    """Each section best first; what stands in the session stands nowhere else."""
    taken = {item.line.handle for item in in_session}
    return {
        SESSION: _ranked(in_session),
        KNOWLEDGE: _ranked(knowledge),
        LONG_TERM: _ranked([item for item in long_term if item.line.handle not in taken]),
    }


def _ranked(items: Sequence[Item]) -> list[Item]:
    """Best first; of equals the latest. All of the clock's hour is equally recent."""

    def place(item: Item) -> tuple[float, float, str, RowId]:
        return -item.score, -item.time.timestamp(), item.line.handle[0], item.row.id

    return sorted(items, key=place)


# The current session


def _session_items(
    tx: Tx,
    anima: StoredAnima,
    raw: Sequence[StoredEvent],
    *,
    session_id: str | None,
    window: timedelta,
    clock: datetime,
) -> list[Item]:
    """The memories of the session, and its events that are not in a memory yet."""
    session = _current_session(tx, anima, session_id, window=window, clock=clock)
    if session is None:
        return []
    found = memories.session_memories(
        tx, anima, session.session_id, since=session.start, until=session.end
    )
    items = [
        pack_items.memory_item(one, _recent(one.memory.time_end or clock, clock), "recency", None)
        for one in found
    ]
    return items + [
        pack_items.event_item(event, _recent(event.time, clock), "recency", clock, in_session=True)
        for event in raw
        if event.event.session_id == session.session_id
        and session.start <= event.time <= session.end
    ]


def _recent(moment: datetime, clock: datetime) -> Scored:
    return pack_items.recency_only(moment, clock, scoring.SESSION_RECENCY_HALF_LIFE_H)


def _current_session(
    tx: Tx, anima: StoredAnima, session_id: str | None, *, window: timedelta, clock: datetime
) -> _Session | None:
    """The given session, else the last one if it ended within the window before the clock."""
    if session_id is not None:
        span = events.session_span(tx, anima, session_id)
        return _Session(session_id, *span) if span else None
    last = events.last(tx, anima, until=clock + timedelta(hours=1))
    if last is None or clock - last.time > window:
        return None
    gap = (
        window
        if last.event.session_id is not None
        else timedelta(minutes=anima.settings.session_gap_min)
    )
    start = events.session_start(tx, anima, last.event.session_id, until=last.time, gap=gap)
    return _Session(last.event.session_id, start or last.time, last.time)


def _raw_events(tx: Tx, anima: StoredAnima) -> list[StoredEvent]:
    """Events that no memory speaks for: the latest `MOST` of each state that were said.

    Of what tools gave only the very last: in an agent's work it is a hundred lines of code around
    each sentence. A question finds it. Of held events something may stand: what was provisional
    before the dream that was undone.
    """
    pending, held = (
        [
            *events.latest_in_state(tx, anima, state, types=SAID, limit=MOST),
            *events.latest_in_state(tx, anima, state, types=GIVEN, limit=MOST_GIVEN),
        ]
        for state in (EventState.PENDING, EventState.HELD)
    )
    told = memories.told_events(tx, [event.id for event in held])
    return [*pending, *(event for event in held if event.id not in told)]


# Without a query


def _by_standing(
    tx: Tx, anima: StoredAnima, raw: Sequence[StoredEvent], *, clock: datetime
) -> tuple[list[Item], list[Item]]:
    """Knowledge and long-term lines without a query: what matters, and what is recent."""
    facts = memories.current_knowledge(tx, anima, limit=MOST)
    half_life_h = anima.settings.recency_half_life_h
    knowledge = [
        pack_items.knowledge_item(
            one,
            pack_items.knowledge_standing(one, clock, half_life_h),
            pack_items.standing_reason(one),
        )
        for one in facts
    ]
    both = memories.important_memories(tx, anima, limit=MOST) + memories.latest_memories(
        tx, anima, limit=MOST
    )
    long_term = [
        pack_items.memory_item(
            one,
            pack_items.memory_standing(anima, one, clock),
            pack_items.standing_reason(one),
            clock,
        )
        for one in {one.id: one for one in both}.values()
    ]
    long_term += [
        pack_items.event_item(
            event, pack_items.event_standing(anima, event, clock), "recency", clock
        )
        for event in raw
    ]
    return knowledge, long_term


# With a query


def _by_question(
    tx: Tx, anima: StoredAnima, retrieved: Retrieved, *, max_tokens: int, clock: datetime
) -> tuple[list[Item], list[Item]]:
    """Knowledge and long-term lines in the order of what was found, as many as may fit."""
    answers, told = Answers.of(retrieved.ranking), told_by(tx, retrieved)
    found: Lines = {KNOWLEDGE: [], LONG_TERM: []}
    room, said = _Room(max_tokens), set[str]()
    ranks = retrieved.ranks(*LAYERS)
    for start in range(0, len(ranks), ROWS_AT_ONCE):
        part = [
            (rank, title)
            for rank in ranks[start : start + ROWS_AT_ONCE]
            if retrieved.keys[rank] not in told and room.takes(title := _section(retrieved, rank))
        ]
        lines = _lines(tx, anima, retrieved, [rank for rank, _ in part], clock=clock)
        for (rank, title), standing in zip(part, lines, strict=True):
            if not room.takes(title) or len(found[title]) == MOST:
                continue
            best = len(found[title]) < BEST
            max_words = BEST_WORDS if best else pack_items.RAW_WORDS
            item = pack_items.found_item(standing, answers, rank, max_words=max_words, clock=clock)
            found[title].append(item)
            if (text := recall.text_of(item.row)) not in said:  # what repeats others takes no room
                said.add(text)
                room.take(title, item.tokens)
    return found[KNOWLEDGE], found[LONG_TERM]


def _section(retrieved: Retrieved, rank: int) -> str:
    return KNOWLEDGE if retrieved.keys[rank][0] == "knowledge" else LONG_TERM


class _Room:
    """How many tokens of lines may still compete."""

    def __init__(self, max_tokens: int) -> None:
        self._of = {title: AMPLE * share * max_tokens for title, share in SHARES.items()}
        self._any = AMPLE * max_tokens

    def takes(self, title: str) -> bool:
        """Whether a section's lines still compete: for its share, or for what others leave."""
        return self._any >= 0 or self._of[title] >= 0

    def take(self, title: str, tokens: int) -> None:
        """Count a line that competes."""
        self._of[title] -= tokens
        self._any -= tokens


def _lines(
    tx: Tx,
    anima: StoredAnima,
    retrieved: Retrieved,
    ranks: Sequence[int],
    *,
    clock: datetime,
) -> list[Item]:
    """The lines of these ranks as they stand without a query; made once a state and hour."""
    state, keys = retrieved.state, [retrieved.keys[rank] for rank in ranks]
    kept = cast("dict[RowKey, Item]", state.notes.setdefault(("lines", clock), {}))
    missing = [key for key in keys if key not in kept]
    rows = recall.read_rows(tx, anima, state, missing) if missing else {}
    new = {key: pack_items.standing_item(anima, row, clock=clock) for key, row in rows.items()}
    if len(kept) < KEPT_LINES:
        kept.update(new)
    return [new[key] if key in new else kept[key] for key in keys]


def _made_of(tx: Tx, state: AnimaState, ids: Sequence[RowId]) -> dict[RowId, list[RowId]]:
    """The source events of these memories, but for the pinned ones; asked for once a state."""
    new = [id_ for id_ in ids if id_ not in state.made_of]
    if new:
        pinned = memories.pinned_of(tx, new)
        found = memories.sources_of_many(tx, "memory", [id_ for id_ in new if id_ not in pinned])
        state.made_of.update({id_: found.get(id_, []) for id_ in new})
    return {id_: state.made_of[id_] for id_ in ids}
