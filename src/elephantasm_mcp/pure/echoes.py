"""Echoes: text that repeats what a memory already says.

Owns telling an echo from news, sentence by sentence. Knows no store. Invariant: a sentence with a
number, a name or a negation of its own is news, however much of it was known.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from elephantasm_mcp.pure.text import STOP_WORDS, stem, words

KNOWN_SHARE: Final = 0.7
"""So much of what a sentence says must be known from one line for it to be an echo."""
WHOLE_SHARE: Final = 0.6
"""Or from several, of each of which it repeats so much."""
LEAST_TERMS: Final = 2
"""A sentence that says less is too short to tell."""

_SENTENCE: Final = re.compile(r"[^\n]*?(?:[.!?;…。！？]+[\"'”’)\]]*(?=\s|$)|\n|$)", re.DOTALL)
_FENCED: Final = re.compile(r"<memory-pack\b[^<>]*>.*?(?:</memory-pack>|\Z)", re.DOTALL)
_PACK_LINE: Final = re.compile(
    r"^[ \t]*(?:"
    r"## (?:Your Identity|Current Session|Relevant Knowledge|Relevant Memories)[ \t]*"
    r"|- \[(?:FACT|CONCEPT|METHOD|PRINCIPLE|EXPERIENCE)\] .*"
    r"|- \[(?:just now|today|yesterday|last \w+|\d+ \w+ ago|\d{1,2} \w+ \d{4})\] .*"
    r"|- .*\([emk][1-9][0-9]*(?:[,;][^()]*)?\)"
    r"|Last interaction: .*"
    r")[ \t]*$",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"(?<![.!?…:\n\"“(])[ \t]([A-ZÀ-ÖØ-ÞА-Я][\w'’-]+)")
_NO: Final = "no not never without cannot nor neither t longer nicht kein"
_INTRODUCING: Final = """
recall remember remembered know known note noted mention mentioned tell told say said earlier
before previously memory memories according right correct yes indeed also still ago today yesterday
mind keep please thanks sure okay got understood user assistant
"""
_FRAME: Final = frozenset(map(stem, _INTRODUCING.split()))
"""Words with which an agent introduces what it remembers; they say nothing themselves."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence that is known, and since when."""

    terms: frozenset[str]
    negated: bool
    since: datetime


class Known:
    """Sentences that are known, each from some moment on."""

    def __init__(self) -> None:
        self._lines: Final[list[Line]] = []
        self._by_term: Final[defaultdict[str, list[int]]] = defaultdict(list)

    def add(self, text: str, *, since: datetime) -> None:
        """Everything that `text` says is known from then on."""
        for sentence in _sentences(text):
            terms = _terms(sentence)
            if not terms:
                continue
            for term in terms:
                self._by_term[term].append(len(self._lines))
            self._lines.append(Line(terms, _is_negated(sentence), since))

    def without_echoes(self, text: str, *, at: datetime) -> tuple[str, int]:
        """What of `text` was not known at that moment; also how many sentences were.

        What is left stands in `text` word for word, other sentences are empty lines.
        """
        text, found = without_packs(text)
        kept: list[str] = []
        for sentence in _sentences(text):
            if self._is_known(sentence, at=at):
                kept.append("\n")
                found += 1
            else:
                kept.append(sentence)
        left = "".join(kept)
        return (left if left.strip() else ""), found

    def _is_known(self, sentence: str, *, at: datetime) -> bool:
        terms = _terms(sentence)
        if len(terms) < LEAST_TERMS or sentence.rstrip().endswith("?"):
            return False
        own = {stem(word) for name in _NAME.findall(sentence) for word in words(name)}
        own |= {term for term in terms if any(char.isdigit() for char in term)}
        known = self._known_of(terms, negated=_is_negated(sentence), at=at)
        return len(known) >= KNOWN_SHARE * len(terms) and own & terms <= known

    def _known_of(self, terms: frozenset[str], *, negated: bool, at: datetime) -> frozenset[str]:
        """What of these terms one line says, or several that are repeated nearly whole."""
        shared: Counter[int] = Counter()
        for term in terms:
            shared.update(self._by_term.get(term, ()))
        lines = [
            self._lines[place].terms
            for place, count in shared.items()
            if count >= min(LEAST_TERMS, len(terms))
            and self._lines[place].since <= at
            and self._lines[place].negated == negated
        ]
        best = max((terms & line for line in lines), key=len, default=frozenset())
        whole = [terms & line for line in lines if len(terms & line) >= WHOLE_SHARE * len(line)]
        return max(best, frozenset().union(*whole), key=len)


def without_packs(text: str) -> tuple[str, int]:
    """The text without a pack that was copied into it, and how many parts that were."""
    text, fences = _FENCED.subn("\n", text)
    text, lines = _PACK_LINE.subn("", text)
    return text, fences + lines


def _sentences(text: str) -> Iterator[str]:
    """The text in its sentences, which together are the text."""
    return (match[0] for match in _SENTENCE.finditer(text) if match[0])


def _terms(sentence: str) -> frozenset[str]:
    """What a sentence says: stems without little words and phrases that only introduce."""
    terms = frozenset(stem(word) for word in words(sentence) if word not in STOP_WORDS)
    return terms - _FRAME - _negations()


def _is_negated(sentence: str) -> bool:
    return any(stem(word) in _negations() for word in words(sentence))


@cache
def _negations() -> frozenset[str]:
    return frozenset(map(stem, _NO.split()))  # the stemmer: not at start-up
