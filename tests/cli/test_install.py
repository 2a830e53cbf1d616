"""`install` and `uninstall`: one command, and a client has a memory."""

import json
import os
import pty
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from programs import DEADLINE_S, PROGRAM, Cli, run_program

from elephantasm_mcp.clients.hooks import TABLE
from elephantasm_mcp.clients.table import BY_NAME

ANIMA = ("--anima", "work")


TEXTS = Path(__file__).parent / "texts"


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Path:
    """Where clients keep their files (tests/cli/conftest.py says so to the program)."""
    return tmp_path


@pytest.fixture(autouse=True)
def config_in_its_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All files of clients, with their bytes and modes."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "sqlite3" not in path.name
    }


@pytest.mark.parametrize("client", ["claude-code", "codex", "goose"])
def test_one_command_gives_a_client_a_memory_and_a_second_one_touches_nothing(
    cli: Cli, home: Path, client: str
):
    done = cli("install", client)
    assert (done.code, done.err) == (0, "")
    assert "is now in ~/" in done.out
    assert "with 11 tools" in done.out
    assert BY_NAME[client].then in done.out
    before = tree(home)
    again = cli("install", client)
    assert again.code == 0
    assert "is already in ~/" in again.out
    assert tree(home) == before


@pytest.mark.parametrize("client", BY_NAME)
def test_a_dry_run_writes_nothing(cli: Cli, home: Path, client: str):
    done = cli("install", client, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert "Would change ~/" in done.out
    assert tree(home) == {}


def test_uninstall_takes_out_what_install_put_in_and_nothing_else(cli: Cli, home: Path):
    servers = b'{\n  "mcpServers": {\n    "one": {"command": "x"} }, "a": 1}'
    hooks = b'{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}]}}\n'
    (home / ".claude.json").write_bytes(servers)
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_bytes(hooks)
    cli("install", "claude-code", *ANIMA)
    assert b"elephantasm" in (home / ".claude.json").read_bytes()
    done = cli("uninstall", "claude-code")
    assert (done.code, done.err) == (0, "")
    assert "shows the server" not in done.out
    assert "Claude Code forgets it once it is started again." in done.out
    assert (home / ".claude.json").read_bytes() == servers
    assert (home / ".claude" / "settings.json").read_bytes() == hooks


def test_uninstall_leaves_another_server_of_that_name(cli: Cli, home: Path):
    theirs = json.dumps({"type": "http", "url": "https://memory.example.org/mcp", "headers": {}})
    text = f'{{"mcpServers": {{"elephantasm": {theirs}}}}}'
    (home / ".claude.json").write_text(text)
    done = cli("uninstall", "claude-code")
    assert done.code == 0
    assert "starts something else, and is left in ~/.claude.json" in done.out
    assert (home / ".claude.json").read_text() == text


def test_what_is_not_installed_cannot_be_taken_out(cli: Cli, home: Path):
    done = cli("uninstall", "codex")
    assert done.code == 0
    assert "is not in ~/.codex/config.toml" in done.out
    assert tree(home) == {}


def test_claude_code_calls_hooks_that_use_the_same_memory(cli: Cli, home: Path, database: Path):
    cli("install", "claude-code", *ANIMA)
    settings = json.loads((home / ".claude" / "settings.json").read_text())
    assert set(settings["hooks"]) == {
        "SessionStart",
        "UserPromptSubmit",
        "Stop",
        "PreCompact",
        "SessionEnd",
    }
    ((group,),) = [settings["hooks"]["Stop"]]
    command = group["hooks"][0]["command"]
    assert command.endswith(f"elephantasm-mcp hook Stop --database {database} --anima work")


def test_hooks_can_be_left_alone(cli: Cli, home: Path):
    cli("install", "claude-code", "--no-hooks", *ANIMA)
    assert not (home / ".claude").exists()


def test_server_and_hooks_are_left_to_the_plugin_that_brings_them(cli: Cli, home: Path):
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"enabledPlugins": {"elephantasm@elephantasm": true}}')
    done = cli("install", "claude-code")
    assert done.code == 0
    assert "The server and the hooks are left to Claude Code's plugin" in done.err
    assert "The server is not in ~/.claude.json" in done.out
    assert list(tree(home)) == [".claude/settings.json"]
    assert cli("install", "claude-code", "--json").json["command"] == []
    settings.write_text('{"enabledPlugins": {"elephantasm@elephantasm": false}}')
    again = cli("install", "claude-code")
    assert "The hooks are now in ~/.claude/settings.json" in again.out
    settings.write_text(settings.read_text().replace("false", "true"))
    both = cli("install", "claude-code")
    assert "The one in ~/.claude.json is a second: `elephantasm-mcp uninstall" in both.err
    assert "The hooks are no longer in ~/.claude/settings.json" in both.out


