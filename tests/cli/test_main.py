"""The program as a whole: its commands, its errors, its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
from programs import DEADLINE_S, PROGRAM, Cli, run_program

from elephantasm_mcp.cli.main import COMMANDS, build_parser
from elephantasm_mcp.cli.serve import run as run_serve

HEAVY = ("mcp", "mcp_types", "starlette", "uvicorn", "onnxruntime", "anthropic", "openai")
LIGHT = (
    ["--help"],
    ["animas"],
    ["extract", "I am allergic to hazelnuts."],
    ["pack"],
    ["trace", "e1"],
    ["dream", "run"],
    ["dream", "list"],
    ["import", "jsonl", os.devnull],
    ["install", "--print"],
)
INTERRUPT_AT_IMPORT = """
import os, runpy, signal, sys
module = sys.argv.pop()
class Interrupting:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
runpy.run_module("elephantasm_mcp", run_name="__main__")
"""
"""Serves, and interrupts itself when it comes to import a module."""
RUN_AND_LIST_IMPORTS = """
import sys
from elephantasm_mcp.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.stderr.write("imported: " + " ".join(sys.modules))
"""
IMPOSSIBLE = "a\0b"
"""A file name that no system takes and no shell can give."""


def command_lines() -> list[list[str]]:
    """Every command, and every part of a family."""
    return [[], *([one.name, *part] for one in COMMANDS for part in ([], *parts_of(one.parts)))]


def parts_of(parts) -> list[list[str]]:
    return [[one.name] for one in parts]


def test_without_a_command_it_serves():
    assert build_parser().parse_args([]).run is run_serve


def test_a_server_whose_client_is_gone_ends_well():
    done = run_program()
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize("command", command_lines(), ids=" ".join)
def test_every_command_explains_itself(cli: Cli, command: list[str]):
    done = cli(*command, "--help")
    assert done.code == 0
    assert done.out.startswith("usage: elephantasm-mcp")
    assert done.out.count("\n") > 5


def test_the_version_is_printed(cli: Cli):
    assert cli("--version").out.startswith("elephantasm-mcp 0.")


def test_an_unknown_command_names_the_nearest_one(cli: Cli):
    done = cli("serach", "hazelnuts")
    assert done.code == 2
    assert "Did you mean 'search'?" in done.err


def test_an_unknown_part_of_a_family_names_the_nearest_one(cli: Cli):
    done = cli("dream", "lits")
    assert done.code == 2
    assert "Did you mean 'list'?" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract"],
        ["import"],
        ["import", "jsonl"],
        ["search", "x", "--limit", "0"],
        ["search", "x", "--since", "soon"],
        ["search", "x", "--until", "1772447400"],
        ["extract", "x", "--at", "1772447400"],
        ["extract", "x", "--importance", "true"],
        ["extract", "x", "--importance", "2"],
        ["extract", "x", "--meta", "[1]"],
        ["pack", "--max-tokens", "many"],
        ["animas", "--env-file", "/nowhere/.env"],
        ["serve", "--transport", "pigeon"],
        ["animas", "--unknown"],
        ["demo", "--database", "mine.sqlite3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(cli: Cli, arguments: list[str]):
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in done.err
    assert "Traceback" not in done.err


def test_shared_options_may_stand_before_the_command_or_behind_it(cli: Cli, tmp_path: Path):
    other = str(tmp_path / "other.sqlite3")
    assert cli("--database", other, "extract", "Hello.").code == 0
    assert "default" in cli("animas", "--database", other).out
    assert cli("animas").out == ""


def test_settings_may_come_from_a_file(cli: Cli, tmp_path: Path):
    file = tmp_path / "settings.env"
    file.write_text("ELEPHANTASM_ANIMA_ID=from-the-file\n")
    cli("extract", "Hello.", "--env-file", str(file))
    assert [one["name"] for one in cli("animas", "--json").json] == ["from-the-file"]


def test_an_error_is_one_plain_line(cli: Cli):
    done = cli("pack", "--anima", "nobody")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("elephantasm-mcp: There is no anima 'nobody'.")
    assert done.err.count("\n") == 1


def test_a_broken_setting_is_one_plain_line(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "crystal-ball")
    done = cli("animas")
    assert done.code == 1
    assert "ELEPHANTASM_EMBEDDER" in done.err
    assert done.err.count("\n") == 1


def test_an_unexpected_failure_is_one_line_too(cli: Cli):
    done = cli("animas", "--database", IMPOSSIBLE)
    assert done.code == 1
    assert "please report it" in done.err
    assert done.err.count("\n") == 1


def test_an_unexpected_failure_says_where_when_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_LOG", "debug")
    assert "Traceback" in cli("animas", "--database", IMPOSSIBLE).err


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_do_not_import_what_is_slow(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "auto")
    imported = modules_imported_by(*arguments)
    assert "elephantasm_mcp.cli.main" in imported
    assert not set(HEAVY) & imported


@pytest.mark.parametrize("arguments", [["search", "hazelnuts"], ["doctor"]], ids=" ".join)
def test_a_command_that_needs_the_models_needs_no_server(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "auto")
    imported = modules_imported_by(*arguments)
    assert "onnxruntime" in imported
    assert not set(HEAVY) - {"onnxruntime"} & imported


def test_a_reader_that_leaves_is_no_error(cli: Cli):
    cli("extract", "I moved to Porto.")
    with subprocess.Popen(
        [*PROGRAM, "pack", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 1
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_an_interrupted_import_says_how_to_go_on_and_keeps_what_it_stored(cli: Cli):
    with subprocess.Popen(
        [*PROGRAM, "import", "jsonl", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.writelines(b'{"content": "event %d"}\n' % number for number in range(450))
        process.stdin.flush()
        wait_for_events(cli, 400, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert err.decode().splitlines() == [
        "Made 1 anima: default.",
        "That is not all of it. Run it again, and it goes on where it was.",
    ]
    assert cli("animas", "--json").json[0]["events"] == 400


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("elephantasm_mcp.cli.main", 130),
        ("pydantic", 130),
        ("elephantasm_mcp.cli.demo", 130),
        ("elephantasm_mcp.transports", 130),
        ("mcp.server", 0),  # from here on the server has nothing to save, as at its end
    ],
)
def test_an_interrupt_during_the_start_ends_it_silently(module: str, code: int):
    done = run_program(command=[sys.executable, "-c", INTERRUPT_AT_IMPORT, module])
    assert (done.code, done.out, done.err) == (code, "", "")


def modules_imported_by(*arguments: str) -> set[str]:
    done = run_program(*arguments, command=[sys.executable, "-c", RUN_AND_LIST_IMPORTS])
    return set(done.err.rpartition("imported: ")[2].split())


def wait_for_events(cli: Cli, number: int, process: subprocess.Popen[bytes]) -> None:
    """Look again and again until that many are stored."""
    deadline = monotonic() + DEADLINE_S
    while process.poll() is None and monotonic() < deadline:
        found = cli("animas", "--json").json
        if found and found[0]["events"] >= number:
            return
    raise AssertionError("the events were not stored in time")
