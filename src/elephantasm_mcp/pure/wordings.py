"""Wordings: the many ways to put one plain statement, brought to one.

Owns what does not change a statement's meaning: articles, fillers, contractions, spelling, number
words, who says "I". Knows no grammar beyond that. Invariant: nothing that could change the truth of
a statement is dropped: negations, numbers, names, tenses, quantities, prepositions and signs stay.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from elephantasm_mcp.pure.text import stem

OWNER: Final = "'s"
"""The token behind whom something belongs to: `nadia 's dog`."""
PAST: Final = "~p"
"""The mark on a verb's stem in the past: `move~p`."""

_SPACES: Final = re.compile(r"\s+")
_DIGIT: Final = re.compile(r"\d")
SAID_ON: Final = re.compile(r"\s*\(said on [^)]{1,40}\)")
_GROUPED: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_MINUS: Final = re.compile(r"(?<![\w)])[-−](?=\d)")
_TOKEN: Final = re.compile(
    r",(?=\s)|\d+|[^\W\d_]+(?:['’][^\W\d_]+)*|[^\w\s.,;:!?()\[\]\"“”‘’'*_…–—/\\-]"
)
_PIECE: Final = re.compile(r"\d+|[^\W\d]+|[^\w\s]")
_ACCENTED: Final = re.compile(r"([a-z])[\u0300-\u036f]+")
"""A Latin letter with accents: names are typed with and without."""
_APOSTROPHES: Final = str.maketrans("’‘`", "'''")

