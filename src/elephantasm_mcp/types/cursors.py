"""Cursors: where the next page of a list begins.

Owns their text form. Invariant: a cursor names a place in an order, not a row, so that it stays
good when the row that stood there has gone; and it says nothing of other animas.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self, final

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.types.records import SEQ_BITS

_TEXT: Final = re.compile(r"(-?[0-9]{1,18})\.([0-9]{1,10})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@final
@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its time in µs since 1970, and the number of its handle."""

    micros: int
    number: int

    @classmethod
    def at(cls, handle: str, *, moment: datetime | None = None) -> Self:
        """The cursor of a row; `moment` is its time where the list is ordered by that."""
        micros = 0 if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
        return cls(micros, int(handle[1:]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str`.

        Raises:
            ValidationError: it is no cursor.
        """
        found = _TEXT.fullmatch(text)
        if found is None or int(found[2]) >= 1 << SEQ_BITS:
            raise ValidationError(
                "`cursor` is not one that a list gave.",
                field="cursor",
                hint="Take it from the header X-Next-Cursor, or leave it out for the first page.",
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.micros}.{self.number}"
