"""Postings: where each word of a corpus stands.

Owns finding the places of given words among the tokens of a corpus that grows. Invariant: what is
found depends on the tokens alone; whether they were sorted before or are looked through now changes
only how long it takes.
"""

import threading
from collections.abc import Sequence
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

SCANS_BEFORE: Final = 1
"""Tokens are sorted when they are asked for again: a cold anima may have but one question."""
TAIL: Final = 8
"""New tokens are looked through until they are this part of the sorted ones."""
_HALF: Final = 16

Tokens = NDArray[np.int32]
Places = NDArray[np.int64]


@final
class Postings:
    """The places of words, for all snapshots of one corpus; for several threads."""

    def __init__(self) -> None:
        self._sorted = _Sorted(np.zeros(0, dtype=np.int32))
        self._asked = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return self._sorted.size_bytes

    def find(self, tokens: Tokens, groups: Sequence[Sequence[int]]) -> tuple[Places, Places]:
        """Where a word of any group stands in `tokens`, and the number of that group."""
        with self._lock:
            self._asked += 1
            done = len(self._sorted)
            if self._asked > SCANS_BEFORE and len(tokens) > done + done // TAIL:
                self._sorted = _Sorted(tokens)
            known = self._sorted
        found = [
            (places, np.full(len(places), group))
            for group, words in enumerate(groups)
            for places in known.places_of(words, below=len(tokens))
        ]
        found.append(_scan(tokens, groups, first=len(known)))
        places, group_of = zip(*found, strict=True)
        return np.concatenate(places), np.concatenate(group_of)


@final
class _Sorted:
    """Tokens sorted by word."""

    def __init__(self, tokens: Tokens) -> None:
        self._order = _order(tokens)
        self._ends = np.cumsum(np.bincount(tokens)) if len(tokens) else np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return self._order.nbytes + self._ends.nbytes

    def places_of(self, words: Sequence[int], *, below: int) -> list[NDArray[np.int64]]:
        """The places of each of these words, as far as they lie below."""
        known = [word for word in words if word < len(self._ends)]
        spans = [(self._ends[word - 1] if word else 0, self._ends[word]) for word in known]
        found = [self._order[first:last] for first, last in spans]
        return [places[places < below] for places in found] if below < len(self) else found


def _order(tokens: Tokens) -> Places:
    """Places sorted by token. By halves: numpy sorts 16 bits in a tenth of the time."""
    order = np.argsort((tokens & 0xFFFF).astype(np.uint16), kind="stable")
    high = tokens >> _HALF
    if high.any():
        order = order[np.argsort(high[order].astype(np.uint16), kind="stable")]
    return order


def _scan(tokens: Tokens, groups: Sequence[Sequence[int]], *, first: int) -> tuple[Places, Places]:
    """The same by looking at each token from `first` on."""
    rest = tokens[first:]
    if not len(rest):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    code = np.zeros(int(rest.max()) + 1, dtype=np.uint8)
    for number, words in enumerate(groups, start=1):
        code[[word for word in words if word < len(code)]] = number
    coded = code.take(rest)
    places = np.flatnonzero(coded != 0)
    return places + first, coded[places].astype(np.int64) - 1
