"""The stated cues from which importance and confidence are read: one table each.

Owns those numbers and nothing else. Invariant: a cue counts once however often it is stated, and
every result lies in [0, 1].
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from elephantasm_mcp.synthesis.words import plain, spelled, word_set

BASE_IMPORTANCE: Final = 0.3
MAX_IMPORTANCE: Final = 0.95
IMPORTANCE: Final = {
    "asked to remember": (
        0.25,
        r"remember (?:that|to|this)|don't forget|keep in mind|from now on|(?:very|really) important"
        r"|deadline|urgent|critical|(?:^|[.,;] )(?:always|never) \w",
    ),
    "health": (
        0.2,
        r"allerg\w+|diagnos\w+|surgery|hospital|doctor|medication|illness|injur\w+|pregnan\w+"
        r"|cancer|diabet\w+|therap(?:y|ist)|asthma",
    ),
    "turning point": (
        0.2,
        r"(?:got|getting|is|was|are|were) (?:married|engaged|divorced|fired|laid off|promoted"
        r"|hired)"
        r"|passed away|died|born|funeral|wedding|adopt\w*|graduat\w+|broke up|breakup"
        r"|lost (?:my|his|her|our) (?:job|home|house)|quit my|opened|launched|moved (?:to|from"
        r"|out)",
    ),
    "decision": (
        0.15,
        r"decided|decision|chose|agreed|signed|accepted|rejected|committed|settled on|we(?:'ll|"
        r" will) use",
    ),
    "family": (
        0.1,
        r"(?:my|our) (?:\w+ )?(?:wife|husband|partner|son|daughter|kids?|children|mom|mother|dad"
        r"|father|sister|brother|grandma|grandpa|grandmother|grandfather|parents|family"
        r"|fianc[ée]+)",
    ),
    "work": (
        0.1,
        r"(?:my|new|a|the) (?:\w+ )?(?:job|boss|career|business|company|promotion|interview|degree)"
        r"|work (?:at|for|as)|salary",
    ),
    "money": (0.1, r"[$€£]\s?\d|\d+\s?(?:dollars|euros|USD|EUR)\b|budget|mortgage|\bloan\b|rent\b"),
    "date or number": (
        0.05,
        r"\d|yesterday|tomorrow|(?:last|next|this) (?:week|month|year)|\bago\b",
    ),
}
"""Cue: what it adds to `BASE_IMPORTANCE`, and the words (English) that state it."""

VERBATIM_CONFIDENCE: Final = 0.85
"""Of what a person states outright; less for what is hedged, what a tool or an assistant says."""
HEDGED_CONFIDENCE: Final = 0.6
TOOL_CONFIDENCE: Final = 0.7
ASSISTANT_CONFIDENCE: Final = 0.65

_HEDGING: Final = word_set(
    """maybe perhaps probably possibly might unsure kinda sorta seem seems apparently supposedly
    roughly hopefully wondering worried"""
)
_HEDGING_PAIRS: Final = frozenset(
    {
        ("i", "think"),
        ("i", "guess"),
        ("i", "suppose"),
        ("i", "believe"),
        ("i", "assume"),
        ("i", "heard"),
        ("i've", "heard"),
        ("not", "sure"),
        ("not", "certain"),
        ("kind", "of"),
        ("sort", "of"),
        ("far", "as"),
    }
)
_IMPORTANT: Final = tuple(
    (gain, re.compile(rf"(?<!\w)(?:{words})", re.IGNORECASE)) for gain, words in IMPORTANCE.values()
)


def importance(texts: Iterable[str], *, hints: Iterable[float]) -> float:
    """How much a memory of these statements matters, at least as much as the events' own hints."""
    joined = "\n".join(texts)
    stated = BASE_IMPORTANCE + sum(gain for gain, words in _IMPORTANT if words.search(joined))
    return round(max(min(stated, MAX_IMPORTANCE), *hints, 0.0), 2)


def hedges(text: str) -> bool:
    """Whether the speaker is not sure of it: "maybe", "I think", "may" (but not the month)."""
    written = spelled(text)
    words = [plain(word) for word in written]
    if "may" in written or not _HEDGING.isdisjoint(words):
        return True
    return not _HEDGING_PAIRS.isdisjoint(pairwise(words))
