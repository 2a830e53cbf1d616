"""A restore that is killed at any step leaves the old database or the new one, whole."""

import subprocess
import sys
from pathlib import Path

from scenes import look
from speaking import environment

KILLED = 9
MOST_STEPS = 40
RUN_AND_DIE = """
import os, sys
left = int(sys.argv.pop(1))
def die(event, given):
    global left
    if event in ("os.rename", "os.link", "os.remove") and "memory.sqlite3" in str(given[0]):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(die)
from elephantasm_mcp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def run(database: Path, *arguments: str, steps: int = MOST_STEPS) -> int:
    command = [sys.executable, "-c", RUN_AND_DIE, str(steps), *arguments]
    done = subprocess.run(
        command, env=environment(database), capture_output=True, timeout=60, check=False
    )
    return done.returncode


def events(path: Path) -> list[str]:
    return [text for (text,) in look(path, "SELECT content FROM events ORDER BY id")]


def test_a_killed_restore_leaves_one_of_the_two(database: Path, tmp_path: Path):
    copy, states = tmp_path / "copy.sqlite3", (["old"], ["old", "new"])
    assert run(database, "extract", "old") == 0
    assert run(database, "backup", str(copy)) == 0
    assert run(database, "extract", "new") == 0
    kills = 0
    while run(database, "restore", str(copy), steps=kills) == KILLED:
        assert events(database) in states, kills
        assert look(database, "PRAGMA integrity_check") == [("ok",)]
        kills += 1
    assert 1 < kills < MOST_STEPS
    assert events(database) == ["old"]
    assert run(database, "extract", "after") == 0
    left = set(tmp_path.glob("*.part*"))
    assert run(database, "restore", str(copy)) == 0
    assert set(tmp_path.glob("*.part*")) == left
