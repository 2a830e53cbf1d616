"""Copies of a database file: making one while others write, and putting one in its place.

Owns the files beside a database on the way: drafts, what is put aside. Invariant: under the name
of a copy or of a database there is never a file that is half written or was not found sound.

A copy is made by VACUUM INTO rather than by SQLite's backup API: it is one statement on one state,
it never begins anew however much is written meanwhile, and free pages, in which parts of what was
forgotten may stand, are no part of it. It keeps no writer waiting.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.errors import ConflictError, NotFoundError, StorageError
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.driver import (
    LIBRARY_ERRORS,
    Connector,
    closed_on_error,
    connect,
    explain,
    is_busy,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.lock import FileLock
from elephantasm_mcp.store.sqlite.schema import find_problems, migrate, schema_version, write_copy

_WAIT_S: Final = 2.0
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Restored:
    """What putting a copy in place came to."""

    kept: Path | None
    """Where the file that stood there is now; None: there was none."""
    schema_version: int
    """Of the copy, before it was brought up to date."""


def back_up(connector: Connector, path: Path, target: Path, *, replace: bool) -> int:
    """Copy what is committed now to `target`, if the copy is sound; returns its size in bytes.

    Raises:
        ConflictError: there is such a file already, and it is not to be replaced.
        StorageError: it cannot be read or written, or is damaged.
    """
    if target.exists() and (not replace or _is_same(path, target)):
        raise ConflictError(
            f"{target.name} is there already; nothing was written.",
            hint="Choose another name, or replace it with --force.",
        )
    with _draft(target) as draft, plain_errors(path.name):
        source = connect(connector, path, mode="read", timeout_s=_WAIT_S)
        try:
            write_copy(source, draft)
        finally:
            source.close()
        _require_sound(connector, draft, name=path.name)
        _sync(draft)
        draft.replace(target)
        _sync(target.absolute().parent)
    return target.stat().st_size


def restore(
    connector: Connector,
    source: Path,
    path: Path,
    *,
    kept_as: str,
    migrations: Sequence[Migration],
) -> Restored:
    """Put a sound copy of `source`, brought up to date, in the place of the file at `path`.

    What stood there is kept beside it, with its log worked in, under `kept_as` in its name.

    Raises:
        NotFoundError: there is no such copy.
        ConflictError: another program has the database open; the message names it.
        StorageError: the copy is damaged, another program's or too new; nothing was changed.
    """
    if not source.is_file():
        raise NotFoundError(f"There is no file {source.name}.", hint="Name a backup.")
    if _is_same(source, path):
        raise ConflictError(f"{source.name} is the database itself; nothing was changed.")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(path) as draft:
        with plain_errors(source.name):
            version = _take_over(connector, source, draft, migrations=migrations)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout_s=_WAIT_S).held():
            kept = _put_aside(connector, path, kept_as=kept_as)
            draft.replace(path)
        _sync(path.absolute().parent)
    return Restored(kept, version)


def holders(path: Path) -> list[str]:
    """The other programs that have a file open, with their process ids; none where nobody can say.

    Linux tells it in /proc, of this user's processes.
    """
    found: list[str] = []
    with suppress(OSError):
        place = str(path.resolve())
        for process in _PROC.iterdir():
            if process.name.isdecimal() and int(process.name) != os.getpid():
                found += [_title(process)] if place in _open_files(process) else []
    return sorted(found)


def _open_files(process: Path) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):  # it ended, or is another user's
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(str(file.readlink()))
    return found


def _title(process: Path) -> str:
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        shown = " ".join(Path(word.decode(errors="replace")).name for word in words[:4] if word)
        return f"process {process.name} ({shown})"
    return f"process {process.name}"


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A new file beside `target`, for its owner alone, that is gone unless it was moved."""
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        yield draft
    except OSError as error:
        raise explain(error, name=target.name) from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                draft.with_name(f"{draft.name}{end}").unlink(missing_ok=True)


def _take_over(
    connector: Connector, source: Path, draft: Path, *, migrations: Sequence[Migration]
) -> int:
    """Make `draft` what `source` holds, sound and of today's schema; returns what it had."""
    # a bare file is looked at without a trace; one with a log is a live database, whose log counts
    alive = source.with_name(f"{source.name}-wal").exists()
    reading = connect(connector, source, mode="read" if alive else "look", timeout_s=_WAIT_S)
    try:
        version = schema_version(reading, latest=len(migrations), name=source.name)
        if not version:
            raise StorageError(
                f"{source.name} is empty; nothing was changed.", hint="Name a backup."
            )
        write_copy(reading, draft)
    finally:
        reading.close()
    _require_sound(connector, draft, name=source.name)
    writing = connect(connector, draft, mode="write", timeout_s=_WAIT_S)
    with closed_on_error(writing):
        migrate(writing, migrations, path=draft)
        writing.text("PRAGMA journal_mode = DELETE")  # one file, so that it moves as a whole
    writing.close()
    _sync(draft)
    return version


def _require_sound(connector: Connector, draft: Path, *, name: str) -> None:
    looking = connect(connector, draft, mode="look", timeout_s=0)
    try:
        problems = find_problems(looking)
    finally:
        looking.close()
    if problems:
        raise StorageError(
            f"{name} is damaged: {problems[0]} Nothing was written.",
            hint="`elephantasm-mcp doctor --database FILE` says more; another backup may be sound.",
        )


def _put_aside(connector: Connector, path: Path, *, kept_as: str) -> Path | None:
    """Move what stands at `path` away, whole."""
    if not path.exists():
        return None
    if using := holders(path):
        raise _in_use(path, using)
    try:
        closing = connect(connector, path, mode="write", timeout_s=0)
        with closed_on_error(closing):
            # works the log in and removes it; SQLite does so for the only connection alone
            closing.text("PRAGMA journal_mode = DELETE")
        closing.close()
    except (StorageError, *LIBRARY_ERRORS) as error:
        if isinstance(error, LIBRARY_ERRORS) and is_busy(error):
            raise _in_use(path, []) from error
        # it is damaged, which may be why it is replaced: its log goes with it as it is
    kept = _free_name(path.with_name(f"{path.name}.{kept_as}"))
    _keep(path, kept)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.replace(kept.with_name(f"{kept.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return kept


def _keep(path: Path, kept: Path) -> None:
    """Give a file a second name, so that it is never without one: a kill may come at any step."""
    try:
        kept.hardlink_to(path)
    except OSError:  # a file system without links
        path.replace(kept)


def _in_use(path: Path, using: Sequence[str]) -> ConflictError:
    who = f": {', '.join(using)}" if using else " by another program, for it is locked"
    return ConflictError(
        f"{path.name} is in use{who}. Nothing was changed.",
        hint="Quit the clients and servers that use it, then restore again.",
    )


def _free_name(wanted: Path) -> Path:
    name, number = wanted, 1
    while name.exists():
        number += 1
        name = wanted.with_name(f"{wanted.name}.{number}")
    return name


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _sync(path: Path) -> None:
    """Let a file, or the names in a folder, be on the disk."""
    with suppress(PermissionError):  # Windows opens no folders
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
