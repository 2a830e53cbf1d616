"""Connection: the memory that a command works on, opened as options and settings say.

Owns how it is opened and closed. Commands see it through the SDK alone, so that they work on a
server as they do on a file. Invariant: it is closed when the command ends, however it ends.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

from elephantasm_mcp.cli.commands import settings_of

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm

Work: TypeAlias = "Callable[[AsyncElephantasm, Namespace], Awaitable[int]]"
"""What a command does with the open memory; its result is the exit code."""

_NOT_OURS: Final = {"background_jobs", "timeout"}
_FOR_A_SERVER: Final = {"endpoint", "api_key", "anima_id"}


def with_memory(work: Work) -> Callable[[Namespace], int]:
    """Make a command's `run` of what it does with the open memory."""

    def run(arguments: Namespace) -> int:
        return anyio.run(_open_and, work, arguments)

    return run


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
