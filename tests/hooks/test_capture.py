"""Taking down: where a session was, lines that are cut, and nothing twice."""

import json
from pathlib import Path

import pytest
from calling import PROGRAM, call_hook, line, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.hooks.capture import AT_ONCE_BYTES, new_lines
from elephantasm_mcp.spool.sessions import Session


def test_a_line_that_is_cut_waits_for_its_end(session, stored):
    first = session("first")
    first.write("user", "One.")
    whole = line("second", "user", "Two, with a long end.")
    with first.transcript.open("a") as file:
        file.write(whole[:60])
    call_hook("Stop", first.payload("Stop"))
    assert texts(stored()) == ["One."]
    with first.transcript.open("a") as file:
        file.write(whole[60:])
    call_hook("Stop", first.payload("Stop"))
    assert texts(stored()) == ["One.", "Two, with a long end."]


def test_what_was_taken_down_is_not_taken_down_again(session, stored, tmp_path):
    first = session("first")
    first.turn("One.", "Good.")
    for file in (tmp_path / "data").rglob("sessions/*.json"):
        file.unlink()
    first.turn("Two.", "Good too.")
    assert texts(stored()) == ["One.", "Good.", "Two.", "Good too."]


def test_the_same_lines_in_another_file_are_the_same_events(session, stored):
    first = session("first")
    first.turn("One.", "Good.")
    resumed = session("resumed")
    resumed.transcript.write_text(first.transcript.read_text())
    resumed.turn("Two.", "Good too.")
    assert texts(stored()) == ["One.", "Good.", "Two.", "Good too."]


def test_a_transcript_that_was_replaced_is_read_from_its_start(session, stored):
    first = session("first")
    first.turn("A long first message that is longer than all that comes after it.", "Good.")
    first.transcript.write_text(line("new", "user", "Two."))
    call_hook("Stop", first.payload("Stop"))
    assert texts(stored())[-1] == "Two."


@pytest.mark.parametrize("more", ["", "And now, with more words than there were before."])
def test_a_transcript_that_was_rewritten_is_read_from_its_start(session, stored, more: str):
    first = session("first")
    first.transcript.write_text(line("1", "user", "One."))
    call_hook("Stop", first.payload("Stop"))
    written = line("2", "user", "Two.") + (line("3", "user", more) if more else "")
    assert len(written) >= first.transcript.stat().st_size
    first.transcript.write_text(written)
    call_hook("Stop", first.payload("Stop"))
    assert texts(stored()) == ["One.", "Two.", *filter(None, [more])]


def test_a_transcript_is_found_below_the_users_folder(session, stored, tmp_path, monkeypatch):
    first = session("first")
    first.write("user", "One.")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = f"~/{first.transcript.relative_to(tmp_path)}"
    call_hook("Stop", first.payload("Stop") | {"transcript_path": path})
    assert texts(stored()) == ["One."]


def test_a_result_of_many_megabytes_holds_nothing_up(session, stored):
    first = session("first")
    log = "password reset for user 123456 at https://x.example.org/a:b token\n" * 90_000
    first.write("user", [{"type": "tool_result", "tool_use_id": "t", "content": log}])
    first.write("user", "And now a short line.")
    call_hook("Stop", first.payload("Stop"), command=PROGRAM)
    found = texts(stored())
    assert len(found) == 2
    assert "characters …]" in found[0]
    assert found[1] == "And now a short line."


def test_a_long_transcript_is_taken_down_in_parts(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"x" * 99 + b"\n" + b"y" * 3 * AT_ONCE_BYTES + b"\nz\n" + b"w" * 9)
    began = Session()
    parts = []
    for start, end, mark, lines in new_lines(path, began):
        parts.append((start, [len(one) for one in lines]))
        began.offset, began.mark = end, mark
    assert parts == [(0, [99]), (100, [3 * AT_ONCE_BYTES]), (3 * AT_ONCE_BYTES + 101, [1])]


def test_without_a_transcript_there_is_nothing_to_take_down(session, stored):
    first = session("first")
    for path in (str(first.transcript), str(first.folder), None, 7):
        payload = first.payload("Stop") | {"transcript_path": path}
        assert call_hook("Stop", payload) == ""
    assert stored() == []


@given(st.lists(st.integers(0, 400), max_size=8), st.lists(st.integers(0, 9), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_whatever_pieces_a_file_grows_each_whole_line_is_read_once(
    tmp_path: Path, cuts: list[int], words: list[int]
):
    lines = [json.dumps("x" * word * 7).encode() for word in words]
    data, path, session = b"".join(one + b"\n" for one in lines), tmp_path / "t.jsonl", Session()
    found: list[bytes] = []
    for cut in [*sorted(cuts), len(data)]:
        path.write_bytes(data[:cut])
        for _, end, mark, more in new_lines(path, session):
            found += more
            session.offset, session.mark = end, mark
    assert found == lines
