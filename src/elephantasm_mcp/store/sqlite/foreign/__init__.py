"""Databases of other programs, read row by row.

Owns how such a file is opened: for reading alone, without locking out whoever has it, and the
statements that read it, texts as bytes: SQLite takes any bytes for a text. Invariant: not a byte of
it, or beside it, is written; what is read are tables, not views, which may have no end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.store.sql import load_statements

_PACKAGE: Final = "elephantasm_mcp.store.sqlite.foreign"
_TABLES: Final = {"mem0_history": "history", "memory_service_memories": "memories"}
"""What each statement reads."""
_PLAIN: Final = """
SELECT count(*) FROM sqlite_master
WHERE type = 'table' AND rootpage > 0 AND name = ? COLLATE NOCASE
"""


def read_foreign(path: Path, statement: str) -> Iterator[dict[str, Any]]:
    """The rows of a statement, one by one.

    Raises:
        ValidationError: it is no such database, or it is damaged.
    """
    sql = load_statements(_PACKAGE)[statement]
    # a log beside the file holds what is not in it yet; without one nobody else needs a lock
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        connection = apsw.Connection(f"{path.resolve().as_uri()}?{how}", flags=flags)
        try:
            if not connection.execute(_PLAIN, (_TABLES[statement],)).get:
                raise _unlike(path)
            encoding = str(connection.pragma("encoding"))
            cursor = connection.execute(sql)
            names: tuple[str, ...] = ()
            for row in cursor:
                names = names or tuple(column[0] for column in cursor.description)
                yield {
                    name: value.decode(encoding, "replace") if isinstance(value, bytes) else value
                    for name, value in zip(names, row, strict=True)
                }
        finally:
            connection.close()
    except apsw.Error as error:
        raise _unlike(path) from error


def _unlike(path: Path) -> ValidationError:
    return ValidationError(
        f"{path.name} has not the tables, or columns, that are looked for, or it is damaged.",
        hint="Name the database of that program, or its export as JSON.",
    )
