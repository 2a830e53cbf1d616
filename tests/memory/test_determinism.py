"""Packs: the same state, query and clock give the same bytes, wherever they are made."""

import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from histories import ASKED, History

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import animas, packs
from elephantasm_mcp.store import past
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import FILE, EachEvent
from speaking import environment

TESTS = Path(__file__).parent.parent
PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
import anyio
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.synthesis.fakes import ScriptedSynthesizer
from test_determinism import contents

async def main(path, now):
    async with open_database(Path(path)) as database:
        core = Core(
            database=database,
            clock=FakeClock(datetime.fromisoformat(now)),
            ids=CountingIds(),
            synthesizer=ScriptedSynthesizer(),
            secret=b"secret",
            sentences=HashEmbedder(),
            words=HashEmbedder(32),
        )
        sys.stdout.write(await contents(core))

anyio.run(main, *sys.argv[1:])
"""


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent(provisional=True), words=HashEmbedder(32))


async def contents(core):
    """Every pack that is asked for, as text."""
    made = [await packs.compile_pack(core, LOCAL_USER, asked) for asked in ASKED]
    return json.dumps([pack.model_dump(mode="json") for pack in made])


@asynccontextmanager
async def copied(core, *, order):
    """The default anima in a database of its own, its rows inserted in another order."""
    anima = await animas.find(core, LOCAL_USER, None)
    now = core.clock.now()
    rows = await core.database.read(past.read, anima.anima_no, as_of=now, models=())
    async with core.database.scratch() as database:
        ordered = replace(rows, events=order(rows.events), derived=order(rows.derived))
        await database.write(past.restore, ordered)
        yield replace(core, database=database, corpora=CorpusCache())


@pytest.mark.parametrize("seed", ["0", "1", "random"])
async def test_another_process_makes_the_same_bytes(core, clock, tmp_path, seed):
    await History(core, clock, 1).live(12)
    here = await contents(core)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / FILE), clock.now().isoformat()]
    path = os.pathsep.join([str(TESTS), str(TESTS / "memory")])
    env = environment(tmp_path / FILE, PYTHONHASHSEED=seed, PYTHONPATH=path)
    with anyio.fail_after(60):
        done = await anyio.run_process(command, env=env)
    assert done.stdout.decode() == here


async def test_a_cold_cache_gives_what_a_warm_one_gave(core, clock):
    history = History(core, clock, 2)
    for _ in range(6):
        await history.live(3)
        assert await contents(replace(core, corpora=CorpusCache())) == await contents(core)


@pytest.mark.parametrize("rows", [1, 3, 500])
async def test_the_batches_of_indexing_do_not_matter(core, clock, rows):
    await History(core, clock, 3).live(12)
    made = await contents(core)
    otherwise = replace(core, sentences=HashEmbedder(rows=rows))
    async with copied(otherwise, order=list) as other:
        assert await contents(other) == made


@pytest.mark.parametrize("order", [list, lambda rows: list(reversed(rows))])
async def test_the_order_in_which_rows_were_inserted_does_not_matter(core, clock, order):
    await History(core, clock, 4).live(12)
    async with copied(core, order=order) as other:
        assert await contents(other) == await contents(core)
