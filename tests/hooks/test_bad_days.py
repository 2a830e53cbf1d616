"""Bad days: garbage, a database that is locked, missing, read-only or full. A hook succeeds."""

import os
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from calling import PROGRAM, ClaudeCode, call_hook, line, texts
from programs_of_hooks import hanging_pipe

from elephantasm_mcp.hooks.opening import OPENING
from elephantasm_mcp.spool import diary

GARBAGE = (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"session_id": 7}', b"7" * 100_000)
EVENTS = ("SessionStart", "UserPromptSubmit", "Stop", "PreCompact", "SessionEnd")


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program writes and does not end."""
    database.parent.mkdir(exist_ok=True)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    """The file may only be read."""
    database.touch()
    mode = database.stat().st_mode
    database.chmod(0o400)
    yield
    database.chmod(mode)


@contextmanager
def no_database(database: Path) -> Iterator[None]:
    """There is something else."""
    there = database.read_bytes() if database.exists() else None
    aside = list(database.parent.glob(f"{database.name}-*"))
    kept = {one: one.read_bytes() for one in aside}
    for one in aside:
        one.unlink()
    database.write_bytes(b"This is no database." * 100)
    yield
    database.unlink()
    if there is not None:
        database.write_bytes(there)
    for one, data in kept.items():
        one.write_bytes(data)


@contextmanager
def as_ever(database: Path) -> Iterator[None]:
    """Nothing is wrong."""
    assert database.parent.is_dir()
    yield


DAYS: tuple[Callable[[Path], object], ...] = (as_ever, locked, read_only, no_database)


def test_on_any_day_a_hook_succeeds_and_nothing_that_was_given_whole_is_lost(
    session, stored, database: Path, thorough: int
):
    dice = random.Random(7)  # noqa: S311 - a die
    playing = session("first")
    given: list[str] = []
    playing.turn("The first message.", "Good.")
    stored()
    for number in range(20 * thorough):
        text = f"Message {number} of a bad day."
        playing.write("user", text)
        given.append(text)
        with dice.choice(DAYS)(database):
            event = dice.choice(EVENTS)
            payload = playing.payload(event, prompt=text)
            call_hook(event, dice.choice([payload, payload, payload, dice.choice(GARBAGE)]))
    call_hook("SessionEnd", playing.payload("SessionEnd"))
    assert [one for one in texts(stored()) if one.startswith("Message")] == given


def test_a_database_that_is_missing_is_made_when_there_is_something_to_store(
    session, database: Path
):
    playing = session("first")
    assert playing.start() == f"{OPENING}\n"
    assert not database.exists()
    playing.turn("One.", "Good.")
    assert "One." in session("second").start()
    assert database.exists()


def test_a_session_that_cannot_be_recorded_is_not_told_that_it_is(session, tmp_path: Path):
    first = session("first")
    first.turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    recorded = second.start()
    spool = next((tmp_path / "data").rglob("sessions"))
    spool.rename(spool.with_name("gone"))
    spool.write_text("This is no folder.")
    assert f"{OPENING}\n{second.start()}" == recorded


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_noted_and_no_more(data: bytes):
    assert call_hook("Stop", data, command=PROGRAM) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits files of a process so")
def test_on_a_full_disk_nothing_is_lost_that_stands_in_the_transcript(session, stored):
    playing = session("first")
    playing.write("user", "A message for a full disk. " * 200)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64));"
    command = [sys.executable, "-c", f"{limit}import sys; sys.argv.insert(1, 'hook');{RUN}"]
    assert call_hook("Stop", playing.payload("Stop"), command=command) == ""
    assert stored() == []
    call_hook("Stop", playing.payload("Stop"))
    assert len(stored()) == 1


RUN = "from elephantasm_mcp.__main__ import main; main()"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_a_disk_that_hangs_holds_nobody_up(session, tmp_path: Path):
    playing = session("first")
    playing.write("user", "Hello.")
    with hanging_pipe(tmp_path / "pipe") as pipe:
        began = monotonic()
        payload = playing.payload("Stop") | {"transcript_path": str(pipe)}
        assert call_hook("Stop", payload, command=PROGRAM) == ""
        assert monotonic() - began < 30
    assert "Time was up" in "".join(diary.last_lines(1))


def test_what_cannot_be_stored_is_delivered_by_whoever_opens_the_database_next(
    session, stored, database: Path
):
    playing = session("first")
    playing.turn("One.", "Good.")
    stored()
    with locked(database):
        playing.turn("Two.", "Good too.")
    assert texts(stored()) == ["One.", "Good.", "Two.", "Good too."]


def test_the_diary_says_what_went_wrong_and_nothing_that_was_said(session, database, tmp_path):
    playing = session("first")
    playing.turn("The code word is hazelnut.", "Good.")
    with no_database(database):
        assert playing.start() == f"{OPENING}\n"
    call_hook("Stop", b"{")
    diary = (tmp_path / "data" / "elephantasm-mcp" / "hooks" / "hooks.log").read_text()
    assert "is not a database" in diary
    assert "Stop" in diary or "hook" in diary
    assert "hazelnut" not in diary


def test_what_is_no_part_of_the_spool_is_set_aside(session, stored, tmp_path: Path):
    session("first").turn("One.", "Good.")
    (folder,) = (tmp_path / "data" / "elephantasm-mcp" / "hooks").glob("*/parts")
    (folder / "torn.jsonl").write_text('{"form": 1, "proj')
    (folder / "other.jsonl").write_text('{"form": 99}\n')
    assert texts(stored()) == ["One.", "Good."]
    assert sorted(one.name for one in folder.iterdir()) == ["other.bad", "torn.bad"]


def test_only_the_user_can_read_what_waits(session, tmp_path: Path):
    playing: ClaudeCode = session("first")
    playing.transcript.write_text(line("1", "user", "Secret plans."))
    call_hook("Stop", playing.payload("Stop"))
    for one in (tmp_path / "data" / "elephantasm-mcp" / "hooks").rglob("*"):
        assert os.name == "nt" or one.stat().st_mode & 0o077 == 0
