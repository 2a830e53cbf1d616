"""Time and randomness of this machine, behind the ports `Clock` and `Ids`.

Owns the only reading of the clock and the only drawing of ids. Invariant: ids made later in this
process sort later.
"""

import secrets
import threading
from datetime import UTC, datetime
from io import BytesIO
from typing import final
from uuid import UUID

DRAWN_BYTES = 4096


@final
class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)  # noqa: TID251 - the one place


@final
class SystemIds:
    """UUIDs, version 7 (RFC 9562 §5.7), ascending within this process.

    Random bytes are drawn in advance: each draw lets other threads run, and waits for them after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._random = BytesIO()

    def uuid(self) -> UUID:
        """See `Ids.uuid`."""
        micros = int(datetime.now(UTC).timestamp() * 1_000_000)  # noqa: TID251 - the one place
        with self._lock:
            self._last = max(self._last + 1, micros)
            millis, fraction = divmod(self._last, 1_000)
            random = int.from_bytes(self._draw()) >> 2
        return UUID(int=millis << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)

    def _draw(self) -> bytes:
        """Eight random bytes."""
        if not (drawn := self._random.read(8)):
            self._random = BytesIO(secrets.token_bytes(DRAWN_BYTES))
            drawn = self._random.read(8)
        return drawn
