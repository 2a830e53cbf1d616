"""The statements of an engine: sound, all of them used, and never slow by design."""

import re
from importlib import resources
from pathlib import Path

import anyio
import apsw
import pytest
import sqlite_vec

import elephantasm_mcp
from elephantasm_mcp.memory import dreams, packs, provenance, recall
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sql import load_migrations, load_statements
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.synthesis.fakes import ScriptedSynthesizer
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER

ENGINE = "elephantasm_mcp.store.sqlite"
STATEMENTS = load_statements(ENGINE)
PER_ANIMA = (
    "events|memories|knowledge|identities|conflicts|links|vectors|dreams|dream_actions|dream_events"
    "|accesses|declined|row_changes"
)
CALL = re.compile(r"tx\.(?:one|all|tuples|run|many)\(\s*(f?)\"([a-z_{}]+)\"")
RELEASES = Path(__file__).parent / "releases"


@pytest.fixture(scope="module")
def schema():
    """An empty database of this release, in memory."""
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    for migration in load_migrations(ENGINE):
        connection.execute(migration.sql)
    yield connection
    connection.close()


def plan(schema, name):
    """How SQLite goes about a statement, line by line."""
    names = set(re.findall(r":([a-z_]+)", STATEMENTS[name]))
    rows = schema.execute(f"EXPLAIN QUERY PLAN {STATEMENTS[name]}", dict.fromkeys(names, None))
    return [detail for *_, detail in rows]


def compiled(schema, sql):
    """What SQLite makes of a statement; None when it has no meaning."""
    names = set(re.findall(r":([a-z_]+)", sql))
    try:
        return list(schema.execute(f"EXPLAIN {sql}", dict.fromkeys(names, None)))
    except apsw.SQLError:
        return None


def captures(schema, sql):
    """The aliases of a statement without which it means something else: a column has their name."""
    whole = compiled(schema, sql)
    for alias in re.finditer(r"\bAS (\w+)", sql):
        without = compiled(schema, f"{sql[: alias.end()]}_{sql[alias.end() :]}")
        if without not in (None, whole):
            yield alias[1]


def called():
    """The names of statements in our sources, as patterns."""
    source = Path(str(resources.files(elephantasm_mcp)))
    found = set()
    for file in source.rglob("*.py"):
        for is_pattern, name in CALL.findall(file.read_text(encoding="utf-8")):
            found.add(re.sub(r"\{[a-z_]+\}", "[a-z]+", name) if is_pattern else name)
    return found


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_fits_the_schema_and_scans_no_table_of_rows(schema, name):
    for detail in plan(schema, name):
        assert re.match(rf"SCAN (?:{PER_ANIMA})\b", detail) is None, detail


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_alias_takes_the_place_of_a_column(schema, name):
    assert list(captures(schema, STATEMENTS[name])) == []


def test_an_alias_that_takes_the_place_of_a_column_is_found(schema):
    hidden = "SELECT lower(hex(uuid)) AS id FROM events ORDER BY"
    assert list(captures(schema, f"{hidden} id")) == ["id"]
    assert list(captures(schema, f"{hidden} events.id")) == []
    assert list(captures(schema, "SELECT content AS words FROM events ORDER BY words")) == []


def test_every_statement_is_called_and_every_call_finds_one():
    patterns = called()
    unused = {name for name in STATEMENTS if not any(re.fullmatch(p, name) for p in patterns)}
    unknown = {p for p in patterns if not any(re.fullmatch(p, name) for name in STATEMENTS)}
    assert (unused, unknown) == (set(), set())


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_values_are_bound_and_never_written_into_a_statement(name):
    assert "{" not in STATEMENTS[name]
    assert "%s" not in STATEMENTS[name]


# Files of earlier releases


def restore(release, path):
    """The database file that a release's dump describes."""
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN")
    connection.execute(release.read_text(encoding="utf-8"))
    connection.execute("COMMIT")
    connection.close()


def shape(path):
    connection = apsw.Connection(str(path))
    try:
        return sorted(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
    finally:
        connection.close()


@pytest.mark.parametrize("release", sorted(RELEASES.glob("*.sql")), ids=lambda file: file.stem)
async def test_a_file_of_an_earlier_release_opens_whole(tmp_path, release):
    path = tmp_path / "old.sqlite3"
    await anyio.to_thread.run_sync(restore, release, path)
    clock = FakeClock()
    async with open_database(path) as database:
        assert (await database.health()).problems == ()
        core = Core(
            database=database,
            clock=clock,
            ids=CountingIds(),
            synthesizer=ScriptedSynthesizer(),
            secret=await database.write(
                animas.prepare, user=CountingIds().uuid(), secret=b"other", now=clock.now()
            ),
        )
        assert core.secret == b"secret"
        hits = await recall.search(core, LOCAL_USER, SearchQuery(query="hazelnuts"))
        assert {"e1", "m1", "k1"} <= {hit.handle for hit in hits}
        pack = await packs.compile_pack(core, LOCAL_USER, PackQuery())
        assert "Nadia is allergic to hazelnuts." in pack.as_prompt()
        assert (await provenance.trace(core, LOCAL_USER, "m1")).sources[0].handle == "e1"
        journal = await dreams.journal(core, LOCAL_USER)
        assert [(one.handle, one.state) for one in journal] == [
            ("d3", "done"),
            ("d2", "undone"),
            ("d1", "done"),
        ]
        undone = await dreams.undo(core, LOCAL_USER, "d1")
        assert sorted(undone.removed) == ["k1", "m1"]


async def test_a_migrated_file_has_the_schema_of_a_new_one(tmp_path):
    releases = sorted(RELEASES.glob("*.sql"))
    assert releases
    async with open_database(tmp_path / "new.sqlite3"):
        pass
    for release in releases:
        path = tmp_path / release.stem
        await anyio.to_thread.run_sync(restore, release, path)
        async with open_database(path):
            pass
        assert shape(path) == shape(tmp_path / "new.sqlite3"), "see releases/dump.py"
