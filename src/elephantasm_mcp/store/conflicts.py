"""Conflicts in the store: two rows that contradict each other.

Owns reading them; they are written as snapshots, by `memory/ledger.py` alone. Invariant: a pair is
in conflict at most once, whichever of the two is named first, be it open or settled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.values import from_micros
from elephantasm_mcp.types.records import RowId, handle_of

ConflictState = Literal["open", "settled"]


@dataclass(frozen=True, slots=True)
class StoredConflict:
    """Two rows that cannot both hold, and what was decided."""

    id: RowId
    layer: DerivedLayer
    first: RowId
    second: RowId
    question: str
    state: ConflictState
    kept: RowId | None
    """The one that was said to hold; None while open, and when both do."""
    created_at: datetime

    @property
    def handle(self) -> str:
        """`c` and its number."""
        return handle_of("conflict", self.id)


def get(tx: Tx, id_: RowId) -> StoredConflict | None:
    """One conflict."""
    row = tx.one("conflict_by_id", id=id_)
    return _stored(row) if row else None


def list_for(tx: Tx, anima: StoredAnima) -> list[StoredConflict]:
    """All conflicts of an anima, oldest first."""
    return [_stored(row) for row in tx.all("list_conflicts", **id_range(anima.anima_no))]


def _stored(row: Row) -> StoredConflict:
    return StoredConflict(
        id=RowId(row["id"]),
        layer=row["of_layer"],
        first=RowId(row["first_id"]),
        second=RowId(row["second_id"]),
        question=row["question"],
        state=row["state"],
        kept=None if row["kept_id"] is None else RowId(row["kept_id"]),
        created_at=from_micros(row["created_at"]),
    )
