"""The survey of clients: which of them have our entry, and whether it works."""

import json
import sys
from pathlib import Path

from elephantasm_mcp.clients.installing import carry_out, plan_server, with_hooks
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.survey import survey
from elephantasm_mcp.clients.table import BY_NAME, Entry

DEADLINE_S = 60.0


def install(machine: Machine, name: str, entry: Entry) -> None:
    client = BY_NAME[name]
    edit = plan_server(client, client.file(machine), entry)
    for one in with_hooks(edit, client, machine, line=entry.line, options=()):
        carry_out(one)


async def test_where_no_client_was_told_there_is_nothing_to_find(machine: Machine, tmp_path: Path):
    (tmp_path / ".claude.json").write_text('{"mcpServers": {"other": {"command": "x"}}}')
    assert await survey(machine) == []


async def test_each_client_that_was_told_is_found_with_what_it_starts(
    machine: Machine, tmp_path: Path
):
    env = {"ELEPHANTASM_DATABASE": str(tmp_path / "m.sqlite3"), "ELEPHANTASM_EMBEDDER": "none"}
    good = Entry(sys.executable, ("-m", "elephantasm_mcp"), env)
    install(machine, "claude-code", good)
    install(machine, "goose", good)
    install(machine, "zed", Entry("/gone/elephantasm-mcp"))
    found = {one.client: one for one in await survey(machine, deadline_s=DEADLINE_S)}
    assert {name: one.state for name, one in found.items()} == {
        "claude-code": "works",
        "goose": "works",
        "zed": "fails",
    }
    assert (found["claude-code"].hooks, found["goose"].hooks) == (True, False)
    assert found["zed"].remedy == "`elephantasm-mcp install zed`"
    assert "No such file" in found["zed"].detail


async def test_a_file_that_cannot_be_understood_is_a_finding(machine: Machine, tmp_path: Path):
    (tmp_path / ".claude.json").write_text("{")
    (found,) = await survey(machine)
    assert (found.client, found.state, found.file) == (
        "claude-code",
        "unreadable",
        "~/.claude.json",
    )
    assert "line 1" in found.detail


async def test_an_entry_without_a_command_is_not_started(machine: Machine, tmp_path: Path):
    entry = {"mcpServers": {"elephantasm": {"url": "https://example.org/mcp"}}}
    (tmp_path / ".claude.json").write_text(json.dumps(entry))
    assert await survey(machine) == []
