"""Recent: the last few of what was worked out.

Owns which give way: the oldest. Invariant: never more than so many are kept, and several threads
may keep at once.
"""

from collections.abc import MutableMapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(recent: MutableMapping[K, V], key: K, value: V, *, most: int) -> None:
    """Put a value among the recent ones, of which there are `most` in the end."""
    for oldest in list(recent)[: 1 - most]:
        recent.pop(oldest, None)
    recent[key] = value
