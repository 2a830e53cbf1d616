"""Memories, knowledge and the links to their sources, in the store.

Owns their rows, and the snapshots of all that the journal answers for (`identities` and `conflicts`
read the others). Only `memory/ledger.py` writes snapshots, so that every change
stands in the journal. Invariant: `write_snapshot(read_snapshot(x))` changes no byte of what users
see (derived values, the search index among them, are kept or rebuilt, and are no part of it).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.animas import StoredAnima, behind, id_range
from elephantasm_mcp.store.events import NO_LIMIT
from elephantasm_mcp.store.values import from_json, from_micros, maybe_time, to_micros, to_uuid
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import (
    JournalLayer,
    Knowledge,
    KnowledgeType,
    Layer,
    Memory,
    MemoryState,
    RowId,
    Trust,
    handle_of,
    row_id,
)

MOST_WORDINGS = 20_000
"""Of each layer, so many are compared with what an agent says: half a second."""
DerivedLayer: TypeAlias = Literal["memory", "knowledge"]
Snapshot: TypeAlias = dict[str, Any]
"""All that the journal keeps of a row: its columns by name, its UUID as hex, and its `links`."""

_COLUMNS: Mapping[JournalLayer, tuple[str, ...]] = {
    "memory": (
        "version",
        "summary",
        "content",
        "importance",
        "confidence",
        "state",
        "time_start",
        "time_end",
        "session_id",
        "meta",
        "provisional",
        "synthesizer",
        "pinned",
        "trust",
        "superseded_by",
        "created_at",
        "updated_at",
    ),
    "knowledge": (
        "version",
        "type",
        "content",
        "confidence",
        "valid_from",
        "valid_until",
        "memory_id",
        "provisional",
        "synthesizer",
        "pinned",
        "trust",
        "superseded_by",
        "archived",
        "created_at",
        "updated_at",
    ),
    "identity": (
        "version",
        "personality_type",
        "communication_style",
        "self_reflection",
        "prose",
        "statements",
        "synthesizer",
        "created_at",
        "updated_at",
    ),
    "conflict": (
        "version",
        "of_layer",
        "first_id",
        "second_id",
        "question",
        "state",
        "kept_id",
        "created_at",
        "updated_at",
    ),
}
_DERIVED: Mapping[JournalLayer, Mapping[str, Any]] = {
    "memory": {
        "recency_score": None,
        "decay_score": None,
        "access_count": 0,
        "last_accessed_at": None,
    },
    "knowledge": {},
    "identity": {},
    "conflict": {},
}


@dataclass(frozen=True, slots=True)
class Link:
    """One source of a derived row, with the words that were taken from it."""

    source_layer: Layer
    source_id: RowId
    quote: str | None


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory with its row id and what scoring needs of it."""

    id: RowId
    memory: Memory
    access_count: int
    last_accessed_at: datetime | None
    superseded: bool


@dataclass(frozen=True, slots=True)
class StoredKnowledge:
    """A knowledge item with its row id."""

    id: RowId
    knowledge: Knowledge
    superseded: bool
    archived: bool


def read_snapshot(tx: Tx, layer: JournalLayer, id_: RowId) -> Snapshot | None:
    """All that the journal keeps of a row; None when there is no such row."""
    row = tx.one(f"{layer}_by_id", id=id_)
    if row is None:
        return None
    snapshot: Snapshot = {name: row[name] for name in _COLUMNS[layer]}
    snapshot["uuid"] = row["uuid"].hex()
    snapshot["links"] = [
        [link.source_layer, link.source_id, link.quote] for link in links_of(tx, layer, id_)
    ]
    return snapshot


def write_snapshot(tx: Tx, layer: JournalLayer, id_: RowId, snapshot: Snapshot | None) -> None:
    """Make a row what the snapshot says; None removes it. Counters of use are kept."""
    old = tx.one(f"{layer}_by_id", id=id_)
    tx.run("delete_links", layer=layer, id=id_)
    if snapshot is None:
        tx.run(f"delete_{layer}", id=id_)
        return
    columns = {name: snapshot[name] for name in _COLUMNS[layer]}
    derived = {name: old[name] if old else fresh for name, fresh in _DERIVED[layer].items()}
    tx.run(f"put_{layer}", id=id_, uuid=bytes.fromhex(snapshot["uuid"]), **columns, **derived)
    tx.many(
        "add_link",
        [
            {
                "layer": layer,
                "id": id_,
                "position": position,
                "source_layer": source_layer,
                "source_id": source_id,
                "quote": quote,
            }
            for position, (source_layer, source_id, quote) in enumerate(snapshot["links"])
        ],
    )


