"""The handshake with real programs, good ones and bad ones."""

import sys
from pathlib import Path

import pytest

from elephantasm_mcp.clients.handshake import shake_hands
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import Entry
from elephantasm_mcp.errors import ServerError

DEADLINE_S = 60.0


def script(code: str) -> Entry:
    return Entry(sys.executable, ("-c", code))


def server(tmp_path: Path, **env: str) -> Entry:
    own = {"ELEPHANTASM_DATABASE": str(tmp_path / "m.sqlite3"), "ELEPHANTASM_EMBEDDER": "none"}
    return Entry(sys.executable, ("-m", "elephantasm_mcp"), {**own, **env})


async def test_our_own_server_answers(machine: Machine, tmp_path: Path):
    answer = await shake_hands(server(tmp_path), machine, deadline_s=DEADLINE_S)
    assert (answer.name, answer.tools) == ("elephantasm", 11)
    assert (tmp_path / "m.sqlite3").exists()


async def test_what_it_says_when_it_cannot_start_is_told(machine: Machine, tmp_path: Path):
    with pytest.raises(ServerError, match="ELEPHANTASM_PORT must be"):
        await shake_hands(server(tmp_path, ELEPHANTASM_PORT="no"), machine, deadline_s=DEADLINE_S)


async def test_a_program_that_is_not_there_is_told(machine: Machine):
    with pytest.raises(ServerError, match="cannot be started: No such file"):
        await shake_hands(Entry("/nowhere/elephantasm-mcp"), machine)


async def test_a_program_that_says_nothing_is_given_up(machine: Machine):
    with pytest.raises(ServerError, match="did not answer within"):
        await shake_hands(script("import time; time.sleep(600)"), machine, deadline_s=0.5)


@pytest.mark.parametrize(
    "code",
    [
        "print('hello')",
        "print('[]')",
        'print(\'{"id": 1, "error": {}}\')',
        "print('x' * 2_000_000)",
        'print(\'{"id": 1, "result": {"serverInfo": 1}}\'); print(\'{"id": 2, "result": 1}\')',
    ],
)
async def test_a_program_that_speaks_otherwise_is_told(machine: Machine, code: str):
    code = f"import sys; {code}; sys.stdout.flush(); sys.stdin.read()"
    with pytest.raises(ServerError, match="not in the Model Context Protocol"):
        await shake_hands(script(code), machine, deadline_s=DEADLINE_S)


async def test_a_program_that_ends_is_quoted(machine: Machine):
    with pytest.raises(ServerError, match=r"ended without an answer\. It said: no such luck"):
        await shake_hands(script("import sys; sys.exit('no such luck')"), machine)


async def test_it_starts_with_what_a_desktop_has(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/secret/tools")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    code = "import os, sys; sys.exit(f\"{os.environ['PATH']} {'ANTHROPIC_API_KEY' in os.environ} "
    code += "{os.environ['ENABLE_BACKGROUND_JOBS']} {os.getcwd()}\")"
    with pytest.raises(ServerError) as caught:
        await shake_hands(script(code), machine, deadline_s=DEADLINE_S)
    assert f"/usr/bin:/bin:/usr/sbin:/sbin False false {machine.home}" in str(caught.value)
