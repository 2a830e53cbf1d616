"""`import` as a command; the formats are tested where they are."""

import json
from pathlib import Path

import pytest
from programs import Cli, run_program

KEYED = [{"content": f"I like tea number {n}.", "dedupe_key": f"k{n}"} for n in range(3)]
CONVERSATIONS = {
    "conversations": [
        {
            "id": name,
            "turns": [
                {
                    "id": "1",
                    "session": "1",
                    "author": "user",
                    "time": "2026-03-02T10:00:00Z",
                    "text": f"Hello from {name}.",
                }
            ],
        }
        for name in ("c1", "c2")
    ]
}


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in KEYED))
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(CONVERSATIONS))
    return path


def test_an_import_says_what_it_did_and_how_to_go_on(cli: Cli, jsonl: Path):
    done = cli("import", "jsonl", str(jsonl), "--anima", "tea time")
    assert done.code == 0
    assert "3 events stored" in done.out
    assert "Made 1 anima: tea time." in done.err
    assert "elephantasm-mcp dream run --anima 'tea time'" in done.err


def test_progress_is_plain_lines_where_there_is_no_terminal(cli: Cli, jsonl: Path):
    err = cli("import", "jsonl", str(jsonl)).err
    assert "importing: 100 %\n" in err
    assert "\r" not in err


def test_a_second_import_adds_nothing(cli: Cli, jsonl: Path):
    cli("import", "jsonl", str(jsonl))
    report = cli("import", "jsonl", str(jsonl), "--json").json
    assert (report["stored"], report["duplicates"]) == (0, 3)


def test_bad_lines_are_named_and_make_it_fail(cli: Cli, jsonl: Path):
    jsonl.write_text('{"content": "good"}\n' + "nonsense\n" * 7)
    done = cli("import", "jsonl", str(jsonl))
    assert done.code == 1
    assert "line 2: " in done.err
    assert "line 6: " in done.err
    assert "… and 2 more" in done.err
    assert "line 7: " not in done.err
    assert "1 event stored" in done.out


def test_standard_input_is_a_file_too():
    done = run_program("import", "jsonl", "-", stdin=b'{"content": "Hello."}')
    assert (done.code, "1 event stored" in done.out) == (0, True)


def test_an_empty_file_is_no_error(cli: Cli, jsonl: Path):
    jsonl.write_bytes(b"")
    done = cli("import", "jsonl", str(jsonl))
    assert (done.code, done.out) == (0, "0 events stored, 0 known already, 0 not usable.\n")


def test_a_file_that_cannot_be_read_is_an_error(cli: Cli):
    done = cli("import", "jsonl", "nowhere.jsonl")
    assert done.code == 1
    assert "elephantasm-mcp: nowhere.jsonl cannot be read." in done.err


def test_each_conversation_gets_its_own_anima(cli: Cli, bench: Path):
    report = cli("import", "bench", str(bench), "--json").json
    assert report["animas"] == {"c1": 1, "c2": 1}


def test_one_conversation_may_be_chosen_and_named(cli: Cli, bench: Path):
    done = cli("import", "bench", str(bench), "--only", "c2", "--anima", "mine")
    assert done.code == 0
    assert [one["name"] for one in cli("animas", "--json").json] == ["mine"]


def test_several_conversations_do_not_go_into_one_anima(cli: Cli, bench: Path):
    done = cli("import", "bench", str(bench), "--anima", "mine")
    assert done.code == 1
    assert "--only" in done.err
    assert cli("animas").out == ""
