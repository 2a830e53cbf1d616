"""Signs: which few of very many stored vectors are worth comparing to a query.

Owns the signs of one growing matrix; the matrix is the caller's, and what is few enough to compare
in full belongs to `vectors`. Invariant: signs come from sums of whole numbers, which float32 holds
exactly, so the same rows give the same answers however they arrived and whatever adds them up.

A row is reduced to the signs of 512 sums of its components, each added or subtracted (Charikar
2002, "Similarity estimation techniques from rounding algorithms"). The rows whose signs differ
least from the query's are compared in full: of the best 100 of 37,000 sentences that finds 99.8.
Inverted lists were measured and are worse: of real sentences, a fifth of the rows had to be read to
find 97 of the best 100.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import shake_256
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.vectors import FloatMatrix, Int8Matrix, whole_numbers

BITS: Final = 512
"""Signs kept of a row, 64 bytes. 384 find 98.7 of the best 100 where these find 99.5."""
FIRST_WORDS: Final = 4
"""64 signs each: so many are compared of all rows, the rest only of those that differ least."""
FEW: Final = 10_000
"""Rows of which all signs are compared."""
CANDIDATES: Final = 1_500
"""Rows compared in full: 1,000 find 99.1 of the best 100 and 2,000 find 99.7, .1 ms apart."""
BLOCK_ROWS: Final = 10_000
"""Rows whose signs are compared at once: their 640 kB fit in a core's cache."""


Signs = NDArray[np.uint64]


@final
@dataclass(frozen=True, slots=True)
class RowSigns:
    """The signs of many rows, by which the nearest are found, nearly always; a snapshot.

    Comparing half the signs of 100,000 rows takes .35 ms, making them a third of a second. A row of
    zeros is a vector that is missing.
    """

    rows: Int8Matrix
    """Shape (n, dimensions)."""
    blocks: tuple[NDArray[np.uint64], ...]
    """Signs of `BLOCK_ROWS` rows each, the last of the rest: shape (BITS / 64, rows)."""

    @classmethod
    def of(cls, rows: Int8Matrix) -> "RowSigns":
        """The signs of `rows`, shape (n, dimensions), in the order of their positions."""
        return cls(rows[:0], ()).extended(rows)

    @classmethod
    def made_before(cls, rows: Int8Matrix, signs: NDArray[np.uint64]) -> "RowSigns":
        """Those of rows whose signs are known, shape (BITS / 64, n)."""
        blocks = (
            signs[:, first : first + BLOCK_ROWS].copy() for first in range(0, len(rows), BLOCK_ROWS)
        )
        return cls(rows, tuple(blocks))

    @property
    def size_bytes(self) -> int:
        """What is held in memory besides the rows."""
        return sum(block.nbytes for block in self.blocks)

    def extended(self, rows: Int8Matrix) -> "RowSigns":
        """The signs of `rows`, which begin with the rows of these and go on.

        Only the new rows are read, and one block is copied.
        """
        done, blocks = len(self.rows), list(self.blocks)
        while done < len(rows):
            filled = done % BLOCK_ROWS
            signs = signs_of(rows[done : done + BLOCK_ROWS - filled])
            blocks.append(np.concatenate([blocks.pop(), signs], axis=1) if filled else signs)
            done += signs.shape[1]
        return RowSigns(rows, tuple(blocks))

    def renewed(self, places: NDArray[np.int64], rows: Int8Matrix) -> "RowSigns":
        """The same with the vectors of these places anew; `rows` are all, or more."""
        blocks = list(self.blocks)
        for number in np.unique(places // BLOCK_ROWS).tolist():
            mine = places[places // BLOCK_ROWS == number]
            blocks[number] = blocks[number].copy()
            blocks[number][:, mine % BLOCK_ROWS] = signs_of(rows[mine])
        return RowSigns(rows[: len(self.rows)], tuple(blocks))

    def differing_signs(self, query: Signs) -> NDArray[np.uint16]:
        """How many of the first signs of each row are not the query's, shape (n,)."""
        counts = np.empty(len(self.rows), dtype=np.uint16)
        differing = np.empty((FIRST_WORDS, BLOCK_ROWS), dtype=np.uint64)
        ones = np.empty(differing.shape, dtype=np.uint8)
        for number, block in enumerate(self.blocks):
            rows = slice(0, block.shape[1])
            # Room used again and not new arrays: .35 ms for 100,000 rows instead of .4.
            np.bitwise_xor(block[:FIRST_WORDS], query[:FIRST_WORDS], out=differing[:, rows])
            np.bitwise_count(differing[:, rows], out=ones[:, rows])
            first = number * BLOCK_ROWS
            np.add.reduce(ones[:, rows], axis=0, out=counts[first : first + block.shape[1]])
        return counts

    def differing_signs_at(self, query: Signs, places: NDArray[np.int64]) -> NDArray[np.uint16]:
        """How many of all signs of some rows are not the query's; `places` ascend."""
        ends = np.searchsorted(places, np.arange(1, len(self.blocks) + 1) * BLOCK_ROWS)
        found = [
            block[:, places[first:last] - number * BLOCK_ROWS]
            for number, (block, first, last) in enumerate(
                zip(self.blocks, np.append(0, ends), ends, strict=False)
            )
        ]
        signs = np.concatenate([np.empty((len(query), 0), dtype=np.uint64), *found], axis=1)
        return np.bitwise_count(signs ^ query).sum(axis=0, dtype=np.uint16)


def signs_of_query(query: NDArray[np.float32]) -> Signs:
    """The signs of the vector `query` (d,), shape (BITS / 64, 1).

    Raises:
        ValueError: the query is zero, or holds NaN or infinity.
    """
    return _signs(whole_numbers(query)[np.newaxis])


def fewest(counts: NDArray[np.uint16], wanted: int = CANDIDATES) -> NDArray[np.int64]:
    """Positions of the `wanted` smallest counts and of all that tie with them, ascending."""
    if wanted >= len(counts):
        return np.arange(len(counts), dtype=np.int64)
    return np.flatnonzero(counts <= np.partition(counts, wanted - 1)[wanted - 1])


def signs_of(rows: Int8Matrix) -> NDArray[np.uint64]:
    """The signs of rows, shape (BITS / 64, n)."""
    return _signs(rows.astype(np.float32))


def _signs(whole: NDArray[np.float32]) -> NDArray[np.uint64]:
    """One bit a sum, 1 when it is above zero, of rows of whole numbers: shape (BITS / 64, n)."""
    sums = whole @ _combinations(whole.shape[1])
    return np.packbits(sums > 0, axis=1).view(np.uint64).T.copy()


@cache
def _combinations(dimensions: int) -> FloatMatrix:
    """What to add (1) and what to subtract (-1) for each sum, shape (dimensions, BITS).

    Rows of a Hadamard matrix, picked and turned by a fixed hash: no two sums look the same way, for
    which independent signs would need half as many bits again.
    """
    size = max(BITS, 1 << (dimensions - 1).bit_length())
    hadamard = np.ones((1, 1), dtype=np.float32)
    while len(hadamard) < size:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    scattered = np.frombuffer(shake_256(b"rows").digest(8 * size), dtype="<u8")
    turned = np.frombuffer(shake_256(b"signs").digest(dimensions), dtype=np.uint8) % 2 * 2.0 - 1
    picked = hadamard[np.argsort(scattered)[:dimensions], :BITS]
    return np.ascontiguousarray(picked * turned[:, np.newaxis], dtype=np.float32)
