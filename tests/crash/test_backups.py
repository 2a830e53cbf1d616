"""Backups made while processes write: each opens clean and has what was acknowledged by then."""

import json
import subprocess
import sys
from pathlib import Path

import anyio
from loading import Server, serving

from scenes import look
from speaking import environment

BACKUPS = 20
WRITERS = 2
PROGRAM = [sys.executable, "-m", "elephantasm_mcp"]
CLEAN = ("PRAGMA integrity_check", "PRAGMA foreign_key_check")


async def run(database: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [*PROGRAM, *arguments, "--json"]
    return await anyio.run_process(command, env=environment(database), check=False)


class Load:
    """Who writes, and what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged = set[str]()
        self.begun = anyio.Event()
        self.stop = anyio.Event()

    async def write(self, server: Server) -> None:
        while not self.stop.is_set():
            text = f"Event {len(self.acknowledged)} of a day."
            call = await server.call("extract_event", content=text)
            self.acknowledged.add(call.result["events"][0]["id"])
            self.begun.set()

    async def serve(self, database: Path) -> None:
        async with serving(database) as server, anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(self.write, server)


def ids(path: Path) -> set[str]:
    return {one for (one,) in look(path, "SELECT lower(hex(uuid)) FROM events")}


async def test_each_backup_under_load_is_clean_and_has_what_was_acknowledged(
    database: Path, tmp_path: Path, thorough: int
) -> None:
    load = Load()
    async with anyio.create_task_group() as group:
        for _ in range(WRITERS):
            group.start_soon(load.serve, database)
        await load.begun.wait()
        for number in range(BACKUPS * thorough):
            copy, before = tmp_path / f"copy-{number}.sqlite3", set(load.acknowledged)
            done = await run(database, "backup", str(copy))
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["size_bytes"] == copy.stat().st_size
            assert {one.replace("-", "") for one in before} <= ids(copy)
            assert [look(copy, sql) for sql in CLEAN] == [[("ok",)], []]
            assert copy.stat().st_mode & 0o777 == 0o600
            copy.unlink()
        load.stop.set()


async def test_a_database_in_use_is_not_replaced_and_the_program_is_named(
    database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite3"
    async with serving(database) as server:
        await server.call("extract_event", content="Before the backup.")
        assert (await run(database, "backup", str(copy))).returncode == 0
        await server.call("extract_event", content="After the backup.")
        refused = await run(database, "restore", str(copy))
        assert refused.returncode == 1
        assert b"is in use" in refused.stderr
        assert str(server.process.pid).encode() in refused.stderr or sys.platform != "linux"
        await server.call("extract_event", content="After the refusal.")
    done = await run(database, "restore", str(copy))
    assert done.returncode == 0, done.stderr
    kept = Path(json.loads(done.stdout)["kept"])
    assert (len(ids(database)), len(ids(kept))) == (1, 3)