def test_what_the_plugin_takes_from_the_settings_is_said_as_it_is(cli: Cli, home: Path):
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"enabledPlugins": {"elephantasm@elephantasm": true}}')
    done = cli("install", "claude-code")
    assert "but for ELEPHANTASM_ANIMA_ID: the anima is the project's" in done.err
    assert "The plugin elephantasm@elephantasm" in done.out


@pytest.mark.parametrize("client", TABLE)
def test_hooks_are_started_too(cli: Cli, client: str):
    done = cli("install", client, *ANIMA)
    assert (done.code, done.err) == (0, "")
    assert f"All {len(TABLE[client].events)} hooks are there, and run." in done.out
    assert TABLE[client].then in done.out
    assert cli("install", client, "--json").json["hooks"]["state"] == "whole"
    assert cli("install", client, "--json", "--no-hooks").json["hooks"] is None


def test_a_client_that_calls_no_hooks_is_said_to(cli: Cli, home: Path):
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"disableAllHooks": true}')
    done = cli("install", "claude-code", *ANIMA)
    assert done.code == 0
    assert "`disableAllHooks: true` in ~/.claude/settings.json switches them off" in done.err
    assert "Take that out of ~/.claude/settings.json." in done.err


def test_agents_for_code_get_the_memory_of_the_project(cli: Cli):
    assert cli("install", "cursor", "--dry-run", "--json").json["env"]["ELEPHANTASM_ANIMA_ID"] == (
        "project"
    )
    assert "ELEPHANTASM_ANIMA_ID" not in cli("install", "goose", "--dry-run", "--json").json["env"]


def test_what_was_chosen_before_is_kept(cli: Cli):
    cli("install", "cursor", *ANIMA)
    again = cli("install", "cursor", "--json").json
    assert again["env"]["ELEPHANTASM_ANIMA_ID"] == "work"
    assert [one["state"] for one in again["files"]] == ["already", "already"]


def test_what_the_user_added_to_the_entry_is_kept(cli: Cli, home: Path):
    cli("install", "windsurf")
    path = home / ".codeium" / "windsurf" / "mcp_config.json"
    value = json.loads(path.read_text())
    value["mcpServers"]["elephantasm"]["disabled"] = True
    value["mcpServers"]["elephantasm"]["env"]["ELEPHANTASM_LOG"] = "info"
    path.write_text(json.dumps(value, indent=2))
    assert "brought up to date" in cli("install", "windsurf", *ANIMA).out
    entry = json.loads(path.read_text())["mcpServers"]["elephantasm"]
    assert entry["disabled"] is True
    assert entry["env"]["ELEPHANTASM_LOG"] == "info"
    assert entry["env"]["ELEPHANTASM_ANIMA_ID"] == "work"


def test_of_an_older_entry_nothing_is_kept_that_says_what_is_started(cli: Cli, home: Path):
    path = home / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(
        '[mcp_servers.elephantasm]\ncommand = "/gone/uvx"\nargs = ["elephantasm-mcp"]\n'
        "startup_timeout_sec = 20\n"
    )
    report = cli("install", "codex", "--json").json
    entry = tomllib.loads(path.read_text())["mcp_servers"]["elephantasm"]
    assert report["command"] == [entry["command"], *entry.get("args", [])]
    assert "args" not in entry
    assert entry["startup_timeout_sec"] == 20


def test_another_server_of_that_name_is_replaced_only_after_a_yes(cli: Cli, home: Path):
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    theirs = '{"mcpServers": {"elephantasm": {"command": "npx", "env": {"A": "b"}}}}'
    path.write_text(theirs)
    before = tree(home)
    refused = cli("install", "cursor", *ANIMA)
    assert (refused.code, refused.out) == (1, "")
    assert "~/.cursor/mcp.json has another server by the name 'elephantasm'" in refused.err
    assert tree(home) == before
    done = cli("install", "cursor", "--yes", *ANIMA)
    assert "put in the place of another command" in done.out
    assert path.with_name("mcp.json.before-elephantasm").read_text() == theirs
    assert "A" not in json.loads(path.read_text())["mcpServers"]["elephantasm"]["env"]


