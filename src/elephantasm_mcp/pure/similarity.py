"""Whether two lines say the same, and which known word was meant.

Owns the comparison of terms and of names; meaning is for the embedders.
Invariant: lines that differ in a number or a negation are never duplicates.
"""

from collections.abc import Collection, Iterable
from typing import Final

JACCARD: Final = 0.8
"""Share of all distinct terms that near-duplicates have in common."""
CONTAINMENT: Final = 0.95
"""Or: share of the shorter line's terms that the longer one has,"""
LENGTH_RATIO: Final = 2 / 3
"""when the shorter has at least this share of the longer one's number of terms."""
NAME_CUTOFF: Final = 0.6
"""difflib ratio from which a name counts as a misspelling."""

_NEGATIONS: Final = frozenset({"no", "not", "never", "without", "t", "cannot", "nor", "neither"})


def near_duplicate(a_terms: Collection[str], b_terms: Collection[str]) -> bool:
    """Whether two lines, as the terms of `text.terms`, are too alike to stand in one pack.

    Symmetric; order and repeats do not count. Two lines without terms are duplicates.
    """
    a, b = frozenset(a_terms), frozenset(b_terms)
    shorter, longer = min(len(a), len(b)), max(len(a), len(b))
    if shorter < LENGTH_RATIO * longer:  # then neither share can be reached
        return False
    shared = len(a & b)
    if shared == longer:
        return True
    alike = shared >= JACCARD * (shorter + longer - shared) or (shared >= CONTAINMENT * shorter)
    return alike and not any(term in _NEGATIONS or _has_digit(term) for term in a ^ b)


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` was probably meant to be, in any case; None when none is close."""
    from difflib import get_close_matches  # only a misspelling needs it

    names = {option.casefold(): option for option in options}
    found = get_close_matches(word.casefold(), list(names), n=1, cutoff=NAME_CUTOFF)
    return names[found[0]] if found else None


def _has_digit(term: str) -> bool:
    return any(char.isdigit() for char in term)
