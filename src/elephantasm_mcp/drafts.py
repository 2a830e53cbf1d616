"""Files on their way to their names: looked at before, whole when they have them.

Owns drafts, and which names a person may have written. Knows no format. Invariant: a draft has a
name that nobody had, and what stands under the name that is wanted is replaced whole or stays.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from elephantasm_mcp.errors import ConflictError

LOGS: Final = ("-wal", "-journal")
"""What SQLite writes beside a database and takes for a part of it when it is opened again."""
_BESIDE: Final = (*LOGS, "-shm")
_KEPT: Final = (*_BESIDE, ".lock")
_OTHER_NAME: Final = "Choose another name."


def behind_links(path: Path) -> Path:
    """The file itself, where `path` is a link; it need not be there."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for a circle


def is_same(one: Path, other: Path) -> bool:
    """Whether both names are there, and of one file."""
    return one.exists() and other.exists() and one.samefile(other)


def check_target(path: Path, *, database: Path, replace: bool) -> Path:
    """The file, behind links, that may be written as `path` with what `database` holds.

    Raises:
        ConflictError: it is there and not to be replaced, no file, or part of a database.
    """
    target, nothing = behind_links(path), "nothing was written."
    name = path.name or str(path)  # `.` and `/` have none
    if is_same(target, database):
        raise ConflictError(f"{name} is the database itself; {nothing}", hint=_OTHER_NAME)
    if target.is_dir():
        raise ConflictError(f"{name} is a folder; {nothing}", hint="Name a file in it.")
    if target.exists() and not target.is_file():
        raise ConflictError(f"{name} is no regular file; {nothing}", hint=_OTHER_NAME)
    if target.name.lower().endswith(_KEPT):
        raise ConflictError(
            f"A name like {name} is for what stands beside a database; {nothing}",
            hint=_OTHER_NAME,
        )
    if target.exists() and not replace:
        raise ConflictError(
            f"{name} is there already; {nothing}",
            hint="Choose another name, or replace it with --force.",
        )
    for end in _BESIDE:
        beside = target.with_name(f"{target.name}{end}")
        if beside.exists():
            raise ConflictError(
                f"{beside.name} is there, so {name} is a database in use, or one whose program"
                f" was ended; {nothing}",
                hint=f"Choose another name; if no program uses it, move {beside.name} away.",
            )
    return target


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A new, empty file beside `target`, for its owner alone, that is gone unless it was moved.

    Raises:
        OSError: it cannot be made.
    """
    from tempfile import mkstemp  # not at start-up: it imports much

    file, name = mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.absolute().parent)
    os.close(file)
    made = Path(name)
    try:
        yield made
    finally:
        for end in ("", *_BESIDE):
            with suppress(OSError):
                made.with_name(f"{made.name}{end}").unlink(missing_ok=True)
