"""An anima's rows as they were, and setting them up again elsewhere.

Owns reading the past out of what the store keeps: events have the time of their recording, dreams
the events that they consumed, the journal every change of a memory or a knowledge item. Invariant:
reading the present gives the rows as they are, but for times and scores that no pack depends on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from elephantasm_mcp.ports import Row, Tx, Value
from elephantasm_mcp.store import memories, search
from elephantasm_mcp.store.animas import id_range
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.store.values import from_json, to_micros
from elephantasm_mcp.types.records import AnimaNo, JournalLayer, Layer, RowId, unpack_row_id

_KEPT = ("anima_no", "uuid", "user_no", "name", "settings", "created_at", "updated_at")
"""What an anima has today stands for what it had: packs do not show it, settings are not dated."""


@dataclass(frozen=True, slots=True)
class PastRows:
    """What an anima held at a moment."""

    anima: Row
    events: list[Row]
    derived: list[tuple[JournalLayer, RowId, Snapshot]]
    uses: list[Row]
    vectors: list[dict[str, Value]]
    """Those of today that were the same then."""


def read(tx: Tx, anima_no: AnimaNo, *, as_of: datetime, models: Iterable[str]) -> PastRows:
    """The rows as they were at `as_of`, with the vectors of these models that still hold.

    Raises:
        LookupError: there is no such anima.
    """
    anima = tx.one("anima_by_no", anima_no=anima_no)
    if anima is None:
        raise LookupError(anima_no)
    bounds = {**id_range(anima_no), "as_of": to_micros(as_of)}
    events = tx.all("events_as_of", **bounds)
    derived: list[tuple[JournalLayer, RowId, Snapshot]] = [
        (layer, RowId(id_), from_json(after))
        for layer, id_, after in tx.tuples("snapshots_as_of", **bounds)
    ]
    kept: dict[Layer, set[int]] = {
        "event": {event["id"] for event in events}
        - {id_ for (id_,) in tx.tuples("events_behind_later_ones", **bounds)},
        "memory": _unchanged(tx, anima_no, "memory", ("summary", "content"), derived),
        "knowledge": _unchanged(tx, anima_no, "knowledge", ("content",), derived),
    }
    return PastRows(
        anima=anima,
        events=events,
        derived=derived,
        uses=tx.all("uses_as_of", **bounds),
        vectors=[
            {"layer": layer, "model": model, "id": id_, "vector": vector}
            for model in models
            for layer in LAYERS
            for id_, vector in search.vectors_after(tx, anima_no, layer, model, after=0)
            if id_ in kept[layer]
        ],
    )


def restore(tx: Tx, rows: PastRows) -> None:
    """Set the rows up in an empty store, under their own ids."""
    anima = rows.anima
    tx.run(
        "restore_user", user_no=anima["user_no"], uuid=anima["user_uuid"], name=anima["user_name"]
    )
    tx.run(
        "restore_anima",
        **{name: anima[name] for name in _KEPT},
        event_seq=_last_number(event["id"] for event in rows.events),
        memory_seq=_last_number(id_ for layer, id_, _ in rows.derived if layer == "memory"),
        knowledge_seq=_last_number(id_ for layer, id_, _ in rows.derived if layer == "knowledge"),
        last_event_at=max((event["occurred_at"] for event in rows.events), default=None),
    )
    tx.many("restore_event", rows.events)
    for layer, id_, snapshot in rows.derived:
        memories.write_snapshot(tx, layer, id_, snapshot)
    tx.many("restore_uses", rows.uses)
    tx.many("put_vector", rows.vectors)


def _unchanged(
    tx: Tx,
    anima_no: AnimaNo,
    layer: DerivedLayer,
    columns: tuple[str, ...],
    derived: Iterable[tuple[JournalLayer, RowId, Snapshot]],
) -> set[int]:
    """The rows of a layer that read today as they did; `columns` follow the id in `rows_after`."""
    today = {
        row[0]: row[1 : 1 + len(columns)] for row in search.rows_after(tx, anima_no, layer, after=0)
    }
    return {
        id_
        for of, id_, snapshot in derived
        if of == layer and today.get(id_) == tuple(snapshot[name] for name in columns)
    }


def _last_number(ids: Iterable[int]) -> int:
    return max((unpack_row_id(RowId(id_))[1] for id_ in ids), default=0)