@pytest.mark.parametrize(
    ("client", "file", "text"),
    [
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", '{"mcpServers": {},}'),
        ("claude-code", ".claude.json", "{"),
        ("claude-code", ".claude/settings.json", '{"hooks": []}'),
        ("cursor", ".cursor/mcp.json", '{"mcpServers": []}'),
        ("codex", ".codex/config.toml", "[mcp_servers"),
        ("goose", ".config/goose/config.yaml", "extensions: [\n"),
    ],
)
def test_a_broken_file_is_refused_named_and_untouched(
    cli: Cli, home: Path, client: str, file: str, text: str
):
    path = home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    before = tree(home)
    for command in ("install", "uninstall"):
        done = cli(command, client)
        assert (done.code, done.out) == (1, "")
        assert str(path) in done.err
        assert "Traceback" not in done.err
        assert tree(home) == before


def test_a_read_only_file_is_refused_named_and_untouched(cli: Cli, home: Path):
    path = home / ".claude.json"
    path.write_text("{}")
    path.chmod(0o400)
    before = tree(home)
    done = cli("install", "claude-code")
    assert done.code == 1
    assert f"{path} is read-only" in done.err
    assert tree(home) == before


def test_an_unknown_client_is_wrong_usage_and_names_the_known_ones(cli: Cli):
    for command in ("install", "uninstall"):
        done = cli(command, "crusor")
        assert (done.code, done.out) == (2, "")
        assert "Did you mean 'cursor'?" in done.err
        assert all(name in done.err for name in BY_NAME)
    assert cli("install").code == 2


