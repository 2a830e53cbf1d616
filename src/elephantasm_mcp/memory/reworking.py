"""Reworking: provisional rows give way once their events are settled.

Owns which provisional rows go, and what takes their place. Applies nothing (the ledger does).
Invariant: a row that a person or a later dream touched is kept, and named.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from elephantasm_mcp.memory import ledger
from elephantasm_mcp.memory.ledger import Change
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import dreams, memories
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.types.records import MemoryState, RowId, handle_of

OPERATION: Final = "rework"
OURS: Final = frozenset({"synthesize", "fade", OPERATION})
"""Operations that do not make a row anybody's but the synthesizer's."""


@dataclass(frozen=True, slots=True)
class Reworked:
    """What becomes of the provisional rows of some events."""

    changes: list[Change] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Handles of the rows that stay although their events are settled."""


def supersede(tx: Tx, settled: Iterable[RowId], *, now: datetime) -> Reworked:
    """The changes that retire what was provisionally made of these events, and nothing else.

    A row goes once all its events are settled: superseded by what was made of most of them, or
    archived when nothing was.
    """
    reworked = Reworked()
    for layer, id_ in memories.rows_of_events(tx, settled):
        row = memories.read_snapshot(tx, layer, id_)
        if row is None or not row["provisional"] or row["superseded_by"] is not None:
            continue
        if memories.has_unsettled_source(tx, layer, id_):
            continue
        if row["pinned"] or dreams.operations_on(tx, layer, id_) - OURS:
            reworked.kept.append(handle_of(layer, id_))
            continue
        if not _is_archived(layer, row) or _successor(tx, layer, id_) is not None:
            reworked.changes.append(_retire(tx, layer, id_, row, now=now))
    return reworked


def _retire(tx: Tx, layer: DerivedLayer, id_: RowId, row: Snapshot, *, now: datetime) -> Change:
    successor = _successor(tx, layer, id_)
    if successor is not None:
        after = {**row, "superseded_by": successor}
        reasoning = f"Its events were gone through again: see {handle_of(layer, successor)}."
    else:
        state: Snapshot = (
            {"state": MemoryState.ARCHIVED.value} if layer == "memory" else {"archived": 1}
        )
        after = {**row, **state}
        reasoning = "Its events were gone through again, and nothing was made of them."
    sources = [handle_of("event", link[1]) for link in row["links"] if link[0] == "event"]
    return Change(
        layer=layer,
        id=id_,
        after=ledger.stamp(after, now=now),
        operation=OPERATION,
        sources=list(dict.fromkeys(sources)),
        reasoning=reasoning,
    )


def _successor(tx: Tx, layer: DerivedLayer, id_: RowId) -> RowId | None:
    """The row that was made of most of the same events and is not provisional."""
    return memories.settled_counterpart(tx, layer, id_)


def _is_archived(layer: DerivedLayer, row: Snapshot) -> bool:
    return bool(row["archived"]) if layer == "knowledge" else row["state"] == MemoryState.ARCHIVED
