"""When the database was copied last, in the store.

Owns that one property. Invariant: it is of this file: a copy, made before it was noted, lacks it.
"""

from datetime import datetime
from typing import Final

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.values import maybe_time, to_micros

_KEY: Final = "backed up at"


def note(tx: Tx, *, now: datetime) -> None:
    """Note that a copy was made."""
    tx.run("set_property", key=_KEY, value=to_micros(now))


def last(tx: Tx) -> datetime | None:
    """When the last copy was made; None when none was, by this program."""
    row = tx.one("property", key=_KEY)
    return maybe_time(row["value"]) if row else None
