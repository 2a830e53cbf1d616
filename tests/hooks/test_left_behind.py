"""Left behind: transcripts that a hook had no time to take down to their end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import ClaudeCode, call_hook, line, texts

from elephantasm_mcp.hooks.capture import AT_ONCE_BYTES
from elephantasm_mcp.hooks.opening import OPENING
from elephantasm_mcp.spool.folders import Spool, spool_of
from elephantasm_mcp.spool.parts import MAX_PARTS

SAID = ["One.", "Two.", "Three."]


@pytest.fixture
def spool(database: Path) -> Spool:
    """Where hooks put what they take down."""
    return spool_of(database)


@pytest.fixture
def left_behind(session, spool: Spool) -> ClaudeCode:
    """A session that ended while there was room for the first of its portions alone."""
    playing = session("first")
    playing.start()
    for said in SAID:
        playing.write("user", said)
        playing.write_line("progress", data="x" * AT_ONCE_BYTES)
    spool.parts.mkdir()
    fill = [spool.parts / f"{number}.jsonl" for number in range(MAX_PARTS - 1)]
    for one in fill:
        one.touch()
    playing.end()
    for one in fill:
        one.unlink()
    assert len(list(spool.parts.iterdir())) == 1
    return playing


def let_time_pass(spool: Spool) -> None:
    (left,) = spool.behind.iterdir()
    os.utime(left, (0, left.stat().st_mtime - 60))


@pytest.mark.usefixtures("left_behind")
def test_the_next_session_goes_on_with_a_transcript_that_was_left_behind(
    session, stored: Callable[[], list], spool: Spool
):
    let_time_pass(spool)
    shown = session("second").start()
    assert shown.startswith(OPENING)
    assert [one for one in SAID if one in shown] == ["One."]
    assert texts(stored()) == SAID
    assert {one.session_id for one in stored()} == {"first"}
    assert list(spool.behind.iterdir()) == []


def test_it_goes_to_the_project_in_which_it_was_said(
    left_behind: ClaudeCode, session, stored, spool: Spool, tmp_path: Path
):
    let_time_pass(spool)
    left_behind.folder.rmdir()
    other = session("second")
    other.folder = tmp_path
    other.write("user", "Elsewhere.")
    call_hook("Stop", other.payload("Stop"), "--anima", "work")
    assert texts(stored()) == SAID


@pytest.mark.usefixtures("left_behind")
def test_another_hook_that_may_still_be_at_it_is_left_alone(session, stored, spool: Spool):
    session("second").start()
    assert texts(stored()) == SAID[:1]
    assert len(list(spool.behind.iterdir())) == 1


@pytest.mark.usefixtures("left_behind")
def test_nobody_waits_with_a_prompt_for_what_was_left_behind(session, stored, spool: Spool):
    let_time_pass(spool)
    second = session("second")
    call_hook("UserPromptSubmit", second.payload("UserPromptSubmit", prompt="Hello."))
    assert texts(stored()) == SAID[:1]


def test_a_session_that_comes_to_its_own_end_is_not_behind(
    left_behind: ClaudeCode, stored, spool: Spool
):
    left_behind.end()
    assert texts(stored()) == SAID
    assert list(spool.behind.iterdir()) == []


def test_a_transcript_that_is_gone_is_not_looked_for_again(
    left_behind: ClaudeCode, session, spool: Spool
):
    let_time_pass(spool)
    left_behind.transcript.unlink()
    session("second").start()
    assert list(spool.behind.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"client": 7, "project": {"root": "x"}}'])
def test_a_file_that_tells_nothing_is_removed(session, stored, spool: Spool, data: bytes):
    spool.behind.mkdir(parents=True)
    (spool.behind / "s.json").write_bytes(data)
    let_time_pass(spool)
    first = session("first")
    first.transcript.write_text(line("1", "user", "One."))
    call_hook("Stop", first.payload("Stop"))
    assert texts(stored()) == ["One."]
    assert list(spool.behind.iterdir()) == []
