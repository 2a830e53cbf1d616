"""Engines that the contract is checked on. A new engine is one more name here."""

from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, User


@pytest.fixture(params=["sqlite"])
async def database(request, tmp_path):
    """An open, empty database of one engine."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "sqlite":
                opened = await stack.enter_async_context(open_database(tmp_path / "store.sqlite3"))
        yield opened


@pytest.fixture
def now():
    return FakeClock().now()


@pytest.fixture
def ids():
    return CountingIds()


@pytest.fixture
async def anima(database, now):
    """The first anima of the local user."""
    await database.write(animas.prepare, user=UUID(int=1), secret=b"secret", now=now)
    stored, _ = await database.write(
        animas.add, LOCAL_USER, AnimaCreate(name="first"), uuid=UUID(int=2), now=now
    )
    return stored


@pytest.fixture
async def second(database, anima, now):
    """Another anima of the same user: what must not be touched."""
    stored, _ = await database.write(
        animas.add, User(anima.user_no), AnimaCreate(name="second"), uuid=UUID(int=3), now=now
    )
    return stored