def links_of(tx: Tx, layer: JournalLayer, id_: RowId) -> list[Link]:
    """What a derived row was made of, in order."""
    return [Link(*row) for row in tx.tuples("links_of", layer=layer, id=id_)]


def sources_of_many(tx: Tx, layer: DerivedLayer, ids: Iterable[RowId]) -> dict[RowId, list[RowId]]:
    """The source events of several derived rows."""
    found: dict[RowId, list[RowId]] = defaultdict(list)
    for id_, source_layer, source_id, _ in tx.tuples(
        "links_of_many", layer=layer, ids=json.dumps(list(ids))
    ):
        if source_layer == "event":
            found[RowId(id_)].append(RowId(source_id))
    return found


def pinned_of(tx: Tx, ids: Iterable[RowId]) -> set[RowId]:
    """Those of these memories that a person pinned or corrected: they give way to no source."""
    return {RowId(id_) for (id_,) in tx.tuples("pinned_of", ids=json.dumps(list(ids)))}


def links_to(tx: Tx, layer: Layer, id_: RowId) -> list[tuple[DerivedLayer, RowId]]:
    """Which memories and knowledge were made of a row."""
    rows = tx.tuples("links_to", source_layer=layer, source_id=id_)
    return [(derived, RowId(derived_id)) for derived, derived_id in rows]


def rows_of_events(tx: Tx, events: Iterable[RowId]) -> list[tuple[DerivedLayer, RowId]]:
    """What was made of several events, memories first."""
    rows = tx.tuples("rows_of_events", ids=json.dumps(list(events)))
    return [(layer, RowId(id_)) for layer, id_ in rows]


def told_events(tx: Tx, events: Iterable[RowId]) -> set[RowId]:
    """Those of these events of which a memory tells that nothing superseded."""
    return {RowId(id_) for (id_,) in tx.tuples("told_events", ids=json.dumps(list(events)))}


def orphans_of(tx: Tx, events: Iterable[RowId]) -> list[RowId]:
    """Knowledge of some events that belongs to no memory."""
    return [RowId(id_) for (id_,) in tx.tuples("orphans_of", ids=json.dumps(list(events)))]


def has_unsettled_source(tx: Tx, layer: DerivedLayer, id_: RowId) -> bool:
    """Whether an event that a row was made of is not settled."""
    row = tx.one("unsettled_sources", layer=layer, id=id_)
    return row is not None and row["rows"] > 0


def settled_counterpart(tx: Tx, layer: DerivedLayer, id_: RowId) -> RowId | None:
    """The living row, not provisional, that was made of most of the same events."""
    row = tx.one(f"{layer}_counterpart", id=id_)
    return RowId(row["id"]) if row else None


def get_memory(tx: Tx, anima: StoredAnima, id_: RowId) -> StoredMemory | None:
    """One memory by row id."""
    return next(iter(get_memories(tx, anima, [id_])), None)


def get_memories(tx: Tx, anima: StoredAnima, ids: Iterable[RowId]) -> list[StoredMemory]:
    """Several memories, by row id."""
    return _memories(tx, anima, tx.all("memories_by_ids", ids=json.dumps(list(ids))))


def list_memories(
    tx: Tx,
    anima: StoredAnima,
    *,
    state: MemoryState | None = None,
    after: Cursor | None = None,
    limit: int = NO_LIMIT,
) -> list[StoredMemory]:
    """Memories that nothing superseded, oldest first."""
    rows = tx.all(
        "list_memories",
        anima_no=anima.anima_no,
        state=state,
        limit=limit,
        **behind(anima.anima_no, after),
    )
    return _memories(tx, anima, rows)


def latest_memories(tx: Tx, anima: StoredAnima, *, limit: int) -> list[StoredMemory]:
    """Living memories, latest first."""
    return _memories(tx, anima, tx.all("latest_memories", anima_no=anima.anima_no, limit=limit))


def important_memories(tx: Tx, anima: StoredAnima, *, limit: int) -> list[StoredMemory]:
    """Living memories, pinned and most important first."""
    rows = tx.all("important_memories", limit=limit, **id_range(anima.anima_no))
    return _memories(tx, anima, rows)


