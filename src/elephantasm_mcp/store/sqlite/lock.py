"""A lock file held around each writing transaction, so that processes on one file take turns.

SQLite's own wait for its lock backs off to 100 ms a try, and loses to a neighbour that commits and
begins again at once: of four processes that write as fast as they can, one waited 830 ms for a
commit, with the lock file 40 ms. Owns that file. Invariant: it brings fairness and nothing else;
where it cannot be had in time, SQLite's own lock still decides.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from elephantasm_mcp.drafts import behind_links

try:
    import fcntl
except ImportError:  # Windows
    _FOUND = False
else:
    _FOUND = True

_POLL_S: Final = 0.001


def lock_of(database: Path, *, timeout_s: float) -> "FileLock":
    """The lock of a database, the same for every link to it."""
    file = behind_links(database)
    return FileLock(file.with_name(f"{file.name}.lock"), timeout_s=timeout_s)


class FileLock:
    """The lock file at `path`, made when first wanted. Waits for it at most `timeout_s`."""

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        self._path: Final = path
        self._timeout_s: Final = timeout_s
        self._file: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Run the block with the lock, or without it if it cannot be had in time."""
        file = self._take() if _FOUND else None
        try:
            yield
        finally:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back to the system. May be called twice."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _take(self) -> int | None:
        deadline = time.monotonic() + self._timeout_s
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _lock(self._file):
                if time.monotonic() >= deadline:
                    return None
                time.sleep(_POLL_S)  # a blocking flock would be quicker, but has no deadline
        except OSError:  # a folder that cannot be written, a file system without locks
            return None
        return self._file


def _lock(file: int) -> bool:
    """Lock `file` if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
