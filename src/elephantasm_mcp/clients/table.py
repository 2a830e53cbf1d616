"""The table of clients: the file of each, how an entry looks there, what makes it take effect.

Owns what the documentation of each client says; every row names what was followed. Invariant: a row
is data, and nothing but its row is known of a client.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from elephantasm_mcp.clients.json_text import JsonValue
from elephantasm_mcp.clients.machine import Machine

NAME: Final = "elephantasm"
"""What the server is called in every client."""
Format = Literal["json", "jsonc", "toml", "yaml"]
GOOSE_TIMEOUT_S: Final = 300
_SECRET: Final = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """How a client starts the server."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> list[str]:
        """The whole command."""
        return [self.command, *self.args]


def _plain(entry: Entry) -> dict[str, JsonValue]:
    return {"command": entry.command, "args": list(entry.args), "env": dict(entry.env)}


def _typed(entry: Entry) -> dict[str, JsonValue]:
    return {"type": "stdio", **_plain(entry)}


def _table(entry: Entry) -> dict[str, JsonValue]:
    """As TOML has it: without what is empty."""
    return {key: value for key, value in _plain(entry).items() if value}


def _extension(entry: Entry) -> dict[str, JsonValue]:
    return {
        "name": NAME,
        "description": "Long-term memory",
        "type": "stdio",
        "enabled": True,
        "cmd": entry.command,
        "args": list(entry.args),
        "envs": dict(entry.env),
        "timeout": GOOSE_TIMEOUT_S,
    }


@dataclass(frozen=True, slots=True)
class Client:
    """One client."""

    name: str
    title: str
    format: Format
    section: str
    """The key under which its servers stand."""
    file: Callable[[Machine], Path]
    """The file of its user, on any system."""
    shape: Callable[[Entry], dict[str, JsonValue]] = _plain
    project_file: str | None = None
    """Where, under the root of a project, the servers of that project stand."""
    works_in_projects: bool = True
    """Whether it is an agent for code: then the memory is that of the project at hand."""
    then: str = ""
    """What makes it take notice."""

    @property
    def path(self) -> tuple[str, str]:
        """Where our entry stands in the file."""
        return self.section, NAME


def _claude_folder(machine: Machine) -> Path:
    return machine.moved.get("CLAUDE_CONFIG_DIR", machine.home)


def codex_folder(machine: Machine) -> Path:
    """Where Codex keeps its files."""
    return machine.moved.get("CODEX_HOME", machine.home / ".codex")


def _zed_file(machine: Machine) -> Path:
    windows = machine.system == "windows"
    folder = machine.config / "Zed" if windows else machine.home / ".config" / "zed"
    if machine.system == "linux":
        folder = machine.dot_config / "zed"
    return folder / "settings.json"


def _goose_file(machine: Machine) -> Path:
    if machine.system == "windows":
        return machine.config / "Block" / "goose" / "config" / "config.yaml"
    return machine.dot_config / "goose" / "config.yaml"


def _windsurf_file(machine: Machine) -> Path:
    """Windsurf's; or, where its successor (Devin Desktop) has made its folder, that one's."""
    root = machine.config if machine.system == "windows" else machine.dot_config
    newer = root / "devin"
    if newer.is_dir():
        return newer / "mcp_config.json"
    return machine.home / ".codeium" / "windsurf" / "mcp_config.json"


