"""What an episode is about: phrases that literally stand in it.

Owns the choice of topic phrases from word counts and a few English signs of a noun phrase.
Invariant: it names nothing of which it is not sure; no phrase is a better answer than a wrong one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from elephantasm_mcp.synthesis.turns import Turn, Voice
from elephantasm_mcp.synthesis.words import COMMON, Token, is_content, stem, tokens, word_set

MAX_PHRASES: Final = 3
_MAX_WORDS: Final = 3
_MIN_TURNS: Final = 2
"""In how many turns the words of a phrase must occur."""
_DETERMINERS: Final = word_set("a an the my our your his her their this")
_SENTENCES: Final = 12
"""How far into a turn phrases are sought."""
_MIN_TURNS_ALONE: Final = 4
_BEFORE: Final = word_set(
    """a an the my our your his her their its this these some any new old first own about for of
    in on at with from like into through and or"""
)
"""Words behind which a noun phrase may start."""
_AFTER: Final = word_set(
    """and or but of in on at with from for to by about into through during is was are were has
    had will would can could yesterday today tomorrow last next this so because since while before
    after as like than too also who which that ago"""
)
"""Words that may follow a noun phrase, and rarely the verb for which its last word is mistaken."""
_LINKS: Final = word_set("and or")
_BAD_ENDINGS: Final = ("ly", "ed", "ive", "ous", "ful", "able", "ible", "n't", "est")
_WORDY: Final = word_set(
    """keen mental personal local aerial emotional online creative professional additional
    upcoming various handle handling ensure track enhance maintain avoid incorporate understand
    yummy cozy eye-opening global public final key main current recent occurs includes requires
    ensures provides helps works makes takes shows gives goes correct january february march april
    may june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday appropriate specific necessary wanna"""
)


def topics(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Up to three phrases of the people in it, the surest first; none when nothing is sure.

    English only. An assistant's words count for how often a word is heard, not as phrases.
    """
    spoken = [turn for turn in turns if turn.english]
    heard = Counter(word for turn in spoken for word in set(turn.bag))
    names = frozenset(word.lower for turn in turns for word in tokens(turn.event.author))
    surfaces: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for turn in spoken:
        if turn.voice is Voice.PERSON:
            for phrase, stems in _phrases(turn, names):
                surfaces[stems][phrase] += 1
    ranked = sorted(surfaces, key=lambda stems: (-_worth(stems, surfaces[stems], heard), stems))
    return _distinct(
        [(stems, _best(surfaces[stems])) for stems in ranked if _is_sure(stems, heard, surfaces)]
    )


def _is_sure(
    stems: tuple[str, ...], heard: Counter[str], surfaces: dict[tuple[str, ...], Counter[str]]
) -> bool:
    """Whether a word alone recurs; of a longer phrase one word, or the phrase itself."""
    if len(stems) == 1:
        return heard[stems[0]] >= _MIN_TURNS_ALONE
    return max(heard[word] for word in stems) >= _MIN_TURNS or surfaces[stems].total() >= _MIN_TURNS


def _worth(stems: tuple[str, ...], surface: Counter[str], heard: Counter[str]) -> float:
    spread = sum(heard[word] for word in stems) / len(stems)
    length = (1.0, 1.6, 1.7)[len(stems) - 1]
    return round(length * spread + 0.5 * min(surface.total(), 6), 6)


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


def _phrases(turn: Turn, names: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Noun phrases of a turn as (surface, stems)."""
    for sentence in turn.sentences[:_SENTENCES]:
        for run in _runs(sentence.text, names):
            phrase = sentence.text[run[0].start : run[-1].end]
            yield phrase, tuple(stem(token.lower) for token in run)


def _runs(text: str, names: frozenset[str]) -> Iterator[list[Token]]:
    """Maximal runs of one to three content words that stand where a noun phrase stands."""
    run: list[Token] = []
    before: Token | None = None
    words = tokens(text)
    for no, word in enumerate(words):
        joined = no > 0 and _is_joined(text, words[no - 1], word)
        if run and not (joined and _fits(word, names)):
            if _is_noun_phrase(run, before, word if joined else None):
                yield run
            run = []
        if _fits(word, names):
            before = before if run else (words[no - 1] if joined else None)
            run = [*run, word]
    if _is_noun_phrase(run, before, None):
        yield run


def _is_joined(text: str, left: Token, right: Token) -> bool:
    """Whether nothing but a space parts two words, and no name begins with the second."""
    named = left.text[0].islower() and right.text[0].isupper() and is_content(left.lower)
    return not named and text[left.end : right.start] == " "


def _fits(word: Token, names: frozenset[str]) -> bool:
    lower = word.lower
    bare = lower.removesuffix("'s")
    named = any(name.startswith(bare) for name in names) and word.text[0].isupper()
    return (
        is_content(lower)
        and lower not in _WORDY
        and not named
        and bare not in names
        and not lower[0].isdigit()
    )


def _is_noun_phrase(run: Sequence[Token], before: Token | None, after: Token | None) -> bool:
    """Behind a determiner or preposition, or all capitals; followed by no further noun."""
    if not 1 <= len(run) <= _MAX_WORDS or not _is_noun(run[-1]):
        return False
    if all(word.text[0].isupper() for word in run) and (before is not None or len(run) > 1):
        return True
    led = before is not None and before.lower in _BEFORE - (
        _LINKS if len(run) == 1 else frozenset()
    )
    closed = after is None or after.lower in _AFTER
    return led and closed and _may_open(run[0], before)


def _may_open(word: Token, before: Token | None) -> bool:
    """A participle opens a noun phrase only behind a determiner: "the sailing club"."""
    determined = before is not None and before.lower in _DETERMINERS
    return determined or not word.lower.endswith(("ing", "ed"))


def _is_noun(word: Token) -> bool:
    lower = word.lower
    return (
        not lower.endswith(_BAD_ENDINGS)
        and lower not in _WORDY
        and lower not in COMMON
        and len(lower) > 2
    )
