"""What the command line says: helps, complaints and JSON, as they were last looked at.

`pytest --snapshot-update tests/cli/test_snapshots.py` writes them anew; read the difference.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import Cli
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.main import COMMANDS

MASKS = (
    (re.compile(r"\bsk_live_[\w-]+"), "<key>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{32}\b"), "<token>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "<hash>"),
    (re.compile(r"\b\d+(?:\.\d+)+(?:[a-z]+\d+)?\b"), "<version>"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b"), "<day>"),
    (re.compile(r"\b\d\d:\d\d\b"), "<hour>"),
)
MEASURED = re.compile(r"_(ms|s|bytes)$|^(pid|cost_usd)$")


class Text(SingleFileSnapshotExtension):
    """One readable file for each snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def said(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What was said when somebody last looked."""
    return snapshot.use_extension(Text)


def commands(family: tuple[Command, ...], *before: str) -> Iterator[tuple[str, ...]]:
    """The words that name each command."""
    for command in family:
        yield (*before, command.name)
        yield from commands(command.parts, *before, command.name)


def masked(text: str, tmp_path: Path) -> str:
    """The text without what differs from run to run."""
    text = text.replace(str(tmp_path), "<folder>")
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def shape(value: Any, tmp_path: Path, name: str = "") -> Any:
    """The JSON without what differs from run to run."""
    match value:
        case dict():
            return {key: shape(one, tmp_path, key) for key, one in value.items()}
        case list():
            return [shape(one, tmp_path, name) for one in value]
        case float() | int() if MEASURED.search(name) or isinstance(value, float):
            return "<number>"
        case str():
            return masked(value, tmp_path)
        case _:
            return value


@pytest.mark.parametrize(
    "words", [(), *commands(COMMANDS)], ids=lambda words: "-".join(words) or "program"
)
def test_help(cli: Cli, said: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, words):
    monkeypatch.setenv("COLUMNS", "80")
    done = cli(*words, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out == said


WRONG = {
    "unknown-command": ("serach", "x"),
    "unknown-option": ("pack", "--tokens", "5"),
    "no-command-of-a-family": ("keys",),
    "no-value": ("trace",),
    "bad-number": ("pack", "--max-tokens", "many"),
    "bad-time": ("search", "x", "--since", "yesterday"),
    "bad-anima": ("pack", "--anima", "nobody"),
    "bad-handle": ("trace", "q7"),
    "absent-row": ("trace", "m99"),
    "absent-dream": ("dream", "undo", "d9"),
    "no-words": ("curate", "m1", "correct"),
    "nothing-to-forget": ("forget",),
    "absent-file": ("import", "jsonl", "nowhere.jsonl"),
    "unknown-format": ("import", "xml", "nowhere.xml"),
    "unknown-setting": ("animas", "set", "default", "treshold=5"),
    "absent-key": ("keys", "revoke", "nothing"),
    "bad-transport": ("serve", "--transport", "pigeon"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_complaint(cli: Cli, said: SnapshotAssertion, tmp_path: Path, arguments):
    cli("animas", "create", "default")
    done = cli(*arguments)
    assert done.code in (1, 2)
    assert done.out == ""
    assert f"exit {done.code}\n{masked(done.err, tmp_path)}" == said


ASKED = {
    "animas": ("animas",),
    "animas-create": ("animas", "create", "second"),
    "animas-set": ("animas", "set", "default", "threshold=5"),
    "extract": ("extract", "Bogdan signs it off."),
    "pack": ("pack", "what is Mara allergic to?"),
    "search": ("search", "allergic"),
    "trace": ("trace", "m1"),
    "dream-run": ("dream", "run"),
    "dream-list": ("dream", "list"),
    "dream-show": ("dream", "show", "d1"),
    "dream-undo": ("dream", "undo", "d1"),
    "curate": ("curate", "k1", "pin"),
    "forget": ("forget", "e1"),
    "redact": ("redact",),
    "grant-list": ("grant", "list"),
    "keys-create": ("keys", "create", "laptop"),
    "keys-list": ("keys", "list"),
    "doctor": ("doctor",),
}
MACHINE = ("versions", "settings", "embedders")
"""What `doctor` says of the machine, with its keys alone."""


@pytest.mark.parametrize("arguments", ASKED.values(), ids=ASKED)
def test_json(cli: Cli, said: SnapshotAssertion, tmp_path: Path, arguments):
    cli("extract", "I am allergic to hazelnuts.", "--author", "Mara", "--session", "s1")
    cli("dream", "run")
    done = cli(*arguments, "--json")
    found = done.json
    if arguments == ("doctor",):
        found |= {key: sorted(map(str, found[key])) and "…" for key in MACHINE if key in found}
    text = json.dumps(shape(found, tmp_path), indent=1, ensure_ascii=False) + "\n"
    assert text == said
