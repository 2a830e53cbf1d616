"""Which of many vectors are near each other."""

import numpy as np
import pytest

from elephantasm_mcp.pure import overlap
from elephantasm_mcp.pure.overlap import near_pairs


def vectors(count, *, seed, spread):
    """Int8 rows around a few centres."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(7, 16))
    rows = centres[chance.integers(0, 7, count)] + spread * chance.normal(size=(count, 16))
    peaks = np.abs(rows).max(axis=1, keepdims=True)
    return np.rint(rows / peaks * 127).astype(np.int8)


def cosine(left, right):
    a, b = left.astype(float), right.astype(float)
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("block", [8, 50, 1024])
def test_every_pair_within_the_distance_is_named_once(monkeypatch, block):
    monkeypatch.setattr(overlap, "BLOCK_ROWS", block)
    monkeypatch.setattr(overlap, "PAIRS_PER_ROW", 1_000)
    rows = vectors(60, seed=1, spread=0.4)
    wanted = {
        (first, second)
        for first in range(60)
        for second in range(first + 1, 60)
        if cosine(rows[first], rows[second]) >= 0.7
    }
    found = near_pairs(rows, distance=0.3)
    assert 0 < len(wanted) < 60 * 59 / 2
    assert [(first, second) for first, second, _ in found] == sorted(
        wanted, key=lambda pair: (-round(cosine(rows[pair[0]], rows[pair[1]]), 6), *pair)
    )


def test_where_all_are_near_the_nearest_count():
    rows = vectors(400, seed=2, spread=0.001)
    found = near_pairs(rows, distance=0.3)
    assert 400 <= len(found) <= overlap.PAIRS_PER_ROW * 400
    assert min(near for _, _, near in found) > 0.99


def test_none_and_one_have_no_pairs():
    assert near_pairs(np.zeros((0, 4), dtype=np.int8), distance=0.3) == []
    assert near_pairs(np.ones((1, 4), dtype=np.int8), distance=0.3) == []
