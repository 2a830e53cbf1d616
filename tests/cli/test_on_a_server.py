"""The commands on a server's memory, and those that need the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Cli

from speaking import http_server


@pytest.fixture
def server(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of another database; the environment names both."""
    with http_server(database.with_name("theirs.sqlite3")) as (_, url):
        monkeypatch.setenv("ELEPHANTASM_ENDPOINT", url)
        monkeypatch.setenv("ELEPHANTASM_API_KEY", "sk_live_any")
        yield url


def test_commands_read_and_write_there(cli: Cli, server: str, database: Path) -> None:
    assert server
    assert cli("animas", "create", "work", "--json").json["name"] == "work"
    assert cli("extract", "I am allergic to hazelnuts.", "--anima", "work").out == "e1\n"
    assert cli("animas", "set", "work", "threshold=5").code == 0
    assert cli("dream", "--anima", "work").code == 0
    assert "hazelnuts" in cli("pack", "--anima", "work").out
    assert "e1" in cli("search", "hazelnuts", "--anima", "work").out
    assert "hazelnuts" in cli("trace", "m1", "--anima", "work").out
    assert cli("curate", "m1", "pin", "--anima", "work").code == 0
    assert cli("dream", "list", "--anima", "work").out
    assert cli("redact").code == 0
    assert cli("forget", "e1", "--anima", "work", "--yes").code == 0
    assert cli("animas", "delete", "work", "--yes").code == 0
    assert cli("animas").out == ""
    assert not database.exists()


def test_a_file_that_is_named_is_the_one(cli: Cli, server: str, database: Path) -> None:
    assert server
    assert cli("extract", "Hello.", "--database", str(database)).out == "e1\n"
    assert database.exists()
    assert cli("animas").out == ""


def test_what_needs_the_file_says_so(cli: Cli, server: str, tmp_path: Path) -> None:
    assert server
    lines = tmp_path / "events.jsonl"
    lines.write_text('{"content": "Hello."}\n', encoding="utf-8")
    done = cli("import", "jsonl", str(lines))
    assert (done.code, done.out) == (1, "")
    assert "works on a local database only" in done.err


def test_doctor_asks_the_server(cli: Cli, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cli("doctor")
    assert found.code == 0
    assert "it answers, and shows 0 animas" in found.out
    assert "sk_live_any" not in found.out
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", f"{server}/elsewhere")
    assert cli("doctor").code == 1
