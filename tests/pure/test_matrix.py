"""A matrix: exact cosines, however its rows came, and the nearest of very many."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elephantasm_mcp.pure import matrix as module
from elephantasm_mcp.pure.matrix import GrowingMatrix
from elephantasm_mcp.pure.signs import CANDIDATES
from elephantasm_mcp.pure.vectors import directions, quantize, top_k

DIMENSIONS = 16
MANY = CANDIDATES + 1_000


def rows_of(seed, count):
    return quantize(
        np.random.default_rng(seed).standard_normal((count, DIMENSIONS), dtype=np.float32)
    )


def query_of(seed):
    return rows_of(seed, 1)[0].astype(np.float32)


def grown(stored, *, steps, filled_late=()):
    """A matrix that grew in these steps, some rows of which got their vectors after all others."""
    growing = GrowingMatrix(DIMENSIONS)
    late = np.zeros(len(stored), dtype=np.bool_)
    late[list(filled_late)] = True
    ends = [*sorted(steps), len(stored)]
    for first, last in zip([0, *ends], ends, strict=False):
        growing.add(last - first)
        places = np.arange(first, last)[~late[first:last]]
        growing.put(places, stored[places])
        growing.matrix().compare(query_of(0), shown=np.ones(last, dtype=np.bool_))
    growing.put(np.flatnonzero(late), stored[late])
    return growing.matrix()


def best(matrix, query, shown, k=100):
    compared = matrix.compare(query, shown=shown)
    near = compared.candidates(np.flatnonzero(shown))
    return top_k(compared.at(near), near, k)


@pytest.fixture
def _many_are_few(monkeypatch):
    monkeypatch.setattr(module, "SIGNS_FROM", 2_000)


@given(st.integers(0, 600), st.integers(0, 9), st.lists(st.integers(0, 600), max_size=3))
def test_cosines_are_those_of_each_row_by_itself(count, seed, cuts):
    stored, query = rows_of(seed, count), query_of(seed + 1)
    expected = directions(stored).cosines(query)
    cuts = [0, *sorted(min(cut, count) for cut in cuts), count]
    parts = [stored[first:last] for first, last in pairwise(cuts)]
    loaded = GrowingMatrix(DIMENSIONS)
    loaded.load(parts, [directions(part).lengths for part in parts])
    for matrix in (loaded.matrix(), grown(stored, steps=cuts)):
        assert matrix.cosines(query).tolist() == expected.tolist()
        some = np.arange(0, count, 3)[::-1]
        assert matrix.cosines_at(query, some).tolist() == expected[some].tolist()


def test_a_row_without_a_vector_is_like_nothing_until_it_has_one():
    growing = GrowingMatrix(DIMENSIONS)
    growing.load(
        [rows_of(1, 2), np.zeros((1, DIMENSIONS), np.int8)],
        [directions(rows_of(1, 2)).lengths, np.full(1, np.inf, np.float32)],
    )
    before = growing.matrix()
    query = query_of(3)
    growing.put(np.array([2]), query[np.newaxis].astype(np.int8))
    assert before.cosines(query)[2] == 0
    assert growing.matrix().cosines(query)[2] == pytest.approx(1)


@pytest.mark.usefixtures("_many_are_few")
@settings(max_examples=10)
@given(
    st.lists(st.integers(0, MANY), max_size=3),
    st.lists(st.integers(0, MANY - 1), max_size=3, unique=True),
)
def test_what_is_near_among_many_does_not_depend_on_how_they_came(steps, filled_late):
    stored, query = rows_of(1, MANY), query_of(2)
    shown = np.ones(MANY, dtype=np.bool_)
    at_once = best(grown(stored, steps=[]), query, shown)
    bit_by_bit = best(grown(stored, steps=steps, filled_late=filled_late), query, shown)
    assert [one.tolist() for one in bit_by_bit] == [one.tolist() for one in at_once]
    exact = top_k(directions(stored).cosines(query), np.arange(MANY), 100)
    assert len(np.intersect1d(exact[0], at_once[0])) >= 98


@pytest.mark.usefixtures("_many_are_few")
@settings(max_examples=10)
@given(
    st.lists(st.integers(0, MANY), max_size=2),
    st.lists(st.integers(0, MANY - 1), min_size=1, max_size=500, unique=True),
    st.booleans(),
)
def test_a_matrix_that_lost_rows_is_one_that_never_had_them(cuts, places, loaded):
    """And a snapshot of before has them still; whether many rows stay, or few."""
    stored, query = rows_of(1, MANY), query_of(2)
    gone = np.array(sorted(places))
    ends = [0, *sorted(cuts), MANY]
    parts = [stored[first:last] for first, last in pairwise(ends)]
    growing = GrowingMatrix(DIMENSIONS)
    if loaded:
        growing.load(parts, [directions(part).lengths for part in parts])
    else:
        growing.add(MANY)
        growing.put(np.arange(MANY), stored)
    before = growing.matrix()
    all_shown = np.ones(MANY, dtype=np.bool_)
    expected = [one.tolist() for one in best(before, query, all_shown)]
    growing.remove(gone)
    growing.add(len(gone))
    growing.put(np.arange(MANY - len(gone), MANY), stored[gone])
    left = np.concatenate([np.delete(stored, gone, axis=0), stored[gone]])
    never = grown(left, steps=[])
    assert growing.matrix().cosines(query).tolist() == never.cosines(query).tolist()
    assert [one.tolist() for one in best(growing.matrix(), query, all_shown)] == [
        one.tolist() for one in best(never, query, all_shown)
    ]
    assert [one.tolist() for one in best(before, query, all_shown)] == expected


@pytest.mark.parametrize("where", [[0], [2], [0, 1, 2], [5], [1, 6, 9]])
def test_rows_may_go_from_any_part_of_a_matrix(where):
    stored, query = rows_of(1, 10), query_of(2)
    growing = GrowingMatrix(DIMENSIONS)
    parts = [stored[:3], stored[3:6]]
    growing.load(parts, [directions(part).lengths for part in parts])
    growing.add(4)
    growing.put(np.arange(6, 10), stored[6:])
    growing.remove(np.array(where))
    expected = directions(np.delete(stored, where, axis=0)).cosines(query)
    assert growing.matrix().cosines(query).tolist() == expected.tolist()


@pytest.mark.usefixtures("_many_are_few")
def test_few_that_are_shown_of_many_are_all_compared():
    stored, query = rows_of(1, MANY), query_of(2)
    shown = np.arange(MANY) % 2 == 0
    expected = directions(stored).cosines(query)[shown]
    matrix = grown(stored, steps=[])
    assert len(matrix.compare(query, shown=shown).candidates(np.flatnonzero(shown))) == shown.sum()
    found = best(matrix, query, shown)
    assert found[0].tolist() == top_k(expected, np.flatnonzero(shown), 100)[0].tolist()


@pytest.mark.usefixtures("_many_are_few")
def test_a_snapshot_does_not_see_what_is_filled_in_later():
    stored, query = rows_of(1, MANY), query_of(2)
    shown = np.ones(MANY, dtype=np.bool_)
    growing = GrowingMatrix(DIMENSIONS)
    growing.add(MANY)
    growing.put(np.arange(1, MANY), stored[1:])
    before = growing.matrix()
    expected = [one.tolist() for one in best(before, query, shown)]
    growing.put(np.array([0]), query[np.newaxis].astype(np.int8))
    growing.add(10)
    growing.put(np.arange(MANY, MANY + 10), rows_of(9, 10))
    assert best(growing.matrix(), query, np.ones(MANY + 10, dtype=np.bool_))[0][0] == 0
    assert [one.tolist() for one in best(before, query, shown)] == expected


@pytest.mark.usefixtures("_many_are_few")
def test_the_size_counts_vectors_lengths_and_signs():
    growing = GrowingMatrix(DIMENSIONS)
    growing.add(MANY)
    before = growing.size_bytes
    assert before >= MANY * (DIMENSIONS + 4)
    growing.matrix().compare(query_of(1), shown=np.ones(MANY, dtype=np.bool_))
    assert growing.size_bytes >= before + MANY * 64
