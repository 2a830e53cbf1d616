"""What a person asserts for sure: the part of a clause that may be taken at its word.

Owns the cutting of openings and asides, and what makes a clause unsure. Types nothing, rewrites
nothing. Invariant: a claim's text is an exact substring of its event, and whatever stands around
it in its sentence does not turn its meaning round.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from elephantasm_mcp.synthesis.cues import hedges
from elephantasm_mcp.synthesis.openings import is_name, opening_length
from elephantasm_mcp.synthesis.sentences import Sentence
from elephantasm_mcp.synthesis.turns import Turn
from elephantasm_mcp.synthesis.words import is_capital, is_content, plain, spelled, word_set

_MIN_WORDS: Final = 3
_MAX_WORDS: Final = 30
_JEST: Final = re.compile(r"(?<!\w)/s\b|[😂🤣😜😉😝🙃]|;\)|\?|[Nn]ot really|[Jj]ust saying")
_JESTING: Final = word_set(
    "if unless would could might maybe perhaps wish suppose imagine pretend kidding joking joke jk"
    " lol lmao rofl haha hahaha sarcasm sarcastic sarcastically whatever supposed"
)
"""What makes a whole clause unsure, wherever it stands in it."""
_UNSURE: Final = re.compile(
    r"\b(?:like,|like I|as I|I mean|you know|feels? like|not sure|try to)\b"
)
_DOUBTING: Final = word_set(
    "hope hopefully guess thought should almost nearly heard said says told tells trying wanna"
    " wanted dreamed dreamt mentioned"
)
_CONDITION: Final = re.compile(
    r"\b(?:if|unless|suppose|imagine|pretend|said|says|told)\b", re.IGNORECASE
)
_TURNING: Final = word_set("but though although except until however or yet instead")
_NEW_SUBJECT: Final = (
    r"(?:I|we|it|that|he|she|they|this|my|our|there|you|what)\b|(?:it|that|there|I)['’]"
)
_ASIDE: Final = re.compile(
    r"\s+[-–—]+\s*|\s*[;:]\s+|\s*—\s*|-\s|\s\(|\s*(?:\.{2,}|…)"
    r"|,?\s+(?:because|cuz|['’]cause|but|though|although|hoping|thanks to)\s"
    r"|,\s+(?:remember|please|keep in mind|just so)\b"
    r"|,\s+(?:so|which|who|where|since|plus|especially|while|making|giving|as)\b"
    r"|,\s+(?=the \w+ (?:is|are|was|were)\b)"
    rf"|,?\s+(?:and|so)\s+(?={_NEW_SUBJECT}|am\b|feel\b|was\b|can\b)|,\s+(?={_NEW_SUBJECT})"
    rf"|\s(?:since|so that|as|while)\s(?={_NEW_SUBJECT})",
)
_CLOSERS: Final = " \t\r\n.!…,;:-–—*_"
_JOINERS: Final = (" and", " so", " or", " plus", " but", " then")
_HANGING: Final = word_set("to of for in on at with by from the a an my our is are that than")
_ECHO: Final = re.compile(
    r",?\s(?:too|as well|either|also|lately|actually|honestly|by the way|btw|haha)$", re.IGNORECASE
)
_MAX_NAME_CHARS: Final = 24
_CALLED: Final = re.compile(r",\s(\w{2,20})$")

_TIME: Final = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|next|this) (?:week|weekend|month|year|night"
    r"|summer|winter|spring|fall|season|fri|tues|\w+day)|(?:January|February|March|April|June|July"
    r"|August|September|October|November|December|May \d\d?))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """`text` as asserted; `turned` where a "but" follows, so that a state may have ended."""

    turn: Turn
    text: str
    turned: bool


def claims(turn: Turn, *, names: Collection[str]) -> Iterator[Claim]:
    """What `turn` asserts for sure, in order: nothing conditional, hedged, reported or in jest."""
    for sentence, clauses in zip(turn.sentences, turn.asserted, strict=True):
        for clause in clauses:
            before = sentence.text[: clause.start - sentence.start]
            claim = _claim(turn, clause, names=names)
            if claim and not (before and _CONDITION.search(before)):
                yield claim


def says_something(text: str) -> bool:
    """Whether any word but the first has content."""
    return any(is_content(plain(word)) or word.isdigit() for word in spelled(text)[1:])


def is_anchored(text: str) -> bool:
    """Whether it has a date, a number or a name, so that it can be looked up."""
    words = spelled(text)[1:]
    named = any(map(is_capital, words))
    return named or bool(_TIME.search(text)) or any(word[0].isdigit() for word in words)


def _claim(turn: Turn, clause: Sentence, *, names: Collection[str]) -> Claim | None:
    whole = _words(clause.text)
    if not whole.isdisjoint(_JESTING) or _JEST.search(clause.text):
        return None
    said = clause.text[opening_length(clause.text, names=names) :]
    aside = _ASIDE.search(said)
    if aside and hedges(said[aside.start() :]):
        return None
    text = _bare(said[: aside.start()] if aside else said, names=names)
    turned = not whole.isdisjoint(_TURNING)
    unsure = turned or not whole.isdisjoint(_DOUBTING)
    if (unsure and not _words(text).isdisjoint(_TURNING | _DOUBTING)) or not _is_whole(text):
        return None
    return None if _UNSURE.search(text) or hedges(text) else Claim(turn, text, turned)


def _is_whole(text: str) -> bool:
    """Whether it has a sentence's length, and ends with a word that a sentence may end with."""
    words = text.split()
    return _MIN_WORDS <= len(words) <= _MAX_WORDS and words[-1] not in _HANGING


def _words(text: str) -> frozenset[str]:
    return frozenset(map(plain, spelled(text)))


def _bare(text: str, *, names: Collection[str]) -> str:
    """Without the stop, the "too" and the name that only close it."""
    text = text.rstrip(_CLOSERS)
    called = _CALLED.search(text[-_MAX_NAME_CHARS:])
    if called and is_name(called[1].lower(), names=names):
        text = text[: len(text) - len(called[0])]
    text = _ECHO.sub("", text)
    while text.endswith(_JOINERS):
        text = text[: text.rindex(" ")]
    return text.rstrip(_CLOSERS)
