"""A store in memory: a database like any other, alone and for a moment."""

from dataclasses import replace

import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory import dreams, packs
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import tell


@pytest.fixture
async def database(tmp_path):
    async with open_database(tmp_path / "file.sqlite3") as opened:
        yield opened


def put(tx, value, *, then=None):
    tx.run("add_property", key="secret", value=value)
    if then is not None:
        raise then
    return "put"


def get(tx):
    row = tx.one("property", key="secret")
    return row["value"] if row else None


async def test_it_is_empty_and_of_the_same_schema(core):
    await tell(core, "Nadia likes rum.")
    async with core.database.scratch() as scratch:
        assert await scratch.read(animas.list_for, LOCAL_USER) == []
        await scratch.write(animas.prepare, user=core.ids.uuid(), secret=b"", now=core.clock.now())
        other = replace(core, database=scratch)
        await tell(other, "Bo likes tea.")
        await dreams.run(other, LOCAL_USER, anima=None)
        assert "tea" in (await packs.compile_pack(other, LOCAL_USER, PackQuery())).as_prompt()
    assert "tea" not in (await packs.compile_pack(core, LOCAL_USER, PackQuery())).as_prompt()


async def test_each_is_alone(database):
    async with database.scratch() as one, one.scratch() as another:
        assert await one.write(put, b"1") == "put"
        assert await one.read(get) == b"1"
        assert await another.read(get) is None
        assert await database.read(get) is None


async def test_it_leaves_nothing_on_the_disk(database, tmp_path):
    before = {file: file.stat().st_size for file in tmp_path.rglob("*")}
    async with database.scratch() as scratch:
        await scratch.write(put, b"secret" * 1_000_000)
        assert {file: file.stat().st_size for file in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("error", [StopIteration(), KeyError("x"), KeyboardInterrupt()])
async def test_what_fails_comes_out_and_leaves_no_trace(database, error):
    async with database.scratch() as scratch:
        with pytest.raises((type(error), RuntimeError)):  # no coroutine raises StopIteration
            await scratch.write(put, b"1", then=error)
        assert await scratch.read(get) is None


async def test_reading_cannot_write_and_an_error_of_the_library_is_a_plain_one(database):
    async with database.scratch() as scratch:
        with pytest.raises(StorageError):
            await scratch.read(put, b"1")
        await scratch.write(put, b"1")
        with pytest.raises(StorageError, match="refused a value"):
            await scratch.write(lambda tx: tx.run("restore_user", user_no=1, uuid=None, name="me"))


async def test_it_says_that_it_is_in_memory(database):
    async with database.scratch() as scratch:
        assert (await scratch.health()).location == "in memory"
        assert await scratch.data_version() == await scratch.data_version()
