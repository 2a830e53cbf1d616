"""An import that is killed, and taken up again."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio
import pytest
from wholeness import assert_whole

from elephantasm_mcp.app import open_app
from elephantasm_mcp.memory import events
from elephantasm_mcp.settings import load_settings
from speaking import environment

EVENTS = 6_000
COMMAND = [sys.executable, "-m", "elephantasm_mcp", "import", "jsonl"]
DEADLINE_S = 60


def written(path: Path, chance: random.Random) -> list[str]:
    """A file of events, of which every third has no key of its own; and what they say."""
    said = [f"Number {number} is {chance.random()}." for number in range(EVENTS)]
    with path.open("w") as file:
        for number, text in enumerate(said):
            key = {"dedupe_key": f"k{number}"} if number % 3 else {}
            file.write(json.dumps({"content": text, "session_id": f"s{number // 40}"} | key) + "\n")
    return said


async def stored(database: Path) -> list[str]:
    """What the events of the default anima say, in the order in which they were stored."""
    async with open_app(load_settings(database=str(database), embedder="none")) as app:
        found = await events.list_events(app.core, app.user, None)
    return [one.content for one in sorted(found, key=lambda one: int(one.handle[1:]))]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_import_is_taken_up_where_it_was(
    tmp_path: Path, database: Path, thorough: int, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it picks moments, not secrets
    path = tmp_path / "events.jsonl"
    said = written(path, chance)
    kills = 0
    for _ in range(2 * thorough):
        kills += await anyio.to_thread.run_sync(
            _killed_at, path, database, chance.choice(["10 %", "40 %", "80 %"])
        )
        there = await stored(database)
        assert there == said[: len(there)]
    assert kills
    done = await anyio.to_thread.run_sync(_run, path, database)
    report = json.loads(done)
    assert report["stored"] + report["duplicates"] == EVENTS
    assert Counter(await stored(database)) == Counter(said)
    await assert_whole(database)


def _killed_at(path: Path, database: Path, share: str) -> bool:
    """Start an import and kill it once it says how far it is; whether it was killed in time."""
    with subprocess.Popen(
        [*COMMAND, str(path)], env=_environment(database), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if share in line:
                process.kill()
                break
    return process.returncode < 0


def _run(path: Path, database: Path) -> str:
    return subprocess.run(
        [*COMMAND, str(path), "--json"],
        env=_environment(database),
        check=True,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    ).stdout


def _environment(database: Path) -> dict[str, str]:
    return environment(database, ELEPHANTASM_EMBEDDER="none")
