"""Reading: small files that may be anybody's.

Owns how such a file is opened. Invariant: no more than the bound is read, and nothing that could
hold a program up: no pipe, device or socket.
"""

import os
import stat
from pathlib import Path
from typing import Final

_WITHOUT_WAITING: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


def read_small(path: Path, *, max_bytes: int, links: bool = True) -> bytes | None:
    """The whole of a plain file; None when there is none, or it is longer than that.

    `links` False takes no symbolic link for one.
    """
    try:
        if not links and path.is_symlink():
            return None
        opened = os.open(path, os.O_RDONLY | _WITHOUT_WAITING | (0 if links else _NO_LINK))
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        data = _read(opened, max_bytes + 1)
    except OSError:
        return None
    finally:
        os.close(opened)
    return data if len(data) <= max_bytes else None


def _read(opened: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(opened, size - len(data))):
        data += more
    return data
