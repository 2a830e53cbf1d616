"""Packs: the context of an anima, compiled for a prompt.

Owns what goes into a pack, in which order, within which budget, and how it reads. Invariant: the
same state, query, settings and clock give the same bytes in any process; a pack is never longer
than its budget by the token estimator, handles and fence included.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid5

from elephantasm_mcp.memory import animas, index, pack_items, recall
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.pack_items import Item
from elephantasm_mcp.memory.recall import Filters, Question
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import packing, scoring
from elephantasm_mcp.pure.labels import floor_hour, since_label
from elephantasm_mcp.pure.packing import Line, Section
from elephantasm_mcp.pure.text import cut, to_line
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredMemory
from elephantasm_mcp.types.records import AnimaNo, EventState, RowId, UserNo
from elephantasm_mcp.types.views import (
    MemoryPack,
    PackContent,
    PackQuery,
    TemporalContext,
)

PATIENCE_S = 5.0
"""How long a pack over MCP waits for the embedder and the index (contract §2)."""
SESSION_WINDOW = timedelta(hours=4)
"""A session that ended longer ago than this is no current one (preset `conversational`)."""
CANDIDATES = 400
"""How many rows of each kind compete for a pack."""
GIST_WORDS = 14
GIST_CHARS = 100
"""How much of the last event the temporal line repeats."""
NO_MODE = "no query"

SESSION, KNOWLEDGE, LONG_TERM = (
    "## Current Session",
    "## Relevant Knowledge",
    "## Relevant Memories",
)
SHARES = {SESSION: 0.25, KNOWLEDGE: 0.35, LONG_TERM: 0.40}
FENCE = '<memory-pack key="{key}">\n{text}\n</memory-pack>'
KEY_CHARS = 16
COSTLIEST_KEY = "a0" * (KEY_CHARS // 2)
"""What the fence is counted with: no other hexadecimal key has more tokens."""


@dataclass(frozen=True, slots=True)
class _Session:
    """The current session: its id, and the span of its events."""

    session_id: str | None
    start: datetime
    end: datetime


async def compile_pack(
    core: Core,
    user: UserNo,
    query: PackQuery,
    *,
    patience_s: float = PATIENCE_S,
    counts_as_use: bool = True,
) -> MemoryPack | None:
    """The pack of an anima; None when it has no events yet.

    With a query the embedders are loaded and the whole tail is indexed first, for at most
    `patience_s`; what then is not ready does not take part, and `mode` says so.

    Raises:
        ValidationError: the query has no word.
        NotFoundError: an unknown anima.
    """
    anima = await animas.find(core, user, query.anima)
    if anima.last_event_at is None:
        return None
    question = None
    if query.query is not None and query.query.strip():
        await index.prepare_read(core, anima.anima_no, patience_s=patience_s)
        question = await recall.prepare(core, query.query)
    clock = floor_hour(core.clock.now())
    pack, used = await core.database.read(
        _compile, core, anima.anima_no, query, question, clock=clock
    )
    if counts_as_use:
        core.uses.update(used)
    return pack


def fence(core: Core, pack: MemoryPack) -> str:
    """The pack as MCP clients see it: with handles, between tags that no stored text can forge."""
    text = pack.layers.annotated
    key = hmac.new(core.secret, text.encode(), sha256).hexdigest()[:KEY_CHARS]
    return FENCE.format(key=key, text=text)


def _compile(
    tx: Tx,
    core: Core,
    anima_no: AnimaNo,
    query: PackQuery,
    question: Question | None,
    *,
    clock: datetime,
) -> tuple[MemoryPack, list[RowId]]:
    """Gather, choose, render: all of it on one snapshot."""
    anima = anima_store.get(tx, anima_no)
    session = _current_session(tx, anima, query.session_id, clock=clock)
    candidates = _gather(tx, core, anima, session, question, clock=clock)
    temporal = _temporal(tx, anima, max_tokens=query.max_tokens // 4, clock=clock)
    fixed = [temporal.formatted] if temporal else []
    empty_fence = FENCE.format(key=COSTLIEST_KEY, text="")
    chosen = packing.choose(
        [
            Section(title=title, share=share, lines=[item.line for item in candidates[title]])
            for title, share in SHARES.items()
        ],
        fixed=[*fixed, empty_fence],
        budget_tokens=query.max_tokens,
    )
    items = {
        title: _ordered(title, _with_lines(candidates[title], chosen[title])) for title in SHARES
    }
    mode = recall.mode_of(tx, anima, question, index.LAYERS) if question else NO_MODE
    pack = _build(anima, query, items, temporal, mode=mode, clock=clock)
    used = [
        item.row.id
        for title in (SESSION, LONG_TERM)
        for item in items[title]
        if isinstance(item.row, StoredMemory)
    ]
    return pack, used


def _current_session(
    tx: Tx, anima: StoredAnima, session_id: str | None, *, clock: datetime
) -> _Session | None:
    """The given session, else the last one if it ended within the window before the clock."""
    if session_id is not None:
        span = events.session_span(tx, anima, session_id)
        return _Session(session_id, *span) if span else None
    last = events.last(tx, anima, until=clock + timedelta(hours=1))
    if last is None or clock - last.time > SESSION_WINDOW:
        return None
    gap = (
        SESSION_WINDOW
        if last.event.session_id is not None
        else timedelta(minutes=anima.settings.session_gap_min)
    )
    start = events.session_start(tx, anima, last.event.session_id, until=last.time, gap=gap)
    return _Session(last.event.session_id, start or last.time, last.time)


def _gather(
    tx: Tx,
    core: Core,
    anima: StoredAnima,
    session: _Session | None,
    question: Question | None,
    *,
    clock: datetime,
) -> dict[str, list[Item]]:
    """All candidate lines by section, best first."""
    raw = _raw_events(tx, anima)
    in_session = _session_items(tx, anima, session, raw, clock=clock) if session else []
    taken = {item.line.handle for item in in_session}
    if question is None:
        knowledge, long_term = _by_standing(tx, anima, raw, clock=clock)
    else:
        knowledge, long_term = _by_question(tx, core, anima, question, clock=clock)
    return {
        SESSION: _ranked(in_session),
        KNOWLEDGE: _ranked(knowledge),
        LONG_TERM: _ranked([item for item in long_term if item.line.handle not in taken]),
    }


def _ranked(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (-item.scored.score, item.line.handle[0], item.row.id))


def _with_lines(items: Sequence[Item], lines: Sequence[Line]) -> list[Item]:
    """The items whose lines were chosen, with these lines: one may have been cut."""
    chosen = {line.handle: line for line in lines}
    return [
        replace(item, line=chosen[item.line.handle]) for item in items if item.line.handle in chosen
    ]


def _ordered(title: str, items: list[Item]) -> list[Item]:
    """A session reads in the order of time; the other sections best first."""
    return sorted(items, key=lambda item: (item.time, item.row.id)) if title == SESSION else items


def _session_items(
    tx: Tx,
    anima: StoredAnima,
    session: _Session,
    raw: Sequence[StoredEvent],
    *,
    clock: datetime,
) -> list[Item]:
    """The memories of the session, and its events that are not in a memory yet."""
    half_life_h = scoring.SESSION_RECENCY_HALF_LIFE_H
    found = memories.session_memories(
        tx, anima, session.session_id, since=session.start, until=session.end
    )
    items = [
        pack_items.memory_item(
            one,
            pack_items.recency_only(one.memory.time_end or clock, clock, half_life_h),
            "recency",
            None,
            None,
        )
        for one in found
    ]
    of_session = [
        event
        for event in raw
        if event.event.session_id == session.session_id
        and session.start <= event.time <= session.end
    ]
    return items + [
        pack_items.event_item(
            event, pack_items.recency_only(event.time, clock, half_life_h), "recency", None, None
        )
        for event in of_session
    ]


def _raw_events(tx: Tx, anima: StoredAnima) -> list[StoredEvent]:
    """Events that no memory speaks for yet, the latest `CANDIDATES` of each state."""
    return [
        event
        for state in (EventState.PENDING, EventState.HELD)
        for event in events.latest_in_state(tx, anima, state, limit=CANDIDATES)
    ]


def _by_standing(
    tx: Tx, anima: StoredAnima, raw: Sequence[StoredEvent], *, clock: datetime
) -> tuple[list[Item], list[Item]]:
    """Knowledge and long-term lines without a query: what matters, and what is recent."""
    facts = memories.current_knowledge(tx, anima, limit=CANDIDATES)
    half_life_h = anima.settings.recency_half_life_h
    knowledge = [
        pack_items.knowledge_item(
            one,
            pack_items.knowledge_standing(one, clock, half_life_h),
            pack_items.standing_reason(one),
            None,
        )
        for one in facts
    ]
    both = memories.important_memories(tx, anima, limit=CANDIDATES) + memories.latest_memories(
        tx, anima, limit=CANDIDATES
    )
    long_term = [
        pack_items.memory_item(
            one,
            pack_items.memory_standing(anima, one, clock),
            pack_items.standing_reason(one),
            None,
            clock,
        )
        for one in {one.id: one for one in both}.values()
    ]
    long_term += [
        pack_items.event_item(
            event, pack_items.event_standing(anima, event, clock), "recency", None, clock
        )
        for event in raw
    ]
    return knowledge, long_term


def _by_question(
    tx: Tx, core: Core, anima: StoredAnima, question: Question, *, clock: datetime
) -> tuple[list[Item], list[Item]]:
    """Knowledge and long-term lines for a query: what is above the relevance floor."""
    found = recall.retrieve(tx, core, anima, question, ("memory", "knowledge", "event"), Filters())
    knowledge: list[Item] = []
    long_term: list[Item] = []
    for one in found:
        if one.weak:
            continue
        item = pack_items.found_item(anima, one, clock=clock)
        (knowledge if one.layer == "knowledge" else long_term).append(item)
    return knowledge[:CANDIDATES], long_term[:CANDIDATES]


def _temporal(
    tx: Tx, anima: StoredAnima, *, max_tokens: int, clock: datetime
) -> TemporalContext | None:
    """The last interaction; where its gist would take more than `max_tokens`, only its age."""
    last = events.last(tx, anima, until=clock + timedelta(hours=1))
    if last is None:
        return None
    hours = max(0.0, (clock - last.time) / timedelta(hours=1))
    said = cut(to_line(last.event.content), max_words=GIST_WORDS, max_chars=GIST_CHARS)
    summary = f"{pack_items.author_of(last)}: {pack_items.quoted(said)}"
    age = f"Last interaction: {since_label(last.time, now=clock)}"
    whole = f"{age}, {summary}"
    return TemporalContext(
        last_event_at=last.time,
        hours_ago=round(hours, 2),
        memory_summary=summary,
        formatted=whole if packing.tokens_of(whole) <= max_tokens else f"{age}.",
    )


def _build(
    anima: StoredAnima,
    query: PackQuery,
    items: dict[str, list[Item]],
    temporal: TemporalContext | None,
    *,
    mode: str,
    clock: datetime,
) -> MemoryPack:
    last_line = temporal.formatted if temporal else ""
    lines = {title: [item.line for item in items[title]] for title in SHARES}
    annotated = packing.render(lines, last_line=last_line, with_handles=True)
    context = packing.render(lines, last_line=last_line, with_handles=False)
    digest = sha256(annotated.encode()).hexdigest()[:32]
    content = PackContent(
        context=context,
        session_memories=pack_items.as_memories(items[SESSION]),
        knowledge=pack_items.as_knowledge(items[KNOWLEDGE]),
        long_term_memories=pack_items.as_memories(items[LONG_TERM]),
        temporal_context=temporal,
        hash=digest,
        mode=mode,
        annotated=annotated,
    )
    return MemoryPack(
        id=uuid5(anima.id, digest),
        anima_id=anima.id,
        query=query.query,
        preset_name=query.preset,
        session_memory_count=len(items[SESSION]),
        knowledge_count=len(items[KNOWLEDGE]),
        long_term_memory_count=len(items[LONG_TERM]),
        has_identity=False,
        token_count=packing.tokens_of(FENCE.format(key=COSTLIEST_KEY, text=annotated)),
        max_tokens=query.max_tokens,
        content=content.model_dump(mode="json"),
        compiled_at=clock,
        created_at=clock,
    )
