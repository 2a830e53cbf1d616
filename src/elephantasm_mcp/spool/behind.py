"""Behind: transcripts whose end a hook has not come to.

Owns a small file for each, which is there while a hook takes down, and stays when that breaks off.
So whichever hook comes next can go on, though the session itself has ended. Invariant: a file is
there before the first part of what is new is put, and goes only after the last one.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.projects import Project
from elephantasm_mcp.spool.folders import Spool, write_whole

_ENDING: Final = ".json"


@dataclass(frozen=True, slots=True)
class Behind:
    """What it takes to go on."""

    client: str
    session: str
    """What the client calls it."""
    transcript: str
    project: Project
    anima: str | None
    """The anima that the user chose; None: that of the project."""


def note(spool: Spool, name: str, behind: Behind) -> None:
    """Write down that somebody is at it, if it is not: what fails again and again grows old so.

    Raises:
        OSError: it cannot be written.
    """
    path = _path(spool, name)
    if not path.exists():
        root = {"root": str(behind.project.root)}
        values = asdict(behind) | {"project": asdict(behind.project) | root}
        write_whole(path, json.dumps(values).encode(), durable=False)


def forget(spool: Spool, name: str) -> None:
    """It is taken down to its end.

    Raises:
        OSError: the file cannot be removed.
    """
    _path(spool, name).unlink(missing_ok=True)


def read(path: Path) -> Behind | None:
    """What a file says; None when it is none, or has gone.

    Raises:
        OSError: it cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())
        root = {"root": Path(found["project"]["root"])}
        return Behind(**found | {"project": Project(**found["project"] | root)})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return None


def _path(spool: Spool, name: str) -> Path:
    return spool.behind / f"{name}{_ENDING}"
