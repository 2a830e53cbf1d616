"""Overlap: which of many vectors are near each other.

Owns the comparison of all with all. Knows no rows. Invariant: a pair is named once, the earlier row
first, and cosines are rounded, so that the same vectors give the same pairs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.vectors import Int8Matrix, directions

BLOCK_ROWS: Final = 1024
"""Rows compared in one go: 10,000 by 1,024 cosines are 40 MB."""
SAMPLED: Final = 61
"""Of a block's cosines one in so many is looked at to see how many are near."""
PAIRS_PER_ROW: Final = 8
"""In a block with more near pairs than this a row, only the nearest count."""


def near_pairs(stored: Int8Matrix, *, distance: float) -> list[tuple[int, int, float]]:
    """Positions and cosine of each pair within a cosine distance, nearest first; first < second.

    Each pair is compared once: 10,000 rows of 384 dimensions take 0.8 s on one thread.
    """
    compared = directions(stored)
    unit = np.divide(compared.whole, compared.lengths[:, np.newaxis], dtype=np.float32)
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(unit), BLOCK_ROWS):
        block = unit[start : start + BLOCK_ROWS]
        cosines: NDArray[np.float32] = np.matmul(block, unit[start:].T, dtype=np.float32)
        found += _near(cosines, start, at_least=1 - distance)
    found.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    return found


def _near(
    cosines: NDArray[np.float32], start: int, *, at_least: float
) -> list[tuple[int, int, float]]:
    """The pairs above the diagonal of a block that are near enough, the nearest if too many."""
    most = PAIRS_PER_ROW * len(cosines)
    rows, columns = np.nonzero(cosines >= max(at_least, _limit(cosines, most)))
    above = columns > rows
    rows, columns = rows[above], columns[above]
    near = np.rint(cosines[rows, columns].astype(np.float64) * 1e6) / 1e6
    if len(near) > most:
        best = np.lexsort((columns, rows, -near))[:most]
        rows, columns, near = rows[best], columns[best], near[best]
    return [
        (row + start, column + start, cosine)
        for row, column, cosine in zip(rows.tolist(), columns.tolist(), near.tolist(), strict=True)
    ]


def _limit(cosines: NDArray[np.float32], most: int) -> float:
    """A cosine that a few times as many pairs reach as are wanted, by a sample of the block."""
    sample = cosines.ravel()[::SAMPLED]
    kept = 1 + len(cosines) // SAMPLED + 4 * most // SAMPLED  # each row is near itself
    if kept >= len(sample):
        return -1.0
    return float(np.partition(sample, len(sample) - kept)[len(sample) - kept])
