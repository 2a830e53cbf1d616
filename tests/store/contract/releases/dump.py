"""Writes a small database, made by the services of this release, as SQL text to standard output.

Run it once for each release: `PYTHONPATH=tests python tests/store/contract/releases/dump.py`.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import apsw

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import dreams, index
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import EachEvent, tell


async def make(path: Path) -> None:
    """Two dreams, one of them undone, and an event that is still pending."""
    clock, ids = FakeClock(), CountingIds()
    async with open_database(path) as database:
        secret = await database.write(
            animas.prepare, user=ids.uuid(), secret=b"secret", now=clock.now()
        )
        core = Core(
            database=database,
            clock=clock,
            ids=ids,
            synthesizer=EachEvent(),
            secret=secret,
            sentences=HashEmbedder(16),
        )
        await tell(core, "Nadia is allergic to hazelnuts.", author="Nadia", session_id="s")
        await dreams.run(core, LOCAL_USER, anima=None)
        await tell(core, "Bo likes rum.", author="Bo", session_id="s")
        await dreams.run(core, LOCAL_USER, anima=None)
        await dreams.undo(core, LOCAL_USER, "d2")
        await tell(core, "Billing moves to PostgreSQL.", source_uri="file:///plan.md")
        await index.load_embedders(core)
        for anima in await database.read(animas.list_for, LOCAL_USER):
            await index.index_pending(core, anima.anima_no)


def dump(path: Path) -> Iterator[str]:
    """The statements that make the file again, its full-text tables byte for byte."""
    connection = apsw.Connection(str(path))
    for pragma in ("application_id", "user_version"):
        ((value,),) = connection.execute(f"PRAGMA {pragma}")
        yield f"PRAGMA {pragma} = {value}"
    tables = list(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    virtual = [name for name, sql in tables if sql.startswith("CREATE VIRTUAL")]
    for name, sql in tables:
        shadow = any(name.startswith(f"{one}_") for one in virtual)
        if not shadow and name != "sqlite_sequence":
            yield sql
    for name, _ in tables:
        if name in virtual:
            continue
        yield f"DELETE FROM {name}"  # noqa: S608 - a table of ours
        columns = [column for _, column, *_ in connection.execute(f"PRAGMA table_info({name})")]
        quoted = " || ',' || ".join(f"quote({column})" for column in columns)
        listed = ", ".join(columns)
        for (values,) in connection.execute(f"SELECT {quoted} FROM {name}"):  # noqa: S608
            yield f"INSERT INTO {name} ({listed}) VALUES ({values})"  # noqa: S608
    for (sql,) in connection.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql <> ''"
    ):
        yield sql
    connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.sqlite3"
        anyio.run(make, path)
        sys.stdout.write(";\n".join(dump(path)) + ";\n")


if __name__ == "__main__":
    main()
