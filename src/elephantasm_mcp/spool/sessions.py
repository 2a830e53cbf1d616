"""Sessions: how far a session was taken down, and what was printed into it.

Owns a small file for each. Losing one loses nothing: what was stored is known by its key, and
printed lines stand in a fence. Invariant: of what was printed it keeps handles and digests, never
words.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Final

from elephantasm_mcp.spool.folders import DRAFT, Spool, write_whole

KEPT_D: Final = 30
"""How long a session that nobody goes on with is known."""
LEFT_S: Final = 5
"""After so long no hook is at it any more: one lives for two seconds."""
DRAFT_S: Final = 60
"""How long a file may be in the writing."""
_DIGEST_CHARS: Final = 16
_MOST_PRINTED: Final = 4_000
_DAY_S: Final = 86_400


@dataclass(slots=True)
class Session:
    """What is known of one session. `load` finds it, `keep` writes it down."""

    folder: str = ""
    """Where it began."""
    offset: int = 0
    """Up to which byte of its transcript it was taken down: always the end of a line."""
    mark: str = ""
    """A digest of what stood before that byte."""
    own_calls: list[str] = field(default_factory=list)
    """Calls of our own tools whose results have not come yet."""
    shown: list[str] = field(default_factory=list)
    """Handles that were printed since it last began,"""
    printed: list[str] = field(default_factory=list)
    """and digests of all lines that ever were."""

    def begin(self, lines: Iterable[str]) -> None:
        """It begins, or goes on with a context in which nothing stands but `lines`."""
        self.shown = []
        self.note_printed((), lines)

    def note_printed(self, handles: Iterable[str], lines: Iterable[str]) -> None:
        """Remember what is printed."""
        self.shown = list(dict.fromkeys([*self.shown, *handles]))[-_MOST_PRINTED:]
        digests = (digest(line) for line in lines)
        self.printed = list(dict.fromkeys([*self.printed, *digests]))[-_MOST_PRINTED:]


def digest(line: str) -> str:
    """What stands for a printed line."""
    return sha256(" ".join(line.split()).encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARS]


def load(spool: Spool, name: str) -> Session:
    """What is known of a session; a file that cannot be read is none."""
    try:
        found = json.loads((spool.sessions / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return Session()
    fresh = Session()
    if not isinstance(found, dict):
        return fresh
    known = {
        one.name: found[one.name]
        for one in fields(Session)
        if isinstance(found.get(one.name), type(getattr(fresh, one.name)))
    }
    return Session(**known)


def keep(spool: Spool, name: str, session: Session) -> None:
    """Write down what is known of a session.

    Raises:
        OSError: it cannot be written.
    """
    values = {one.name: getattr(session, one.name) for one in fields(Session)}
    write_whole(spool.sessions / f"{name}.json", json.dumps(values).encode(), durable=False)


def keep_place(spool: Spool, name: str, session: Session) -> None:
    """Write down how far a session was taken down; the rest of it may be another hook's by now.

    Raises:
        OSError: it cannot be written.
    """
    known = load(spool, name)
    known.folder = known.folder or session.folder
    known.offset, known.mark = session.offset, session.mark
    known.own_calls = session.own_calls
    keep(spool, name, known)


def left_behind(spool: Spool, *, now_s: float) -> list[Path]:
    """The files of `behind` whose hooks are gone."""
    return _old(spool.behind, now_s - LEFT_S)


def tidy(spool: Spool, *, now_s: float) -> None:
    """Forget sessions that nobody went on with, and what writers that were killed left unfinished.

    Raises:
        OSError: they cannot be removed.
    """
    for folder in (spool.sessions, spool.behind):
        for path in _old(folder, now_s - KEPT_D * _DAY_S):
            path.unlink(missing_ok=True)
    for path in drafts(spool, before_s=now_s - DRAFT_S):
        path.unlink(missing_ok=True)


def drafts(spool: Spool, *, before_s: float) -> list[Path]:
    """Files whose writing began before a time and was not ended."""
    folders = (spool.sessions, spool.parts, spool.behind)
    return [one for folder in folders for one in _old(folder, before_s, pattern=f"*{DRAFT}")]


def _old(folder: Path, before_s: float, *, pattern: str = "*") -> list[Path]:
    found: list[Path] = []
    for one in folder.glob(pattern):
        with suppress(FileNotFoundError):  # its writer, or its reader, was faster
            if one.stat().st_mtime < before_s:
                found.append(one)
    return found
