"""The files of the database: who may read them, how much room there is, which copies are beside.

Owns what is said of them. Invariant: nothing is opened, and `fix` changes modes alone.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from elephantasm_mcp.cli.checkup.findings import Checkup, FileRow

_OWN: Final = ("", "-wal", "-shm", ".lock")
_COPIES: Final = ("v*.bak", "replaced-*", "*.part")
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_LEAST_FREE_BYTES: Final = 200_000_000
_MB: Final = 1_000_000


def examine(found: Checkup, path: Path, *, fix: bool) -> None:
    """Look at the files of the database at `path`, which is there."""
    for file in _files(path):
        status = file.stat()
        mode = status.st_mode & 0o777
        if sys.platform != "win32" and mode & _OTHERS:
            mode = _mend_mode(found, file, mode, fix=fix)
        found.files.append(FileRow(file.name, status.st_size, f"{mode:o}"))
    found.disk_free_bytes = shutil.disk_usage(path.parent).free
    needed = max(_LEAST_FREE_BYTES, 2 * path.stat().st_size)
    if found.disk_free_bytes < needed:
        found.wrong(
            "disk",
            f"Only {found.disk_free_bytes / _MB:,.0f} MB are free beside the database; forgetting "
            f"and updating need up to {needed / _MB:,.0f} MB.",
            "Free some space.",
        )
    own = {f"{path.name}{end}" for end in _OWN}
    copies = [one for one in found.files if one.name not in own]
    if copies:
        found.advise(
            "files",
            f"Copies of the database stand beside it: {', '.join(one.name for one in copies)}.",
            "Remove what you no longer need; what was forgotten since is still in them.",
        )


def cannot_be_made(path: Path) -> bool:
    """Whether a database that is not there yet cannot be made at `path`."""
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    return not (nearest.is_dir() and os.access(nearest, os.W_OK))


def _files(path: Path) -> Iterator[Path]:
    for end in _OWN:
        file = path.with_name(f"{path.name}{end}")
        if file.is_file():
            yield file
    for pattern in _COPIES:
        yield from sorted(
            file
            for file in path.parent.iterdir()
            if file.match(f"*.{pattern}") and file.name.startswith(f"{path.name}.")
        )


def _mend_mode(found: Checkup, file: Path, mode: int, *, fix: bool) -> int:
    """Say that others may read a file, or see that they no longer may; returns its mode now."""
    text = f"Other users of this machine may read or write {file.name} (mode {mode:o})."
    if not fix:
        found.wrong("files", text, f"Run `chmod 600 {file.name}` in its folder.", fixable=True)
        return mode
    file.chmod(_OWNER_ONLY)
    found.fixed("files", f"{file.name} is for its owner alone now: mode 600 in place of {mode:o}.")
    return _OWNER_ONLY
