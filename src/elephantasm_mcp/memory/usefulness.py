"""Usefulness: what no pack shows any more, and what crowds every pack.

Owns the judgement; `uses` counts. Invariant: it only reads, and what it names stays as it is until
somebody curates it.
"""

from datetime import datetime, timedelta

from elephantasm_mcp.memory import animas, uses
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store import usefulness as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.values import from_micros, maybe_time
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import RowId, User, handle_of
from elephantasm_mcp.types.views import RowUse, Usefulness

UNUSED_DAYS = 90
CROWDING_SHARE = 0.9
"""What stands in so many of the packs that were read since it first did crowds them,"""
CROWDING_PACKS = 10
"""once there were so many."""
_LAYERS: tuple[DerivedLayer, ...] = ("memory", "knowledge")


async def judge(core: Core, user: User, anima: AnimaRef, *, days: int = UNUSED_DAYS) -> Usefulness:
    """What no pack showed for so many days, and what stands in nearly every one.

    Raises:
        NotFoundError: an unknown anima.
        StorageError: the database cannot be written: what was read last is counted first.
    """
    target = await animas.find(core, user, anima)
    await uses.flush(core)
    return await core.database.read(_judge, target, days, now=core.clock.now())


def _judge(tx: Tx, anima: StoredAnima, days: int, *, now: datetime) -> Usefulness:
    read = store.packs_read(tx, anima.anima_no)
    rows = [
        _use(layer, row, read=read)
        for layer in _LAYERS
        for row in store.uses_of(tx, anima.anima_no, layer)
    ]
    since = now - timedelta(days=days)
    unused = [row for row in rows if (row.last_at or row.created_at) < since]
    crowding = [
        row for row in rows if row.of >= CROWDING_PACKS and row.shown >= CROWDING_SHARE * row.of
    ]
    return Usefulness(
        packs_read=read,
        days=days,
        unused=sorted(unused, key=lambda row: row.last_at or row.created_at),
        crowding=sorted(crowding, key=lambda row: -row.shown),
    )


def _use(layer: DerivedLayer, row: Row, *, read: int) -> RowUse:
    return RowUse(
        handle=handle_of(layer, RowId(row["id"])),
        layer=layer,
        text=row["text"],
        shown=row["times"] or 0,
        of=read - (row["packs_before"] or 0),
        last_at=maybe_time(row["last_at"]),
        created_at=from_micros(row["created_at"]),
    )
