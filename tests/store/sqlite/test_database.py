"""The SQLite database behind the port: groups, isolation, cancellation, death, errors."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import apsw
import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.store.sqlite.driver import connect_apsw, connect_standard
from elephantasm_mcp.store.sqlite.schema import APPLICATION_ID

DEADLINE_S = 30
MIGRATIONS = (
    Migration(
        1,
        "initial",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (text <> 'bad'));"
        "CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
        "INSERT INTO totals VALUES ('count', 0);"
        "CREATE TABLE links (note INTEGER REFERENCES notes DEFERRABLE INITIALLY DEFERRED);",
    ),
)
NEXT = Migration(2, "more", "ALTER TABLE notes ADD COLUMN more; CREATE INDEX i ON notes (more);")
STATEMENTS = {
    "add": "INSERT INTO notes (text) VALUES (:text)",
    "add_returning": "INSERT INTO notes (text) VALUES (:text) RETURNING id, text",
    "add_link": "INSERT INTO links (note) VALUES (:note)",
    "notes": "SELECT id, text FROM notes ORDER BY id",
    "count": "SELECT count(*) AS n FROM notes",
    "total": "SELECT value FROM totals WHERE name = 'count'",
    "set_total": "UPDATE totals SET value = :value WHERE name = 'count'",
    "limit_pages": "PRAGMA max_page_count = 12",
    "unlimit_pages": "PRAGMA max_page_count = 100000",
    "count_forever": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
    "SELECT count(*) FROM c",
}
# what a test's own processes begin with; their first argument is the database
PRELUDE = f"""
import sys
from pathlib import Path
import anyio
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.database import open_database

def use(**options):
    options = {{"statements": {STATEMENTS!r}, "migrations": {MIGRATIONS!r}}} | options
    return open_database(Path(sys.argv[1]), **options)
"""


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.db"


def use(path, **options):
    return open_database(path, **{"statements": STATEMENTS, "migrations": MIGRATIONS} | options)


@pytest.fixture(params=[connect_apsw, partial(connect_standard, vectors=False)])
async def database(request, path):
    async with use(path, connector=request.param, close_timeout_s=1) as opened:
        yield opened


def add(tx, text):
    return tx.run("add", text=text)


def count(tx):
    return tx.one("count")["n"]


def add_two(tx, text):
    tx.run("add", text=text)
    tx.run("add", text=text)


def add_much(tx):
    tx.run("add", text="x" * 200_000)


@asynccontextmanager
async def busy_writer(database):
    """While the block runs, the writing thread is inside a transaction: what comes is queued."""
    entered, leave = threading.Event(), threading.Event()

    def hold(_):
        entered.set()
        assert leave.wait(DEADLINE_S)

    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(database.write, hold)
            await anyio.to_thread.run_sync(entered.wait)
            try:
                yield group
                await anyio.wait_all_tasks_blocked()
            finally:
                leave.set()


async def outcome(outcomes, key, awaitable):
    try:
        outcomes[key] = await awaitable
    except (StorageError, ValueError) as error:
        outcomes[key] = error


async def together(database, *functions):
    """Let all functions wait at once, so that they share one commit; their results or errors."""
    outcomes = {}
    async with busy_writer(database) as group:
        for key, function in enumerate(functions):
            group.start_soon(outcome, outcomes, key, database.write(function))
    return [outcomes[key] for key in range(len(functions))]


def run_script(script, path, *, options=()):
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, str(path), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def race(script, path, *, processes=4):
    """Run the script in several processes at once: they wait for a line of input to begin."""
    running = [run_script(script, path, options=[str(n)]) for n in range(processes)]
    try:
        for process in running:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [process.communicate(timeout=60) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [error for _, error in results] == [""] * processes
    return [output.split() for output, _ in results]


def assert_plain(error, path):
    """The error is for a reader: no library's words and no folder in it, its cause kept aside."""
    assert str(error).endswith(".")
    assert error.hint.endswith(".")
    for word in (str(path.parent), "SQLITE", "sqlite3", "apsw", "database is locked"):
        assert word not in error.explain()


# statements


