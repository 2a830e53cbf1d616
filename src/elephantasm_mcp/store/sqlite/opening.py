"""Opening: the file for a writer, made and brought up to date when it must be.

Owns what happens to a file before its first statement. Invariant: one that is refused was not
changed.
"""

from collections.abc import Sequence
from pathlib import Path

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.driver import (
    LIBRARY_ERRORS,
    Connection,
    Connector,
    closed_on_error,
    connect,
    explain,
    is_damage,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.lock import FileLock
from elephantasm_mcp.store.sqlite.schema import migrate, schema_version


def open_writer(
    connector: Connector,
    path: Path,
    migrations: Sequence[Migration],
    lock: FileLock,
    *,
    timeout_s: float,
) -> Connection:
    """Open or make the file and bring its schema up to date, one process after the other."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with plain_errors(path.name):
            if path.exists():
                _refuse_unfit(connector, path, latest=len(migrations))
            with lock.held():
                if not path.exists():  # opening and closing it would drop this process's locks
                    path.touch(mode=0o600)
                connection = connect(connector, path, mode="write", timeout_s=timeout_s)
                with closed_on_error(connection):
                    migrate(connection, migrations, path=path, connector=connector)
                    connection.execute("PRAGMA foreign_keys = ON")
    except OSError as error:
        raise explain(error, name=path.name) from error
    return connection


def _refuse_unfit(connector: Connector, path: Path, *, latest: int) -> None:
    """Look at what is there without a trace: no lock, no log, no journal."""
    if path.is_dir():
        raise StorageError(f"{path.name} is a folder.", hint="Name a file in it.")
    try:
        connection = connect(connector, path, mode="look", timeout_s=0)
        try:
            schema_version(connection, latest=latest, name=path.name)
        finally:
            connection.close()
    except LIBRARY_ERRORS as error:
        # A checkpoint that goes on, or was killed, leaves half of its pages in the file: without
        # the log that looks like damage. Opening reads the log, and asks for the version again.
        log = path.with_name(f"{path.name}-wal")
        if not (is_damage(error) and log.exists()):
            raise
