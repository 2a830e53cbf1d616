"""What the README says of clients is run here, word for word."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Cli

from elephantasm_mcp.clients.table import BY_NAME

README = Path(__file__).parent.parent.parent / "README.md"
PROGRAM = "elephantasm-mcp"


def section() -> str:
    """The part about clients."""
    text = README.read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition("\n## Connect your client\n")[2], flags=re.MULTILINE)[0]


def commands() -> Iterator[str]:
    """Its command lines about clients, in blocks and in sentences."""
    for block in re.findall(r"```sh\n(.*?)```", section(), flags=re.DOTALL):
        yield from block.splitlines()
    sentences = r"`(elephantasm-mcp doctor|(?:elephantasm-mcp )?(?:un)?install [^`]+)`"
    for words in re.findall(sentences, section()):
        yield words if words.startswith(PROGRAM) else f"{PROGRAM} {words}"


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_of_the_readme_does_what_it_says(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str
):
    words = shlex.split(line)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    assert words.pop(0) == PROGRAM
    far = "https://memory.example.org" in line  # nobody answers there
    assert cli(*words, *(["--dry-run"] if far else [])).code == 0


def test_every_client_is_named():
    assert all(f"`{name}`" in section() or f" {name}" in section() for name in BY_NAME)


def test_what_is_pasted_is_what_is_printed(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    for name in ("ELEPHANTASM_DATABASE", "ELEPHANTASM_EMBEDDER", "XDG_DATA_HOME"):
        monkeypatch.delenv(name)
    (block,) = re.findall(r"```json\n(.*?)```", section(), flags=re.DOTALL)
    shown = json.loads(block)
    shown["mcpServers"]["elephantasm"]["command"] = "it"
    printed = cli("install", "--print").json
    printed["mcpServers"]["elephantasm"]["command"] = "it"
    assert printed == shown
