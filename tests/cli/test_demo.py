"""The demo tells its story to the end, and notices when something is wrong."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from programs import DEADLINE_S, run_program

from elephantasm_mcp.cli.demo import load_story, play
from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.memory.fakes import FakeClock


def test_the_demo_needs_nothing_and_every_check_of_it_holds(database: Path, clock: FakeClock):
    done = run_program("demo")
    assert (done.code, done.err) == (0, "")
    assert "Every check held" in done.out
    assert "elephantasm-mcp install claude-code" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    assert "\x1b" not in done.out
    assert not database.exists()
    assert load_story(now=clock.now()).secret not in done.out


async def test_a_check_that_fails_ends_the_demo(tmp_path: Path, clock: FakeClock):
    story = replace(load_story(now=clock.now()), small_talk="Bogdan")
    with (
        pytest.raises(ServerError, match="small talk became a memory"),
        anyio.fail_after(DEADLINE_S),
    ):
        await play(story, folder=tmp_path, now=clock.now())


async def test_a_secret_that_is_not_masked_ends_the_demo(tmp_path: Path, clock: FakeClock):
    story = replace(load_story(now=clock.now()), secret="hazelnuts")  # noqa: S106 - a word that is none
    with pytest.raises(ServerError, match="not masked"), anyio.fail_after(DEADLINE_S):
        await play(story, folder=tmp_path, now=clock.now())


def test_the_story_lies_in_the_past(clock: FakeClock):
    times = [event["occurred_at"] for event in load_story(now=clock.now()).events]
    assert times == sorted(times)
    assert times[-1] < clock.now().isoformat()
