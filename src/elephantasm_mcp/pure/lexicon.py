"""The lexicon: the words of an anima, by number.

Owns which words are forms of one stem, which begin alike, and the vectors of words that were asked
for. Invariant: it only grows, so a number means the same word for ever; whoever knows how long it
was names that length (`below`) and sees nothing that came later.

Words are found by hashes in arrays and not by dictionaries of lists: those would have to be built
for every word before a cold anima answers its first question.
"""

import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import islice, takewhile
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.column import Column
from elephantasm_mcp.pure.text import stem
from elephantasm_mcp.pure.vectors import Directions, FloatMatrix, rounded

PREFIX_CHARS: Final = 5
PREFIX_SHARE: Final = 0.6
"""Words are akin that share so many first letters, and such a part of the longer one."""
MOST_WORDS: Final = np.iinfo(np.int32).max
_BYTES_PER_WORD: Final = 150
"""A text of a few letters, its place in the list and in the dictionary."""

WordVectors = Callable[[Sequence[str]], FloatMatrix]


@final
class Lexicon:
    """The words of a corpus, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._number: dict[str, int] = {}
        self._stems, self._beginnings = Column("u8"), Column("u8")
        self._made = Directions(np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
        self._known = np.zeros(0, dtype=np.bool_)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, about."""
        arrays = self._stems.size_bytes + self._beginnings.size_bytes + self._known.nbytes
        return _BYTES_PER_WORD * len(self.words) + arrays + self._made.size_bytes

    def load(self, words: list[str], hashes: NDArray[np.uint64]) -> None:
        """Take these words into an empty lexicon, with what `hashes` gave of them."""
        self.words = words
        self._stems.fill([hashes[0]])
        self._beginnings.fill([hashes[1]])

    def hashes(self, numbers: Sequence[int]) -> NDArray[np.uint64]:
        """What finds the words of these numbers, shape (2, n): by stem, by first letters."""
        which = np.asarray(numbers, dtype=np.int64)
        return np.stack([self._stems.view()[which], self._beginnings.view()[which]])

    def number(self, found: Sequence[str]) -> list[int]:
        """The numbers of these words; new ones are added."""
        if len(self._number) < len(self.words):  # it was loaded
            self._number = dict(zip(self.words, range(len(self.words)), strict=True))
        known, before = self._number, len(self.words)
        numbers = [known.setdefault(word, len(known)) for word in found]
        if len(known) > before:
            self._add(list(islice(reversed(known), len(known) - before))[::-1])
        return numbers

    def forms(self, term: str, *, below: int = MOST_WORDS) -> list[int]:
        """The words that have this stem, of the first `below`: it may grow at any time."""
        stems = self._stems.view()[:below]
        return np.flatnonzero(stems == _hash(term)).tolist()

    def akin(self, word: str, *, below: int = MOST_WORDS) -> list[int]:
        """Those that begin like this one, for most of the longer one's length."""
        if len(word) < PREFIX_CHARS:
            return []
        begin_alike = self._beginnings.view()[:below] == _hash(word[:PREFIX_CHARS])
        alike = np.flatnonzero(begin_alike).tolist()
        return [one for one in alike if _are_akin(word, self.words[one])]

    def find(self, word: str) -> int | None:
        """The number of a word, if it occurs."""
        return next((one for one in self.forms(stem(word)) if self.words[one] == word), None)

    def vectors(self, numbers: NDArray[np.int32], embed: WordVectors) -> Directions:
        """The vectors of these words; made when first asked for."""
        with self._lock:
            if len(self._known) < len(self.words):
                self._grow(embed)
            missing = numbers[~self._known[numbers]]
            if len(missing):
                made = rounded(embed([self.words[one] for one in missing.tolist()]))
                self._made.whole[missing] = made.whole
                self._made.lengths[missing] = made.lengths
                self._known[missing] = True
            return Directions(self._made.whole[numbers], self._made.lengths[numbers])

    def _add(self, fresh: list[str]) -> None:
        self.words += fresh  # first: what the hashes find must be there
        self._stems.add([_hash(stem(word)) for word in fresh])
        self._beginnings.add([_hash(word[:PREFIX_CHARS]) for word in fresh])

    def _grow(self, embed: WordVectors) -> None:
        more = max(len(self.words) - len(self._known), len(self._known) // 2)
        whole = np.zeros((more, embed(["a"]).shape[1]), dtype=np.float32)
        lengths = np.ones(more, dtype=np.float32)
        if len(self._known):
            whole = np.concatenate([self._made.whole, whole])
            lengths = np.concatenate([self._made.lengths, lengths])
        self._made = Directions(whole, lengths)
        self._known = np.concatenate([self._known, np.zeros(more, dtype=np.bool_)])


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _are_akin(first: str, second: str) -> bool:
    pairs = zip(first, second, strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike >= max(PREFIX_CHARS, PREFIX_SHARE * max(len(first), len(second)))