async def test_rows_come_as_dictionaries_or_tuples_and_changes_as_a_number(database):
    def use_all(tx):
        assert tx.run("add", text="one") == 1
        tx.many("add", ({"text": text} for text in ("two", "three")))
        assert tx.one("add_returning", text="four") == {"id": 4, "text": "four"}
        assert tx.run("set_total", value=True) == 1
        return tx.all("notes"), tx.tuples("notes"), tx.one("total")

    rows, tuples, total = await database.write(use_all)
    assert [row["text"] for row in rows] == ["one", "two", "three", "four"]
    assert [tuple(row.values()) for row in rows] == tuples
    assert total == {"value": 1}


async def test_no_row_is_none_or_an_empty_list(database):
    assert await database.read(lambda tx: (tx.one("notes"), tx.all("notes"))) == (None, [])


async def test_one_gives_the_first_of_several_rows(database):
    await database.write(add_two, "x")
    assert await database.read(lambda tx: tx.one("notes")) == {"id": 1, "text": "x"}
    assert await database.read(count) == 2


async def test_arguments_reach_the_function(database):
    assert await database.write(lambda _, *args, **named: (args, named), 1, two=2) == (
        (1,),
        {"two": 2},
    )


async def test_an_unknown_statement_is_a_key_error(database):
    with pytest.raises(KeyError):
        await database.write(lambda tx: tx.run("no such name"))


@pytest.mark.parametrize("method", ["one", "all", "tuples", "run"])
async def test_what_sqlite_refuses_is_a_storage_error_with_its_cause(database, path, method):
    with pytest.raises(StorageError, match="breaks one of its rules") as caught:
        await database.write(lambda tx: getattr(tx, method)("add_returning", text="bad"))
    assert_plain(caught.value, path)
    assert caught.value.__cause__ is not None


async def test_a_refused_row_among_many_is_a_storage_error(database):
    with pytest.raises(StorageError, match="breaks one of its rules"):
        await database.write(lambda tx: tx.many("add", [{"text": "good"}, {"text": "bad"}]))
    assert await database.read(count) == 0


async def test_a_transaction_cannot_be_used_after_its_function(database):
    leaked = await database.write(lambda tx: tx)
    with pytest.raises(StorageError, match="after its end"):
        leaked.run("add", text="late")


async def test_an_iteration_error_in_a_function_reaches_its_caller(database):
    for call in (database.read, database.write):
        with anyio.fail_after(DEADLINE_S), pytest.raises(RuntimeError, match="StopIteration"):
            await call(lambda _: next(iter(())))


# groups


async def test_writes_that_wait_together_share_one_commit(database, path):
    log = path.with_name("memory.db-wal")
    await database.write(add, "first")
    before = log.stat().st_size
    assert await together(database, *[partial(add, text="x")] * 100) == [1] * 100
    assert log.stat().st_size - before < 10 * 4096
    assert await database.read(count) == 101


async def test_more_than_a_group_of_writes_all_finish(database):
    assert await together(database, *[partial(add, text="x")] * 600) == [1] * 600
    assert await database.read(count) == 600


async def test_a_failing_write_takes_only_itself_back(database):
    def fail(tx):
        add_two(tx, "half")
        raise ValueError("no")

    def refused(tx):
        add_two(tx, "half")
        tx.run("add", text="bad")

    good = partial(add, text="good")
    results = await together(database, good, fail, good, refused, good)
    assert [type(result) for result in results] == [int, ValueError, int, StorageError, int]
    assert [row["text"] for row in await database.read(lambda tx: tx.all("notes"))] == ["good"] * 3


async def test_a_function_may_go_on_after_a_refused_statement(database):
    def retry(tx):
        try:
            tx.run("add", text="bad")
        except StorageError:
            tx.run("add", text="good")

    await database.write(retry)
    assert await database.read(count) == 1


async def test_a_failed_commit_acknowledges_nothing_and_the_next_write_works(database, path):
    def orphan(tx):
        tx.run("add_link", note=99)

    good = partial(add, text="good")
    results = await together(database, good, orphan, good)
    assert [type(result) for result in results] == [StorageError] * 3
    for error in results:
        assert_plain(error, path)
        assert error.__cause__ is not None
    assert await database.read(count) == 0
    assert await database.write(add, "next") == 1


