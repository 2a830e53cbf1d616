"""Folders: where the spool of a database, or of a server, is.

Owns the layout. Invariant: each database and each server has a folder of its own, so that nothing
is ever delivered to another memory than the one it was meant for; only this user can read it.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from elephantasm_mcp.environment import data_folder

DRAFT: Final = ".draft"
"""The ending of a file that is not whole yet."""
_DIGEST_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class Spool:
    """The folder of one memory; it need not be there."""

    root: Path

    @property
    def parts(self) -> Path:
        """What waits to be stored."""
        return self.root / "parts"

    @property
    def sessions(self) -> Path:
        """What is known of each session."""
        return self.root / "sessions"

    @property
    def behind(self) -> Path:
        """Whose transcripts were not taken down to their end."""
        return self.root / "behind"


def hooks_folder() -> Path:
    """Where the spools and the diary are."""
    return data_folder() / "hooks"


def spool_of(database: Path, *, endpoint: str | None = None) -> Spool:
    """The spool of a database, or of the server at `endpoint`."""
    name = endpoint.strip().rstrip("/") if endpoint else os.path.abspath(database)  # noqa: PTH100
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    return Spool(hooks_folder() / digest)


def make_private(folder: Path) -> None:
    """Make a folder that this user alone may look into, with those above it that are missing.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there whole or not at all, and for this user only.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    make_private(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}{DRAFT}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
