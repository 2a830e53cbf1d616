"""Conflicts: what two sources say differently, asked once and settled for good.

Owns which questions are open and settling them; deep sleep finds them. Invariant: while a conflict
is open both rows stay as they are, and a pair that was asked about is never asked about again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import inputs
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import conflicts as store
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.conflicts import StoredConflict
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.records import RowId, handle_of

if TYPE_CHECKING:
    from elephantasm_mcp.memory.ledger import Change, Run


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A question, and the two rows that answer it differently."""

    conflict: StoredConflict
    first: Row
    second: Row

    @property
    def handle(self) -> str:
        """`c` and its number."""
        return self.conflict.handle


def open_of(tx: Tx, anima: StoredAnima) -> list[OpenConflict]:
    """What is open in an anima, oldest first; not what something else decided meanwhile."""
    found: list[OpenConflict] = []
    for conflict in store.list_for(tx, anima):
        if conflict.state == "open":
            rows = [_row(tx, anima, conflict, id_) for id_ in (conflict.first, conflict.second)]
            first, second = rows
            if first and second and inputs.lives(first) and inputs.lives(second):
                found.append(OpenConflict(conflict, first, second))
    return found


def settle(
    tx: Tx,
    anima: StoredAnima,
    handle: str,
    run: Run,
    *,
    keep: str | None,
    reason: str = "",
    now: datetime,
) -> RowId:
    """Settle a conflict for good, as a dream of its own: `keep` holds, or with None both do.

    `handle` names the conflict (`c2`) or one of its rows. The other row is superseded by the one
    that is kept. Returns the dream.

    Raises:
        NotFoundError: there is no such open conflict.
        ValidationError: `keep` is none of the two rows.
    """
    from elephantasm_mcp.memory import ledger  # the only writer: packs only read

    found = _find(tx, anima, handle)
    rows = {found.first.handle: found.first, found.second.handle: found.second}
    if keep is not None and keep not in rows:
        raise ValidationError(
            f"{keep!r} is none of the two rows.", field="keep", hint=f"Give {' or '.join(rows)}."
        )
    dream = ledger.open_dream(tx, anima, run, now=now)
    kept = rows[keep] if keep else None
    changes = [_settled(tx, found.conflict, kept, reason=reason, now=now)]
    if kept is not None:
        (loser,) = (row for row in rows.values() if row is not kept)
        changes.append(_loser(loser, kept, reason=reason, now=now))
    ledger.apply(tx, anima, dream, changes, counts={"settled": 1}, now=now)
    return dream


def _find(tx: Tx, anima: StoredAnima, handle: str) -> OpenConflict:
    for one in open_of(tx, anima):
        if handle in (one.handle, one.first.handle, one.second.handle):
            return one
    raise NotFoundError(
        f"Nothing contradicts {handle} that is not settled.",
        hint="Packs mark what is unsettled, and the journal names it.",
    )


def _row(tx: Tx, anima: StoredAnima, conflict: StoredConflict, id_: RowId) -> Row | None:
    return inputs.find(tx, anima, handle_of(conflict.layer, id_))


def _settled(
    tx: Tx, conflict: StoredConflict, kept: Row | None, *, reason: str, now: datetime
) -> Change:
    from elephantasm_mcp.memory import ledger

    before = memories.read_snapshot(tx, "conflict", conflict.id)
    if before is None:
        raise ConflictError(f"{conflict.handle} has gone meanwhile.")
    changed = {**before, "state": "settled", "kept_id": kept.id if kept else None}
    return ledger.Change(
        layer="conflict",
        id=conflict.id,
        after=ledger.stamp(changed, now=now),
        operation="settle",
        sources=[kept.handle] if kept else [],
        reasoning=reason or "Both hold." if kept is None else reason,
    )


def _loser(loser: Row, kept: Row, *, reason: str, now: datetime) -> Change:
    from elephantasm_mcp.memory import ledger

    layer, id_ = inputs.key(loser)
    ended: Snapshot = {"superseded_by": kept.id}
    if layer == "knowledge":
        ended["valid_until"] = to_micros(now)
    return ledger.Change(
        layer=layer,
        id=id_,
        after=ledger.stamp({**loser.snapshot, **ended}, now=now),
        operation="settle",
        sources=[kept.handle],
        reasoning=reason or f"{kept.handle} was said to hold.",
    )
