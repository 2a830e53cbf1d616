"""The SQLite library: a safe one, connections of it, its errors in plain words.

Owns every use of apsw and of the standard sqlite3 module; knows no statement and no schema.
Invariant: no connection is made by a library whose SQLite damages a WAL file that several processes
write (before 3.51.3) or that cannot load sqlite-vec.
"""

import errno
import importlib.util
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

from elephantasm_mcp.errors import StorageError

LIBRARY_ERRORS: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeDecodeError)
"""What the libraries raise; `explain` says it plainly."""

try:
    import apsw
except ImportError:  # no wheel for this platform
    _APSW_FOUND = False
else:
    _APSW_FOUND = True
    LIBRARY_ERRORS = (sqlite3.Error, UnicodeDecodeError, apsw.Error)

_SAFE_VERSION: Final = (3, 51, 3)
_STATEMENT_CACHE: Final = 256
_CACHE_KIB: Final = 4096


class Cursor(Protocol):
    """The part of a cursor that both libraries share."""

    @property
    def description(self) -> tuple[tuple[Any, ...], ...]:
        """A tuple for each column, whose first value is its name; valid while there are rows."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        ...

    def close(self) -> None:
        """End the statement, though rows may be left."""
        ...


class Connection:
    """One raw connection of either library, with the calls that aiosqlite and we make.

    It is in autocommit mode: a transaction is an explicit BEGIN and COMMIT. `script` runs several
    statements, `changes` counts the rows that the last one changed, `interrupt` ends the running
    one from another thread.
    """

    __slots__ = (
        "_names", "_raw", "changes", "close", "execute", "executemany", "interrupt", "script"
    )  # fmt: skip

    def __init__(
        self,
        raw: "apsw.Connection | sqlite3.Connection",
        *,
        changes: Callable[[], int],
        script: Callable[[str], object],
    ) -> None:
        self._names: Final[dict[str, tuple[str, ...]]] = {}
        self._raw: Final = raw
        self.execute: Final[Callable[..., Cursor]] = raw.execute
        self.executemany: Final[Callable[..., Cursor]] = raw.executemany
        self.close: Final[Callable[[], None]] = raw.close
        self.interrupt: Final[Callable[[], None]] = raw.interrupt
        self.changes: Final = changes
        self.script: Final = script

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.in_transaction

    def names(self, sql: str, cursor: Cursor) -> tuple[str, ...]:
        """The column names of a statement, from its cursor while there are rows; asked for once."""
        known = self._names.get(sql)
        if known is None:
            known = self._names[sql] = tuple(column[0] for column in cursor.description)
        return known

    def integer(self, sql: str) -> int:
        """The one number that `sql` yields."""
        return int(self.execute(sql).fetchall()[0][0])

    def text(self, sql: str) -> str:
        """The one text that `sql` yields."""
        return str(self.execute(sql).fetchall()[0][0])


Connector: TypeAlias = Callable[[str], Connection]
"""Opens a `file:` URI with one of the two libraries."""


def connect_apsw(uri: str) -> Connection:
    """A connection of apsw, which brings its own SQLite."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    raw = apsw.Connection(uri, flags=flags, statementcachesize=_STATEMENT_CACHE)
    # apsw's SQLite has STAT4 and would plan a statement anew for other values: 20 µs each time
    raw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    _load_vectors(raw)
    return Connection(raw, changes=raw.changes, script=raw.execute)


def connect_standard(uri: str, *, vectors: bool = True) -> Connection:
    """A connection of the standard module; without `vectors` it knows no vector functions."""
    raw = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENT_CACHE,
    )
    if vectors:
        _load_vectors(raw)

    def script(sql: str) -> None:  # executescript would commit first
        statement = ""
        for part in sql.split(";"):
            statement += f"{part};"
            if sqlite3.complete_statement(statement):
                raw.execute(statement)
                statement = ""

    return Connection(
        raw, changes=lambda: raw.execute("SELECT changes()").fetchone()[0], script=script
    )


def _load_vectors(raw: "apsw.Connection | sqlite3.Connection") -> None:
    raw.enable_load_extension(True)
    raw.load_extension(_vectors_path())
    raw.enable_load_extension(False)


def _vectors_path() -> str:
    """What `sqlite_vec.loadable_path()` gives; importing that package would import numpy."""
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or spec.origin is None:
        raise StorageError("sqlite-vec is not installed.", hint="Run `pip install sqlite-vec`.")
    return str(Path(spec.origin).with_name("vec0"))


def choose_connector(
    *,
    apsw_found: bool = _APSW_FOUND,
    standard_version: tuple[int, ...] = sqlite3.sqlite_version_info,
    standard_loads_extensions: bool = hasattr(sqlite3.Connection, "enable_load_extension"),
) -> Connector:
    """The library to use: apsw, or the standard module where that one is safe.

    Raises:
        StorageError: neither will do.
    """
    if apsw_found:
        return connect_apsw
    if standard_version >= _SAFE_VERSION and standard_loads_extensions:
        return connect_standard
    raise StorageError(
        "This Python has no SQLite library that is safe for several processes.",
        hint='Install one with: pip install "apsw>=3.54.1".',
    )


