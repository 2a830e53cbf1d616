"""Whose file it is, and which schema it has: refusing what is not ours, migrating what is older.

Owns the header of the file (application id, version) and the backup before a migration. Invariant:
a file that is refused was not changed, and a migration happens as a whole, once, or not at all.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from elephantasm_mcp.drafts import draft
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.driver import (
    Connection,
    Connector,
    closed_on_error,
    connect,
    ended_transaction,
)

APPLICATION_ID: Final = 0x454C4550
"""`ELEP`, in the header of each of our files."""
_MAX_PROBLEMS: Final = 20
_LAYOUT: Final = re.compile(r'--.*|[\s"]')


def schema_version(connection: Connection, *, latest: int, name: str) -> int:
    """The version of our schema in the file called `name`; 0 for a file that is still empty.

    Raises:
        StorageError: the file is another program's, or newer than `latest`.
    """
    application_id = connection.integer("PRAGMA application_id")
    has_tables = connection.integer("PRAGMA schema_version") > 0
    if application_id != APPLICATION_ID and (application_id or has_tables):
        raise StorageError(
            f"{name} is another program's database; it was left as it was.",
            hint="Choose another file.",
        )
    version = connection.integer("PRAGMA user_version")
    if version > latest:
        raise StorageError(
            f"{name} was written by a newer elephantasm-mcp (schema {version}, this one knows "
            f"{latest}); it was left as it was.",
            hint="Update elephantasm-mcp.",
        )
    return version


def migrate(
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    path: Path,
    connector: Connector | None = None,
) -> None:
    """Bring the file at `path`, open for writing, to the last of `migrations`.

    With a `connector` an older file is first copied to `<name>.v<version>.bak`. All pending steps
    are one transaction. When there is none, it still tries to write, so that a read-only file is
    found out now, and takes it back.

    Raises:
        StorageError: the file is not ours, or too new.
        LIBRARY_ERRORS: SQLite failed.
    """
    with ended_transaction(connection):
        connection.execute("BEGIN IMMEDIATE")
        version = schema_version(connection, latest=len(migrations), name=path.name)
        # on a read-only file BEGIN IMMEDIATE succeeds, a write does not
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        if pending := migrations[version:]:
            if version and connector is not None:
                _back_up(connector, path, version=version)
            for migration in pending:
                connection.script(migration.sql)
            _check_references(connection, name=path.name)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")


def write_copy(source: Connection, target: Path) -> None:
    """Write what is committed into the empty file `target`, without free pages."""
    source.execute("PRAGMA query_only = OFF")  # it would refuse VACUUM INTO as well
    source.execute("VACUUM INTO :target", {"target": str(target.absolute())})


def open_in_memory(connector: Connector, migrations: Sequence[Migration]) -> Connection:
    """An empty store of the schema that `migrations` make, which goes with its connection."""
    connection = connector("file::memory:")
    with closed_on_error(connection):
        connection.execute("PRAGMA temp_store = MEMORY")
        for migration in migrations:
            connection.script(migration.sql)
    return connection


def find_problems(
    connection: Connection, connector: Connector, migrations: Sequence[Migration]
) -> list[str]:
    """What SQLite's checks find, and what is not as `migrations` make it, as sentences."""
    lines = connection.execute(f"PRAGMA integrity_check({_MAX_PROBLEMS})").fetchall()
    problems = [f"Integrity check: {line}." for (line,) in lines if line != "ok"]
    orphans = Counter(row[0] for row in connection.execute("PRAGMA foreign_key_check").fetchall())
    problems += [
        f"{counted(count, 'row')} of {table} with a reference to nothing."
        for table, count in orphans.items()
    ]
    version = connection.integer("PRAGMA user_version")
    made = open_in_memory(connector, migrations[:version])
    try:
        whole = _definitions(made)
    finally:
        made.close()
    found = _definitions(connection)
    for name, (kind, definition) in whole.items():
        if name not in found:
            problems.append(f"The {kind} {name} is missing.")
        elif found[name] != (kind, definition):
            problems.append(f"The definition of the {kind} {name} is not the one it was made with.")
    return problems


def _definitions(connection: Connection) -> dict[str, tuple[str, str]]:
    """What the schema has, by name: its kind, and its definition without comments and layout.

    A version of SQLite may lay out anew, or quote, what a migration alters. What SQLite names
    itself, and what a person adds, such as an index, is none of ours.
    """
    rows = connection.execute(
        "SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {name: (kind, _LAYOUT.sub("", sql)) for name, kind, sql in rows}


def _back_up(connector: Connector, path: Path, *, version: int) -> None:
    """Copy what is committed. The caller holds the write lock, so it is the last state."""
    backup = path.with_name(f"{path.name}.v{version}.bak")
    with draft(backup) as copy:
        source = connect(connector, path, mode="read", timeout_s=0)
        try:
            write_copy(source, copy)
        finally:
            source.close()
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        copy.replace(backup)


def _check_references(connection: Connection, *, name: str) -> None:
    if connection.execute("PRAGMA foreign_key_check").fetchall():
        raise StorageError(
            f"{name} could not be updated: some of its rows would lose what they refer to.",
            hint="It was left as it was; please report this.",
        )
