"""The table of clients: where the file of each is, and how it looks before and after."""

from pathlib import Path

import pytest

from elephantasm_mcp.clients import configs
from elephantasm_mcp.clients.machine import Machine, System
from elephantasm_mcp.clients.table import BY_NAME, CLIENTS, Entry, entry_of

GOLDEN = Path(__file__).parent / "golden"
ENTRY = Entry("/opt/elephantasm/bin/elephantasm-mcp", (), {"ELEPHANTASM_ANIMA_ID": "project"})
FILES: dict[str, dict[System, str]] = {
    "claude-desktop": {
        "linux": ".config/Claude/claude_desktop_config.json",
        "macos": "Library/Application Support/Claude/claude_desktop_config.json",
        "windows": "AppData/Roaming/Claude/claude_desktop_config.json",
    },
    "claude-code": dict.fromkeys(("linux", "macos", "windows"), ".claude.json"),
    "cursor": dict.fromkeys(("linux", "macos", "windows"), ".cursor/mcp.json"),
    "vscode": {
        "linux": ".config/Code/User/mcp.json",
        "macos": "Library/Application Support/Code/User/mcp.json",
        "windows": "AppData/Roaming/Code/User/mcp.json",
    },
    "windsurf": dict.fromkeys(("linux", "macos", "windows"), ".codeium/windsurf/mcp_config.json"),
    "codex": dict.fromkeys(("linux", "macos", "windows"), ".codex/config.toml"),
    "gemini-cli": dict.fromkeys(("linux", "macos", "windows"), ".gemini/settings.json"),
    "zed": {
        "linux": ".config/zed/settings.json",
        "macos": ".config/zed/settings.json",
        "windows": "AppData/Roaming/Zed/settings.json",
    },
    "goose": {
        "linux": ".config/goose/config.yaml",
        "macos": ".config/goose/config.yaml",
        "windows": "AppData/Roaming/Block/goose/config/config.yaml",
    },
}
CASES = [(name, system) for name, files in FILES.items() for system in files]


def golden(name: str, moment: str) -> str:
    (path,) = GOLDEN.glob(f"{name}.{moment}.*")
    return path.read_bytes().decode()


def test_every_client_is_tried_here():
    assert set(FILES) == set(BY_NAME)


@pytest.mark.parametrize(("name", "system"), CASES)
def test_the_file_of_a_client_is_where_its_documentation_says(
    name: str, system: System, tmp_path: Path
):
    machine = Machine(system, tmp_path, {})
    assert BY_NAME[name].file(machine) == tmp_path / FILES[name][system]


@pytest.mark.parametrize(
    ("name", "variable", "file"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("vscode", "XDG_CONFIG_HOME", "Code/User/mcp.json"),
        ("goose", "XDG_CONFIG_HOME", "goose/config.yaml"),
    ],
)
def test_a_variable_moves_the_file(name: str, variable: str, file: str, tmp_path: Path):
    machine = Machine("linux", tmp_path, {variable: tmp_path / "moved"})
    assert BY_NAME[name].file(machine) == tmp_path / "moved" / file


def test_windsurfs_successor_has_a_folder_of_its_own(machine: Machine, tmp_path: Path):
    (tmp_path / ".config" / "devin").mkdir(parents=True)
    assert BY_NAME["windsurf"].file(machine) == tmp_path / ".config/devin/mcp_config.json"


@pytest.mark.parametrize("name", FILES)
def test_an_entry_looks_as_the_client_wants_it(name: str):
    client = BY_NAME[name]
    text = configs.put(golden(name, "before"), client.path, client.shape(ENTRY), client.format)
    assert text == golden(name, "after")


@pytest.mark.parametrize("name", FILES)
def test_an_entry_reads_as_it_was_written(name: str):
    client = BY_NAME[name]
    value = configs.value_at(golden(name, "after"), client.path, client.format)
    assert entry_of(value) == ENTRY


@pytest.mark.parametrize("name", [one for one in FILES if one != "gemini-cli"])
def test_without_the_entry_the_file_is_what_it_was(name: str):
    client = BY_NAME[name]
    assert configs.take_out(golden(name, "after"), client.path, client.format) == golden(
        name, "before"
    )


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_a_file_that_is_not_there_yet_gets_nothing_but_the_entry(client):
    text = configs.render(client.shape(ENTRY), client.path, client.format)
    assert entry_of(configs.value_at(text, client.path, client.format)) == ENTRY
    assert configs.put("", client.path, client.shape(ENTRY), client.format).rstrip() == text


@pytest.mark.parametrize("value", [None, [], "x", {"url": "https://example.org"}, {"command": 1}])
def test_what_starts_nothing_is_no_entry(value: object):
    assert entry_of(value) is None
