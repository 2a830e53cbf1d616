"""Connection: the memory that a command works on, opened as options and settings say.

Owns how it is opened and closed. Commands see it through the SDK alone, so that they work on a
server as they do on a file; but for those about who may use this very database. Invariant: it is
closed when the command ends, however it ends.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

from elephantasm_mcp.cli.commands import settings_of
from elephantasm_mcp.cli.output import line, note
from elephantasm_mcp.types.defaults import Default, noted

if TYPE_CHECKING:
    from elephantasm_mcp.app import App
    from elephantasm_mcp.sdk import AsyncElephantasm
    from elephantasm_mcp.settings import Settings

Work: TypeAlias = "Callable[[AsyncElephantasm, Namespace], Awaitable[int]]"
"""What a command does with the open memory; its result is the exit code."""
HostWork: TypeAlias = "Callable[[App, Namespace], Awaitable[int]]"
"""The same of a command that only whoever has the file may give."""

_NOT_OURS: Final = {"background_jobs", "timeout"}
_FOR_A_SERVER: Final = {"endpoint", "api_key", "anima_id"}


def with_memory(work: Work) -> Callable[[Namespace], int]:
    """Make a command's `run` of what it does with the open memory."""

    def run(arguments: Namespace) -> int:
        with noted() as default:
            code = anyio.run(_open_and, work, arguments)
        say_default(default)
        return code

    return run


def with_app(work: HostWork) -> Callable[[Namespace], int]:
    """The same for commands about the database itself: its users, and who is let in."""

    def run(arguments: Namespace) -> int:
        return anyio.run(_open_app_and, work, arguments)

    return run


@contextmanager
def database_for(settings: Settings, *, dry_run: bool) -> Generator[Settings, None, None]:
    """The settings; for a dry run without a database, with one that goes away."""
    from elephantasm_mcp.app import database_path

    if not dry_run or database_path(settings).exists():
        yield settings
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        yield settings.model_copy(update={"database": str(Path(folder) / "empty.sqlite3")})


def say_default(default: Default) -> None:
    """Say which anima it was, where none was named."""
    if default.name is not None:
        note(f"anima: {line(default.name)} (default)")
    if default.note:
        note(line(default.note, max_chars=None))


async def _open_app_and(work: HostWork, arguments: Namespace) -> int:
    from elephantasm_mcp.app import open_app

    settings = settings_of(arguments).model_copy(update={"llm": "extractive", "embedder": "none"})
    dry_run = getattr(arguments, "dry_run", False)
    with database_for(settings, dry_run=dry_run) as opened:
        async with open_app(opened) as app:
            return await work(app, arguments)


async def _open_and(work: Work, arguments: Namespace) -> int:
    """Do the work without a deadline: whoever sits before it can interrupt it."""
    from elephantasm_mcp.sdk import AsyncElephantasm  # the engine: not for `--help`

    loaded = settings_of(arguments)
    if loaded.endpoint:
        settings = loaded.model_dump(include=_FOR_A_SERVER)
    else:
        settings = loaded.model_dump(exclude={*_NOT_OURS, "endpoint"}) | {"endpoint": ""}
    async with AsyncElephantasm(**settings, timeout=inf) as memory:
        return await work(memory, arguments)
