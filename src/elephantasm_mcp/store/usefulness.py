"""Usefulness in the store: how often packs were read, and what stood in them.

Owns those counts. Invariant: nothing that a pack says depends on them.
"""

from collections.abc import Mapping
from datetime import datetime

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.animas import id_range
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.records import AnimaNo, RowId


def count_shown(
    tx: Tx,
    anima_no: AnimaNo,
    *,
    packs: int,
    rows: Mapping[tuple[DerivedLayer, RowId], int],
    now: datetime,
) -> None:
    """Count packs of an anima that were read, and the rows that stood in them."""
    for (layer, id_), times in sorted(rows.items()):
        tx.run(
            "count_shown", anima_no=anima_no, layer=layer, id=id_, times=times, now=to_micros(now)
        )
    tx.run("count_pack", anima_no=anima_no, packs=packs)


def packs_read(tx: Tx, anima_no: AnimaNo) -> int:
    """How many packs of an anima were read."""
    row = tx.one("packs_read", anima_no=anima_no)
    return row["packs_read"] if row else 0


def uses_of(tx: Tx, anima_no: AnimaNo, layer: DerivedLayer) -> list[Row]:
    """The rows of a layer that packs may show, with how they used them."""
    return tx.all(f"{layer}_uses", **id_range(anima_no))
