"""Footprint: what rows in memory take there, in bytes, about.

Owns the figures (measured with tracemalloc on CPython 3.11) and the counting. Does not hold the
rows. Invariant: each row is looked at once, so that asking again costs nothing.
"""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any, Final, TypeAlias, final

from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory

Row: TypeAlias = StoredEvent | StoredMemory | StoredKnowledge

EVENT_BYTES: Final = 3_700
MEMORY_BYTES: Final = 4_000
KNOWLEDGE_BYTES: Final = 2_100
"""A row with its key, its times and its short texts, such as the author; without what follows."""
ID_BYTES: Final = 110
"""A UUID in a list."""


@final
class Footprint:
    """Counts a mapping of rows that only grows."""

    def __init__(self) -> None:
        self._rows = 0
        self._bytes = 0

    def of(self, rows: Mapping[Any, Row]) -> int:
        """What these rows take: those from before, and more of them. For one thread at a time."""
        if len(rows) > self._rows:
            fresh = list(rows.values())[self._rows :]  # a copy: another thread may add some
            self._rows += len(fresh)
            self._bytes += sum(map(row_bytes, fresh))
        return self._bytes


def row_bytes(row: Row) -> int:
    """What one row takes."""
    match row:
        case StoredEvent(event=event):
            texts = getsizeof(event.content) + getsizeof(event.summary)
            return EVENT_BYTES + texts + _value_bytes(event.meta)
        case StoredMemory(memory=memory):
            texts = getsizeof(memory.content) + getsizeof(memory.summary)
            own = texts + _value_bytes(memory.meta)
            return MEMORY_BYTES + own + ID_BYTES * len(memory.source_ids)
        case StoredKnowledge(knowledge=item):
            return KNOWLEDGE_BYTES + getsizeof(item.content) + ID_BYTES * len(item.source_ids)


def _value_bytes(value: object) -> int:
    """What a value of JSON takes."""
    own = getsizeof(value)
    match value:
        case dict():
            return own + sum(_value_bytes(key) + _value_bytes(one) for key, one in value.items())
        case list():
            return own + sum(map(_value_bytes, value))
        case _:
            return own
