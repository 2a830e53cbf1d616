"""Provenance: where a row comes from, what became of it, who changed it.

Owns finding a row by its handle or id, and the trace through links and journal. Invariant: a row is
found only through an anima of its user; anybody else's does not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, packs
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import dreams, events, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import DerivedLayer, Link, StoredKnowledge, StoredMemory
from elephantasm_mcp.types.records import (
    LAYER_LETTERS,
    EventState,
    Layer,
    MemoryState,
    RowId,
    UserNo,
    parse_handle,
    parse_uuid,
    row_id,
)
from elephantasm_mcp.types.views import (
    AnimaRef,
    MemoryPack,
    PackQuery,
    Trace,
    TraceAction,
    TraceDerived,
    TraceSource,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A row: its anima, layer and id."""

    anima: StoredAnima
    layer: Layer
    id: RowId


async def trace(core: Core, user: UserNo, handle: str, *, anima: AnimaRef = None) -> Trace:
    """Down to the source events with their quotes, up to what was made of it, and its history.

    Raises:
        ValidationError: not a handle or id of an event, memory or knowledge item.
        NotFoundError: no such row for this user.
    """
    place = await _locate(core, user, handle, anima=anima)
    pack = await packs.compile_pack(
        core, user, PackQuery(anima=place.anima.id), counts_as_use=False
    )
    found = await core.database.read(_trace, place, pack)
    if found is None:
        raise _missing(handle)
    return found


async def _locate(core: Core, user: UserNo, handle: str, *, anima: AnimaRef) -> _Place:
    """The row behind a handle or UUID; a UUID wins over `anima`."""
    uuid = parse_uuid(handle)
    if uuid is not None:
        place = await core.database.read(_locate_uuid, user, uuid)
        if place is None:
            raise _missing(handle)
        return place
    parsed = parse_handle(handle)
    if parsed is None or parsed[0] not in LAYER_LETTERS:
        raise ValidationError(
            f"{handle!r} is not a handle.",
            field="handle",
            hint='Give one such as "e341", "m12" or "k7", or an id; search_memory shows them.',
        )
    target = await animas.find(core, user, anima)
    return _Place(target, LAYER_LETTERS[parsed[0]], row_id(target.anima_no, parsed[1]))


def _locate_uuid(tx: Tx, user: UserNo, uuid: UUID) -> _Place | None:
    for layer in LAYER_LETTERS.values():
        id_ = memories.id_by_uuid(tx, layer, uuid)
        if id_ is not None:
            anima = anima_store.get(tx, anima_store.anima_of(id_))
            return _Place(anima, layer, id_) if anima.user_no == user else None
    return None


def _missing(handle: str) -> NotFoundError:
    return NotFoundError(
        f"There is no {handle!r} in this anima.",
        hint="search_memory shows handles; an undone dream takes its rows with it.",
    )


def _trace(tx: Tx, place: _Place, pack: MemoryPack | None) -> Trace | None:
    match place.layer:
        case "event":
            event = events.get(tx, place.anima, place.id)
            return None if event is None else _trace_event(tx, place, event, pack)
        case "memory":
            memory = memories.get_memory(tx, place.anima, place.id)
            return None if memory is None else _trace_memory(tx, place, memory, pack)
        case "knowledge":
            item = memories.get_knowledge(tx, place.anima, place.id)
            return None if item is None else _trace_knowledge(tx, place, item, pack)


def _trace_event(tx: Tx, place: _Place, event: StoredEvent, pack: MemoryPack | None) -> Trace:
    inside = _rank(pack, event.event.handle) is not None
    derived = _derived(tx, place)
    reason = _event_reason(event.event.state, inside=inside, spoken_for=bool(derived))
    return Trace(
        handle=event.event.handle,
        id=event.event.id,
        layer="event",
        text=event.event.content,
        state=event.event.state,
        sources=[_source(event, [])],
        derived=derived,
        history=_history(tx, place),
        in_pack=inside,
        pack_reason=reason,
    )


def _trace_memory(tx: Tx, place: _Place, found: StoredMemory, pack: MemoryPack | None) -> Trace:
    memory = found.memory
    state = memory.state or MemoryState.ACTIVE
    gone = (
        "superseded" if found.superseded else state.value if state is MemoryState.ARCHIVED else ""
    )
    return Trace(
        handle=memory.handle,
        id=memory.id,
        layer="memory",
        text=memory.content or memory.summary or "",
        state=state,
        synthesizer=memory.synthesizer,
        sources=_sources(tx, place, "memory"),
        derived=_derived(tx, place),
        history=_history(tx, place),
        in_pack=_rank(pack, memory.handle) is not None,
        pack_reason=_row_reason(_rank(pack, memory.handle), gone=gone),
    )


def _trace_knowledge(
    tx: Tx, place: _Place, found: StoredKnowledge, pack: MemoryPack | None
) -> Trace:
    item = found.knowledge
    gone = "superseded" if found.superseded else "archived" if found.archived else ""
    return Trace(
        handle=item.handle,
        id=item.id,
        layer="knowledge",
        text=item.content,
        state=gone or "current",
        synthesizer=item.synthesizer,
        sources=_sources(tx, place, "knowledge"),
        derived=_derived(tx, place),
        history=_history(tx, place),
        in_pack=_rank(pack, item.handle) is not None,
        pack_reason=_row_reason(_rank(pack, item.handle), gone=gone),
    )


def _sources(tx: Tx, place: _Place, layer: DerivedLayer) -> list[TraceSource]:
    """The source events in time order, each with the words that were taken from it."""
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


def _derived(tx: Tx, place: _Place) -> list[TraceDerived]:
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


def _history(tx: Tx, place: _Place) -> list[TraceAction]:
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


def _rank(pack: MemoryPack | None, handle: str) -> tuple[str, int, str] | None:
    """Section, place and reason of a row in the pack."""
    if pack is None:
        return None
    for section, lines in (
        ("Current Session", pack.session_memories),
        ("Relevant Knowledge", pack.knowledge),
        ("Relevant Memories", pack.long_term_memories),
    ):
        for place, line in enumerate(lines, start=1):
            if line.handle == handle:
                return section, place, line.reason or ""
    return None


def _row_reason(rank: tuple[str, int, str] | None, *, gone: str) -> str:
    if gone:
        return f"Not in the pack: it is {gone}."
    if rank is None:
        return "Not in the pack: other lines rank higher, or one that says the same is in."
    section, place, reason = rank
    return f"In the pack: line {place} of {section} ({reason})."


def _event_reason(state: EventState, *, inside: bool, spoken_for: bool) -> str:
    if inside:
        return "In the pack as a raw event."
    if state in (EventState.PENDING, EventState.HELD):
        return "Not in the pack: other lines rank higher."
    if spoken_for:
        return "Not in the pack itself: memories speak for it."
    return "Not in the pack: it was taken for small talk, and no memory was made of it."
