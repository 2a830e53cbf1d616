"""Postings: each place of a word is found, sorted or not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.postings import Postings

WORDS = st.one_of(st.integers(0, 12), st.integers(65_530, 65_545), st.integers(131_070, 131_075))
STEPS = st.lists(st.lists(WORDS, max_size=40), min_size=1, max_size=6)
GROUPS = st.lists(st.sets(WORDS, max_size=3), max_size=4).filter(
    lambda groups: sum(map(len, groups)) == len(set().union(*groups))
)


def found(postings, tokens, groups):
    places, group_of = postings.find(
        np.array(tokens, dtype=np.int32), [sorted(group) for group in groups]
    )
    return sorted(zip(places.tolist(), group_of.tolist(), strict=True))


def looked_through(tokens, groups):
    return [
        (place, number)
        for place, token in enumerate(tokens)
        for number, group in enumerate(groups)
        if token in group
    ]


@given(STEPS, GROUPS)
def test_every_place_of_a_word_is_found_however_the_tokens_grew(steps, groups):
    postings, tokens = Postings(), []
    for step in steps:
        tokens += step
        assert found(postings, tokens, groups) == looked_through(tokens, groups)


@given(STEPS, GROUPS)
def test_who_has_fewer_tokens_finds_nothing_beyond_them(steps, groups):
    postings, tokens = Postings(), [token for step in steps for token in step]
    for _ in range(2):
        found(postings, tokens, groups)
    before = tokens[: len(tokens) // 2]
    assert found(postings, before, groups) == looked_through(before, groups)