async def test_a_full_disk_fails_the_whole_group_and_the_next_write_works(database, path):
    await database.write(lambda tx: tx.one("limit_pages"))
    good = partial(add, text="good")
    results = await together(database, good, add_much, good)
    assert [type(result) for result in results] == [StorageError] * 3
    for error in results:
        assert "disk is full" in str(error)
        assert_plain(error, path)
    await database.write(lambda tx: tx.one("unlimit_pages"))
    assert await database.write(add, "next") == 1
    assert await database.read(count) == 1


async def test_a_function_that_hides_a_full_disk_is_not_acknowledged(database):
    def hide(tx):
        try:
            add_much(tx)
        except StorageError:
            return "stored"

    def go_on(tx):
        hide(tx)
        add(tx, "outside of every transaction")

    await database.write(lambda tx: tx.one("limit_pages"))
    results = await together(database, partial(add, text="good"), hide)
    assert ["disk is full" in str(error) for error in results] == [True, True]
    with pytest.raises(StorageError):
        await database.write(go_on)
    assert await database.read(count) == 0


def test_a_failing_disk_loses_nothing_that_was_acknowledged(path):
    script = """
import resource

async def main():
    stored = 0
    async with use() as database:
        def limit(size):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        async def write():
            nonlocal stored
            await database.write(lambda tx: tx.run("add", text="x" * 5000))
            stored += 1

        limit(200_000)
        try:
            for _ in range(200):
                await write()
        except StorageError as error:
            print(type(error).__name__, stored)
        limit(resource.RLIM_INFINITY)
        await write()
        rows = await database.read(lambda tx: tx.one("count")["n"])
        print(rows == stored)

anyio.run(main)
"""
    output, errors = run_script(script, path).communicate(timeout=60)
    assert errors == ""
    name, stored, equal = output.split()
    assert (name, equal) == ("StorageError", "True")
    assert 0 < int(stored) < 200


# reads


async def test_a_read_sees_one_snapshot(database):
    began, go_on = threading.Event(), threading.Event()
    seen = []

    def count_twice(tx):
        seen.append(count(tx))
        began.set()
        assert go_on.wait(DEADLINE_S)
        seen.append(count(tx))

    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(database.read, count_twice)
            await anyio.to_thread.run_sync(began.wait)
            await database.write(add, "meanwhile")
            assert await database.read(count) == 1  # the other reader is free
            go_on.set()
    assert seen == [0, 0]
    assert await database.read(count) == 1


async def test_writing_in_a_read_is_an_error_and_harms_nothing(database):
    for _ in range(3):
        with pytest.raises(StorageError):
            await database.read(add, "no")
    assert await database.read(count) == 0


async def test_the_data_version_moves_with_every_commit_of_anybody_and_only_then(database, path):
    first = await database.data_version()
    await database.read(count)
    assert await database.data_version() == first
    await database.write(add, "mine")
    second = await database.data_version()
    assert second != first
    async with use(path) as other:
        await other.write(add, "theirs")
    assert await database.data_version() != second


# cancellation


async def test_a_write_cancelled_while_it_waits_is_skipped(database):
    async with busy_writer(database):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await database.write(add, "unwanted")
        assert scope.cancelled_caught
    assert await database.write(count) == 0


async def test_a_write_cancelled_while_it_runs_is_stored_whole(database, path):
    entered, leave = threading.Event(), threading.Event()

    def slow(tx):
        add(tx, "half")
        entered.set()
        assert leave.wait(DEADLINE_S)
        add(tx, "whole")

    async with anyio.create_task_group() as group:
        group.start_soon(database.write, slow)
        await anyio.to_thread.run_sync(entered.wait)
        group.cancel_scope.cancel()
    leave.set()
    assert await database.write(count) == 2
    async with use(path, busy_timeout_s=1) as other:
        assert await other.write(add, "other") == 1


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancelled_write_is_whole_or_absent_whenever_it_is_cancelled(database, path, steps):
    for _ in range(10):
        async with anyio.create_task_group() as group:
            for call in (partial(database.write, add_two, "pair"), partial(database.read, count)):
                group.start_soon(call)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert await database.write(count) % 2 == 0
    async with use(path, busy_timeout_s=1) as other:
        assert await other.write(add, "other") == 1


