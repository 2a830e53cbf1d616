"""How much a sentence of a person tells: points for what can be looked up later.

Owns the table of points and the signs that earn or cost them. Chooses nothing. Invariant: a score
depends on the sentence and on the speakers' names alone, and costs time linear in its length.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from elephantasm_mcp.synthesis.openings import is_name, opening_length
from elephantasm_mcp.synthesis.words import (
    FEELING,
    content_stem,
    count_words,
    is_capital,
    plain,
    spelled,
    word_set,
)

PLAIN: Final = 0.5
"""From here on it is worth a memory where nothing else was said."""
KEPT: Final = 1.0
"""From here on a sentence is worth a line in a memory's content."""
TELLING: Final = 2.2
"""From here on it is worth a place in the summary."""
_MIN_WORDS: Final = 3
_MIN_FOREIGN_WORDS: Final = 5
_WHEN_POINTS: Final = 0.8
_DEED_POINTS: Final = 0.9
_STATE_POINTS: Final = 0.5
_SELF_POINTS: Final = 0.4
_OWN_POINTS: Final = 0.9
_NAME_POINTS: Final = 0.6
_NUMBER_POINTS: Final = 0.5
_CONTENT_POINTS: Final = 0.25
_MAX_CONTENT: Final = 7
_REACTION_POINTS: Final = -2.0
_OTHER_POINTS: Final = -0.8
_VAGUE_POINTS: Final = -1.2
_FEELING_POINTS: Final = -0.3
_MAX_FEELINGS: Final = 3

_SELF: Final = word_set("i we my our me us i'm i've i'd i'll we're we've we'll we'd mine ours")
_SUBJECT: Final = word_set("i we i've we've i'd we'd")
_BEING_SUBJECT: Final = word_set("i'm we're i'll we'll")
_OTHER: Final = word_set("you your you're you've you'll you'd yours u ur")
_ADVERBS: Final = word_set("just also even already recently finally still really never always")
_DEEDS: Final = word_set(
    """went bought got made started began finished completed joined moved met saw visited took built
    painted wrote ran won lost found signed learned taught gave attended hosted opened launched quit
    decided chose chosen agreed adopted planned booked created designed fixed read watched played
    cooked baked grew hiked camped traveled travelled flew drove called sold hired received passed
    failed graduated applied submitted used switched deployed implemented added removed updated set
    reviewed scheduled rescheduled married divorced injured broke hurt organized volunteered donated
    raised performed published recorded rejected accepted estimated noticed tested logged drafted
    stopped came had been was were did invited suggested recommended retook increased reduced"""
)
_STATES: Final = word_set(
    "am live work love like hate prefer enjoy have own use need want study teach play plan speak"
    " run manage volunteer collect keep always never will"
)
_WHEN: Final = word_set(
    """yesterday today tonight tomorrow ago since january february march april june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday
    birthday deadline weekly daily annually"""
)
_PERIODS: Final = word_set(
    "week month year weekend night summer winter spring fall season monday tuesday wednesday"
    " thursday friday saturday sunday tues fri thurs wed mon sat sun"
)
_WHICH: Final = word_set("last next this every")
_OWNED: Final = word_set(
    """wife husband partner girlfriend boyfriend fiance fiancé spouse son sons daughter daughters
    kids children child mom mum mother dad father parents sister sisters brother brothers siblings
    grandma grandpa grandmother grandfather aunt uncle cousin cousins niece nephew boss manager
    colleague mentor roommate neighbor neighbour dog dogs cat cats pup pups puppy kitten pet pets
    job house apartment car degree company business store shop studio budget salary deadline
    allergy allergic allergies name named called favorite favourite"""
)
_REACTION: Final = re.compile(
    r"(?:(?:i|we) (?:won['’]t|will never|['’]ll never) (?:quit|give up)"
    r"|that(?:['’]s| is| was| sounds| must| looks| really| makes)|sounds|thanks|thank you|congrat"
    r"|good luck|glad|so glad|love (?:that|it|your|the)|great (?:job|to|that|catching)|nice|awesome"
    r"|amazing|cool|keep|it(?:['’]s| is| was)(?: definitely)? (?:been |so |really |always |just"
    r" |such |super |pretty |an? )*(?:great|good|nice|awesome|amazing|cool|wonderful|lovely|hard"
    r"|important|inspiring|pleasure|okay|ok|true|fun|tough|blast|wild|crazy|incredible|rewarding)"
    r"|you(?:['’]re|['’]ve|['’]ll|['’]d)?\b|your\b|what an?\b|how (?:cool|nice|great|awesome)"
    r"|can['’]t wait|take care|see you|talk to you|bye|way to go|long time|here['’]s|check|look at"
    r"|i (?:\d+% |totally |completely |really |definitely |couldn['’]t )*(?:agree|hear you"
    r"|understand|appreciate|hope|bet|know what|get (?:it|what)|feel)"
    r"|i['’]m (?:so |really |super |very |also )*(?:glad|happy|proud of you|here for|sorry|thankful"
    r"|grateful|excited|stoked|thrilled|sure|confident|determined|curious)"
    r"|sorry|let(?:['’]s| me)|(?:a lot|lots|so much|much|been"
    r"|things)(?:['’]s)? .{0,30}\b(?:happen\w*"
    r"|going on|chat\w*|changed|talked|spoke|great|good|well|crazy|tough|hectic)|since we"
    r"|(?:something|here|there)['’]?s? (?:\w+ )?(?:massive|big|awesome|exciting|good news|news)"
    r"|no (?:worries|problem|doubt)|of course|hope|looking forward|enjoy|have (?:fun|an?)"
    r"|seeing|being|having|feels?|wish|believe)\b",
    re.IGNORECASE,
)
_VAGUE: Final = word_set(
    "if unsure worried wondering curious stuck confused nervous stressed whatever"
)
_VAGUE_PAIRS: Final = frozenset(
    {
        ("not", "sure"),
        ("make", "sure"),
        ("to", "ensure"),
        ("to", "understand"),
        ("no", "idea"),
        ("don't", "know"),
        ("would", "love"),
        ("having", "trouble"),
        ("felt", "like"),
        ("feel", "like"),
        ("feels", "like"),
        ("feeling", "like"),
    }
)
_TITLE: Final = re.compile(r"[\"“][A-Z][^\"”]{2,60}[\"”]")


