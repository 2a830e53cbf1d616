"""Passages: the part of a long text that answers a question.

Owns choosing it, not what the terms are worth. Invariant: a passage is a run of the text's own
words, with an ellipsis wherever something was left out, and nothing else is changed.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Final

from elephantasm_mcp.pure.text import CJK, cut, stem, words

LEAD_WORDS: Final = 12
"""A passage begins with its sentence, if that began no earlier than this."""
_SENTENCE_END: Final = re.compile("[.!?。！？…:]['\"”’)]*$")


def best_passage(text: str, worth: Mapping[str, float], *, max_words: int, max_chars: int) -> str:
    """The run of at most `max_words` words that holds most of the terms, by their worth.

    `worth` maps stems to what each counts, once. Ties go to the earlier one, and a text without any
    gives its beginning. Linear time.
    """
    if len(text) <= min(max_words, max_chars) or (
        len(text) <= max_chars and text.isascii() and len(text.split()) <= max_words
    ):
        return text
    spans = [match.span() for match in _word().finditer(text)]
    if len(spans) <= max_words and len(text) <= max_chars:
        return text
    found = [_terms_in(text[begin:end], worth) for begin, end in spans]
    first = _around(text, spans, found, _best_start(found, worth, max_words), size=max_words)
    begin = spans[first][0] if first else 0
    passage = cut(text[begin:], max_words=max_words, max_chars=max_chars - bool(first))
    return f"…{passage}" if first else passage


def _around(
    text: str, spans: list[tuple[int, int]], found: list[list[str]], start: int, *, size: int
) -> int:
    """Where to begin, so that the terms of the window at `start` stand inside, with some around."""
    marks = [place for place in range(start, min(start + size, len(spans))) if found[place]]
    if not marks:
        return 0
    spare = size - (marks[-1] - marks[0] + 1)
    first = _sentence_start(text, spans, max(0, marks[0] - spare // 3))
    return max(first, marks[0] - spare, 0)


def _terms_in(word: str, worth: Mapping[str, float]) -> list[str]:
    return [term for term in map(stem, words(word)) if term in worth]


def _best_start(found: list[list[str]], worth: Mapping[str, float], size: int) -> int:
    """Where the window of `size` words with the highest worth begins."""
    inside: Counter[str] = Counter()
    value = best = 0.0
    start = 0
    for place, terms in enumerate(found):
        for term in terms:
            value += worth[term] if inside[term] == 0 else 0.0
            inside[term] += 1
        for term in found[place - size] if place >= size else ():
            inside[term] -= 1
            value -= worth[term] if inside[term] == 0 else 0.0
        if value > best + 1e-9:
            best, start = value, max(0, place - size + 1)
    return start


def _sentence_start(text: str, spans: list[tuple[int, int]], first: int) -> int:
    """The word that begins the sentence of `first`, if it is near."""
    for place in range(first, max(0, first - LEAD_WORDS), -1):
        if _SENTENCE_END.search(text[slice(*spans[place - 1])]):
            return place
    return 0 if first <= LEAD_WORDS else first


@cache
def _word() -> re.Pattern[str]:
    """Compiled when a text is first cut: that takes 2 ms."""
    return re.compile(f"[{CJK}]|[^\\s{CJK}]+")
