"""The library, its connections and its errors."""

import errno
import re
import sqlite3
import subprocess
import sys
import threading
from functools import partial

import anyio
import apsw
import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.store.sqlite.driver import (
    choose_connector,
    connect,
    connect_apsw,
    connect_standard,
    explain,
)
from elephantasm_mcp.store.sqlite.link import open_link


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=[connect_apsw, partial(connect_standard, vectors=False)])
def connector(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "a #1?.db"  # characters that a URI must escape
    file.touch()
    return file


def test_apsw_is_preferred():
    assert choose_connector(apsw_found=True) is connect_apsw


def test_the_standard_module_is_used_where_it_is_safe_and_loads_extensions():
    chosen = choose_connector(
        apsw_found=False, standard_version=(3, 51, 3), standard_loads_extensions=True
    )
    assert chosen is connect_standard


@pytest.mark.parametrize(("version", "loads"), [((3, 51, 2), True), ((3, 54, 0), False)])
def test_without_a_safe_library_the_error_says_what_to_install(version, loads):
    with pytest.raises(StorageError) as caught:
        choose_connector(
            apsw_found=False, standard_version=version, standard_loads_extensions=loads
        )
    assert "pip install" in caught.value.hint
    assert "apsw>=3.54.1" in caught.value.hint


def test_the_module_is_importable_where_apsw_is_not():
    script = """
import sys
sys.modules["apsw"] = None
from elephantasm_mcp.store.sqlite import driver
print(driver.choose_connector(standard_version=(3, 54), standard_loads_extensions=True).__name__)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("connect_standard\n", "")


def test_a_writing_connection_is_durable_erases_and_shares_its_file(connector, path):
    connection = connect(connector, path, mode="write", timeout_s=1)
    assert connection.text("PRAGMA journal_mode") == "wal"
    assert connection.integer("PRAGMA synchronous") == 2
    assert connection.integer("PRAGMA secure_delete") == 1
    assert connection.integer("PRAGMA mmap_size") == 0
    assert connection.integer("PRAGMA busy_timeout") == 1000
    connection.close()


def test_a_reading_connection_cannot_write(connector, path):
    connection = connect(connector, path, mode="read", timeout_s=1)
    with pytest.raises((apsw.ReadOnlyError, sqlite3.OperationalError)):
        connection.execute("CREATE TABLE t (a)")
    connection.close()


def test_sqlite_vec_is_loaded(path):
    connection = connect(connect_apsw, path, mode="read", timeout_s=1)
    assert connection.text("SELECT vec_to_json(vec_f32('[1, 2]'))").startswith("[1")
    connection.close()


def test_a_script_may_hold_triggers_and_stays_in_its_transaction(connector, path):
    connection = connect(connector, path, mode="write", timeout_s=1)
    connection.execute("BEGIN")
    connection.script(
        "CREATE TABLE t (a); -- a; b\nCREATE TRIGGER twice AFTER INSERT ON t WHEN new.a = 1 "
        "BEGIN INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); END;\n"
        "INSERT INTO t VALUES (1);\n-- the end\n"
    )
    assert connection.in_transaction
    assert connection.changes() == 1
    assert connection.integer("SELECT count(*) FROM t") == 3
    connection.execute("ROLLBACK")
    assert connection.integer("SELECT count(*) FROM sqlite_schema") == 0
    connection.close()


def test_a_file_system_that_cannot_share_a_database_is_refused(path):
    def connect_without_locks(uri):
        return connect_apsw(f"{uri}&vfs=unix-none")

    with pytest.raises(StorageError, match="several programs share"):
        connect(connect_without_locks, path, mode="write", timeout_s=1)


async def test_hops_run_in_order_on_one_daemon_thread(connector, path):
    link = await open_link(partial(connect, connector, path, mode="write", timeout_s=1))
    seen = []
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(link.hop, lambda _, number=number: seen.append(number))
    thread = await link.hop(lambda _: threading.current_thread())
    assert seen == list(range(20))
    assert thread.daemon
    await link.close()


async def test_a_hop_runs_though_its_caller_was_cancelled(connector, path):
    link = await open_link(partial(connect, connector, path, mode="write", timeout_s=1))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await link.hop(lambda connection: connection.execute("CREATE TABLE t (a)"))
    assert await link.hop(lambda c: c.integer("SELECT count(*) FROM sqlite_schema")) == 1
    await link.close()


async def test_a_connection_opened_for_a_cancelled_caller_can_still_be_closed(path):
    with anyio.CancelScope() as scope:
        scope.cancel()
        link = await open_link(partial(connect, connect_apsw, path, mode="read", timeout_s=1))
    await link.close()


def test_the_interpreter_exits_though_a_connection_was_never_closed(path):
    script = """
import sys
from functools import partial
from pathlib import Path
import anyio
from elephantasm_mcp.store.sqlite.driver import connect, connect_apsw
from elephantasm_mcp.store.sqlite.link import open_link

async def main():
    global link
    link = await open_link(
        partial(connect, connect_apsw, Path(sys.argv[1]), mode="write", timeout_s=1)
    )

anyio.run(main)
print("end", flush=True)
"""
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout.readline() == "end\n", process.stderr.read()
            assert process.wait(timeout=5) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.mark.parametrize("code", range(28))
def test_every_error_is_one_plain_sentence_and_a_hint(code):
    library_error = apsw.SQLError("near /home/x: syntax error")
    library_error.result = code
    error = explain(library_error, name="memory.db")
    assert re.fullmatch(r"[^.]*(memory\.db)?[^.]*\.", str(error))
    assert error.hint.endswith(".")
    assert "syntax" not in error.explain()


def test_the_standard_modules_errors_are_understood_too():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a NOT NULL)")
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute("INSERT INTO t VALUES (NULL)")
    connection.close()
    assert "breaks one of its rules" in str(explain(caught.value, name="memory.db"))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EACCES, "cannot be made or written to"),
    ],
)
def test_the_systems_own_errors_say_whether_the_disk_is_full(number: int, sentence: str):
    assert sentence in str(explain(OSError(number, "whatever"), name="memory.db"))


@pytest.mark.skipif(
    not hasattr(sqlite3.Connection, "enable_load_extension"),
    reason="the standard module of this Python cannot load extensions",
)
def test_the_standard_module_loads_sqlite_vec(path):
    connection = connect(connect_standard, path, mode="read", timeout_s=1)
    assert connection.text("SELECT vec_to_json(vec_f32('[1, 2]'))").startswith("[1")
    connection.close()
