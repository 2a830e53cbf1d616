"""The README: what it tells people to type is typed here, word for word, in a home of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from elephantasm_mcp.cli.main import COMMANDS, build_parser
from speaking import http_server

README = Path(__file__).parents[2] / "README.md"
DEADLINE_S = 60
OWN = {
    "Try it": "`.ci/run`, from the wheel, in a fresh environment",
    "Develop": "`.ci/run`, in a fresh environment",
    "Connect your client": "`tests/cli/test_readme_clients.py`",
    "What a pack looks like": "`tests/acceptance/test_real_conversation.py`",
    "Bring in what you have": "`tests/cli/test_bring_in.py`",
}
"""Sections whose commands are run elsewhere."""
FOREIGN = ("claude", "docker")
"""Programs that are not here: only what they are told of us is looked at."""


def blocks() -> list[tuple[str, str]]:
    """What is to be typed, block by block, with the title of its section."""
    found: list[tuple[str, str]] = []
    title = ""
    text = README.read_text(encoding="utf-8")
    for heading, kind, block in re.findall(
        r"^## ([^\n]*)$|^ *```(\w*)\n(.*?)^ *```$", text, re.M | re.S
    ):
        title = heading or title
        lines = block.splitlines()
        if kind in ("", "console"):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        elif kind not in ("sh", "bash"):
            lines = []
        if lines and title not in OWN:
            found.append((title, "\n".join(line.strip() for line in lines)))
    return found


class Shell:
    """A shell in a home of its own, where `elephantasm-mcp` is installed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "ELEPHANTASM_EMBEDDER": "none",
            "ELEPHANTASM_PORT": "0",
        }

    def open(self, typed: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", typed],
            cwd=self.home,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, typed: str) -> str:
        with self.open(typed) as process:
            out, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, err
        return out


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def serve(shell: Shell, typed: str) -> None:
    """It makes a key, and listens for other machines."""
    with shell.open(typed) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "sk_live_" in process.stdout.readline()
        assert any("Listening on http://0.0.0.0:" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGTERM)


def curl(shell: Shell, typed: str) -> None:
    """The first stores an event, the second finds it."""
    requests = [shlex.split(line)[1:] for line in typed.replace("\\\n", " ").splitlines()]
    with http_server(shell.home / "memory.sqlite3") as (_, url):
        answers = [ask(url, words) for words in requests]
    assert answers[0]["content"] == "I am allergic to hazelnuts."
    assert "hazelnuts" in answers[1]["content"]["context"]


def ask(url: str, words: list[str]) -> dict:
    """What curl would be answered with."""
    options = dict(zip(words[1::2], words[2::2], strict=True))
    place = urlsplit(words[0])
    name, _, value = options.get("-H", "Accept: */*").partition(": ")
    answer = httpx2.request(
        "POST" if "-d" in options else "GET",
        f"{url}{place.path}?{place.query}",
        headers={name: value},
        content=options.get("-d"),
        timeout=DEADLINE_S,
    )
    assert answer.is_success, answer.text
    found: dict = answer.json()
    return found


def projects(shell: Shell, typed: str) -> None:
    """The folder is there, and so is the anima."""
    (shell.home / "code" / "billing").mkdir(parents=True)
    shell.run("elephantasm-mcp animas create payments")
    shell.run(typed)
    assert "payments" not in shell.run("elephantasm-mcp animas trust")


def merge(shell: Shell, typed: str) -> None:
    """Both animas are there; one of them holds what the other should."""
    shell.run("elephantasm-mcp extract 'Deploys are on Tuesdays.'")
    shell.run("elephantasm-mcp animas create acme/app")
    shell.run(typed)
    assert "Tuesdays" in shell.run("elephantasm-mcp pack --anima acme/app")


def grants(shell: Shell, typed: str) -> None:
    """The house rules know something, and the agent has a memory of its own."""
    rule = "I prefer PostgreSQL over MongoDB for billing."
    for anima, said in (("house-rules", rule), ("coder", "Hello.")):
        shell.run(f"elephantasm-mcp animas create {anima}")
        shell.run(f"elephantasm-mcp extract --anima {anima} --author Nadia '{said}'")
    shell.run("elephantasm-mcp dream run --anima house-rules")
    assert "(house-rules:k1)" in shell.run(typed)


def copies(shell: Shell, typed: str) -> None:
    """There is something to keep."""
    shell.run("elephantasm-mcp extract 'Deploys are on Tuesdays.'")
    shell.run(typed)
    assert (shell.home / "notes" / "README.md").is_file()


def settings(shell: Shell, typed: str) -> None:
    """What is set is what holds."""
    (wanted,) = re.findall(r"ELEPHANTASM_\w+=(\S+)", typed)
    shown = shell.run(f"{typed}\nelephantasm-mcp doctor --json || true")
    assert wanted in {row["value"] for row in json.loads(shown)["settings"]}


HOW: dict[str, Callable[[Shell, str], None]] = {
    "elephantasm-mcp keys create laptop --user nadia": serve,
    "curl http://127.0.0.1:8765/api/events": curl,
    "elephantasm-mcp animas trust": projects,
    "elephantasm-mcp animas merge": merge,
    "elephantasm-mcp grant add": grants,
    "elephantasm-mcp backup": copies,
    "export ELEPHANTASM_": settings,
}


@pytest.mark.parametrize("typed", [typed for _, typed in blocks()])
def test_what_is_typed_does_what_is_said(shell: Shell, typed: str) -> None:
    if typed.split()[0] in FOREIGN:
        assert "elephantasm" in typed or "memory" in typed
        return
    (how,) = (how for beginning, how in HOW.items() if typed.startswith(beginning))
    how(shell, typed)


def spoken() -> list[str]:
    """Commands in sentences, with the program's name or without."""
    text = re.sub(r"```.*?```", "", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = {command.name for command in COMMANDS}
    found = {
        words.removeprefix("elephantasm-mcp ") for words in re.findall(r"`([a-z][^`]*)`", text)
    }
    return sorted(words for words in found if words.split()[0] in names and " " in words)


@pytest.mark.parametrize("words", spoken())
def test_a_command_in_a_sentence_is_one(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FILE", "FILE…"):
        (tmp_path / name).touch()
    parts = shlex.split(words)
    needed = {"revoke": ["id"], "delete": ["NAME"], "set": ["NAME", "threshold=5"], "show": ["d1"]}
    if len(parts) == 2:
        parts += needed.get(parts[1], [])
    assert build_parser().parse_args(parts).run is not None


def test_every_section_whose_commands_are_run_elsewhere_is_there() -> None:
    titles = set(re.findall(r"^## (.*)$", README.read_text(encoding="utf-8"), re.M))
    assert set(OWN) <= titles
