"""The diary: what hooks could not do, in one small file.

Hooks print nothing but memory and always succeed, so this is where one looks. Owns its form: a line
each, the time in UTC, the event, what was wrong. Invariant: no word of a conversation is in it, and
it never grows beyond two files of `MAX_BYTES`.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from elephantasm_mcp.spool.folders import hooks_folder, make_private

MAX_BYTES: Final = 64_000
_MAX_CHARS: Final = 300


def path() -> Path:
    """Where it is."""
    return hooks_folder() / "hooks.log"


def note(what: str, why: str, *, now: datetime) -> None:
    """Write a line; where that cannot be, there is none."""
    line = " ".join(f"{now:%Y-%m-%dT%H:%M:%SZ} {what}: {why}".split())[:_MAX_CHARS]
    file = path()
    with suppress(OSError):
        make_private(file.parent)
        if file.exists() and file.stat().st_size > MAX_BYTES:
            file.replace(file.with_suffix(".old"))
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(opened, "a", encoding="utf-8", errors="replace") as diary:
            diary.write(f"{line}\n")


def last_lines(most: int) -> list[str]:
    """The latest lines, oldest first."""
    try:
        return path().read_text(encoding="utf-8", errors="replace").splitlines()[-most:]
    except OSError:
        return []
