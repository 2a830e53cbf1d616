"""Segments: the rows of an anima as a cold start loads them, brought up to date.

Owns the order of reading, making and writing; their form is `store/segments.py`. Invariant: a
segment is written only in the state that it was made of, so that it does not matter who does it.
"""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from elephantasm_mcp.memory import index
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, segments
from elephantasm_mcp.types.records import AnimaNo


async def pack(core: Core, anima_no: AnimaNo) -> None:
    """Bring the segments of an anima up to date, unless another process is at it.

    Raises:
        StorageError: the database failed.
    """
    models = index.models_of(core)
    while step := await core.database.read(_next_segment, anima_no, models):
        block = (
            await anyio.to_thread.run_sync(segments.make_block, step, abandon_on_cancel=True)
            if isinstance(step, segments.NewRows)
            else None
        )
        if not await core.database.write(_write_segment, anima_no, step, block):
            return


def _next_segment(tx: Tx, anima_no: AnimaNo, models: Mapping[str, int]) -> segments.Step | None:
    return segments.next_step(tx, animas.get(tx, anima_no), models)


def _write_segment(
    tx: Tx, anima_no: AnimaNo, step: segments.Step, block: segments.Made | None
) -> bool:
    anima = animas.get(tx, anima_no)
    match step:
        case segments.Others():
            return segments.drop_others(tx, anima)
        case segments.Worn():
            return segments.drop_last(tx, anima, step)
        case segments.NewPart():
            return segments.put_part(tx, anima, step)
        case segments.NewRows(chain=seen):
            return block is not None and segments.put_block(tx, anima, seen, block)
