"""Patterns: what they match, what they leave, and what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.patterns import (
    MARK,
    REACH,
    compile_pattern,
    complaint,
    mask,
)


def masked(text, *patterns):
    return mask(text, [compile_pattern(one) for one in patterns])[0]


@pytest.mark.parametrize(
    ("pattern", "text", "left"),
    [
        ("ACME-####", "see acme-1234, ACME-12 and ACME-56789", f"see {MARK}, ACME-12 and {MARK}9"),
        ("Project Phoenix", "project phoenix flies", f"{MARK} flies"),
        ("ph*nix", "the phoenix, a ph and a nix", f"the {MARK}, a ph and a nix"),
        ("*phoenix*", "superphoenixes! phoenix", f"{MARK} {MARK}"),
        ("c?t food", "cat food, cot food, ct food", f"{MARK}, {MARK}, ct food"),
        (r"a\*b c", "a*b c, axb c", f"{MARK}, axb c"),
        (r"no\#1x", "no#1x no71x", f"{MARK} no71x"),
        ("ключ-##", "Ключ-42 тут", f"{MARK} тут"),
        ("a.c d", "a.c d abc d", f"{MARK} abc d"),
    ],
)
def test_a_pattern_matches_what_it_says_and_no_more(pattern, text, left):
    assert complaint(pattern) == ""
    assert masked(text, pattern) == left


@pytest.mark.parametrize(
    "pattern", ["", "  ", "*", "a*b", "?#?#", "\\", "ab\ncd", "x" * 201, "abc*" * 9]
)
def test_what_would_hide_too_much_or_cannot_be_read_is_refused(pattern):
    assert complaint(pattern)


def test_a_pattern_that_stands_in_the_mark_does_not_mask_the_mark():
    once = masked("it was stored here", "stored", "redacted")
    assert once == f"it was {MARK} here"
    assert masked(once, "stored", "redacted") == once


def test_a_star_ends_with_its_word():
    long = "x" * (REACH + 5)
    assert masked(f"key {long}", "key x*") == f"{MARK}{'x' * 4}"
    assert masked("abc one two", "abc*two") == "abc one two"


PATTERNS = st.text(st.sampled_from("ab#?* -\\"), min_size=3, max_size=12).filter(
    lambda text: not complaint(text)
)


@given(st.lists(PATTERNS, max_size=3), st.text(st.sampled_from("ab1 -\n[]:redacted"), max_size=60))
def test_masking_twice_is_masking_once(patterns, text):
    once = masked(text, *patterns)
    assert masked(once, *patterns) == once


@pytest.mark.parametrize(
    "pattern", ["a*a*a*a*a*a*a*b", "*aaa*", "a?a?a?a?a?a?a?a?b", "a*" * 8 + "b"]
)
def test_no_pattern_takes_more_than_linear_time(pattern):
    assert complaint(pattern) == ""
    assert len(masked("a" * 100_000, pattern)) <= 200_000
