"""Named SQL statements and numbered migrations, read from the `.sql` files of an engine's package.

Owns their file format. Knows no engine and runs nothing. Invariant: a statement's name is unique
in its package, and migrations are numbered 1, 2, 3, … without a gap.

A statement is a name, a sentence and the SQL, which takes its values as `:named` parameters:

    -- name: insert_event
    -- Adds one event; its row id is made from the anima's counter.
    INSERT INTO events (id, content) VALUES (:id, :content);
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

_NAME_LINE: Final = re.compile(r"^--[ \t]*name:(.*)$", re.MULTILINE)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_COMMENT_LINE: Final = re.compile(r"^[ \t]*--.*\n?", re.MULTILINE)
_MIGRATION_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """The step from schema version `version - 1` to `version`; `sql` may hold many statements."""

    version: int
    name: str
    sql: str


def load_statements(package: str) -> Mapping[str, str]:
    """The statements of all `.sql` files directly in `package`, by name.

    Raises:
        ValueError: a file breaks the format, or two statements have one name.
    """
    statements: dict[str, str] = {}
    for file in _sql_files(_folder_of(package)):
        for name, sql in parse_statements(file.read_text(encoding="utf-8"), source=file.name):
            if name in statements:
                raise ValueError(f"{file.name}: the statement {name} exists twice")
            statements[name] = sql
    return statements


def parse_statements(text: str, *, source: str) -> Iterator[tuple[str, str]]:
    """Each statement of one file's `text`: its name, and its SQL without the last semicolon.

    Raises:
        ValueError: something stands before the first name, or a statement has no proper name, no
            sentence or no SQL; the message names `source`.
    """
    head, *parts = _NAME_LINE.split(text)
    if _without_comments(head):
        raise ValueError(f"{source}: SQL stands before the first name")
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        name = name.strip()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{source}: {name!r} is not a statement's name")
        if not body.lstrip().startswith("--"):
            raise ValueError(f"{source}: {name} lacks the sentence that says what it does")
        sql = _without_comments(body).removesuffix(";").rstrip()
        if not sql:
            raise ValueError(f"{source}: {name} has no SQL")
        yield name, sql


def load_migrations(package: str) -> tuple[Migration, ...]:
    """The migrations in the folder `migrations` of `package`, in order.

    Raises:
        ValueError: a file's name is not like `0001_initial.sql`, or a number is missing or double.
    """
    migrations: list[Migration] = []
    for file in _sql_files(_folder_of(package) / "migrations"):
        match = _MIGRATION_FILE.fullmatch(file.name)
        if match is None:
            raise ValueError(f"{file.name}: a migration is named like 0001_initial.sql")
        number, name = match.groups()
        migrations.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    versions = [migration.version for migration in migrations]
    if versions != list(range(1, len(versions) + 1)):
        raise ValueError(f"migrations must be numbered from 1 without a gap, not {versions}")
    return tuple(migrations)


def _folder_of(package: str) -> Path:
    """Where a package's files are. `importlib.resources` would import archives and locks for it."""
    return Path(import_module(package).__path__[0])


def _sql_files(folder: Path) -> list[Path]:
    files = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return sorted(files, key=lambda file: file.name)


def _without_comments(sql: str) -> str:
    """`sql` without the lines that are comments as a whole."""
    return _COMMENT_LINE.sub("", sql).strip()
