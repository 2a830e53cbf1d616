"""`backup` and `restore`: a copy of the whole database, and putting one in its place."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from elephantasm_mcp.cli.commands import Command, settings_of
from elephantasm_mcp.cli.connection import with_app
from elephantasm_mcp.cli.output import say, say_json
from elephantasm_mcp.errors import NotFoundError

if TYPE_CHECKING:
    from elephantasm_mcp.app import App

_MB: Final = 1_000_000


def back_up(arguments: Namespace) -> int:
    """Copy the database, which must be there."""
    from elephantasm_mcp.app import database_path, refuse_unbuilt

    settings = settings_of(arguments)
    refuse_unbuilt(settings)
    path = database_path(settings)
    if not path.exists():
        raise NotFoundError(
            f"There is no database {path}; nothing was written.",
            hint="Name another one with --database.",
        )
    return with_app(_back_up)(arguments)


async def _back_up(app: App, arguments: Namespace) -> int:
    from elephantasm_mcp.memory import backups

    target = Path(arguments.file)
    size_bytes = await backups.back_up(app.core, target, replace=arguments.force)
    if arguments.json:
        say_json({"file": arguments.file, "size_bytes": size_bytes})
    else:
        say(
            f"{target} holds all that was stored: {size_bytes / _MB:.1f} MB; SQLite finds it sound."
        )
    return 0


def restore(arguments: Namespace) -> int:
    """Put a backup in the place of the database."""
    from elephantasm_mcp.app import restore as restore_backup

    done = anyio.run(restore_backup, settings_of(arguments), Path(arguments.file))
    if arguments.json:
        say_json(done)
        return 0
    say(f"{done.database} is what {arguments.file} holds.")
    if done.kept:
        say(f"What was there before is kept as {done.kept}.")
    return 0


def _backup_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the copy to write")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def _restore_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a backup")


_SHARED: Final = ("--database", "--env-file", "--json")
BACKUP = Command(
    name="backup",
    summary="copy the whole database while it is in use",
    details="Write a copy of the database with everything in it: all users, API keys and the "
    "secret as well. It has all that was stored before it began, is checked, and is for you alone "
    "(mode 600). Servers and clients may go on writing.",
    run=back_up,
    options=_backup_options,
    shared=_SHARED,
    examples=("elephantasm-mcp backup memory-monday.sqlite3",),
)
RESTORE = Command(
    name="restore",
    summary="put a backup in the place of the database",
    details="Check a backup, bring it up to date if an earlier version made it, and put it in the "
    "place of the database, whose file is kept beside it. Refused while a server or a client has "
    "the database open. What hooks have set aside to deliver later stays, and is delivered into "
    "it.",
    run=restore,
    options=_restore_options,
    shared=_SHARED,
    examples=("elephantasm-mcp restore memory-monday.sqlite3",),
)
