"""What every engine promises of a transaction."""

from uuid import UUID

import anyio
import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.store import animas
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate


def add(tx, name, number, now):
    request = AnimaCreate(name=name)
    return animas.add(tx, LOCAL_USER, request, uuid=UUID(int=number), now=now)[0]


def names(tx):
    return [one.anima.name for one in animas.list_for(tx, LOCAL_USER)]


async def test_a_function_that_raises_leaves_no_trace_and_its_error_arrives(database, anima, now):
    def fail(tx):
        add(tx, "lost", 50, now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fail)
    assert await database.read(names) == [anima.anima.name]


async def test_writes_at_once_are_each_whole(database, anima, now):
    async def one(number):
        await database.write(add, f"n{number}", 100 + number, now)

    async def bad():
        with pytest.raises(StorageError):
            await database.write(add, "clash", anima.id.int, now)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(one, number)
        group.start_soon(bad)
    assert len(await database.read(names)) == 21


async def test_a_read_cannot_write(database, anima, now):
    with pytest.raises(StorageError):
        await database.read(add, "no", 60, now)
    assert await database.read(names) == [anima.anima.name]


async def test_the_version_moves_with_a_commit_and_only_then(database, anima, now):
    before = await database.data_version()
    await database.read(names)
    assert await database.data_version() == before
    await database.write(add, "new", 70, now)
    assert await database.data_version() != before
    assert anima.anima.name == "first"


async def test_a_healthy_database_says_so(database, anima):
    health = await database.health()
    assert (health.writable, health.problems) == (True, ())
    assert health.size_bytes > 0
    assert anima.anima_no == 1


async def test_rows_have_names_and_no_row_is_none(database, anima):
    found = await database.read(lambda tx: tx.one("property", key="secret"))
    assert found == {"value": b"secret"}
    assert await database.read(lambda tx: tx.one("property", key="nothing")) is None
    assert await database.read(lambda tx: tx.all("property", key="nothing")) == []
    assert await database.read(lambda tx: tx.tuples("property", key="secret")) == [(b"secret",)]
    assert anima.revision == 0