def score(text: str, *, names: Collection[str], bonus: float = 0.0) -> float:
    """Points for names, numbers, dates, deeds and possessions; fewer for feelings and reactions.

    `bonus` is what its place gives (an answer), and allows it to be very short.
    """
    words = [
        word
        for word in spelled(text)
        if not (word[0].isupper() and is_name(plain(word), names=names))
    ]
    lower = [plain(word) for word in words]
    content = {content_stem(word) for word in lower} - {""}
    if not content or text.endswith(":") or (len(words) < _MIN_WORDS and not bonus):
        return 0.0
    proper = sum(word[0].isupper() and is_capital(word) for word in words[1:])
    proper += ('"' in text or "“" in text) and bool(_TITLE.search(text))
    numbers = sum(word[0].isdigit() or word[-1].isdigit() for word in words)
    stated = _stated(lower) + _detracted(text, lower, names=names)
    return (
        bonus
        + stated
        + _CONTENT_POINTS * min(len(content), _MAX_CONTENT)
        + _NAME_POINTS * min(proper, 2)
        + _NUMBER_POINTS * min(numbers, 2)
    )


def foreign_score(text: str) -> float:
    """Length and numbers alone: no word list fits."""
    length = count_words(text)
    if length < _MIN_FOREIGN_WORDS:
        return 0.0
    numbers = sum(any(char.isdigit() for char in word) for word in spelled(text))
    return TELLING + 0.05 * min(length, 20) + _NUMBER_POINTS * min(numbers, 2)


def _stated(lower: Sequence[str]) -> float:
    """Points for time, deed, state, self and possessions."""
    seen = set(lower)
    pairs = list(pairwise([word for word in lower if word not in _ADVERBS]))
    dated = not seen.isdisjoint(_WHEN) or any(a in _WHICH and b in _PERIODS for a, b in pairs)
    did = any(a in _SUBJECT and (b in _DEEDS or b.endswith("ed")) for a, b in pairs)
    is_so = not seen.isdisjoint(_BEING_SUBJECT) or any(
        a in _SUBJECT and b in _STATES for a, b in pairs
    )
    owns = not seen.isdisjoint(_OWNED)
    return (
        _WHEN_POINTS * dated
        + _DEED_POINTS * (did or lower[0] in _DEEDS)
        + _STATE_POINTS * is_so
        + _SELF_POINTS * (not seen.isdisjoint(_SELF))
        + _OWN_POINTS * owns
    )


def _detracted(text: str, lower: Sequence[str], *, names: Collection[str]) -> float:
    """Points off for a reaction, for talk of the other one, for vagueness and for feelings."""
    reacts = bool(_REACTION.match(text, opening_length(text, names=names)))
    feelings = sum(word in FEELING for word in lower)
    vague = not _VAGUE.isdisjoint(lower) or not _VAGUE_PAIRS.isdisjoint(pairwise(lower))
    return (
        _REACTION_POINTS * reacts
        + _OTHER_POINTS * any(word in _OTHER for word in lower)
        + _VAGUE_POINTS * vague
        + _FEELING_POINTS * min(feelings, _MAX_FEELINGS)
    )
