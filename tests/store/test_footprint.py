"""The footprint of rows: near to what Python itself counts."""

import gc
import tracemalloc
from dataclasses import replace

import pytest

from elephantasm_mcp.memory import dreams
from elephantasm_mcp.store import animas, events, memories
from elephantasm_mcp.store.footprint import Footprint, row_bytes
from elephantasm_mcp.types.records import LOCAL_USER, row_id
from scenes import EachEvent, tell

COUNT = 40
META = {"list": list(range(1_000, 1_200)), "deep": {"text": "y" * 2_000}}


@pytest.mark.parametrize(
    ("text", "meta"),
    [("Tea.", {}), ("x" * 20_000, {}), ("é" * 9_000 + "東" * 9_000, {}), ("Tea.", META)],
)
async def test_a_footprint_is_near_to_what_python_counts(core, text, meta):
    core = replace(core, synthesizer=EachEvent())
    await tell(core, *(f"{text} {n}" for n in range(COUNT)), meta=meta)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    for get in (events.get_many, memories.get_memories, memories.get_knowledge_many):
        counted, real = await core.database.read(_weigh, get)
        assert counted == pytest.approx(real, rel=0.25)


def _weigh(tx, get):
    """What the footprint says of rows, and what memory they took when they were read."""
    anima = animas.get(tx, 1)
    ids = [row_id(1, n) for n in range(1, COUNT + 1)]
    list(get(tx, anima, ids))  # what the first read makes for all later ones
    gc.collect()
    tracemalloc.start()
    rows = {row.id: row for row in get(tx, anima, ids)}
    gc.collect()
    real, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) == COUNT
    return Footprint().of(rows), real


async def test_rows_that_came_later_are_added_and_none_is_counted_twice(core):
    await tell(core, "Tea.", "Rum and tea, again and again.")
    first, second = await core.database.read(
        lambda tx: list(events.get_many(tx, animas.get(tx, 1), [row_id(1, 1), row_id(1, 2)]))
    )
    footprint, rows = Footprint(), {1: first}
    assert footprint.of({}) == 0
    assert footprint.of(rows) == footprint.of(rows) == row_bytes(first)
    rows[2] = second
    assert footprint.of(rows) == row_bytes(first) + row_bytes(second)
