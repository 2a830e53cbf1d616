"""Work orders in the store: which events a connected agent was asked to make memories of.

Owns their rows. Invariant: an anima and a caller have at most one open order, and one that is
closed never opens again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.values import from_json, from_micros, to_json, to_micros, to_uuid
from elephantasm_mcp.types.records import AnimaNo, RowId, UserNo


class OrderState(StrEnum):
    """Where a work order stands."""

    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"
    """Its time was over, or its events were settled otherwise."""
    WITHDRAWN = "withdrawn"
    """What it showed was forgotten, or masked: an answer might repeat it."""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One work order."""

    order_no: int
    uuid: UUID
    anima_no: AnimaNo
    user_no: UserNo
    events: tuple[RowId, ...]
    state: OrderState
    expires_at: datetime
    dream: RowId | None
    """The dream that completed it."""


def add(
    tx: Tx,
    *,
    uuid: UUID,
    anima_no: AnimaNo,
    user_no: UserNo,
    events: list[RowId],
    now: datetime,
    expires_at: datetime,
) -> None:
    """Open a work order."""
    tx.run(
        "add_work_order",
        uuid=uuid.bytes,
        anima_no=anima_no,
        user_no=user_no,
        events=to_json(events),
        now=to_micros(now),
        expires_at=to_micros(expires_at),
    )


def find_open(tx: Tx, *, anima_no: AnimaNo, user_no: UserNo) -> StoredOrder | None:
    """The open order of an anima and a caller."""
    row = tx.one("open_work_order", anima_no=anima_no, user_no=user_no)
    return _stored(row) if row else None


def find(tx: Tx, uuid: UUID) -> StoredOrder | None:
    """One order by its public id, whoever owns it."""
    row = tx.one("work_order_by_uuid", uuid=uuid.bytes)
    return _stored(row) if row else None


def close(tx: Tx, order: StoredOrder, *, state: OrderState, dream: RowId | None = None) -> bool:
    """End an order; False when it was no longer open."""
    changed = tx.run("close_work_order", order_no=order.order_no, state=state, dream_id=dream)
    return changed > 0


def withdraw_showing(tx: Tx, anima_no: AnimaNo, gone: Iterable[RowId]) -> None:
    """End the open orders of an anima that show one of these events."""
    tx.run("withdraw_showing", anima_no=anima_no, ids=to_json(sorted(gone)))


def withdraw_all(tx: Tx, anima_no: AnimaNo) -> None:
    """End the open orders of an anima."""
    tx.run("withdraw_all", anima_no=anima_no)


def give(tx: Tx, anima_no: AnimaNo, *, user_no: UserNo) -> None:
    """Let an anima's orders be its new user's."""
    tx.run("give_work_orders", anima_no=anima_no, user_no=user_no)


def _stored(row: Row) -> StoredOrder:
    return StoredOrder(
        order_no=row["order_no"],
        uuid=to_uuid(row["uuid"]),
        anima_no=AnimaNo(row["anima_no"]),
        user_no=UserNo(row["user_no"]),
        events=tuple(RowId(event) for event in from_json(row["events"])),
        state=OrderState(row["state"]),
        expires_at=from_micros(row["expires_at"]),
        dream=None if row["dream_id"] is None else RowId(row["dream_id"]),
    )
