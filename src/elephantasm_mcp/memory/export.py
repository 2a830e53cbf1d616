"""Export: all that an anima holds, row by row.

Owns the order and the pages; how a row is written is its reader's. Invariant: a row that is there
from the beginning to the end comes once, and never more than a page is in memory.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias
from uuid import UUID

from elephantasm_mcp.memory import animas, dreams, events, layers
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import Record, User

Exported: TypeAlias = tuple[str, Record]
"""What a row is (`event`, `memory`, …), and the row."""
Page: TypeAlias = list[tuple[Record, Cursor]]
"""Rows with their places."""
Fetch: TypeAlias = Callable[[Core, User, UUID, Cursor | None], Awaitable[Page]]

PAGE_ROWS: Final = 200
PAGE_DREAMS: Final = 20
"""A dream may have hundreds of changes."""


async def rows(core: Core, user: User, anima: UUID) -> AsyncIterator[Exported]:
    """The anima, its identity, events, memories that nothing superseded, knowledge and dreams.

    Raises:
        NotFoundError: an unknown anima, or one that went meanwhile.
    """
    yield "anima", await animas.resolve(core, user, anima)
    identity = await layers.identity(core, user, anima)
    if identity is not None:
        yield "identity", identity
    for kind, fetch in _LISTS:
        place: Cursor | None = None
        while page := await fetch(core, user, anima, place):
            for row, _ in page:
                yield kind, row
            _, place = page[-1]


async def _events(core: Core, user: User, anima: UUID, after: Cursor | None) -> Page:
    found = await events.list_events(core, user, anima, after=after, limit=PAGE_ROWS)
    return [(row, Cursor.at(row.handle, moment=row.occurred_at)) for row in found]


async def _memories(core: Core, user: User, anima: UUID, after: Cursor | None) -> Page:
    found = await layers.memories(core, user, anima, after=after, limit=PAGE_ROWS)
    return [(row, Cursor.at(row.handle, moment=row.time_end)) for row in found]


async def _knowledge(core: Core, user: User, anima: UUID, after: Cursor | None) -> Page:
    found = await layers.knowledge(
        core, user, anima, include_superseded=True, after=after, limit=PAGE_ROWS
    )
    return [(row, Cursor.at(row.handle)) for row in found]


async def _dreams(core: Core, user: User, anima: UUID, after: Cursor | None) -> Page:
    found = await dreams.journal(core, user, anima=anima, after=after, limit=PAGE_DREAMS)
    return [(row, Cursor.at(row.handle)) for row in found]


_LISTS: Final[tuple[tuple[str, Fetch], ...]] = (
    ("event", _events),
    ("memory", _memories),
    ("knowledge", _knowledge),
    ("dream", _dreams),
)