async def test_opening_may_be_cancelled(path):
    with anyio.CancelScope() as scope:
        scope.cancel()
        async with use(path) as database:
            await database.read(count)
    async with use(path) as database:
        assert await database.write(add, "x") == 1


# several processes


def test_a_killed_process_loses_nothing_that_was_acknowledged(path):
    script = """
async def main():
    async with use() as database:
        async def caller(number):
            for turn in range(100_000):
                def pair(tx, text=f"{number}-{turn}"):
                    tx.run("add", text=text)
                    tx.run("add", text=text)
                    return text
                print(await database.write(pair), flush=True)

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(caller, number)

anyio.run(main)
"""
    with run_script(script, path) as process:
        acknowledged = [process.stdout.readline().strip() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split("\n")[:-1]
    rows = apsw.Connection(str(path)).execute("SELECT text, count(*) FROM notes GROUP BY text").get
    stored = dict(rows)
    assert set(acknowledged) <= set(stored)
    assert set(stored.values()) == {2}


def test_four_processes_write_without_an_error_and_lose_nothing(path):
    script = """
def count_up(tx):
    tx.run("set_total", value=tx.one("total")["value"] + 1)

def fail(tx):
    count_up(tx)
    raise ValueError

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with use() as database:
        async def caller():
            for turn in range(25):
                await database.write(count_up)
                await database.read(lambda tx: tx.all("notes"))
                if turn % 5 == 0:
                    try:
                        await database.write(fail)
                    except ValueError:
                        await database.write(lambda tx: tx.run("add", text="x"))

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(caller)
    print("done")

anyio.run(main)
"""
    assert race(script, path) == [["done"]] * 4
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT value FROM totals").get == 4 * 8 * 25
    assert connection.execute("SELECT count(*) FROM notes").get == 4 * 8 * 5
    assert connection.pragma("integrity_check") == "ok"


def test_of_processes_that_start_at_once_exactly_one_migrates(path):
    script = """
steps = (
    Migration(1, "a", "CREATE TABLE notes (id INTEGER PRIMARY KEY, text);"),
    Migration(2, "b", "INSERT INTO notes (text) VALUES ('migrated');"),
)

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with use(migrations=steps) as database:
        print(await database.read(lambda tx: tx.one("count")["n"]))

anyio.run(main)
"""
    assert race(script, path) == [["1"]] * 4


async def test_another_process_that_holds_the_lock_file_only_costs_time(path):
    fcntl = pytest.importorskip("fcntl")
    async with use(path, busy_timeout_s=0.05) as database:
        with path.with_name("memory.db.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert await database.write(add, "x") == 1
        assert await database.write(add, "x") == 1


async def test_a_process_that_keeps_the_lock_is_named_as_the_cause(path):
    async with use(path, busy_timeout_s=0.05) as database:
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="Another process keeps the database") as caught:
            await database.write(add, "x")
        assert_plain(caught.value, path)
        health = await database.health()
        assert not health.writable
        assert "busy" in health.problems[0]
        other.close()
        assert await database.write(add, "x") == 1


# migrations


async def test_a_new_file_is_ours_private_and_current(path):
    async with use(path, migrations=(*MIGRATIONS, NEXT)):
        connection = apsw.Connection(str(path))
        assert connection.pragma("application_id") == APPLICATION_ID
        assert connection.pragma("user_version") == 2
        connection.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.glob("*.bak")) == []


async def test_an_older_file_is_copied_and_then_migrated(path):
    async with use(path) as database:
        await database.write(add, "old")
    async with use(path, migrations=(*MIGRATIONS, NEXT)) as database:
        assert (await database.health()).schema_version == 2
        assert await database.read(count) == 1
    backup = path.with_name("memory.db.v1.bak")
    assert backup.stat().st_mode & 0o777 == 0o600
    async with use(backup) as database:
        assert (await database.health()).schema_version == 1
        assert await database.read(count) == 1
    assert not path.with_name("memory.db.v1.bak.part").exists()


