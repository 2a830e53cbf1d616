"""Feeds: whether the clients that have hooks call ours, and whether those run."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from elephantasm_mcp.clients.feeds import Feed, feed_of, survey
from elephantasm_mcp.clients.hooks import TABLE, put
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import BY_NAME

DEADLINE_S = 60.0
PLUGIN = {"enabledPlugins": {"elephantasm@elephantasm": True}}


def calling(start: str) -> Callable[[str], str]:
    """What stands in a client's file if the program is started like that."""
    return lambda event: f"{start} hook {event}"


def program(tmp_path: Path, code: str = "", *, name: str = "elephantasm-mcp") -> str:
    """A program of our name that does something of its own."""
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o700)
    return shlex.quote(str(path))


def write(machine: Machine, name: str, start: str, *, text: str = "") -> Path:
    path = TABLE[name].file(machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(put(text, TABLE[name], calling(start)))
    return path


def files_in(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


async def look(machine: Machine, name: str = "claude-code") -> Feed:
    feed = await feed_of(BY_NAME[name], machine, deadline_s=DEADLINE_S)
    assert feed is not None
    return feed


@pytest.mark.parametrize("name", TABLE)
async def test_hooks_that_are_all_there_are_started(name: str, machine: Machine):
    write(machine, name, f"{shlex.quote(sys.executable)} -P -m elephantasm_mcp")
    feed = await look(machine, name)
    assert (feed.state, feed.remedy, feed.is_wrong) == ("whole", "", False)
    assert f"All {len(TABLE[name].events)} hooks" in feed.detail


async def test_a_program_that_is_gone_is_named(machine: Machine):
    write(machine, "claude-code", "/gone/elephantasm-mcp")
    feed = await look(machine)
    assert (feed.state, feed.is_wrong) == ("fails", True)
    assert "`/gone/elephantasm-mcp hook SessionStart` does not run." in feed.detail
    assert "No such file" in feed.detail
    assert feed.remedy == "`elephantasm-mcp install claude-code`"


async def test_a_program_that_breaks_off_is_quoted(machine: Machine, tmp_path: Path):
    write(machine, "cursor", program(tmp_path, "import sys; sys.exit('no such module')"))
    feed = await look(machine, "cursor")
    assert feed.state == "fails"
    assert "exit code 1. It said: no such module" in feed.detail


async def test_a_program_that_does_not_end_is_given_up(machine: Machine, tmp_path: Path):
    write(machine, "codex", program(tmp_path, "import time; time.sleep(600)"))
    feed = await feed_of(BY_NAME["codex"], machine, deadline_s=0.5)
    assert feed is not None
    assert feed.state == "fails"
    assert "did not end" in feed.detail


async def test_each_hook_counts_even_if_only_one_of_them_is_dead(machine: Machine, tmp_path: Path):
    path = write(machine, "claude-code", program(tmp_path))
    path.write_text(
        path.read_text().replace("elephantasm-mcp hook Stop", "x/elephantasm-mcp hook Stop")
    )
    assert "hook Stop` does not run" in (await look(machine)).detail


async def test_hooks_that_are_there_in_part_are_told(machine: Machine, tmp_path: Path):
    path = write(machine, "claude-code", program(tmp_path))
    value = json.loads(path.read_text())
    del value["hooks"]["Stop"], value["hooks"]["PreCompact"]
    path.write_text(json.dumps(value))
    feed = await look(machine)
    assert (feed.state, feed.is_wrong) == ("partial", True)
    assert feed.detail == "Only 3 of 5 hooks are there, without Stop and PreCompact."
    assert feed.remedy == "`elephantasm-mcp install claude-code`"


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("claude-code", ".claude/settings.json", '{"disableAllHooks": true}'),
        ("codex", ".codex/config.toml", "[features]\nhooks = false\n"),
        ("codex", ".codex/config.toml", "[features]\ncodex_hooks = false\n"),
        ("gemini-cli", ".gemini/settings.json", '{"hooksConfig": {"enabled": false}}'),
        ("gemini-cli", ".gemini/settings.json", '{"hooksConfig": {"disabled": ["elephantasm"]}}'),
    ],
)
async def test_a_client_that_calls_no_hooks_at_all_is_told(
    name: str, file: str, text: str, machine: Machine, tmp_path: Path
):
    own = TABLE[name].file(machine) == tmp_path / file
    write(machine, name, program(tmp_path), text=text if own else "")
    if not own:
        (tmp_path / file).write_text(text)
    feed = await look(machine, name)
    assert (feed.state, feed.is_wrong) == ("off", True)
    assert f"~/{file} switches them off" in feed.detail
    assert feed.remedy == f"Take that out of ~/{file}."


@pytest.mark.parametrize("text", ['{"disableAllHooks": false}', '{"disableAllHooks": 1}'])
async def test_a_switch_that_is_on_is_none(text: str, machine: Machine, tmp_path: Path):
    write(machine, "claude-code", program(tmp_path), text=text)
    assert (await look(machine)).state == "whole"


async def test_the_plugin_is_named_as_what_brings_the_hooks(machine: Machine, tmp_path: Path):
    path = write(machine, "claude-code", program(tmp_path), text=json.dumps(PLUGIN))
    both = await look(machine)
    assert (both.state, both.is_wrong) == ("plugin", False)
    assert "second set" in both.detail
    path.write_text(json.dumps(PLUGIN))
    (alone,) = await survey(machine, told=())
    assert (alone.state, alone.remedy) == ("plugin", "")
    assert "The plugin elephantasm@elephantasm" in alone.detail
    path.write_text(json.dumps({**PLUGIN, "disableAllHooks": True}))
    assert (await look(machine)).state == "off"


async def test_only_a_client_that_was_told_of_us_misses_its_hooks(machine: Machine, tmp_path: Path):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text("{")
    assert await survey(machine, told=()) == []
    found = await survey(machine, told=["claude-code", "cursor", "goose"])
    assert [(one.client, one.state) for one in found] == [
        ("claude-code", "unreadable"),
        ("cursor", "absent"),
    ]
    assert all(one.remedy for one in found)


async def test_a_trial_runs_nothing_that_stands_behind_ours(machine: Machine, tmp_path: Path):
    note = f"import os, sys; open({str(tmp_path / 'notes')!r}, 'a').write("
    note += "f'{sys.stdin.read()} {os.listdir()} {os.environ.get(\"A\")}\\n')"
    start = program(tmp_path, note)
    trap = shlex.quote(str(tmp_path / "trap"))
    path = TABLE["claude-code"].file(machine)
    path.parent.mkdir()
    path.write_text(
        put("", TABLE["claude-code"], lambda event: f"A=b {start} hook {event}; touch {trap}")
    )
    assert (await look(machine)).state == "whole"
    assert not (tmp_path / "trap").exists()
    assert "{} [] b" in (tmp_path / "notes").read_text()


@pytest.mark.parametrize("name", TABLE)
async def test_a_trial_records_nothing(
    name: str, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    data = tmp_path / "data" / "memory.sqlite3"
    line = f"{shlex.quote(sys.executable)} -P -m elephantasm_mcp"
    path = TABLE[name].file(machine)
    path.parent.mkdir(parents=True)
    path.write_text(
        put("", TABLE[name], lambda event: f"{line} hook {event} --client {name} --database {data}")
    )
    assert (await look(machine, name)).state == "whole"
    assert files_in(tmp_path) == [path]
