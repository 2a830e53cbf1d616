"""A server process that is pointed at a file it cannot use."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from loading import serving

from elephantasm_mcp.store.sqlite.driver import connect_apsw
from speaking import DEADLINE_S, WITHOUT_PRIVILEGES, command, environment

NO_ROOM_TO_SHARE = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))
"""
"""No file may grow to the 32 KiB that processes share beside the log: as on a full disk."""


def _refused(database: Path, *, first: str = "") -> str:
    """What a server says that ends at once: one line, and nothing to the client."""
    before = database.read_bytes() if database.is_file() else None
    ended = subprocess.run(
        command(first=first),
        env=environment(database),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert (database.read_bytes() if database.is_file() else None) == before
    assert str(database.parent) not in ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


async def _make(database: Path, sql: str) -> None:
    async with serving(database) as server:
        assert await server.leave() == 0
    connection = connect_apsw(database.as_uri())
    connection.script(sql)
    connection.close()


def test_a_file_that_is_no_database(database: Path) -> None:
    database.write_text("Dear diary. " * 1000)
    assert "memory.sqlite3 is not a database." in _refused(database)


async def test_a_database_of_a_newer_version(database: Path) -> None:
    await _make(database, "PRAGMA user_version = 999")
    assert "written by a newer elephantasm-mcp" in _refused(database)


async def test_a_database_of_another_program(database: Path) -> None:
    await _make(database, "PRAGMA application_id = 7")
    assert "another program's database" in _refused(database)


@pytest.mark.skipif(sys.platform != "linux", reason="needs capset, should it run as root")
async def test_a_read_only_database(database: Path) -> None:
    await _make(database, "")
    await anyio.Path(database).chmod(0o444)
    assert "memory.sqlite3 is read-only." in _refused(database, first=WITHOUT_PRIVILEGES)


def test_a_folder_that_cannot_be_made(database: Path) -> None:
    database.touch()
    assert "cannot be made or written to" in _refused(database / "memory.sqlite3")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a bound on the files of a process")
async def test_a_disk_that_is_full_already_at_the_start(database: Path) -> None:
    await _make(database, "")
    assert "The disk is full" in _refused(database, first=NO_ROOM_TO_SHARE)


def test_a_missing_folder_is_made(database: Path) -> None:
    database = database.with_name("new") / "memory.sqlite3"
    ended = subprocess.run(
        command(),
        env=environment(database),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert database.is_file()