def connect(
    connector: Connector,
    path: Path,
    *,
    mode: Literal["look", "look_on", "read", "write"],
    timeout_s: float,
) -> Connection:
    """A configured connection to the existing file at `path`.

    One that looks reads the bare file, without log, locks or any trace left behind; one that looks
    on reads the log as well, and leaves file and log as they are: it is no last one to work the log
    in. `timeout_s` bounds each wait for another process.
    """
    uri = path.absolute().as_uri()
    if mode == "look":
        return connector(f"{uri}?mode=ro&immutable=1")
    connection = connector(f"{uri}?mode={'ro' if mode == 'look_on' else 'rw'}")
    with closed_on_error(connection):
        connection.execute(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        if mode == "read":
            connection.execute("PRAGMA query_only = ON")
        elif mode == "write":
            _prepare_writing(connection, name=path.name)
    return connection


def _prepare_writing(connection: Connection, *, name: str) -> None:
    if connection.text("PRAGMA journal_mode = WAL") != "wal":
        raise StorageError(
            f"The file system of {name} cannot hold a database that several programs share.",
            hint="Choose a folder on a local disk.",
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA recursive_triggers = ON")  # the libraries' defaults differ


def engine(connection: Connection) -> str:
    """What works behind a connection, with versions."""
    return connection.text(
        "SELECT 'SQLite ' || sqlite_version() || ', sqlite-vec ' || vec_version()"
    )


@contextmanager
def closed_on_error(connection: Connection) -> Iterator[None]:
    """Close `connection` if the block raises: the error's traceback would keep it open."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def ended_transaction(connection: Connection) -> Iterator[None]:
    """Roll back what the block began and did not commit."""
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Turn a library's error into what it means for the database file called `name`."""
    try:
        yield
    except LIBRARY_ERRORS as error:
        raise explain(error, name=name) from error


def _extended_code(error: Exception) -> int:
    return getattr(error, "extendedresult", None) or getattr(error, "sqlite_errorcode", None) or 0


def _primary_code(error: Exception) -> int:
    return (getattr(error, "result", None) or _extended_code(error)) & 0xFF


def is_damage(error: Exception) -> bool:
    """Whether a library says that the file contradicts itself."""
    return _primary_code(error) == _CORRUPT


def is_of_writing(error: Exception) -> bool:
    """Whether a library says that what failed is a file that it wrote, not one that it read."""
    return _primary_code(error) == _NO_ROOM or _extended_code(error) in _WRITING


def is_busy(error: Exception) -> bool:
    """Whether a library says that another connection has the file."""
    return _primary_code(error) == _HELD


def explain(error: Exception, *, name: str) -> StorageError:
    """What a library's `error`, or the system's, means for the database file called `name`."""
    if isinstance(error, OSError):
        message, hint = _FULL if error.errno in _FULL_ERRNOS else _NO_FOLDER
    elif isinstance(error, UnicodeDecodeError):  # apsw's, for a text that is none
        message, hint = _DAMAGED
    elif _extended_code(error) == _NO_ROOM_TO_SHARE:
        message, hint = _FULL
    else:
        message, hint = _MEANINGS.get(_primary_code(error), _UNKNOWN)
    return StorageError(message.format(name=name), hint=hint)


_BUSY: Final = (
    "Another process keeps the database {name} busy.",
    "Try again in a moment; if it goes on, find and end the program that hangs.",
)
_COPY: Final = "copy it, with its -wal if there is one, to a folder that you may write"
"""What helps on a medium that nobody can write: SQLite needs a file beside a log to read it."""
_READ_ONLY: Final = (
    "The database {name} is read-only.",
    f"Allow this user to write to the file and to its folder, or {_COPY}.",
)
_DAMAGED: Final = (
    "The database {name} is damaged.",
    "`elephantasm-mcp restore FILE` puts a backup in its place; until then change nothing in its"
    " folder.",
)
_CORRUPT: Final = 11
_HELD: Final = 5
_NO_ROOM: Final = 13
_WRITING: Final = (778, 1034, 1546)
"""IOERR_WRITE, of a quota too, IOERR_FSYNC, IOERR_TRUNCATE."""
_FULL: Final = (
    "The disk is full, so the database {name} could not grow.",
    "Free some space and try again; what was stored before is still there.",
)
_FULL_ERRNOS: Final = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM_TO_SHARE: Final = 4874
"""IOERR_SHMSIZE: the file for what processes share could not grow to its 32 KiB, at opening."""
_NO_FOLDER: Final = (
    "The folder of the database {name} cannot be made or written to.",
    "Choose a folder that belongs to this user.",
)
_UNKNOWN: Final = (
    "The database {name} could not do what was asked.",
    "If it happens again, please report it together with what was done.",
)
# by SQLite's primary result code: https://sqlite.org/rescode.html
_MEANINGS: Final[dict[int, tuple[str, str]]] = {
    3: _READ_ONLY,  # PERM
    5: _BUSY,  # BUSY
    6: _BUSY,  # LOCKED
    7: ("There is not enough memory for the database {name}.", "Close other programs."),  # NOMEM
    8: _READ_ONLY,  # READONLY
    9: ("The database {name} was closed while it worked.", "Open it again."),  # INTERRUPT
    10: (  # IOERR
        "The disk failed while the database {name} was in use.",
        "Check the disk and its quota, then try again.",
    ),
    _CORRUPT: _DAMAGED,
    _NO_ROOM: _FULL,  # FULL
    14: (  # CANTOPEN
        "The database {name} cannot be opened.",
        f"Check that this user may read and write the file and its folder, or {_COPY}.",
    ),
    15: _BUSY,  # PROTOCOL
    19: (  # CONSTRAINT
        "The database {name} refused a value that breaks one of its rules.",
        "If it happens again, please report it together with what was done.",
    ),
    26: ("{name} is not a database.", "Choose another file, or move this one away."),  # NOTADB
}
