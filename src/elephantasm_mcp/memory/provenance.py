"""Provenance: where a row comes from, what became of it, who changed it.

Owns the trace through links and journal. Invariant: a trace is read on one snapshot, and nothing
counts as used by it.
"""

from dataclasses import replace
from typing import Any

from elephantasm_mcp.memory import granted, packs, places, standing
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import Granted
from elephantasm_mcp.memory.packs import Compiled
from elephantasm_mcp.memory.places import Place
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import dreams, events, memories
from elephantasm_mcp.store.cache import StoredRow
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import DerivedLayer, Link, StoredKnowledge, StoredMemory
from elephantasm_mcp.types.reading import AnimaRef, PackQuery
from elephantasm_mcp.types.records import MemoryState, RowId, User, parse_handle, row_id
from elephantasm_mcp.types.views import Trace, TraceAction, TraceDerived, TraceSource


async def trace(
    core: Core,
    user: User,
    handle: str,
    *,
    anima: AnimaRef = None,
    query: str | None = None,
    patience_s: float = packs.PATIENCE_S,
) -> Trace:
    """Down to the source events with their quotes, up to what was made of it, and its history.

    And whether it is in the pack that a read with this `query`, or without, gives now. Nothing
    counts as used by it. `patience_s` is that of `packs.compile_pack`.

    Raises:
        ValidationError: not a handle or id of an event, memory or knowledge item.
        NotFoundError: no such row for this user.
    """
    place = await places.locate_readable(core, user, handle, anima=anima)
    asked = PackQuery(anima=(place.reader or place.anima).id, query=query)
    compiled = await packs.compile_with_candidates(core, user, asked, patience_s=patience_s)
    if place.granted is not None:
        shown = await core.database.read(_trace_granted, place, compiled)
        if shown is None:
            raise places.missing(handle)
        return shown
    found = await core.database.read(_trace, place, compiled)
    if found is None:
        raise await places.absence(core, place)
    return found


def _trace(tx: Tx, place: Place, compiled: Compiled | None) -> Trace | None:
    row = _row(tx, place)
    if row is None:
        return None
    stands = standing.judge(tx, row, compiled)
    return Trace(
        **_described(row),
        layer=place.layer,
        sources=_sources(tx, place, row),
        derived=_derived(tx, place),
        history=_history(tx, place),
        in_pack=stands.line is not None,
        pack_reason=stands.text,
        standing=stands,
    )


def _trace_granted(tx: Tx, place: Place, compiled: Compiled | None) -> Trace | None:
    """The trace of another anima's row, as far as the grant that stands now reaches.

    Of events there are handles, ids and times only; of dreams no reasons, which may quote rows.
    """
    among = granted.sources(tx, place.reader) if place.reader else []
    one = next((one for one in among if one.held.source_id == place.anima.id), None)
    if one is None or not granted.shows(tx, one, place.layer, place.id):
        return None
    place = replace(place, granted=one)
    row = _row(tx, place)
    if row is None:
        return None
    stands = standing.judge_granted(tx, row, compiled, one)
    return Trace(
        **{**_described(row), "handle": place.handle},
        layer=place.layer,
        origin=one.origin,
        sources=[_bare(source, one) for source in _sources(tx, place, row)],
        derived=[
            made.model_copy(update={"handle": one.handle(made.handle)})
            for made in _derived(tx, place)
            if _is_shown(tx, one, made)
        ],
        history=[
            action.model_copy(update={"dream": one.handle(action.dream), "reasoning": ""})
            for action in _history(tx, place)
        ],
        in_pack=stands.line is not None,
        pack_reason=stands.text,
        standing=stands,
    )


def _bare(source: TraceSource, one: Granted) -> TraceSource:
    """What may be said of an event that may not be read."""
    return TraceSource(
        handle=one.handle(source.handle),
        id=source.id,
        event_type="",
        author=None,
        session_id=None,
        occurred_at=source.occurred_at,
        content="",
    )