Put: TypeAlias = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to put it, and another."""

    needs: frozenset[str]
    """Pieces of which a text that it matches has one: looking for these is cheap."""
    pattern: re.Pattern[str]
    put: Put


def rules(*written: tuple[str, str, Put]) -> list[Rule]:
    """Rules of what they need, what they match and what they put there."""
    return [Rule(frozenset(needs.split()), re.compile(text), put) for needs, text, put in written]


def pieces(text: str) -> frozenset[str]:
    """The words and signs of a text, as the `needs` of rules have them."""
    return frozenset(_PIECE.findall(text))


def rewritten(line: str, having: Iterable[Rule], *, there: frozenset[str] | None = None) -> str:
    """A line after rules, one after another; `there` are its pieces, if they are known."""
    there = pieces(line) if there is None else there
    for rule in having:
        if not rule.needs.isdisjoint(there):
            changed = rule.pattern.sub(rule.put, line)
            if changed != line:
                line, there = changed, pieces(changed)
    return line


_CONTRACTIONS: Final = rules(
    ("m", r"\bi'm\b", "i am"),
    ("t cannot", r"\bcan't\b|\bcannot\b", "can not"),
    ("t", r"\bwon't\b", "will not"),
    ("t", r"\bain't\b", "is not"),
    ("s", r"\blet's\b", "let us"),
    ("t", r"n't\b", " not"),
    ("re", r"'re\b", " are"),
    ("ve", r"'ve\b", " have"),
    ("ll", r"'ll\b", " will"),
    ("d", r"'d\b", " would"),
    ("s", r"\b(it|he|she|that|there|here|what|who|where|this)'s\b", r"\1 is"),
    ("gonna", r"\bgonna\b", "going to"),
    ("wanna", r"\bwanna\b", "want to"),
)

_SAME_WORDS: Final = """
be: is are am being
was: were
do: does
have: has having
favorite: favourite fave favorites
color: colour colours
gray: grey
center: centre
theater: theatre
organize: organise
mother: mom mum mommy mummy
father: dad daddy
child: kid kids children
phone: telephone
tv: television
bike: bicycle
fridge: refrigerator
flat: apartment
film: movie
holiday: vacation
job: occupation profession
begin: start
buy: purchase
big: large
fast: quick
ill: sick
email: mail
night: nite
tonight: tonite
okay: ok
called: named
percent: %
plus: +
minus: −
and: &
0: zero
1: one
2: two
3: three
4: four
5: five
6: six
7: seven
8: eight
9: nine
10: ten
11: eleven
12: twelve
20: twenty
30: thirty
monday: mon
tuesday: tue tues
thursday: thu thurs
friday: fri
january: jan
february: feb
august: aug
september: sept sep
october: oct
november: nov
december: dec
"""
_CANONICAL: Final = {
    other: line.split(":")[0]
    for line in _SAME_WORDS.strip().splitlines()
    for other in line.split(":")[1].split()
}
_KEPT: Final = frozenset(("this", "his", "as", "us", "its", "always", "across")) | {
    line.split(":")[0] for line in _SAME_WORDS.strip().splitlines()[:4]
}
"""Words that stemming would only spoil."""

_LITTLE: Final = """
really very just actually basically simply quite honestly definitely certainly indeed fyi
btw oh ah well yeah yes hey so please obviously clearly also then
"""
FILLERS: Final = frozenset(_LITTLE.split())
"""What may come and go; `also` and `then` tell of a neighbour, not of what is said."""
_ARTICLES: Final = frozenset(("a", "an", "the"))
BREAK: Final = ","
"""Stands for a comma or an article: nothing is said by it, but a phrase may end there."""
CUES: Final = frozenset(["now", "current", "nowadai", "present", "recent"])
"""Stems of what says that it is so at present: a sign of change, but nothing of what is said."""
_PLAIN_VERBS: Final = frozenset(("like", "love", "prefer", "enjoy", "want", "hate"))
_PERSONAL: Final = frozenset(("i", "me", "myself", "my", "mine"))
_IRREGULAR: Final = {
    "went": "go",
    "moved": "move",
    "bought": "buy",
    "became": "become",
    "left": "leave",
    "began": "begin",
    "changed": "change",
    "got": "get",
    "took": "take",
    "gave": "give",
    "made": "make",
    "told": "tell",
    "met": "meet",
    "sold": "sell",
    "drove": "drive",
    "wrote": "write",
    "quit": "quit",
}
_HALF_ALIKE: Final = {"allergi": "allerg", "allergen": "allerg"}
_PHRASES: Final = rules(
    ("next", r"\bnext to\b", "beside"),
    ("lasts", r"\blasts\b", "takes"),
    ("been", r"\b(?:has|have) been (?=\w+ing\b)", "is "),
    ("way", r"\bby the way\b", ""),
    ("know", r"\bas you know\b", ""),
    ("know", r"\byou know\b", ""),
    ("record", r"\bfor the record\b", ""),
    ("know", r"\bjust so you know\b", ""),
    (
        "these moment right now present",
        r"\bthese days\b|\bat the moment\b|\bright now\b|\bas of now\b|\bat present\b",
        "now",
    ),
    ("any anymore longer", r"\bany ?more\b|\bany longer\b", "anymore"),
    ("number", r"\b(?:cell ?phone|mobile(?: phone)?|phone) number\b", "phonenumber"),
    ("cellphone phone", r"\bcell ?phone\b|\bmobile phone\b", "phone"),
    ("mail email", r"\be-?mail address\b|\be-mail\b", "email"),
    ("+", r"\bc\+\+", "cplusplus"),
    ("#", r"\bc#", "csharp"),
    ("#", r"\bf#", "fsharp"),
    ("got", r"\bhave got\b|\bhas got\b", "has"),
    ("stand", r"\bcan not stand\b", "hate"),
    (
        "profession trade",
        r"\b(?:is|am) an? ([\w' ]+?) by (?:profession|trade)\b",
        r"works as a \1",
    ),
    ("allergy", r"\b(?:has|have) an? ([\w]+) allergy\b", r"is allergic to \1"),
    ("allergy", r"\b(?:has|have) an allergy to\b", "is allergic to"),
    (
        "employed working",
        r"\b(?:is|am|are) (?:employed|working) (?:by|for|at)\b",
        "works at",
    ),
    ("employed working", r"\b(?:is|am|are) (?:employed|working) as\b", "works as"),
    ("work works", r"\bworks? for\b", "works at"),
    (
        "living based residing reside resides",
        r"\b(?:is|am|are) (?:living|based|residing) in\b|\bresides? in\b",
        "lives in",
    ),
    (
        "name named known",
        r"\bgoes by the name(?: of)?\b|\bis named\b|\bis known as\b",
        "is called",
    ),
    ("named", r"\bam named\b", "am called"),
    (
        "a p am pm",
        r"\b(\d{1,2}) ?([ap])\.?m\b\.?",
        r"\1 \2mer",
    ),
    ("name", r"\b(\w+)'s name is\b", r"\1 is called"),
    ("located", r"\b(is|are) located (in|at)\b", r"\1 \2"),
)


_VARIANT: Final = re.compile(
    r"(?<=[a-z]{3})our(?!s?e)|(?<=[a-z]{3})is(?=(?:e|es|ed|ing|ation)$)|(?<=[a-z]{2}t)re(?=s?$)"
    r"|(?<=[a-z]{4}l)l(?=(?:ed|ing|er)$)|(?<=[a-z]{2})ogue(?=s?$)"
)
"""Endings that are spelled in two ways."""


def _american(match: re.Match[str]) -> str:
    return {"our": "or", "is": "iz", "re": "er", "l": "", "ogue": "og"}[match[0]]


@lru_cache(maxsize=65_536)
def word(token: str) -> str:
    """A folded token as it stands in statements: spelled one way, stemmed, marked if past."""
    token = token.replace("'", "")
    token = _CANONICAL.get(token, token)
    if token in _KEPT:
        return token
    if token in _IRREGULAR:
        return stem(_IRREGULAR[token]) + PAST
    found = stem(_VARIANT.sub(_american, token))
    found = _HALF_ALIKE.get(found, found)
    past = len(token) > 4 and token.endswith("ed") and not token.endswith("eed")
    return found + PAST if past else _CANONICAL.get(found, found)


def wording(text: str, *, speaker: str = "") -> list[str]:
    """The tokens of a statement, however it is put; `speaker` is who says "I" and "my".

    Fillers are gone, cues of change are not; commas and articles are breaks.
    """
    plain = plain_text(text)
    me = _folded(speaker).split() if speaker else []
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        if token in _PERSONAL or token.endswith(OWNER):
            found += _spelled(token, me)
        elif token not in FILLERS:
            found.append(BREAK if token in _ARTICLES else word(token))
    return _without_infinitives(found)


@lru_cache(maxsize=64)
def plain_text(text: str) -> str:
    """A text folded, without contractions, its phrases spelled one way."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    plain = plain.casefold()
    if not plain.isascii():
        plain = _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", plain))
        plain = unicodedata.normalize("NFC", plain)
    if "(said on" in plain:
        plain = SAID_ON.sub("", plain)
    if _DIGIT.search(plain):
        plain = _MINUS.sub("minus ", _GROUPED.sub("", plain))
    if "'" in plain or "nna" in plain or "cannot" in plain:
        plain = rewritten(plain, _CONTRACTIONS)
    return rewritten(plain, _PHRASES)


def _folded(text: str) -> str:
    return _SPACES.sub(
        " ", " ".join(_TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()))
    )


def _spelled(token: str, me: list[str]) -> list[str]:
    """A token of a person or an owner, with the speaker in place of "I" and "my"."""
    if token.endswith(OWNER):
        return [word(token.removesuffix(OWNER)), OWNER]
    named = [word(one) for one in me] or ["i"]
    return [*named, OWNER] if token in ("my", "mine") else named


def _without_infinitives(tokens: list[str]) -> list[str]:
    """`likes to swim` as `likes swimming`: what follows is the same."""
    if "to" not in tokens:
        return tokens
    return [
        token
        for place, token in enumerate(tokens)
        if not (token == "to" and place and tokens[place - 1] in _PLAIN_VERBS)  # noqa: S105
    ]
