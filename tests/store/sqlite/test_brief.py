"""A database that is opened for a moment."""

from pathlib import Path

import pytest

from elephantasm_mcp.brief import open_core, run_through
from elephantasm_mcp.errors import NotBuiltError, StorageError
from elephantasm_mcp.memory import animas, events
from elephantasm_mcp.store.sqlite.brief import open_briefly
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.proposals import SynthesisBatch
from elephantasm_mcp.types.records import LOCAL_USER, EventCreate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"


def test_services_run_through_without_an_event_loop(path: Path):
    with open_core(path, anima="mine") as core:
        run_through(events.record(core, LOCAL_USER, [EventCreate(content="Hello.")]))
    with open_core(path, anima="mine") as core:
        (found,) = run_through(events.list_events(core, LOCAL_USER, None))
        assert found.content == "Hello."


async def test_it_works_while_another_has_the_file_open(path: Path):
    async with open_database(path):
        with open_core(path) as core:
            await animas.resolve(core, LOCAL_USER, None)
            assert await core.database.data_version() > 0


def test_what_fails_leaves_no_trace(path: Path):
    with open_core(path) as core:

        def fail(tx):
            tx.run("add_property", key="x", value=b"1")
            raise KeyError

        with pytest.raises(KeyError):
            run_through(core.database.write(fail))
        assert run_through(core.database.read(lambda tx: tx.one("property", key="x"))) is None


def test_reading_makes_no_file(path: Path):
    with open_briefly(path, patience_s=0.1) as database, pytest.raises(StorageError):
        run_through(database.read(lambda tx: tx.one("property", key="secret")))
    assert not path.exists()


async def test_what_takes_long_is_not_done(path: Path):
    with open_core(path) as core:
        with pytest.raises(StorageError):
            await core.database.health()
        with pytest.raises(StorageError):
            await core.database.scrub()
        with pytest.raises(StorageError):
            core.database.scratch()
        with pytest.raises(NotBuiltError):
            await core.synthesizer.synthesize(SynthesisBatch(anima="mine", events=()))


def test_a_coroutine_that_waits_is_not_run_through():
    class Forever:
        def __await__(self):
            yield

    async def wait():
        await Forever()

    with pytest.raises(RuntimeError):
        run_through(wait())
