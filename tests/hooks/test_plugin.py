"""The plugin of Claude Code: its files, by what its documentation says of them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from calling import PATIENT
from programs_of_hooks import hanging_pipe

from elephantasm_mcp.hooks.clients import CLAUDE_CODE
from elephantasm_mcp.hooks.opening import OPENING

ROOT = Path(__file__).parent.parent.parent
PLUGIN = ROOT / "plugins" / "claude-code"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MANIFEST = {
    "$schema", "name", "version", "description", "author", "homepage", "repository", "license",
    "keywords", "commands", "agents", "skills", "hooks", "mcpServers", "outputStyles", "lspServers",
}  # fmt: skip
"""The fields of "Plugins reference: plugin manifest schema"."""
ENTRY = MANIFEST | {"source", "category", "tags", "strict"}
"""And of "Plugin marketplaces: plugin entries"."""


def run_script(*words: str, env: dict[str, str]) -> str:
    """What the plugin's script prints, as a program that must succeed."""
    done = subprocess.run(
        [shutil.which("sh") or "sh", str(PLUGIN / "scripts" / "elephantasm"), *words],
        stdin=subprocess.DEVNULL,
        env=env,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout.decode()


def read(path: Path):
    return json.loads(path.read_text())


def test_the_manifest_has_documented_fields_and_our_version():
    manifest = read(PLUGIN / ".claude-plugin" / "plugin.json")
    assert manifest.keys() <= MANIFEST
    assert NAME.fullmatch(manifest["name"])
    assert manifest["version"] == version("elephantasm-mcp")
    assert [one.name for one in (PLUGIN / ".claude-plugin").iterdir()] == ["plugin.json"]


def test_the_script_runs_our_version():
    script = (PLUGIN / "scripts" / "elephantasm").read_text()
    assert re.findall(r"^version=(.*)$", script, re.MULTILINE) == [version("elephantasm-mcp")]


def test_the_marketplace_names_the_plugin_where_it_is():
    market = read(ROOT / ".claude-plugin" / "marketplace.json")
    assert market.keys() <= {"$schema", "name", "owner", "plugins", "metadata", "description"}
    assert NAME.fullmatch(market["name"])
    assert market["owner"]["name"]
    (entry,) = market["plugins"]
    assert entry.keys() <= ENTRY
    assert entry["source"].startswith("./")
    found = (ROOT / entry["source"]).resolve()
    assert read(found / ".claude-plugin" / "plugin.json")["name"] == entry["name"]


def test_the_skill_says_when_to_use_it():
    text = (PLUGIN / "skills" / "memory" / "SKILL.md").read_text()
    _, head, body = text.split("---\n", 2)
    fields = dict(one.split(": ", 1) for one in head.strip().split("\n"))
    assert fields["name"] == "memory"
    assert "Use it when" in fields["description"]
    assert len(fields["description"]) <= 1024
    assert body.count("\n") < 500


def test_hooks_are_those_that_we_know():
    hooks = read(PLUGIN / "hooks" / "hooks.json")
    assert hooks.keys() <= {"description", "hooks"}
    assert hooks["hooks"].keys() == CLAUDE_CODE.events.keys()
    for rules in hooks["hooks"].values():
        for rule in rules:
            assert rule.keys() <= {"matcher", "hooks"}
            for hook in rule["hooks"]:
                assert hook["type"] == "command"
                assert 2 < hook["timeout"] <= 10


def test_the_server_is_ours():
    servers = read(PLUGIN / ".mcp.json")["mcpServers"]
    command = servers["elephantasm"]["command"].replace("${CLAUDE_PLUGIN_ROOT}", str(PLUGIN))
    assert os.access(command, os.X_OK)


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a POSIX shell")
@pytest.mark.parametrize("words", [("serve",), ("hook", "Stop")])
@pytest.mark.parametrize(("said", "used"), [(None, "project"), ("work", "work")])
def test_server_and_hooks_have_the_same_anima(words, said, used, tmp_path: Path):
    program = tmp_path / "elephantasm-mcp"
    program.write_text('#!/bin/sh\necho "$ELEPHANTASM_ANIMA_ID"\n')
    program.chmod(0o755)
    told = {"ELEPHANTASM_ANIMA_ID": said} if said else {}
    assert run_script(*words, env={"PATH": str(tmp_path)} | told) == f"{used}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a POSIX shell")
def test_a_hook_by_uvx_downloads_nothing(tmp_path: Path):
    program = tmp_path / "uvx"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    ours = f"elephantasm-mcp@{version('elephantasm-mcp')}"
    env = {"PATH": str(tmp_path)}
    assert run_script("hook", "Stop", env=env) == f"--offline {ours} hook Stop\n"
    assert run_script("serve", env=env) == f"{ours} serve\n"


@pytest.mark.skipif(shutil.which("timeout") is None, reason="needs the program timeout")
def test_a_hook_by_a_uvx_that_hangs_ends(tmp_path: Path, environment):
    program = tmp_path / "bin" / "uvx"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nread -r never < {tmp_path / 'pipe'}\n")
    program.chmod(0o755)
    for name in ("timeout", "sh"):
        (program.parent / name).symlink_to(shutil.which(name) or "")
    with hanging_pipe(tmp_path / "pipe"):
        assert run_script("hook", "Stop", env=environment(PATH=str(program.parent))) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a POSIX shell")
@pytest.mark.parametrize("event", CLAUDE_CODE.events)
def test_the_command_of_each_hook_runs(event: str, tmp_path: Path, environment):
    (rule,) = read(PLUGIN / "hooks" / "hooks.json")["hooks"][event]
    command = rule["hooks"][0]["command"]
    program = tmp_path / "bin" / "elephantasm-mcp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nshift\nexec {shlex.join(PATIENT)} "$@"\n')
    program.chmod(0o755)
    payload = {"session_id": "s", "transcript_path": "", "cwd": str(tmp_path), "prompt": "Hello."}
    done = subprocess.run(
        ["sh", "-c", command],
        input=json.dumps(payload | {"hook_event_name": event}).encode(),
        env=environment(
            CLAUDE_PLUGIN_ROOT=str(PLUGIN), PATH=f"{program.parent}:{environment()['PATH']}"
        ),
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = f"{OPENING}\n".encode() if event == "SessionStart" else b""
    assert (done.returncode, done.stdout, done.stderr) == (0, said, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a POSIX shell")
def test_a_hook_of_a_plugin_without_its_program_is_silent(tmp_path: Path):
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, str(PLUGIN / "scripts" / "elephantasm"), "hook", "Stop"],
        input=b"{}",
        env={"PATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
