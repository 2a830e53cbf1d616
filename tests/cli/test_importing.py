"""`import` as a command; the formats are tested where they are."""

import json
import zipfile
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


def test_the_name_of_a_file_does_nothing_to_the_terminal(cli: Cli, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for folder in ("a", "b\x1b[31m"):
            archive.writestr(f"{folder}/conversations.json", '[{"chat_messages": 7}, 8]')
    done = cli("import", "claude", str(tmp_path / "export.zip"))
    assert done.code == 1
    assert "/conversations.json, conversation 2: " in done.err
    assert "\x1b" not in done.err


def test_the_name_of_a_file_in_an_error_does_nothing_to_the_terminal(cli: Cli, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b\x1b[31m/conversations.json", bytes(100 << 20))
    done = cli("import", "claude", str(tmp_path / "export.zip"))
    assert (done.code, "would unpack" in done.err, "\x1b" in done.err) == (1, True, False)


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


def test_a_dry_run_says_what_would_be_stored_and_writes_nothing(
    cli: Cli, jsonl: Path, database: Path
):
    cli("import", "jsonl", str(jsonl), "--anima", "tea")
    before = {path.name: path.read_bytes() for path in database.parent.iterdir()}
    jsonl.write_text(jsonl.read_text() + '{"content": "And coffee."}\n')
    before[jsonl.name] = jsonl.read_bytes()
    done = cli("import", "jsonl", str(jsonl), "--anima", "tea", "--dry-run")
    assert done.code == 0
    assert "1 event would be stored, 3 known already" in done.out
    assert "line 1: known already as e1" in done.err
    assert {path.name: path.read_bytes() for path in database.parent.iterdir()} == before


def test_a_dry_run_makes_no_database(cli: Cli, jsonl: Path, database: Path):
    done = cli("import", "jsonl", str(jsonl), "--anima", "new", "--dry-run")
    assert "3 events would be stored" in done.out
    assert "Would make 1 anima: new." in done.err
    assert [path.name for path in database.parent.iterdir()] == [jsonl.name]


def test_lines_without_keys_are_stored_once_too(cli: Cli, jsonl: Path):
    jsonl.write_text('{"content": "a"}\n{"content": "a"}\n{"content": "b"}\n')
    first = cli("import", "jsonl", str(jsonl), "--json").json
    jsonl.write_text(jsonl.read_text() + '{"content": "c"}\n')
    again = cli("import", "jsonl", str(jsonl), "--json").json
    assert (first["stored"], again["stored"], again["duplicates"]) == (3, 1, 3)


def test_the_format_may_be_guessed(cli: Cli, jsonl: Path):
    done = cli("import", "auto", str(jsonl))
    assert (done.code, "3 events stored" in done.out) == (0, True)
    assert "It looks like a file of JSON lines." in done.err


def test_another_format_is_named_with_the_command_for_it(cli: Cli, bench: Path):
    done = cli("import", "claude", str(bench))
    assert done.code == 1
    assert f"elephantasm-mcp import bench {bench}" in done.err


def test_secrets_that_were_masked_are_counted(cli: Cli, jsonl: Path):
    jsonl.write_text('{"content": "The password=hunter2-and-more is mine."}\n')
    assert "masked: 1 secret" in cli("import", "jsonl", str(jsonl)).out