@pytest.mark.parametrize("client", ["claude-desktop", "cursor", "vscode", "zed", "gemini-cli"])
def test_print_gives_the_clients_json_and_nothing_else(cli: Cli, home: Path, client: str):
    done = cli("install", client, "--print")
    assert (done.code, done.err) == (0, "")
    section, name = BY_NAME[client].path
    assert done.json[section][name]["command"].endswith("elephantasm-mcp")
    assert tree(home) == {}


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_help_is_what_was_read_and_found_good(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli(command, "--help").out == (TEXTS / f"{command}-help.txt").read_text()


def test_what_is_said_is_what_was_read_and_found_good(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    done = cli("install", "gemini-cli", "--dry-run")
    report = cli("install", "claude-code", "--dry-run", "--json")
    text = "\n".join((done.out, done.err, report.out))
    program, how = report.json["command"][0], report.json["installed_by"]
    for said, shown in ((program, "PROGRAM"), (str(home), "HOME"), (how, "HOW")):
        text = text.replace(said, shown)
    assert text == (TEXTS / "install-said.txt").read_text()


def test_print_gives_other_formats_too(cli: Cli):
    assert cli("install", "codex", "--print").out.startswith("[mcp_servers.elephantasm]\n")
    assert cli("install", "goose", "--print").out.startswith("extensions:\n")
    assert "elephantasm" in cli("install", "codex", "--print", "--json").json["mcp_servers"]


@pytest.mark.parametrize("arguments", [[], ["my-own-client"]])
def test_print_gives_any_other_client_the_common_form(cli: Cli, arguments: list[str]):
    entry = cli("install", *arguments, "--print").json["mcpServers"]["elephantasm"]
    assert set(entry) == {"command", "args", "env"}


def test_a_key_is_neither_written_nor_shown_without_a_yes(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    for more in (["--dry-run"], ["--json"], ["--print"]):
        done = cli("install", "cursor", *more)
        assert done.code == 0
        assert "sk-ant-secret" not in done.out + done.err
    written = (home / ".cursor" / "mcp.json").read_text()
    assert "sk-ant-secret" not in written
    assert '"ELEPHANTASM_LLM": "host"' in written


def test_a_key_is_written_after_a_yes_and_not_shown(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    done = cli("install", "cursor", "--yes")
    assert "sk-ant-secret" not in done.out + done.err
    path = home / ".cursor" / "mcp.json"
    assert '"ANTHROPIC_API_KEY": "sk-ant-secret"' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_with_a_key_is_its_owners_alone_and_so_is_what_it_was(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": {}}')
    path.chmod(0o644)
    cli("install", "cursor", *ANIMA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    cli("install", "cursor", "--yes", *ANIMA)
    path.chmod(0o644)
    cli("install", "cursor", "--yes", *ANIMA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    done = cli("uninstall", "cursor")
    files = [one for one in tree(path.parent).items() if "sk-ant-secret" in one[1][0].decode()]
    assert [(name, mode) for name, (_, mode) in files] == [("mcp.json.before-elephantasm-3", 0o600)]
    assert "~/.cursor/mcp.json.before-elephantasm-3" in done.out.splitlines()[-1]
    assert "with any key that was in it" in done.out.splitlines()[-1]


def test_a_password_in_an_address_is_neither_written_for_others_nor_shown(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    project = home / "app"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:s3cret@127.0.0.1:9/v1")
    shared = cli("install", "cursor", "--project", "--yes")
    own = cli("install", "cursor", "--yes")
    assert "s3cret" not in shared.out + shared.err + own.out + own.err
    assert "s3cret" not in (project / ".cursor" / "mcp.json").read_text()
    assert "s3cret" in (home / ".cursor" / "mcp.json").read_text()


def test_a_person_is_asked_and_their_answers_hold(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    leader, follower = pty.openpty()
    try:
        os.write(leader, b"y\nn\n")
        done = subprocess.run(
            [*PROGRAM, "install", "goose"],
            stdin=follower,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 0
    spend, write = (
        b"May the server's background task use ANTHROPIC_API_KEY",
        b"Write ANTHROPIC_API_KEY",
    )
    assert done.stderr.index(spend) < done.stderr.index(write)
    written = (home / ".config" / "goose" / "config.yaml").read_text()
    assert '"ELEPHANTASM_LLM": "auto"' in written
    assert "sk-ant-secret" not in written


def test_a_project_can_have_the_server_without_a_key(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    project = home / "app"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    assert cli("install", "claude-code", "--project", "--yes").code == 0
    assert list(tree(home)) == ["app/.mcp.json"]
    assert "sk-ant-secret" not in (project / ".mcp.json").read_text()
    assert cli("uninstall", "claude-code", "--project").code == 0
    assert cli("install", "goose", "--project").code == 1


def test_a_server_elsewhere_is_for_the_bridge_and_not_for_hooks(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    cli("install", "claude-code", *ANIMA)
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("ELEPHANTASM_API_KEY", "sk_live_secret")
    done = cli("install", "claude-code", "--yes")
    entry = json.loads((home / ".claude.json").read_text())["mcpServers"]["elephantasm"]
    assert entry["env"]["ELEPHANTASM_ENDPOINT"] == "http://127.0.0.1:9"
    assert entry["env"]["ELEPHANTASM_API_KEY"] == "sk_live_secret"
    assert "The hooks are left out" in done.err
    assert "hook Stop" not in (home / ".claude" / "settings.json").read_text()
    assert "sk_live_secret" not in done.out + done.err


def test_a_command_that_does_not_answer_is_said(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_DATABASE", str(home))
    done = cli("install", "goose")
    assert done.code == 1
    assert "does not answer" in done.err
    assert "`elephantasm-mcp uninstall goose`" in done.err
    report = cli("install", "goose", "--json")
    assert (report.code, report.json["answer"]) == (1, None)
    assert report.json["problem"]


def test_doctor_says_which_clients_have_it_and_whether_it_works(cli: Cli, home: Path):
    cli("install", "claude-code", *ANIMA)
    done = cli("doctor")
    assert done.code == 0
    assert "claude-code  ~/.claude.json  elephantasm" in done.out
    path = home / ".claude.json"
    path.write_text(path.read_text().replace("elephantasm-mcp", "gone/elephantasm-mcp"))
    done = cli("doctor", "--json")
    assert done.code == 1
    assert [(one["client"], one["state"]) for one in done.json["clients"]] == [
        ("claude-code", "fails")
    ]
    assert any("elephantasm-mcp install claude-code" in one for one in done.json["problems"])


def test_doctor_says_which_clients_call_hooks_and_whether_they_run(cli: Cli, home: Path):
    cli("install", "claude-code", *ANIMA)
    well = cli("doctor")
    assert (well.code, "All 5 hooks are there, and run." in well.out) == (0, True)
    path = home / ".claude" / "settings.json"
    good = path.read_text()
    for text, state in (
        (good.replace("elephantasm-mcp hook", "gone/elephantasm-mcp hook"), "fails"),
        (json.dumps({**json.loads(good), "disableAllHooks": True}), "off"),
    ):
        path.write_text(text)
        done = cli("doctor", "--json")
        (feed,) = done.json["hooks"]
        assert (done.code, feed["client"], feed["state"]) == (1, "claude-code", state)
        assert any(feed["detail"] in one and feed["remedy"] in one for one in done.json["problems"])
    path.unlink()
    done = cli("doctor")
    assert done.code == 0
    assert "It calls no hooks of ours" in done.out
    assert "Everything is in order" not in done.out


def test_it_works_as_a_program_of_its_own():
    done = run_program("install", "claude-desktop", "--json")
    assert done.code == 0
    assert done.json["answer"]["name"] == "elephantasm"
    assert done.json["files"][0]["state"] == "written"