@pytest.mark.parametrize(
    "broken", ["CREATE TABLE more (a); NO SUCH SQL;", "INSERT INTO links (note) VALUES (99);"]
)
async def test_a_failed_migration_leaves_the_file_as_it_was(path, broken):
    async with use(path) as database:
        await database.write(add, "old")
    with pytest.raises(StorageError) as caught:
        async with use(path, migrations=(*MIGRATIONS, Migration(2, "broken", broken))):
            pass
    assert_plain(caught.value, path)
    async with use(path) as database:
        assert (await database.health()).schema_version == 1
        assert await database.read(lambda tx: tx.tuples("notes")) == [(1, "old")]


async def test_a_newer_file_is_refused_untouched(path):
    async with use(path, migrations=(*MIGRATIONS, NEXT)):
        pass
    await assert_refused_untouched(path, "Update elephantasm-mcp", "schema 2, this one knows 1")


async def test_a_newer_file_is_refused_though_its_version_is_still_in_the_log(path):
    async with use(path, migrations=(*MIGRATIONS, NEXT)):
        with pytest.raises(StorageError, match="newer elephantasm-mcp"):
            async with use(path):
                pass


# refusals


async def assert_refused_untouched(path, *sentences):
    before = path.read_bytes()
    files = set(path.parent.iterdir())
    with pytest.raises(StorageError) as caught:
        async with use(path):
            pass
    for sentence in sentences:
        assert sentence in caught.value.explain()
    assert_plain(caught.value, path)
    assert path.read_bytes() == before
    assert set(path.parent.iterdir()) == files


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("application_id", [0, 42])
async def test_another_programs_database_is_refused_untouched(path, journal, application_id):
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", journal)
    connection.pragma("application_id", application_id)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    await assert_refused_untouched(path, "memory.db is another program's database")


@pytest.mark.parametrize("content", [b"hello", b"To whom it may concern. " * 1000])
async def test_a_file_that_is_no_database_is_refused_untouched(path, content):
    path.write_bytes(content)
    await assert_refused_untouched(path, "memory.db is not a database")


async def test_an_empty_file_becomes_a_database(path):
    path.touch()
    async with use(path) as database:
        assert await database.write(add, "x") == 1


async def test_missing_folders_are_made(tmp_path):
    async with use(tmp_path / "new" / "folder" / "memory.db") as database:
        assert await database.write(add, "x") == 1


async def test_a_folder_in_place_of_the_file_is_an_error(path):
    path.mkdir()
    with pytest.raises(StorageError, match=r"memory\.db is a folder") as caught:
        async with use(path):
            pass
    assert_plain(caught.value, path)


async def test_a_folder_that_cannot_be_made_is_an_error(path):
    path.touch()
    with pytest.raises(StorageError, match="cannot be made or written to") as caught:
        async with use(path / "memory.db"):
            pass
    assert_plain(caught.value, path)


@pytest.fixture
def open_folder():
    """A folder that any user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "sentence"),
    [
        (0o444, 0o777, "is read-only"),
        (0o000, 0o777, "cannot be opened"),
        (0o666, 0o555, "is read-only"),
        (None, 0o555, "cannot be made or written to"),
    ],
)
async def test_a_file_or_folder_of_somebody_else_is_an_error(
    open_folder, file_mode, folder_mode, sentence
):
    path = open_folder / "memory.db"
    if file_mode is not None:
        async with use(path):
            pass
        path.with_name("memory.db.lock").unlink()
        path.chmod(file_mode)
    open_folder.chmod(folder_mode)
    script = """
import os
anyio.run(anyio.sleep, 0)  # imports what the other user may not be allowed to read
os.setuid(65534)

async def main():
    try:
        async with use():
            print("opened")
    except StorageError as error:
        print(error.explain())

