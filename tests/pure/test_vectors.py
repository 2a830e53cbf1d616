import apsw
import numpy as np
import pytest
import sqlite_vec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corpora import dequantize
from elephantasm_mcp.pure.vectors import (
    LEVELS,
    directions,
    from_blob,
    quantize,
    to_blob,
    top_k,
    whole_numbers,
)

DIMENSIONS = 8
components = st.floats(-1e6, 1e6, width=32)
directed = hnp.arrays(np.float32, DIMENSIONS, elements=components).filter(lambda row: row.any())
matrices = st.lists(directed, min_size=1, max_size=20).map(np.stack)
scored = st.lists(
    st.tuples(st.integers(0, 2**62), st.floats(-1, 1, width=32)),
    max_size=60,
    unique_by=lambda pair: pair[0],
)


def random_matrix(seed, rows, dimensions=384):
    return np.random.default_rng(seed).standard_normal((rows, dimensions), dtype=np.float32)


def unit(matrix):
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def distances_by_sqlite_vec(stored, query):
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    sql = "select vec_distance_cosine(vec_int8(?), vec_int8(?))"
    found = [connection.execute(sql, (to_blob(row), to_blob(query))).get for row in stored]
    connection.close()
    return np.array(found)


@given(matrices)
def test_the_largest_component_of_each_quantised_row_is_127(matrix):
    assert (np.abs(quantize(matrix).astype(int)).max(axis=1) == 127).all()


@given(matrices)
def test_a_stored_row_keeps_its_direction(matrix):
    exact = unit(matrix.astype(np.float64))
    assert (np.einsum("ij,ij->i", dequantize(quantize(matrix)), exact) > 0.9998).all()


@given(matrices)
def test_quantising_what_was_stored_changes_nothing(matrix):
    stored = quantize(matrix)
    assert (quantize(dequantize(stored)) == stored).all()


@given(matrices)
def test_opposite_rows_are_stored_as_opposites(matrix):
    assert (quantize(-matrix) == -quantize(matrix)).all()


def test_the_smallest_float_still_has_a_direction():
    tiny = np.array([[1e-45, 0, -1e-45]], dtype=np.float32)
    assert quantize(tiny).tolist() == [[127, 0, -127]]


@given(matrices)
def test_blobs_joined_are_the_matrix_again(matrix):
    stored = quantize(matrix)
    joined = b"".join(to_blob(row) for row in stored)
    assert joined == to_blob(stored)
    assert (from_blob(joined, dimensions=DIMENSIONS) == stored).all()


def test_no_blobs_are_an_empty_matrix():
    assert from_blob(b"", dimensions=DIMENSIONS).shape == (0, DIMENSIONS)


def test_a_blob_of_another_length_is_refused():
    with pytest.raises(ValueError, match="not a whole number"):
        from_blob(b"123456789", dimensions=DIMENSIONS)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -np.inf])
def test_a_row_without_a_direction_is_not_stored(bad):
    matrix = np.ones((3, DIMENSIONS), dtype=np.float32)
    matrix[1] = bad
    with pytest.raises(ValueError, match="zero, or holds NaN"):
        quantize(matrix)


def test_a_single_nan_component_is_enough_to_refuse_a_row():
    matrix = np.ones((1, DIMENSIONS), dtype=np.float32)
    matrix[0, 3] = np.nan
    with pytest.raises(ValueError, match="zero, or holds NaN"):
        quantize(matrix)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_query_without_a_direction_is_refused(bad):
    query = np.full(DIMENSIONS, bad, dtype=np.float32)
    stored = directions(np.eye(DIMENSIONS, dtype=np.int8))
    with pytest.raises(ValueError, match="zero, or holds NaN"):
        stored.cosines(query)


def test_cosines_agree_with_sqlite_vec():
    """But for the query, which is rounded to whole numbers: 2e-4 at most, with 384 dimensions."""
    stored = quantize(random_matrix(1, rows=200))
    expected = 1 - distances_by_sqlite_vec(stored, stored[7])
    cosines = directions(stored).cosines(stored[7].astype(np.float32))
    assert cosines == pytest.approx(expected, abs=5e-4)


