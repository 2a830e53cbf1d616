"""What an episode is about: phrases that literally stand in it.

Owns the choice of topic phrases from word counts and a few English signs of a name and of a noun
phrase. Invariant: it names nothing of which it is not sure; no phrase is better than a wrong one.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from elephantasm_mcp.synthesis.openings import is_name
from elephantasm_mcp.synthesis.turns import Turn, Voice, names_of
from elephantasm_mcp.synthesis.words import COMMON, Token, is_content, stem, tokens, word_set

MAX_PHRASES: Final = 3
_MAX_WORDS: Final = 3
_SENTENCES: Final = 8
"""How far into a turn phrases are sought."""
_MIN_TURNS: Final = 2
"""In how many turns a name or the last word of a phrase must stand as such."""
_MIN_TURNS_ALONE: Final = 3
_DETERMINERS: Final = word_set("a an the my our your his her their this")
_BEFORE: Final = _DETERMINERS | word_set("about for of in at with from into new old")
"""Words behind which a noun phrase may start."""
_AFTER: Final = word_set(
    """but of in on at with from for about into during yesterday today tomorrow last next because
    while before after as than too who which ago"""
)
"""Words that may follow a noun phrase; never a verb, of which its last word may be the subject."""
_BAD_ENDINGS: Final = ("ly", "ed", "ive", "ous", "ful", "able", "ible", "n't", "est", "ic", "al")
_WORDY: Final = word_set(
    """keen aerial online upcoming handle handling track enhance maintain avoid yummy cozy due
    eye-opening global public key main recent occurs includes requires ensures provides helps works
    makes takes shows gives goes correct january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday appropriate
    necessary existing current sum code error errors function functions implementation achievement
    achievements method methods example content version file files value values number result
    request requests response test tests item page pages data option draft progress lightweight
    diverse everyone team work school summer winter spring fall water food game games book books
    movie movies show shows song songs city trip trips picture pictures color colors colour colours
    trail weather customers customer product products kinda english biz finals
    favorites spot court"""
)
"""Words that alone, or at the end of a phrase, say little of what one talks about."""


@dataclass(slots=True)
class _Found:
    """Phrases by their stems, and in how many turns each phrase and each last word stands."""

    surfaces: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)
    turns: Counter[tuple[str, ...]] = field(default_factory=Counter)
    heads: Counter[str] = field(default_factory=Counter)
    named: set[tuple[str, ...]] = field(default_factory=set)


def topics(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Up to three phrases of the people in it, the surest first; none when nothing is sure.

    English only: names, phrases that recur, phrases whose last word recurs.
    """
    names = names_of(turns)
    found = _Found()
    for turn in turns:
        if turn.english and turn.voice is Voice.PERSON:
            _add(found, turn, names)
    sure = [stems for stems in found.surfaces if _is_sure(stems, found)]
    ranked = sorted(sure, key=lambda stems: (-_worth(stems, found), stems))
    return _distinct([(stems, _best(found.surfaces[stems])) for stems in ranked])


def _add(found: _Found, turn: Turn, names: Collection[str]) -> None:
    seen: set[tuple[str, ...]] = set()
    for sentence in turn.sentences[:_SENTENCES]:
        for run, named in _phrases(sentence.text, names):
            stems = tuple(stem(word.lower) for word in run)
            surface = sentence.text[run[0].start : run[-1].end].removesuffix("'s")
            found.surfaces.setdefault(stems, Counter())[surface] += 1
            seen.add(stems)
            if named:
                found.named.add(stems)
    found.turns.update(seen)
    found.heads.update({stems[-1] for stems in seen})


def _is_sure(stems: tuple[str, ...], found: _Found) -> bool:
    turns = found.turns[stems]
    if stems in found.named:
        return len(stems) > 1 or turns >= _MIN_TURNS
    if len(stems) == 1:
        return turns >= _MIN_TURNS_ALONE
    return turns >= _MIN_TURNS or found.heads[stems[-1]] >= _MIN_TURNS


