"""Scores: in [0, 1], and explained by their parts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure import scoring

DAY = timedelta(days=1)
AGES = st.timedeltas(timedelta(days=-400), timedelta(days=36_500))
SHARES = st.floats(0, 1)
SIGNALS = st.dictionaries(
    st.sampled_from(sorted(scoring.COMPOSITE)), st.floats(-2, 2, allow_nan=False), min_size=1
)


@pytest.mark.parametrize(
    ("age", "expected"), [(timedelta(0), 1.0), (7 * DAY, 0.5), (14 * DAY, 0.25), (-DAY, 1.0)]
)
def test_recency_halves_with_every_half_life(age, expected):
    assert scoring.recency(age, half_life_h=168) == expected


@pytest.mark.parametrize(
    ("unused", "accesses", "expected"),
    [
        (timedelta(0), 0, 0.0),
        (30 * DAY, 0, 0.5),
        (60 * DAY, 0, 0.75),
        (45 * DAY, 1, 0.5),
        (365 * DAY, 50, 0.5),
        (365 * DAY, 10**9, 0.5),
        (-DAY, 0, 0.0),
    ],
)
def test_decay_halves_ever_more_slowly_with_every_use(unused, accesses, expected):
    assert scoring.decay(unused, accesses=accesses, half_life_d=30) == expected


def test_a_half_life_that_is_longer_than_a_year_is_kept():
    assert scoring.decay(730 * DAY, accesses=0, half_life_d=730) == 0.5


@given(AGES, st.floats(0.001, 1e6), st.integers(0, 10**6))
def test_recency_and_decay_stay_between_nothing_and_all(age, half_life, accesses):
    assert 0 <= scoring.recency(age, half_life_h=half_life) <= 1
    assert 0 <= scoring.decay(age, accesses=accesses, half_life_d=half_life) <= 1


@given(SIGNALS)
def test_the_parts_of_a_score_add_up_to_it(signals):
    scored = scoring.weigh(signals, scoring.COMPOSITE)
    assert 0 <= scored.score <= 1 + 1e-5
    assert scored.score == pytest.approx(sum(scored.breakdown.values()), abs=1e-6)
    assert set(scored.breakdown) == set(signals)


def test_an_absent_signal_leaves_its_weight_to_the_others():
    assert scoring.weigh({"recency": 1.0}, scoring.COMPOSITE).score == 1.0
    both = scoring.weigh({"confidence": 1.0, "freshness": 0.0}, scoring.COMPOSITE)
    assert both.breakdown == {"confidence": pytest.approx(0.5), "freshness": 0.0}


@given(SIGNALS, SHARES)
def test_what_is_scaled_still_adds_up(signals, share):
    first = scoring.weigh(signals, scoring.COMPOSITE)
    scaled = scoring.scale(first, share)
    assert scaled.score <= first.score + 1e-5
    assert scaled.score == pytest.approx(sum(scaled.breakdown.values()), abs=1e-6)


def test_the_weights_of_each_score_are_shares():
    for weights in (scoring.KNOWLEDGE, scoring.COMPOSITE):
        assert all(0 < weight < 1 for weight in weights.values())
    assert sum(scoring.KNOWLEDGE.values()) == pytest.approx(1)