@given(matrices, directed)
def test_a_cosine_is_that_of_the_stored_row(matrix, query):
    stored = quantize(matrix)
    exact = dequantize(stored).astype(np.float64) @ (query / np.linalg.norm(query.astype(float)))
    assert directions(stored).cosines(query) == pytest.approx(exact, abs=1e-4)


@given(matrices, st.data())
def test_cosines_stay_between_minus_one_and_one(matrix, data):
    query = data.draw(st.sampled_from(list(matrix)))
    assert np.abs(directions(quantize(matrix)).cosines(query)).max() <= 1 + 1e-6


@pytest.mark.parametrize("dimensions", [256, 384])
def test_products_are_whole_numbers_that_float32_holds_exactly(dimensions):
    """The longest query against the longest row: not a bit is lost in any order of summing."""
    for query in (random_matrix(5, 1, dimensions)[0], np.ones(dimensions, np.float32)):
        whole = whole_numbers(query)
        assert (whole == np.rint(whole)).all()
        largest = LEVELS * np.abs(whole.astype(np.int64)).sum()
        row = (LEVELS * np.sign(whole)).astype(np.int8)
        assert largest <= 2**24
        stored = directions(np.stack([row, -row]))
        assert (stored.whole @ whole).tolist() == [largest, -largest]


def test_a_score_does_not_depend_on_the_rows_beside_it():
    rows = quantize(random_matrix(2, rows=500))
    query = random_matrix(3, rows=1)[0]
    together = directions(rows).cosines(query)
    alone = [directions(rows[at : at + 1]).cosines(query)[0] for at in range(500)]
    gathered = directions(rows[[3, 1, 4, 1, 5]]).cosines(query)
    assert together.tolist() == alone
    assert gathered.tolist() == together[[3, 1, 4, 1, 5]].tolist()


def test_a_missing_vector_is_like_nothing():
    stored = np.zeros((2, DIMENSIONS), dtype=np.int8)
    stored[1, 0] = 127
    query = np.eye(DIMENSIONS, dtype=np.float32)[0]
    assert directions(stored).cosines(query).tolist() == [0, pytest.approx(1)]


def test_an_empty_matrix_has_no_scores():
    query = np.ones(DIMENSIONS, dtype=np.float32)
    stored = directions(np.empty((0, DIMENSIONS), dtype=np.int8))
    assert (len(stored), stored.size_bytes, stored.cosines(query).shape) == (0, 0, (0,))


@given(scored, st.integers(0, 70))
def test_the_best_are_those_of_a_plain_sort(pairs, k):
    ids = np.array([pair[0] for pair in pairs], dtype=np.int64)
    scores = np.array([pair[1] for pair in pairs], dtype=np.float32)
    rounded = [(round(float(score) * 1e6), int(at)) for score, at in zip(scores, ids, strict=True)]
    expected = sorted(rounded, key=lambda pair: (-pair[0], pair[1]))[:k]
    best_ids, best_scores = top_k(scores, ids, k)
    assert best_ids.tolist() == [at for _, at in expected]
    assert best_scores.tolist() == [score / 1e6 for score, _ in expected]


def test_scores_closer_than_a_millionth_are_ties_and_the_smaller_id_wins():
    scores = np.array([0.5000001, 0.5000002, 0.4, 0.5], dtype=np.float32)
    ids, rounded = top_k(scores, np.array([30, 10, 5, 20]), 2)
    assert ids.tolist() == [10, 20]
    assert rounded.tolist() == [0.5, 0.5]


def test_the_order_of_the_input_does_not_matter():
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 20, 300).astype(np.float32) / 20
    ids = np.arange(300) << 32
    mixed = rng.permutation(300)
    assert top_k(scores, ids, 25)[0].tolist() == top_k(scores[mixed], ids[mixed], 25)[0].tolist()


def test_a_nan_score_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        top_k(np.array([0.1, np.nan], dtype=np.float32), np.array([1, 2]), 1)