def _worth(stems: tuple[str, ...], found: _Found) -> float:
    """How often it is said, more for a name and for a phrase of several words."""
    length = (1.0, 1.6, 1.7)[min(len(stems), _MAX_WORDS) - 1]
    spread = found.turns[stems] + found.heads[stems[-1]] / 2
    return round(length * spread + 1.5 * (stems in found.named), 6)


def _best(surface: Counter[str]) -> str:
    return min(surface, key=lambda phrase: (-surface[phrase], phrase))


def _distinct(ranked: Sequence[tuple[tuple[str, ...], str]]) -> tuple[str, ...]:
    """The first few that share no word with a better one."""
    used: set[str] = set()
    kept: list[str] = []
    for stems, phrase in ranked:
        if len(kept) < MAX_PHRASES and used.isdisjoint(stems):
            kept.append(phrase)
            used.update(stems)
    return tuple(kept)


def _phrases(text: str, names: Collection[str]) -> Iterator[tuple[list[Token], bool]]:
    """Maximal runs of content words that are a name (True) or stand as a noun phrase (False)."""
    words = tokens(text)
    runs = groupby(_numbered(text, words, names), key=lambda numbered: numbered[0])
    for kind, group in runs:
        if not kind:
            continue
        places = [place for _, place in group]
        run = [words[place] for place in places]
        if len(run) > _MAX_WORDS:
            continue
        before = words[places[0] - 1] if _touches(text, words, places[0]) else None
        after = words[places[-1] + 1] if _touches(text, words, places[-1] + 1) else None
        if _is_proper_name(run, places[0]):
            yield run, True
        elif _is_noun_phrase(run, before, after):
            yield run, False


def _numbered(
    text: str, words: Sequence[Token], names: Collection[str]
) -> Iterator[tuple[int, int]]:
    """Each word's place with the number of its run; 0 for what is in none."""
    run = 0
    inside = False
    for place, word in enumerate(words):
        fits = _fits(word, names)
        run += fits and not (inside and _joins(text, words, place))
        inside = fits
        yield (run if fits else 0), place


def _touches(text: str, words: Sequence[Token], place: int) -> bool:
    """Whether nothing but a space parts the word at `place` from the one before."""
    if not 0 < place < len(words):
        return False
    return text[words[place - 1].end : words[place].start] == " "


def _joins(text: str, words: Sequence[Token], place: int) -> bool:
    """Whether a word goes on with the run: it touches it, and no name begins or ends there."""
    same = words[place - 1].text[0].isupper() == words[place].text[0].isupper()
    return same and _touches(text, words, place)


def _fits(word: Token, names: Collection[str]) -> bool:
    lower = word.lower.removesuffix("'s")
    return (
        is_content(lower)
        and not lower[0].isdigit()
        and not (word.text[0].isupper() and is_name(lower, names=names))
        and lower not in names
    )


def _is_proper_name(run: Sequence[Token], place: int) -> bool:
    """All capitals; a single one, or two of which the first begins the sentence, may be chance."""
    capital = all(word.text[0].isupper() and word.lower not in _WORDY for word in run)
    return capital and min(len(word.text) for word in run) > 2 and (place > 0 or len(run) > 2)


def _is_noun_phrase(run: Sequence[Token], before: Token | None, after: Token | None) -> bool:
    """Behind a determiner or preposition, and followed by no verb and no further noun."""
    led = before is not None and before.lower in _BEFORE
    closed = after is None or after.lower in _AFTER
    if not led or not closed or not _is_noun(run[-1]) or any(w.text[0].isupper() for w in run):
        return False
    if len(run) == 1 and run[0].lower in _WORDY:
        return False
    determined = before is not None and before.lower in _DETERMINERS
    return determined or not run[0].lower.endswith(("ing", "ed"))


def _is_noun(word: Token) -> bool:
    lower = word.lower
    return len(lower) > 2 and not lower.endswith(_BAD_ENDINGS) and lower not in COMMON
