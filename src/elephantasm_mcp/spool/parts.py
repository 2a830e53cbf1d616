"""Parts: events that were taken down together, as a file of the spool.

Owns their form: a JSON object that says whose they are, then an event a line, as `EventCreate` has
it. Invariant: a part is put under a name that follows from what it holds, so that putting it again
makes no second one.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final, TypeAlias

from elephantasm_mcp.projects import Project
from elephantasm_mcp.spool.folders import Spool, write_whole

FORM: Final = 1
MAX_PARTS: Final = 5_000
"""Where nobody ever stores them. A transcript is read again later: nothing of it is lost."""
_ENDING: Final = ".jsonl"
_SHOWN: Final = ".shown"
"""The ending of a part that has no events: only what a pack showed."""
_SET_ASIDE: Final = ".bad"
Fields: TypeAlias = dict[str, Any]
"""An event, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Events of one session, in order."""

    project: Project
    anima: str | None
    """The anima that the user chose; None: that of the project."""
    events: Sequence[Fields]
    shown: Sequence[str] = ()
    """Handles of what stood in a pack that was printed; such a part has no events."""


def put(spool: Spool, name: str, part: Part) -> Path:
    """Put a part into the spool; from then on it is safe.

    Raises:
        OSError: it cannot be written, or there is too much already.
    """
    if len(waiting(spool, shown=not part.events)) >= MAX_PARTS:
        raise OSError(ENOSPC, "The spool is full.")
    project = asdict(part.project) | {"root": str(part.project.root)}
    head = {"form": FORM, "project": project, "anima": part.anima, "shown": list(part.shown)}
    lines = (json.dumps(one, ensure_ascii=True) for one in (head, *part.events))
    path = spool.parts / f"{name}{_ENDING if part.events else _SHOWN}"
    write_whole(path, ("\n".join(lines) + "\n").encode(), durable=bool(part.events))
    return path


def waiting(spool: Spool, *, shown: bool = False) -> list[Path]:
    """The parts whose events are to be stored, or with `shown` the others, the oldest first."""
    return _with_ending(spool, _SHOWN if shown else _ENDING)


def aside(spool: Spool) -> list[Path]:
    """What was set aside, the oldest first."""
    return _with_ending(spool, _SET_ASIDE)


def _with_ending(spool: Spool, ending: str) -> list[Path]:
    try:
        found = [(one.stat().st_mtime_ns, one) for one in spool.parts.glob(f"*{ending}")]
    except OSError:
        return []
    return [path for _, path in sorted(found)]


def read(path: Path) -> Part | None:
    """A part; None when the file is none, or has gone.

    Raises:
        OSError: it cannot be read.
    """
    try:
        head, *events = (json.loads(line) for line in path.read_bytes().splitlines())
        project = Project(**head["project"] | {"root": Path(head["project"]["root"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return None
    if head.get("form") != FORM or not all(isinstance(one, dict) for one in events):
        return None
    shown = tuple(map(str, head.get("shown", ())))
    return Part(project, head.get("anima"), events, shown=shown)


def remove(path: Path) -> None:
    """Take away a part: it is stored.

    Raises:
        OSError: that cannot be.
    """
    path.unlink(missing_ok=True)


def set_aside(path: Path) -> bool:
    """Keep a file that is no part, or none that can be stored whole, from being tried again.

    False when it has gone.

    Raises:
        OSError: that cannot be.
    """
    try:
        path.replace(path.with_suffix(_SET_ASIDE))
    except FileNotFoundError:
        return False
    return True