def _is_shown(tx: Tx, one: Granted, made: TraceDerived) -> bool:
    number = parse_handle(made.handle)
    row = row_id(one.anima.anima_no, number[1]) if number else None
    return row is not None and granted.shows(tx, one, made.layer, row)


def _row(tx: Tx, place: Place) -> StoredRow | None:
    match place.layer:
        case "event":
            return events.get(tx, place.anima, place.id)
        case "memory":
            return memories.get_memory(tx, place.anima, place.id)
        case "knowledge":
            return memories.get_knowledge(tx, place.anima, place.id)


def _described(row: StoredRow) -> dict[str, Any]:
    """The row's own fields."""
    match row:
        case StoredEvent(event=event):
            return {
                "handle": event.handle,
                "id": event.id,
                "text": event.content,
                "state": event.state,
            }
        case StoredMemory(memory=memory):
            return {
                "handle": memory.handle,
                "id": memory.id,
                "text": memory.content or memory.summary or "",
                "state": memory.state or MemoryState.ACTIVE,
                "synthesizer": memory.synthesizer,
            }
        case StoredKnowledge(knowledge=item):
            gone = "superseded" if row.superseded else "archived" if row.archived else ""
            return {
                "handle": item.handle,
                "id": item.id,
                "text": item.content,
                "state": gone or "current",
                "synthesizer": item.synthesizer,
            }


def _sources(tx: Tx, place: Place, row: StoredRow) -> list[TraceSource]:
    """The source events in time order, each with the words that were taken from it."""
    if isinstance(row, StoredEvent):
        return [_source(row, [])]
    layer: DerivedLayer = "memory" if isinstance(row, StoredMemory) else "knowledge"
    links: list[Link] = [
        link for link in memories.links_of(tx, layer, place.id) if link.source_layer == "event"
    ]
    quotes: dict[RowId, list[str]] = {link.source_id: [] for link in links}
    for link in links:
        if link.quote:
            quotes[link.source_id].append(link.quote)
    return [
        _source(event, quotes[event.id]) for event in events.get_many(tx, place.anima, list(quotes))
    ]


def _source(event: StoredEvent, quotes: list[str]) -> TraceSource:
    return TraceSource(
        handle=event.event.handle,
        id=event.event.id,
        event_type=event.event.event_type,
        author=event.event.author or event.event.role,
        session_id=event.event.session_id,
        occurred_at=event.event.occurred_at,
        content=event.event.content,
        quotes=quotes,
    )


def _derived(tx: Tx, place: Place) -> list[TraceDerived]:
    """What was made of the row: memories and knowledge that link to it, knowledge of a memory."""
    made = memories.links_to(tx, place.layer, place.id)
    by_layer: dict[DerivedLayer, list[RowId]] = {"memory": [], "knowledge": []}
    for layer, id_ in made:
        by_layer[layer].append(id_)
    items = memories.get_knowledge_many(tx, place.anima, by_layer["knowledge"])
    if place.layer == "memory":
        items += memories.knowledge_of(tx, place.anima, place.id)
    return [
        TraceDerived(
            handle=one.memory.handle,
            id=one.memory.id,
            layer="memory",
            text=one.memory.summary or "",
            state="superseded" if one.superseded else str(one.memory.state),
        )
        for one in memories.get_memories(tx, place.anima, by_layer["memory"])
    ] + [
        TraceDerived(
            handle=one.knowledge.handle,
            id=one.knowledge.id,
            layer="knowledge",
            text=f"[{one.knowledge.type}] {one.knowledge.content}",
            state="superseded" if one.superseded else "current",
        )
        for one in items
    ]


def _history(tx: Tx, place: Place) -> list[TraceAction]:
    return [
        TraceAction(
            dream=dream.handle,
            phase=dream.phase,
            kind=kind,
            actor=dream.actor,
            at=dream.finished_at,
            undone=dream.undone_by is not None,
            reasoning=reasoning,
        )
        for kind, reasoning, dream in dreams.history(tx, place.layer, place.id)
    ]