anyio.run(main)
"""
    output, errors = run_script(script, path).communicate(timeout=60)
    assert errors == ""
    assert sentence in output
    assert ("copy it, with its -wal" in output) == (file_mode is not None)
    assert str(open_folder) not in output


# health


async def test_a_file_destroyed_while_it_is_open_is_a_plain_error(path):
    async with use(path) as database:
        await database.write(add_much)
        with path.open("rb+") as file:
            file.write(b"x" * path.stat().st_size)
        path.with_name("memory.db-wal").write_bytes(b"")
        with pytest.raises(StorageError) as caught:
            await database.read(lambda tx: tx.all("notes"))
        assert_plain(caught.value, path)
        with pytest.raises(StorageError):
            await database.health()


async def test_the_packages_own_schema_and_statements_are_the_default(path):
    async with open_database(path) as database:
        health = await database.health()
    assert health.schema_version >= 1
    assert health.problems == ()


async def test_a_sound_database_has_no_problems(path):
    async with use(path) as database:
        await database.write(add, "x" * 10_000)
        health = await database.health()
    assert health.engine.startswith("SQLite 3.")
    assert health.location == str(path)
    assert health.schema_version == 1
    assert health.size_bytes > 10_000
    assert health.writable
    assert health.problems == ()


async def test_health_finds_orphans_and_damaged_text_indexes(path):
    index = Migration(2, "index", "CREATE VIRTUAL TABLE words USING fts5 (text);")
    async with use(path, migrations=(*MIGRATIONS, index)) as database:
        other = apsw.Connection(str(path))
        other.execute("INSERT INTO links (note) VALUES (99), (98)")
        other.execute("INSERT INTO words VALUES ('one two'), ('three')")
        other.execute("DELETE FROM words_content WHERE id = 1")
        other.close()
        health = await database.health()
    assert health.writable
    assert any("words" in problem for problem in health.problems)
    assert "2 rows of links with a reference to nothing." in health.problems


# the end


async def test_a_closed_database_says_so(path):
    async with use(path) as database:
        pass
    for call in (
        partial(database.write, add, "x"),
        partial(database.read, count),
        database.data_version,
        database.health,
    ):
        with pytest.raises(StorageError, match="closed"):
            await call()


async def test_closing_twice_is_fine_and_leaves_no_log(path):
    async with use(path) as database:
        await database.write(add, "x")
        await database.close()
        await database.close()
    assert {file.name for file in path.parent.iterdir()} == {"memory.db", "memory.db.lock"}


async def test_closing_finishes_what_is_queued(database, path):
    async with busy_writer(database) as group:
        for _ in range(1500):  # more than a few groups
            group.start_soon(database.write, add, "queued")
        await anyio.wait_all_tasks_blocked()
        group.start_soon(database.close)
    async with use(path) as again:
        assert await again.read(count) == 1500


async def test_what_does_not_finish_in_time_is_interrupted_and_its_callers_hear_of_it(path):
    outcomes = {}
    entered = threading.Event()

    def endless(tx):
        add(tx, "half")
        entered.set()
        tx.one("count_forever")

    with anyio.fail_after(DEADLINE_S):
        async with use(path, close_timeout_s=0.05) as database, anyio.create_task_group() as group:
            group.start_soon(outcome, outcomes, "writer", database.write(endless))
            await anyio.to_thread.run_sync(entered.wait)
            group.start_soon(outcome, outcomes, "queued", database.write(add, "queued"))
            await anyio.wait_all_tasks_blocked()
            await database.close()
    assert [type(error) for error in outcomes.values()] == [StorageError] * 2
    assert all("closed" in str(error) for error in outcomes.values())
    async with use(path) as again:
        assert await again.read(count) == 0


async def test_an_endless_read_does_not_keep_the_database_open(database):
    outcomes = {}
    entered = threading.Event()

    def endless(tx):
        entered.set()
        tx.one("count_forever")

    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(outcome, outcomes, "reader", database.read(endless))
            await anyio.to_thread.run_sync(entered.wait)
            await database.close()
    assert "closed" in str(outcomes["reader"])


async def test_a_file_with_half_a_checkpoint_in_it_is_opened_with_its_log(path):
    log = path.with_name("memory.db-wal")
    async with use(path) as database:
        await database.write(add, "first")
        before = path.read_bytes()
        await database.write(lambda tx: [add(tx, f"{n} {'x' * 2000}") for n in range(200)])
        frames = log.read_bytes()
    checkpointed = path.read_bytes()
    page = 4096
    path.write_bytes(checkpointed[:page] + before[page:])  # page 1 alone, as a kill may leave it
    log.write_bytes(frames)
    async with use(path) as again:
        assert await again.read(count) == 201
        assert (await again.health()).problems == ()
