from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import dequantize
from elephantasm_mcp.pure.signs import BLOCK_ROWS, CANDIDATES, FEW, RowSigns, fewest, signs_of_query
from elephantasm_mcp.pure.vectors import directions, quantize, top_k

DIMENSIONS = 48
MANY = BLOCK_ROWS + 500


def random_rows(seed, count, dimensions=DIMENSIONS):
    return np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)


def clustered_rows(seed, count):
    """Three hundred topics, each with rows that are more or less about it."""
    topics = random_rows(seed, 300)
    return quantize(topics[np.arange(count) % 300] + 0.6 * random_rows(seed + 1, count))


def unit(vector):
    return vector / np.linalg.norm(vector)


def exact(rows, query, k):
    return top_k(directions(rows).cosines(query), np.arange(len(rows)), k)


def nearest(many, query, k):
    """As recall goes about it: what differs least is compared in full."""
    signs = signs_of_query(query)
    few = fewest(many.differing_signs(signs), max(FEW, k))
    near = few[fewest(many.differing_signs_at(signs, few), max(CANDIDATES, k))]
    return top_k(directions(many.rows[near]).cosines(query), near, k)


ROWS = clustered_rows(1, MANY)


def test_nearly_all_of_the_best_rows_are_found_among_many():
    many = RowSigns.of(ROWS)
    queries = [unit(row) for row in random_rows(2, 20) + dequantize(ROWS[::525]) * 7]
    found = [
        len(np.intersect1d(nearest(many, query, 50)[0], exact(ROWS, query, 50)[0]))
        for query in queries
    ]
    assert np.mean(found) >= 0.99 * 50


def test_a_row_is_its_own_nearest():
    many = RowSigns.of(ROWS)
    for position in (0, BLOCK_ROWS - 1, BLOCK_ROWS, MANY - 1):
        positions, cosines = nearest(many, dequantize(ROWS[[position]])[0], 1)
        assert (positions.tolist(), cosines.tolist()) == ([position], [1.0])


def test_cosines_are_those_of_the_rows_themselves():
    query = unit(random_rows(3, 1)[0])
    positions, cosines = nearest(RowSigns.of(ROWS), query, 100)
    assert cosines.tolist() == directions(ROWS[positions]).cosines(query).round(6).tolist()
    assert (np.diff(cosines) <= 0).all()


@pytest.mark.parametrize("count", [1, 7, CANDIDATES])
def test_few_rows_are_all_compared(count):
    rows, query = ROWS[:count], unit(random_rows(4, 1)[0])
    positions, _ = nearest(RowSigns.of(rows), query, count)
    assert positions.tolist() == exact(rows, query, count)[0].tolist()


def test_more_answers_than_rows_are_all_rows():
    positions, cosines = nearest(RowSigns.of(ROWS[:5]), unit(random_rows(5, 1)[0]), 100)
    assert sorted(positions.tolist()) == [0, 1, 2, 3, 4]
    assert cosines.shape == (5,)


def test_many_answers_are_chosen_from_more_candidates():
    positions, _ = nearest(RowSigns.of(ROWS), unit(random_rows(6, 1)[0]), CANDIDATES + 1)
    assert len(positions) == CANDIDATES + 1


def test_signs_of_nothing_answer_nothing():
    positions, cosines = nearest(RowSigns.of(ROWS[:0]), unit(random_rows(7, 1)[0]), 100)
    assert positions.shape == cosines.shape == (0,)


def test_rows_alike_come_in_the_order_of_their_positions():
    rows = np.repeat(ROWS[:4], CANDIDATES, axis=0)
    positions, _ = nearest(RowSigns.of(rows), dequantize(rows[:1])[0], 3)
    assert positions.tolist() == [0, 1, 2]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, MANY), max_size=4))
def test_signs_are_the_same_however_the_rows_arrived(lengths):
    grown = RowSigns.of(ROWS[:0])
    for length in [*sorted(lengths), MANY]:
        grown = grown.extended(ROWS[:length])
    at_once = RowSigns.of(ROWS)
    for block, expected in zip(grown.blocks, at_once.blocks, strict=True):
        np.testing.assert_array_equal(block, expected)


def test_extending_leaves_the_signs_before_as_they_were():
    before, query = RowSigns.of(ROWS[:3000]), dequantize(ROWS[[4000]])[0]
    expected = nearest(before, query, 10)
    assert nearest(before.extended(ROWS), query, 1)[0].tolist() == [4000]
    np.testing.assert_array_equal(nearest(before, query, 10), expected)


def test_whole_blocks_are_shared_with_the_signs_before():
    before = RowSigns.of(ROWS[:BLOCK_ROWS])
    assert before.extended(ROWS).blocks[0] is before.blocks[0]


def test_signs_are_the_same_in_every_process():
    rows = (np.arange(8 * DIMENSIONS) * 37 % 255 - 127).astype(np.int8).reshape(8, DIMENSIONS)
    (block,) = RowSigns.of(rows).blocks
    assert sha256(block.astype("<u8").tobytes()).hexdigest()[:16] == "24b0d5e6c4699c99"


def test_more_dimensions_than_signs_are_possible():
    rows = quantize(random_rows(8, 3000, dimensions=600))
    positions, _ = nearest(RowSigns.of(rows), dequantize(rows[[2999]])[0], 1)
    assert positions.tolist() == [2999]


def test_missing_vectors_are_near_to_nothing():
    rows = ROWS.copy()
    rows[::3] = 0
    positions, cosines = nearest(RowSigns.of(rows), dequantize(ROWS[[1]])[0], 20)
    assert (positions % 3 != 0).all()
    assert (cosines > 0).all()


def test_the_size_counts_what_is_held_besides_the_rows():
    assert RowSigns.of(ROWS).size_bytes == MANY * 64


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_query_without_direction_is_refused(bad):
    with pytest.raises(ValueError, match="zero, or holds NaN"):
        nearest(RowSigns.of(ROWS[:10]), np.full(DIMENSIONS, bad, dtype=np.float32), 1)
