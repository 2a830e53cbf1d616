"""The machine as clients see it: which system, and where users' files are.

Owns the folders under which clients keep their files. Invariant: nothing else here asks which
system this is, so that each is tried on any.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from elephantasm_mcp.environment import variables

System = Literal["linux", "macos", "windows"]
_SYSTEMS: Final[dict[str, System]] = {"darwin": "macos", "win32": "windows"}
_MOVED: Final = ("XDG_CONFIG_HOME", "APPDATA", "CLAUDE_CONFIG_DIR", "CODEX_HOME")


@dataclass(frozen=True, slots=True)
class Machine:
    """A system and its folders, each of which a variable may have moved."""

    system: System
    home: Path
    moved: dict[str, Path]
    """Folders that the environment names, by its variables."""

    @property
    def config(self) -> Path:
        """Where programs of this system keep the settings of this user."""
        match self.system:
            case "linux":
                return self.dot_config
            case "macos":
                return self.home / "Library" / "Application Support"
            case "windows":
                return self.moved.get("APPDATA", self.home / "AppData" / "Roaming")

    @property
    def dot_config(self) -> Path:
        """Where programs that follow the XDG base directories keep them."""
        return self.moved.get("XDG_CONFIG_HOME", self.home / ".config")

    def shown(self, path: Path) -> str:
        """A path as people write it."""
        return f"~/{path.relative_to(self.home).as_posix()}" if self._owns(path) else str(path)

    def _owns(self, path: Path) -> bool:
        return self.system != "windows" and path.is_relative_to(self.home)


def this_machine() -> Machine:
    """The machine that this program runs on."""
    moved = {name: Path(value) for name, value in variables(_MOVED).items()}
    return Machine(_SYSTEMS.get(sys.platform, "linux"), Path.home(), moved)
