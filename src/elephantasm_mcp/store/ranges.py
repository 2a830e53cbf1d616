"""Ranges: the numbers of an anima that rows have, some hundreds at a time.

Owns how a walk through them gets over gaps: a counter may stand far behind the last row, and most
of what it gave out may be gone. Invariant: the walk takes as long as there are rows, not numbers.
"""

from collections.abc import Iterator

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.animas import id_range
from elephantasm_mcp.types.records import AnimaNo


def ranges(tx: Tx, anima_no: AnimaNo, last: int, *, step: int) -> Iterator[tuple[int, int]]:
    """The first and the last row id of each range in which something has a number up to `last`."""
    bounds = id_range(anima_no)
    bounds["high"] = min(bounds["high"], bounds["low"] + last)
    while (row := tx.one("next_numbered", **bounds)) and row["id"] is not None:
        yield row["id"], min(row["id"] + step - 1, bounds["high"])
        bounds["low"] = row["id"] + step
