"""How results look on a terminal and elsewhere."""

import os
import pty
import subprocess
import termios
from pathlib import Path

import pytest
from programs import DEADLINE_S, PROGRAM
from pydantic import TypeAdapter

from elephantasm_mcp.cli.output import hanging, line, progress, say_json, table, when
from elephantasm_mcp.types.records import UtcDatetime


def test_columns_are_aligned():
    rows = [("name", "events"), ("a", "7"), ("longer", "1,204")]
    assert list(table(rows, right=(1,))) == ["name    events", "a            7", "longer   1,204"]


def test_an_empty_table_has_no_lines():
    assert list(table([])) == []


def test_further_lines_stand_under_the_first():
    assert hanging("m1  ", "one two three", width=11) == "m1  one two\n    three"


def test_nothing_is_wrapped_where_there_is_no_terminal():
    assert hanging("m1  ", "word " * 50 + "end") == "m1  " + "word " * 50 + "end"


def test_times_are_in_utc():
    moment = TypeAdapter(UtcDatetime).validate_python("2026-03-02T10:42:00+01:00")
    assert when(moment) == "2026-03-02 09:42"
    assert when(None) == "undated"


def test_remembered_text_is_one_line_without_control_characters():
    assert line("a\nb\x1b[2Jc") == "a b[2Jc"


def test_json_is_readable_in_any_language(capsys: pytest.CaptureFixture[str]):
    say_json({"text": "Grüße, 記憶"})
    assert capsys.readouterr().out == '{\n  "text": "Grüße, 記憶"\n}\n'


def test_progress_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]):
    with progress("reading", total=1000, unit="B") as report:
        for position in range(0, 1001, 7):
            report(position)
        report(1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"reading: {percent} %" for percent in range(10, 101, 10)]


def test_progress_of_unknown_length_is_silent(capsys: pytest.CaptureFixture[str]):
    with progress("reading", total=None, unit="B") as report:
        report(7)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar_and_lines_fit(tmp_path: Path):
    words = " ".join(f"hazelnut{number}" for number in range(40))
    (tmp_path / "events.jsonl").write_text(f'{{"content": "{words}"}}\n')
    shown = on_a_terminal("import", "jsonl", str(tmp_path / "events.jsonl"))
    assert "importing: " in shown
    assert "%|" in shown
    lines = on_a_terminal("trace", "e1").splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80


def on_a_terminal(*arguments: str) -> str:
    """What a command shows where both of its outputs are a terminal."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 80))
    with subprocess.Popen([*PROGRAM, *arguments], stdout=its, stderr=its) as process:
        os.close(its)
        shown = bytearray()
        while part := read_some(ours):
            shown += part
        assert process.wait(DEADLINE_S) == 0
    os.close(ours)
    return shown.decode()


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that nobody writes any more
        return b""
