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

from elephantasm_mcp.drafts import LOGS, behind_links, check_target, draft, is_same
from elephantasm_mcp.errors import ConflictError, NotFoundError, StorageError
from elephantasm_mcp.ports import DatabaseHealth
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.driver import (
    LIBRARY_ERRORS,
    Connection,
    Connector,
    closed_on_error,
    connect,
    engine,
    explain,
    is_busy,
    is_of_writing,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.lock import lock_of
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


def back_up(
    connector: Connector,
    path: Path,
    target: Path,
    *,
    replace: bool,
    migrations: Sequence[Migration],
) -> int:
    """Copy what is committed now to `target`, if the copy is sound; returns its size in bytes.

    Raises:
        ConflictError: there is such a file already, and it is not to be replaced, or in use.
        StorageError: it cannot be read or written, or is damaged.
    """
    target = check_target(target, database=path, replace=replace)
    if using := holders(target):
        raise _in_use(target, using)
    with _draft(target) as copy, _plain_errors(path, target):
        source = connect(connector, path, mode="read", timeout_s=_WAIT_S)
        try:
            write_copy(source, copy)
        finally:
            source.close()
        _require_sound(connector, copy, name=path.name, migrations=migrations)
        _sync(copy)
        size_bytes = copy.stat().st_size
        copy.replace(target)
        _sync(target.parent)
    return size_bytes


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
    if not source.exists():
        raise NotFoundError(f"There is no file {source.name}.", hint="Name a backup.")
    _require_file(source)
    if is_same(source, path):
        raise ConflictError(f"{source.name} is the database itself; nothing was changed.")
    path = behind_links(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(path) as copy:
        with _plain_errors(source, path):
            version = _take_over(connector, source, copy, migrations=migrations)
        with lock_of(path, timeout_s=_WAIT_S).held():
            kept = _put_aside(connector, path, kept_as=kept_as)
            copy.replace(path)
        _sync(path.parent)
    return Restored(kept, version)


def look_into(
    connector: Connector, path: Path, copy: Path, *, migrations: Sequence[Migration]
) -> DatabaseHealth:
    """Say how the file at `path` is, and write what it holds to `copy`, a name that is free.

    Whatever it is, it is left as it is. What is derived may be sound in the copy alone.

    Raises:
        StorageError: it is no database of ours, empty, too new, or cannot be read to its end.
    """
    latest = len(migrations)
    with plain_errors(path.name), _left_alone(connector, path, latest=latest) as (reading, version):
        problems = find_problems(reading, connector, migrations)
        health = DatabaseHealth(
            engine=engine(reading),
            location=str(path),
            schema_version=version,
            size_bytes=sum(file.stat().st_size for file in (path, _log(path)) if file.exists()),
            writable=os.access(path, os.W_OK),
            problems=tuple(problems),
        )
        copy.touch(mode=0o600)
        try:
            write_copy(reading, copy)
        except LIBRARY_ERRORS as error:
            if not problems:
                raise
            raise StorageError(
                f"{path.name} is damaged: {' '.join(problems)}", hint="Another backup may be sound."
            ) from error
    return health


def holders(path: Path) -> list[str]:
    """The other programs that have a file or its log open, with their process ids.

    Linux tells it in /proc, of this user's processes; elsewhere none are found.
    """
    found: list[str] = []
    file = str(behind_links(path))
    places = {file, *(f"{file}{end}" for end in LOGS)}
    with suppress(OSError):
        for process in _PROC.iterdir():
            if process.name.isdecimal() and int(process.name) != os.getpid():
                found += [_title(process)] if places & _open_files(process) else []
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
def _plain_errors(source: Path, target: Path) -> Iterator[None]:
    """Name the file that fails: the one that is read, or the copy where it cannot be written."""
    try:
        yield
    except LIBRARY_ERRORS as error:
        raise explain(error, name=(target if is_of_writing(error) else source).name) from error


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    try:
        with draft(target) as file:
            yield file
    except OSError as error:
        raise explain(error, name=target.name) from error


def _take_over(
    connector: Connector, source: Path, copy: Path, *, migrations: Sequence[Migration]
) -> int:
    """Make `copy` what `source` holds, sound and of today's schema; returns what it had."""
    with _left_alone(connector, source, latest=len(migrations)) as (reading, version):
        write_copy(reading, copy)
    _require_sound(connector, copy, name=source.name, migrations=migrations)
    writing = connect(connector, copy, mode="write", timeout_s=_WAIT_S)
    with closed_on_error(writing):
        migrate(writing, migrations, path=copy)
        writing.text("PRAGMA journal_mode = DELETE")  # one file, so that it moves as a whole
    writing.close()
    _sync(copy)
    return version


@contextmanager
def _left_alone(
    connector: Connector, path: Path, *, latest: int
) -> Iterator[tuple[Connection, int]]:
    """A connection to a file that stays as it is, with the version of its schema."""
    _require_file(path)
    # a bare file is looked at without a trace; one with a log is a live database, whose log counts
    mode = "look_on" if _log(path).exists() else "look"
    reading = connect(connector, path, mode=mode, timeout_s=_WAIT_S)
    try:
        version = schema_version(reading, latest=latest, name=path.name)
        if not version:
            raise StorageError(f"{path.name} is empty; nothing was changed.", hint="Name a backup.")
        yield reading, version
    finally:
        reading.close()


def _require_file(path: Path) -> None:
    if not path.is_file():  # opening a pipe would wait for ever
        raise StorageError(f"{path.name or path} is no regular file.", hint="Name a backup.")


def _log(path: Path) -> Path:
    file = behind_links(path)
    return file.with_name(f"{file.name}-wal")


def _require_sound(
    connector: Connector, copy: Path, *, name: str, migrations: Sequence[Migration]
) -> None:
    looking = connect(connector, copy, mode="look", timeout_s=0)
    try:
        problems = find_problems(looking, connector, migrations)
    finally:
        looking.close()
    if problems:
        raise StorageError(
            f"{name} is damaged: {problems[0]} Nothing was written.",
            hint="`elephantasm-mcp doctor --database FILE` says more; another backup may be sound.",
        )


def _put_aside(connector: Connector, path: Path, *, kept_as: str) -> Path | None:
    """Move what stands at `path` away, whole; a log that lost its file as well."""
    if using := holders(path):
        raise _in_use(path, using)
    if path.exists():
        _work_log_in(connector, path)
    kept = _free_name(path.with_name(f"{path.name}.{kept_as}"))
    moved: list[Path] = []
    if path.exists():
        _keep(path, kept)
        moved.append(kept)
    for end in LOGS:
        log = path.with_name(f"{path.name}{end}")
        if log.exists():
            moved.append(log.replace(kept.with_name(f"{kept.name}{end}")))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return moved[0] if moved else None


def _work_log_in(connector: Connector, path: Path) -> None:
    """Have SQLite work the log in, and see that nobody else has the database open."""
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
        hint="Quit the clients and servers that use it, then try again.",
    )


def _free_name(wanted: Path) -> Path:
    name, number = wanted, 1
    while any(name.with_name(f"{name.name}{end}").exists() for end in ("", *LOGS)):
        number += 1
        name = wanted.with_name(f"{wanted.name}.{number}")
    return name


def _sync(path: Path) -> None:
    """Let a file, or the names in a folder, be on the disk."""
    with suppress(PermissionError):  # Windows opens no folders
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