def session_memories(
    tx: Tx, anima: StoredAnima, session_id: str | None, *, since: datetime, until: datetime
) -> list[StoredMemory]:
    """Living memories of a session that reach into the span, latest first."""
    rows = tx.all(
        "session_memories",
        anima_no=anima.anima_no,
        session_id=session_id,
        since=to_micros(since),
        until=to_micros(until),
    )
    return _memories(tx, anima, rows)


def get_knowledge(tx: Tx, anima: StoredAnima, id_: RowId) -> StoredKnowledge | None:
    """One knowledge item by row id."""
    return next(iter(get_knowledge_many(tx, anima, [id_])), None)


def get_knowledge_many(tx: Tx, anima: StoredAnima, ids: Iterable[RowId]) -> list[StoredKnowledge]:
    """Several knowledge items, by row id."""
    return _knowledge(tx, anima, tx.all("knowledge_by_ids", ids=json.dumps(list(ids))))


def list_knowledge(
    tx: Tx,
    anima: StoredAnima,
    *,
    include_superseded: bool = False,
    after: Cursor | None = None,
    limit: int = NO_LIMIT,
) -> list[StoredKnowledge]:
    """Knowledge, oldest first."""
    ids = id_range(anima.anima_no)
    if after is not None:
        ids["low"] = row_id(anima.anima_no, after.number) + 1
    rows = tx.all("list_knowledge", include_superseded=int(include_superseded), limit=limit, **ids)
    return _knowledge(tx, anima, rows)


def current_knowledge(tx: Tx, anima: StoredAnima, *, limit: int) -> list[StoredKnowledge]:
    """Knowledge that holds now: pinned, most certain and latest first."""
    return _knowledge(
        tx, anima, tx.all("current_knowledge", limit=limit, **id_range(anima.anima_no))
    )


def knowledge_of(tx: Tx, anima: StoredAnima, memory: RowId) -> list[StoredKnowledge]:
    """What was extracted from a memory."""
    return _knowledge(tx, anima, tx.all("knowledge_of_memory", memory_id=memory))


def wordings(
    tx: Tx,
    anima: StoredAnima,
    *,
    until: datetime,
    layers: Iterable[Layer] = ("memory", "knowledge"),
) -> Iterator[tuple[str, datetime]]:
    """What memories and knowledge say that were made by a moment, and when; the latest of them."""
    for layer in layers:
        rows = tx.tuples(
            f"{layer}_wordings",
            until=to_micros(until),
            limit=MOST_WORDINGS,
            **id_range(anima.anima_no),
        )
        yield from ((text, from_micros(at)) for text, at in rows)


def id_by_uuid(tx: Tx, layer: Layer, uuid: UUID) -> RowId | None:
    """The row id behind a public id, whoever owns it."""
    row = tx.one(f"{layer}_by_uuid", uuid=uuid.bytes)
    return RowId(row["id"]) if row else None


def add_accesses(tx: Tx, uses: Mapping[RowId, int], *, now: datetime) -> None:
    """Count uses of memories in packs, until light sleep folds them in."""
    tx.many(
        "add_access",
        [
            {"memory_id": id_, "uses": count, "last_at": to_micros(now)}
            for id_, count in sorted(uses.items())
        ],
    )


def fold_accesses(tx: Tx, anima: StoredAnima, *, now: datetime) -> None:
    """Add the counted uses to their memories, keep what was added when, and forget the counts."""
    tx.run("keep_fold", now=to_micros(now), **id_range(anima.anima_no))
    tx.run("fold_accesses", **id_range(anima.anima_no))
    tx.run("clear_accesses", **id_range(anima.anima_no))


def set_derived_scores(
    tx: Tx,
    anima: StoredAnima,
    *,
    reinforcement: float,
    longest_half_life_d: float,
    now: datetime,
) -> None:
    """Keep recency and decay for people to see; packs compute them by their own clock."""
    tx.run(
        "set_derived_scores",
        now=to_micros(now),
        recency_half_life_h=anima.settings.recency_half_life_h,
        decay_half_life_d=anima.settings.decay_half_life_d,
        reinforcement=reinforcement,
        longest_d=longest_half_life_d,
        **id_range(anima.anima_no),
    )


