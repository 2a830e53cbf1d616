"""A server process whose disk is full for a while."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from loading import serving
from wholeness import assert_whole

from speaking import environment

if sys.platform != "linux":
    pytest.skip("only Linux limits the files of another process", allow_module_level=True)

import resource

ROOM_BYTES = 300_000
"""How far the log may still grow."""


async def test_a_server_on_a_full_disk_says_so_keeps_what_it_had_and_goes_on(
    database: Path,
) -> None:
    long = " ".join(f"Nadia ate {n} hazelnuts." for n in range(800))
    async with serving(database, ELEPHANTASM_EMBEDDER="static") as server:
        stored = [await server.call("extract_event", content="I am allergic to hazelnuts.")]
        log = database.with_name(f"{database.name}-wal")
        _limit_files(server.process.pid, log.stat().st_size + ROOM_BYTES)
        for turn in itertools.count():
            call = await server.call("extract_event", content=f"Turn {turn}: {long}")
            if call.refused:
                break
            stored.append(call)
        assert "memory.sqlite3" in call.refused
        assert "Check the disk" in call.refused
        assert str(database.parent) not in call.refused
        assert not (await server.call("get_memory_pack")).refused
        _limit_files(server.process.pid, resource.RLIM_INFINITY)
        stored.append(await server.call("extract_event", content="There is space again."))
        assert len({each.result["events"][0]["id"] for each in stored}) == len(stored)
        assert not (await server.call("dream")).refused
        (anima,) = (await server.call("list_animas")).result["animas"]
        assert anima["events"] == len(stored) > 2
        assert await server.leave() == 0
    await assert_whole(database)


async def test_an_import_that_a_full_disk_ends_says_what_is_stored_and_goes_on(
    database: Path, tmp_path: Path
) -> None:
    said = [f"Turn {turn}: " + "Nadia ate hazelnuts. " * 20 for turn in range(2_500)]
    path = tmp_path / "turns.jsonl"
    path.write_text("".join(json.dumps({"content": one}) + "\n" for one in said))
    full = _import(path, database, limited=True)
    assert full.returncode == 1
    stored = json.loads(full.stdout)["stored"]
    assert 0 < stored < len(said)
    assert "Run it again, and it goes on where it was." in full.stderr
    assert "nothing was stored" not in full.stderr
    report = json.loads(_import(path, database, limited=False).stdout)
    assert (report["duplicates"], report["stored"]) == (stored, len(said) - stored)
    await assert_whole(database)


def _import(path: Path, database: Path, *, limited: bool) -> subprocess.CompletedProcess[str]:
    """An import, perhaps by a process of which no file may grow beyond a few megabytes."""
    size_bytes = 2_000_000 if limited else resource.RLIM_INFINITY
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes},) * 2)"
    run = "from elephantasm_mcp.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", f"{limit}; {run}", "import", "jsonl", str(path), "--json"]
    return subprocess.run(
        command,
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _limit_files(pid: int, size_bytes: int) -> None:
    """Let no file of a process grow beyond that size; what lies beyond fails as on a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
