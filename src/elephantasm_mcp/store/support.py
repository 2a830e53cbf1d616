"""Support: what the events that a row keeps say of it, once others were forgotten.

Owns the columns that follow from a row's sources: its time, its session, its trust, and how sure it
is where it was merged. Invariant: what becomes of a snapshot depends on the snapshot alone, so a
row and its snapshots in the journal change alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.pure.scoring import confidence_together
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import anima_of, id_range
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.records import RowId, Trust


@dataclass(frozen=True, slots=True)
class Support:
    """What has to be known before events are erased."""

    lost: Mapping[RowId, int]
    """When the events happened that go."""
    confidences: Mapping[tuple[DerivedLayer, RowId], tuple[float, float]]
    """How sure merged rows are with what goes, and without."""


def before(
    tx: Tx, rows: Iterable[tuple[DerivedLayer, RowId]], *, gone: frozenset[RowId]
) -> Support:
    """What is to be known of `rows`, which stay, as long as the events `gone` are there."""
    lost = {RowId(one["id"]): int(one["occurred_at"]) for one in _sources(tx, gone)}
    confidences: dict[tuple[DerivedLayer, RowId], tuple[float, float]] = {}
    for layer, id_ in rows:
        row = memories.read_snapshot(tx, layer, id_)
        if row is not None and not _events(row).isdisjoint(gone):
            left = _confidence(tx, layer, id_, row, gone=gone)
            confidences[layer, id_] = (row["confidence"], left)
    return Support(lost, confidences)


def without(
    tx: Tx, layer: DerivedLayer, id_: RowId, snapshot: Snapshot, left: Snapshot, support: Support
) -> Snapshot:
    """`left`, which is a snapshot with fewer links, as its remaining events bear it out."""
    gone, kept = _events(snapshot) - _events(left), _sources(tx, _events(left))
    if not gone or not kept:
        return left
    changed = _times(layer, left, kept, lost={support.lost.get(one) for one in gone})
    if len(_events(left)) == len({tuple(link[:2]) for link in left["links"]}):
        told = all(one["trust"] == Trust.TOLD for one in kept)
        changed["trust"] = (Trust.TOLD if told else Trust.REPORTED).value
    was, now = support.confidences.get((layer, id_), (None, None))
    if now is not None and snapshot["confidence"] == was:
        changed["confidence"] = now
    return {**left, **changed}


def _times(
    layer: DerivedLayer, left: Snapshot, kept: Sequence[Row], *, lost: set[int | None]
) -> Snapshot:
    """Times and session that only an event gave which is lost, as the others have them."""
    times = [one["occurred_at"] for one in kept]
    changed: Snapshot = {}
    for name, last in (("valid_from", min), ("time_start", min), ("time_end", max)):
        if left.get(name) is not None and left[name] in lost:
            changed[name] = last(times)
    if layer == "memory":
        sessions = [one["session_id"] for one in kept]
        changed["session_id"] = (
            left["session_id"] if left["session_id"] in sessions else sessions[0]
        )
    return changed


def _confidence(
    tx: Tx, layer: DerivedLayer, id_: RowId, row: Snapshot, *, gone: frozenset[RowId]
) -> float:
    """How sure a row is without some events: what it was made as, and what was merged into it."""
    said = [_first(tx, layer, id_)]
    said += [
        memories.read_snapshot(tx, layer, RowId(one))
        for (one,) in tx.tuples(
            f"superseded_{layer}", ids=to_json([id_]), **id_range(anima_of(id_))
        )
    ]
    parts = [
        (frozenset(left), one["confidence"])
        for one in said
        if one is not None and _events(one) <= _events(row) and (left := _events(one) - gone)
    ]
    if not parts:
        return row["confidence"]
    return min(row["confidence"], confidence_together(parts))


def _first(tx: Tx, layer: DerivedLayer, id_: RowId) -> Snapshot | None:
    """A row as it was made, if the journal still has that."""
    found = tx.one("first_snapshot", layer=layer, row_id=id_)
    return from_json(found["after"]) if found and found["after"] is not None else None


def _events(snapshot: Snapshot) -> set[RowId]:
    return {RowId(link[1]) for link in snapshot["links"] if link[0] == "event"}


def _sources(tx: Tx, events: Iterable[RowId]) -> list[Row]:
    """Events, in time order."""
    return tx.all("events_by_ids", ids=to_json(sorted(events)))