def fading(
    tx: Tx,
    anima: StoredAnima,
    *,
    decaying_above: float,
    archived_above: float,
    below_importance: float,
    reinforcement: float,
    longest_half_life_d: float,
    now: datetime,
) -> list[Row]:
    """The memories whose state may change by their decay, with what decides it."""
    return tx.all(
        "fading",
        decaying_above=decaying_above,
        archived_above=archived_above,
        below_importance=below_importance,
        now=to_micros(now),
        decay_half_life_d=anima.settings.decay_half_life_d,
        reinforcement=reinforcement,
        longest_d=longest_half_life_d,
        **id_range(anima.anima_no),
    )


def count_living(tx: Tx, anima: StoredAnima) -> int:
    """How many memories are neither superseded nor archived."""
    row = tx.one("count_living_memories", **id_range(anima.anima_no))
    return row["living"] if row else 0


def _link_map(tx: Tx, layer: DerivedLayer, rows: list[Row]) -> dict[int, list[UUID]]:
    """The UUIDs of the source events of each row."""
    ids = json.dumps([row["id"] for row in rows])
    sources: dict[int, list[int]] = defaultdict(list)
    for id_, source_layer, source_id, _ in tx.tuples("links_of_many", layer=layer, ids=ids):
        if source_layer == "event" and source_id not in sources[id_]:
            sources[id_].append(source_id)
    wanted = json.dumps(sorted({one for many in sources.values() for one in many}))
    uuids = {id_: to_uuid(uuid) for id_, uuid in tx.tuples("event_uuids", ids=wanted)}
    return {
        id_: [uuids[source] for source in many if source in uuids] for id_, many in sources.items()
    }


def _memories(tx: Tx, anima: StoredAnima, rows: list[Row]) -> list[StoredMemory]:
    links = _link_map(tx, "memory", rows)
    return [
        StoredMemory(
            id=RowId(row["id"]),
            memory=Memory.model_construct(
                id=to_uuid(row["uuid"]),
                handle=handle_of("memory", RowId(row["id"])),
                anima_id=anima.id,
                content=row["content"],
                summary=row["summary"],
                importance=row["importance"],
                confidence=row["confidence"],
                state=MemoryState(row["state"]),
                recency_score=row["recency_score"],
                decay_score=row["decay_score"],
                time_start=from_micros(row["time_start"]),
                time_end=from_micros(row["time_end"]),
                session_id=row["session_id"],
                meta=from_json(row["meta"]),
                source_ids=links.get(row["id"], []),
                provisional=bool(row["provisional"]),
                synthesizer=row["synthesizer"],
                pinned=bool(row["pinned"]),
                trust=Trust(row["trust"]),
                version=row["version"],
                created_at=from_micros(row["created_at"]),
                updated_at=from_micros(row["updated_at"]),
            ),
            access_count=row["access_count"],
            last_accessed_at=maybe_time(row["last_accessed_at"]),
            superseded=row["superseded_by"] is not None,
        )
        for row in rows
    ]


def _knowledge(tx: Tx, anima: StoredAnima, rows: list[Row]) -> list[StoredKnowledge]:
    links = _link_map(tx, "knowledge", rows)
    return [
        StoredKnowledge(
            id=RowId(row["id"]),
            knowledge=Knowledge.model_construct(
                id=to_uuid(row["uuid"]),
                handle=handle_of("knowledge", RowId(row["id"])),
                anima_id=anima.id,
                type=KnowledgeType(row["type"]),
                content=row["content"],
                confidence=row["confidence"],
                valid_from=maybe_time(row["valid_from"]),
                valid_until=maybe_time(row["valid_until"]),
                superseded_by=_uuid_of(tx, "knowledge", row["superseded_by"]),
                memory_id=_uuid_of(tx, "memory", row["memory_id"]),
                source_ids=links.get(row["id"], []),
                provisional=bool(row["provisional"]),
                synthesizer=row["synthesizer"],
                pinned=bool(row["pinned"]),
                trust=Trust(row["trust"]),
                version=row["version"],
                created_at=from_micros(row["created_at"]),
                updated_at=from_micros(row["updated_at"]),
            ),
            superseded=row["superseded_by"] is not None,
            archived=bool(row["archived"]),
        )
        for row in rows
    ]


def _uuid_of(tx: Tx, layer: DerivedLayer, id_: int | None) -> UUID | None:
    row = tx.one(f"{layer}_by_id", id=id_) if id_ is not None else None
    return to_uuid(row["uuid"]) if row else None