CLIENTS: Final = (
    # "Connect to local MCP servers" of the Model Context Protocol's documentation
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        format="json",
        section="mcpServers",
        file=lambda machine: machine.config / "Claude" / "claude_desktop_config.json",
        works_in_projects=False,
        then="Quit Claude Desktop and start it again.",
    ),
    # "Connect Claude Code to tools via MCP", installation scopes; the shape is what `claude mcp
    # add` writes
    Client(
        name="claude-code",
        title="Claude Code",
        format="json",
        section="mcpServers",
        file=lambda machine: _claude_folder(machine) / ".claude.json",
        shape=_typed,
        project_file=".mcp.json",
        then="Start a new session of Claude Code; `/mcp` shows the server.",
    ),
    # "Model Context Protocol" of Cursor's documentation
    Client(
        name="cursor",
        title="Cursor",
        format="jsonc",
        section="mcpServers",
        file=lambda machine: machine.home / ".cursor" / "mcp.json",
        shape=_typed,
        project_file=".cursor/mcp.json",
        then="Cursor takes it up by itself; Settings, MCP shows it.",
    ),
    # "MCP configuration reference" of Visual Studio Code; the user's folder as in "User and
    # workspace settings"
    Client(
        name="vscode",
        title="VS Code",
        format="jsonc",
        section="servers",
        file=lambda machine: machine.config / "Code" / "User" / "mcp.json",
        shape=_typed,
        project_file=".vscode/mcp.json",
        then="Run `MCP: List Servers` in VS Code and start it there.",
    ),
    # "Cascade MCP integration" of Windsurf's documentation, and of Devin Desktop's
    Client(
        name="windsurf",
        title="Windsurf",
        format="jsonc",
        section="mcpServers",
        file=_windsurf_file,
        then="Press the refresh button in Cascade's list of MCP servers.",
    ),
    # "Model Context Protocol" and "Configuration reference" of Codex
    Client(
        name="codex",
        title="Codex",
        format="toml",
        section="mcp_servers",
        file=lambda machine: codex_folder(machine) / "config.toml",
        shape=_table,
        project_file=".codex/config.toml",
        then="Start a new session of Codex; `/mcp` shows the server.",
    ),
    # docs/tools/mcp-server.md of google-gemini/gemini-cli
    Client(
        name="gemini-cli",
        title="Gemini CLI",
        format="jsonc",
        section="mcpServers",
        file=lambda machine: machine.home / ".gemini" / "settings.json",
        project_file=".gemini/settings.json",
        then="Start Gemini CLI again; `/mcp` shows the server.",
    ),
    # docs/src/ai/mcp.md and crates/paths of zed-industries/zed; `source` for versions before 2026,
    # later ones pass it over; `args` must be there
    Client(
        name="zed",
        title="Zed",
        format="jsonc",
        section="context_servers",
        file=_zed_file,
        shape=lambda entry: {"source": "custom", **_plain(entry)},
        project_file=".zed/settings.json",
        then="Zed takes it up by itself; the Agent Panel's settings show it.",
    ),
    # "Configuration Overview" of goose: config.yaml, stdio extensions
    Client(
        name="goose",
        title="goose",
        format="yaml",
        section="extensions",
        file=_goose_file,
        shape=_extension,
        works_in_projects=False,
        then="Start a new session of goose.",
    ),
)
ANY: Final = Client(
    name="any",
    title="any other client",
    format="json",
    section="mcpServers",
    file=lambda machine: machine.home,
    works_in_projects=False,
)
"""The form that most clients share, for those that are not in the table."""
BY_NAME: Final = {client.name: client for client in CLIENTS}


STARTS_BY: Final = frozenset(("command", "cmd", "args", "env", "envs"))
"""The keys of an entry that say what it starts; the others are the client's or its user's."""


def is_secret(name: str, value: str) -> bool:
    """Whether a variable is for nobody else's eyes: a key, or an address with a password."""
    return bool(_SECRET.search(name)) or ("://" in value and "@" in value)


def entry_of(value: Any) -> Entry | None:  # noqa: ANN401 - what a client's file holds
    """What an entry of any client starts; None where it starts nothing on this machine."""
    if not isinstance(value, dict):
        return None
    command = value.get("command", value.get("cmd"))
    args = value.get("args") or []
    env = value.get("env", value.get("envs")) or {}
    if not isinstance(command, str) or not isinstance(args, list) or not isinstance(env, dict):
        return None
    return Entry(command, tuple(map(str, args)), {str(key): str(one) for key, one in env.items()})
