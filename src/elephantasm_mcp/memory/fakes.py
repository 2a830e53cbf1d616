"""A clock that only moves when told, and ids that count: for tests of anything built on `Core`.

Owns no behaviour of the services. Invariant: two runs with these and the same calls write the same
bytes.
"""

from datetime import UTC, datetime, timedelta
from typing import final
from uuid import UUID


@final
class FakeClock:
    """`Clock` that stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


@final
class CountingIds:
    """`Ids` that counts upwards from 1."""

    def __init__(self) -> None:
        self._last = 0

    def uuid(self) -> UUID:
        """See `Ids.uuid`."""
        self._last += 1
        return UUID(int=0x7 << 76 | 0b10 << 62 | self._last)
