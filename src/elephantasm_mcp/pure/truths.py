"""Truths: what a plain statement says, and whether two say the same or one ends the other.

Owns reading "X's Y is Z", "X moved to Y", "X no longer …" and comparing. Understands no more: what
it cannot read for sure it takes at its words. Invariant: two statements with one key differ in
nothing but what `wordings` calls the same; a number, name, negation, tense or owner is never that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from elephantasm_mcp.pure.changes import Wording, ends, is_certain, reading
from elephantasm_mcp.pure.clauses import clauses
from elephantasm_mcp.pure.differences import is_set_apart, may_end, may_merge
from elephantasm_mcp.pure.gists import Gist, gist_of
from elephantasm_mcp.pure.gists import same as says_the_same
from elephantasm_mcp.pure.spelling import spelled
from elephantasm_mcp.pure.wordings import BREAK, CUES, PAST, SAID_ON, word, wording

_LINKING: Final = """
in on at for with by from to into about during after before until since over under between without
within than per via through toward against near of as behind beside
"""
_PREPOSITIONS: Final = frozenset(_LINKING.split())


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(word, words.split()))


_DATED: Final = _stems(
    "was will would today tomorrow tonight yesterday ago last next soon later earlier"
)
"""What makes a statement one of a day: said on another day it is another truth."""
_PERIODS: Final = _stems(
    "week month year quarter morning afternoon evening weekend spring summer autumn winter monday"
    " tuesday wednesday thursday friday saturday sunday time"
)
"""What "this" makes a time of: "this week", and not "this project"."""
_VERSIONED: Final = _stems("later earlier")
"""Behind a number they tell of versions: "Android 10 or later"."""
_SPANS: Final = _stems("second seconds minute minutes hour hours day days week month year")
"""Units of the same manner."""
_WISH: Final = ("would", "like")
_PLANNED: Final = _stems("will decided agreed chose planned scheduled")
"""What is told of in the future or the past, and holds until it is said otherwise."""
_PARTICIPLED: Final = frozenset(
    ("be", "get", "want", "like", word("dislike"), "hate", "love", "need", "prefer")
)
"""Behind these a past is none: "is kept and deleted", "wants it formatted"."""
_ONCE: Final = frozenset(
    one.removesuffix(PAST)
    for one in _stems(
        "born wrote written build built founded designed invented graduated decided chose taught"
        " learned learnt never grew raised studied retired died adopted diagnosed"
    )
)
"""What is done once, or never: said again on another day it is the same deed."""
_TOLD_FROM: Final = _stems("today tomorrow tonight yesterday ago last next soon will this")
"""Times that are others when they are said on another day."""
_ADDING: Final = _stems("too either both another additional addition besides well")
_SECOND: Final = re.compile(r"\b(?:a|one) second\b")
_CHANGING: Final = (CUES - {"current", "present", "recent"}) | _stems(
    "anymore longer instead switched changed moved became become"
)
_UNTIL: Final = _stems(
    "last next this yesterday today tomorrow since because starting from effective instead again"
)
"""Where the value of a slot ends."""


_WHOSE: Final = r"(?P<who>\S+(?: 's \S+)?(?: (?!(?:have|be|was|do|will|would|not) |\S+~p )\S+)??)"
"""The same, or somebody's somebody."""
_WHO: Final = r"(?P<who>\S+(?: (?!(?:have|be|was|do|will|would|not) |\S+~p )\S+)??)"
"""One word or two; no verb."""


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern over tokens; `@moved` is that word as `wordings` has it."""
    text = re.sub(r"@(\w+)", lambda match: re.escape(word(match[1])), text)
    return re.compile(text.replace("{who}", _WHO).replace("{whose}", _WHOSE))


_TURNED: Final = (
    "(?:@changed|@switched|@moved|@became|@become|@turned|@updated|@shifted|@pushed|@postponed"
    "|@rescheduled|@set|@raised|@lowered|@increased|@reduced|@renamed|@went)"
)
_FROM: Final = r"(?:from (?P<old>.+?) )?"
_OWNED: Final = [
    (_pattern(text), turned)
    for text, turned in (
        (
            rf"^{{who}} 's (?P<what>.+?) (?:have |be |was )*(?:been )?{_TURNED} (?:back )?{_FROM}"
            r"(?:to |into )?(?P<value>.+)$",
            True,
        ),
        (r"^{who} 's (?P<what>(?:\S+ ){0,4}?\S+) be (?:@called )?(?P<value>.+)$", False),
        (r"^(?P<value>\S+(?: \S+){0,3}?) be {who} 's (?P<what>\S+(?: \S+){0,3})$", False),
    )
]
_UNOWNED: Final = [
    (_pattern(text), turned)
    for text, turned in (
        (
            rf"^(?P<what>\S+(?: \S+){{0,3}}?) (?:have |be |was )*(?:been )?{_TURNED} (?:back )?"
            rf"{_FROM}to (?P<value>.+)$",
            True,
        ),
        (r"^(?P<what>\S+(?: \S+){0,3}?) be (?P<value>.+)$", False),
    )
]
"""Of things that are called "the …" and "our …"."""
_HELD: Final = (
    _pattern(r"^(?P<value>\S+(?: \S+){0,2}?) be (?P<what>our \S+(?: \S+){0,3})$"),
    False,
)
"""Who is ours, as "our manager is Ann" has it the other way round."""
_PLACES: Final = [
    (what, _pattern(text))
    for what, text in (
        (word("home"), r"^{whose} (?:@lives|@stays) (?:in|at) (?P<value>.+)$"),
        (word("home"), rf"^{{whose}} (?:have )?(?:@moved|@relocated) {_FROM}to (?P<value>.+)$"),
        (word("employer"), r"^{who} @works at (?P<value>.+)$"),
        (word("employer"), r"^{who} (?:have )?@left (?P<old>.+?) (?:for|to @join) (?P<value>.+)$"),
        (
            word("employer"),
            r"^{who} (?:have )?(?:@got|@began|@started) (?:@new )?(?:@job|@working) "
            r"(?:at|with) (?P<value>.+)$",
        ),
        (word("livelihood"), r"^{who} @works as (?P<value>.+)$"),
    )
]
_ENDED: Final = [
    (re.compile(text), put)
    for text, put in (
        (r"^(.+?) no longer (.+)$", r"\1 \2"),
        (r"^(.+?) (is|are|am) not (.+?) anymore$", r"\1 \2 \3"),
        (r"^(.+?) (?:do|does) not (.+?) anymore$", r"\1 \2"),
        (r"^(.+?) (?:have |has )?(?:stopped|quit) (?!(?:at|by|in|for) )(.+)$", r"\1 \2"),
    )
]
_PLACING: Final = _pattern(
    r"\b(?:@lives|@stays|@moved|@relocated|@works|@left|@got|@began|@started)(?: |$)"
)
_ENDING: Final = re.compile(r"no longer|anymore|\bstopped\b|\bquit\b")
"""Without such a word the patterns before need not be tried."""
_QUALIFIERS: Final = _stems("home work current main official default preferred primary personal")
_NAMED: Final = _stems(
    "home employer name nickname surname manager boss doctor dentist therapist landlord gp"
    " supervisor hairdresser accountant lawyer vet"
)
"""What has a name."""
_MEASURED: Final = _stems(
    "age salary budget weight deadline timezone phonenumber email address"
) | {
    " ".join(map(word, words))
    for words in (
        ("time", "zone"),
        ("shoe", "size"),
        ("due", "date"),
        ("launch", "date"),
        ("start", "date"),
        ("end", "date"),
        ("release", "date"),
    )
}
"""What has a number, or the name of a day or a zone."""
_SINGLE: Final = _NAMED | _MEASURED | {word("livelihood"), " ".join(map(word, ("job", "title")))}
"""What one has one of: a second value, said later, is a newer one."""
_FAVORITE: Final = word("favorite")
_CALLED: Final = word("called")
_ONE_AT_A_TIME: Final = _stems(
    "drives lives weighs earns costs wakes sleeps commutes reports studies wears rides"
)
_WHERE: Final = frozenset(("in", "on", "at"))
"""Behind these stands where something is done, in one place at a time."""
_FREELY: Final = _stems("like love enjoy hate interested believe invest play involved visit meet")
"""What is done in several places at a time, or felt for them."""
_TOOLS: Final = _stems(
    "python rust go java kotlin swift javascript typescript postgres postgresql mysql mongodb"
    " sqlite redis linux windows macos ubuntu slack discord jira linear github gitlab aws azure gcp"
    " react vue docker kubernetes vim emacs notion kafka terraform figma zoom excel"
)
"""Where one does not live."""
_TIMES: Final = _stems(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december noon midnight"
)
_LONGEST_VALUE: Final = 8
_QUOTE: Final = re.compile(r'(?:^|(?<=[.!?…"”] ))([^.:"“”!?]{1,60}): ["“]([^"“”]+)["”]\.?')
_MORE: Final = re.compile(r'["“]([^"“”]+)["”]')
_HEAD: Final = re.compile(
    r"^[^\"“”:]{0,200}?\b\d{1,2} [A-Z][a-z]+ \d{4}\b[^\"“”:.]{0,200}\.(?:\s|$)"
)
_SENTENCE: Final = re.compile(
    r"(?<=[.!?…])(?<!\b[DM]r\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\bProf\.)(?<![a-z] [A-HJ-Z]\.)"
    r"\s+(?=[\w\"“'‘(])"
)
"""Where a sentence ends: not behind a title or an initial."""
_NAME: Final = re.compile(r"(?<=[\w,] )[A-Z][^\W_]*|^[A-Z][^\W_]*(?= is )")
"""A word with a capital, not at the beginning; there only before "is"."""
_THING: Final = re.compile(r"(?:the|our)\s", re.IGNORECASE)
_NOTE: Final = re.compile(r"\s*\[[^\]]{1,60}\]")


Manner: TypeAlias = tuple[bool, bool, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """Of whom, what, and which value: "Nadia's favourite colour is green"."""

    who: str
    what: str
    value: str
    single: bool
    """Whether one has only one of it, so that a later value takes the place of an earlier one."""
    turned: bool
    """Whether it says that it was another before: "was changed to"."""
    manner: Manner
    """Whether the value has a name, has a number, and its preposition or units: what takes the
    place of another is of its manner."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A statement as it is compared with others that may say the same."""

    key: str
    """Equal for statements that say the same, and for a few others; empty if it says nothing."""
    about: str
    """Who says it, if it is not in the words; of which day, if of one; and whether it is asked."""
    gist: Gist
    text: str
    """Itself, for what stems do not tell."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What one statement says."""

    saying: Saying
    tokens: tuple[str, ...]
    """Its words without cues."""
    speaker: str
    """Who says it in these words; empty for the narrator."""
    names: frozenset[str]
    """Those of its words that have a capital."""
    slot: Slot | None
    changes: bool
    """Whether it says by a word that something changed."""
    adds: bool
    """Whether it says that something came to what there was."""
    dated: bool
    """Whether it is of its day: an event, a plan, a past."""
    ended: Saying | None
    """What it says holds no longer."""
    reading: Wording
    """Itself, as changes are looked for in it."""
    parts: tuple[Truth, ...] = ()
    """What its clauses say, where it tells of a change."""


def statements(text: str) -> list[tuple[str, str]]:
    """What a row says, sentence by sentence, each with who says it (empty for the narrator).

    A first sentence that only says who and when is none.
    """
    if '"' not in text and "“" not in text and "(said on" not in text:
        return [("", one) for one in _SENTENCE.split(text) if one.strip(" .")]
    body = SAID_ON.sub("", _HEAD.sub("", text, count=1)).strip() or text
    found: list[tuple[str, str]] = []
    speaker, end = "", 0
    for quote in _QUOTE.finditer(body):
        _add_between(found, body[end : quote.start()], speaker)
        speaker, end = quote[1].strip().removesuffix(" asked"), quote.end()
        found += [(speaker, one) for one in _SENTENCE.split(quote[2])]
    _add_between(found, body[end:], speaker)
    return [(who, said) for who, said in found if said.strip(" .")]


def same(one: Saying, other: Saying) -> bool:
    """Whether both say the same."""
    return _same_stems(one, other) and may_merge(one.text, other.text)


def _same_stems(one: Saying, other: Saying) -> bool:
    return bool(one.key) and one.key == other.key and says_the_same(one.gist, other.gist)


def saying(text: str, *, speaker: str = "", day: int = 0) -> Saying:
    """What `read` would say of one statement, at a third of the price."""
    return _saying(text, _tokens(wording(text, speaker=speaker)), speaker=speaker, day=day)


def _tokens(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in words if one not in CUES and one != BREAK)


def _is_question(text: str) -> bool:
    return text.rstrip(" \"'”").endswith("?")


def _saying(text: str, tokens: Sequence[str], *, speaker: str, day: int) -> Saying:
    gist = gist_of(text, speaker=speaker)
    mark = "?" if _is_question(text) else ""
    passing = f"@{day}" if _is_dated(tokens) and not _is_lasting(tokens) else ""
    about = f"{mark}{_said_by(speaker, tokens)}{passing}"
    return Saying(f"{about}{gist.bag}" if tokens and gist.tokens else "", about, gist, text)


def denied(one: Saying) -> Saying | None:
    """What a statement says is not so: of "I do not smoke" what "I smoke" says."""
    kept = tuple(token for token in one.gist.tokens if token not in _DENYING)
    if len(kept) != len(one.gist.tokens) - 1 or not kept:
        return None
    gist = replace(one.gist, tokens=kept)
    return Saying(f"{one.about}{gist.bag}", one.about, gist, one.text)


def read(text: str, *, speaker: str = "", day: int = 0) -> Truth:
    """What one statement says; `day` is when, as a number, for what holds of its day alone."""
    whole = _read(text, speaker=speaker, day=day)
    if _is_question(text) or not is_certain(whole.reading.line):
        return whole
    parts = [
        replace(part, changes=part.changes or changed)
        for clause, changed in clauses(text)
        if (part := _read(clause, speaker=speaker, day=day)).changes
        or changed
        or part.reading.cued
        or (part.slot and part.slot.single)
    ]
    return replace(whole, parts=tuple(parts)) if parts else whole


def _read(text: str, *, speaker: str, day: int) -> Truth:
    question = _is_question(text)
    words = wording(text, speaker=speaker)
    tokens = _tokens(words)
    first = _NOTE.sub("", text).partition(";")[0]
    noted = wording(first, speaker=speaker) if first != text else words
    line = " ".join(one for one in noted if one not in CUES and one != BREAK)
    names = frozenset(word(one.casefold()) for one in _NAME.findall(text))
    thing = bool(_THING.match(text))
    slot = None if question else _slot(line, names, thing=thing)
    return Truth(
        saying=_saying(text, tokens, speaker=speaker, day=day),
        tokens=tokens,
        speaker=speaker,
        names=names,
        slot=slot,
        changes=not question and not _CHANGING.isdisjoint(words),
        adds=not _ADDING.isdisjoint(words) or bool(_SECOND.search(text)),
        dated=_is_dated(tokens),
        ended=None if question else _ended(text, speaker),
        reading=reading(text),
    )


_DENYING: Final = frozenset(("not", "never"))
_TWO: Final = re.compile(
    r" and (?:i |we |he |she |they )?(?:works?|lives?|has|have|is|am|are|uses?|likes?|drives?"
    r"|plays?|stud(?:y|ies)|teach(?:es)?|runs?|owns?|speaks?|prefers?|hates?|loves?|wants?|needs?|eats?)\b"
)
"""A statement of two things: "I live in Porto and work at Acme"."""


def supersedes(newer: Truth, older: Truth) -> bool:
    """Whether the newer statement, said later, plainly ends the older one."""
    if any(_ends(one, older) for one in (newer, *newer.parts)):
        return not newer.adds and not is_set_apart(newer.saying.text, older.saying.text)
    return False


def _ends(newer: Truth, older: Truth) -> bool:
    return _seems_to_end(newer, older) and may_end(newer.saying.text, older.saying.text)


def _seems_to_end(newer: Truth, older: Truth) -> bool:
    if newer.adds or _same_stems(newer.saying, older.saying):
        return False
    if _TWO.search(older.reading.line) and not _TWO.search(newer.reading.line):
        return False  # the other half still holds
    if not newer.changes and newer.speaker and older.speaker and newer.speaker != older.speaker:
        return False
    if newer.ended and _same_stems(newer.ended, older.saying):
        return True
    settled = not older.dated or not _PLANNED.isdisjoint(older.tokens)
    mine = (
        newer.speaker == older.speaker or "i" not in newer.reading.persons | older.reading.persons
    )
    if settled and mine and not _of_others(newer, older) and ends(newer.reading, older.reading):
        return True
    if newer.ended:
        return False
    return _other_value(newer, older) or _other_part(newer, older)


def _of_others(newer: Truth, older: Truth) -> bool:
    """Whether they speak of the same for different things: "my budget for food", "for rent"."""
    if newer.slot is None or older.slot is None:
        return False
    mine, theirs = newer.slot.what.split(), older.slot.what.split()
    start = _alike(mine, theirs)
    return 0 < start < min(len(mine), len(theirs)) and mine[start - 1] in _PREPOSITIONS


def contradicts(one: Truth, other: Truth) -> bool:
    """Whether both cannot hold: two values of what one has one of."""
    return one.slot is not None and one.slot.single and _other_value(one, other)


def _other_value(newer: Truth, older: Truth) -> bool:
    """Another value of the same, where it is said to have changed or there can be but one."""
    mine, theirs = newer.slot, older.slot
    if mine is None or theirs is None:
        return False
    moved = (mine.turned, f"{mine.who} 's {mine.what}") == (theirs.what == word("home"), theirs.who)
    same = (moved and _is_place(mine)) or (mine.who, mine.what) == (theirs.who, theirs.what)
    if not same or mine.value == theirs.value or _says_more(mine.value, theirs.value):
        return False
    proper = any(mine.manner[:2])
    if mine.turned:
        return mine.manner[:2] == theirs.manner[:2] and (proper or bool(mine.who))
    if mine.manner != theirs.manner and not (newer.changes and mine.what.startswith(_FAVORITE)):
        return False
    proper = proper or mine.what.startswith(_FAVORITE)
    return mine.single or (newer.changes and proper)


def _says_more(one: str, other: str) -> bool:
    """Whether one value only adds words to the other."""
    fewer, more = sorted((set(one.split()), set(other.split())), key=len)
    return fewer <= more


_LONGEST_ROLE: Final = 2


def _other_part(newer: Truth, older: Truth) -> bool:
    """The same frame with one other part, and a cue: "we deploy on Fridays", "now on Mondays"."""
    mine, theirs = list(newer.tokens), list(older.tokens)
    if not newer.changes or newer.dated or older.dated or mine[:2] != theirs[:2]:
        return False
    start = _alike(mine, theirs)
    if mine[1:2] == ["'s"] and start < 3:
        return False
    end = min(_alike(mine[::-1], theirs[::-1]), min(len(mine), len(theirs)) - start)
    gaps = (mine[start : len(mine) - end], theirs[start : len(theirs) - end])
    is_role = start == 2 and mine[1] == "be"  # what one is and what one is doing may both hold
    longest = _LONGEST_ROLE if is_role else _LONGEST_VALUE
    if not all(gaps) or any(len(gap) > longest or "not" in gap for gap in gaps):
        return False
    if not set(gaps[0]).isdisjoint(gaps[1]):  # two parts differ, and something between is the same
        return False
    manner = _manner(gaps[0], newer.names)
    if manner != _manner(gaps[1], older.names) or all(manner[:2]):
        return False  # another name and another number are another thing
    owned = newer.slot is not None and bool(newer.slot.who)
    if owned and gaps[0] == (newer.slot.value.split() if newer.slot else []):  # see _other_value
        return False
    if not _PREPOSITIONS.issuperset(mine[len(mine) - end :]) or mine[1] in _ONE_AT_A_TIME:
        return True
    where = mine[start - 1] in _WHERE and mine[1] != "be" and _FREELY.isdisjoint(mine)
    when = any(one.isdigit() or one in _TIMES for one in gaps[0])
    return where or (when and mine[start - 1] in _PREPOSITIONS)


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """How many of the first tokens are the same."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _add_between(found: list[tuple[str, str]], text: str, speaker: str) -> None:
    """What stands between quotes with a name: more quotes of the last speaker, or the narrator."""
    quotes = _MORE.findall(text)
    if quotes and speaker:
        found += [(speaker, one) for quote in quotes for one in _SENTENCE.split(quote)]
    elif text.strip(" ."):
        found += [("", one) for one in _SENTENCE.split(text.strip())]


def _is_dated(tokens: Sequence[str]) -> bool:
    """Whether it tells of a day; a state in the passive ("is called") does not."""
    for place, token in enumerate(tokens):
        before = tokens[max(0, place - 2) : place]
        versioned = token in _VERSIONED and any(map(str.isdigit, before))
        wished = tokens[place : place + 2] == _WISH
        if token in _DATED and not versioned and not wished:
            return True
        if token == word("this") and not _PERIODS.isdisjoint(tokens[place + 1 : place + 2]):
            return True
        if token.endswith(PAST) and token != _CALLED and _PARTICIPLED.isdisjoint(tokens[:place]):
            return True
    return False


def _is_lasting(tokens: Sequence[str]) -> bool:
    """Whether what it tells of the past is the same on whichever day it is told."""
    if not _TOLD_FROM.isdisjoint(tokens):
        return False
    return any(
        one.removesuffix(PAST) in _ONCE or (len(one) == 4 and one[:2] in ("19", "20"))
        for one in tokens
    )


def _slot(line: str, names: frozenset[str], *, thing: bool) -> Slot | None:
    """The slot of a plain statement.

    `names` are the words with a capital; `thing` says that it is of "the …" or "our …".
    """
    patterns = [*(_OWNED if " 's " in line else ()), *(_UNOWNED if thing else ())]
    if " be our " in line:
        patterns.append(_HELD)
    for pattern, turned in patterns:
        if match := pattern.match(line):
            return _as_slot(match, match["what"].strip(), names, turned=turned)
    if not _PLACING.search(line):
        return None
    for what, pattern in _PLACES:
        if match := pattern.match(line):
            slot = _as_slot(match, what, names, turned="old" in match.groupdict())
            if slot is not None and _is_place(slot):
                return slot
    return None


def _is_place(slot: Slot) -> bool:
    """Whether one can live or work there, or be it: a name, and none of a tool."""
    words = slot.value.split()
    return slot.what == word("livelihood") or (slot.manner[0] and _TOOLS.isdisjoint(words))


def _as_slot(
    match: re.Match[str], what: str, names: frozenset[str], *, turned: bool
) -> Slot | None:
    groups = match.groupdict()
    value = _until_time((groups.get("value") or "").split())
    if not 0 < len(value) <= _LONGEST_VALUE or not {"not", "or", "if", "but"}.isdisjoint(value):
        return None
    what = " ".join(one for one in what.split() if one != word("new"))
    plain = "and" not in value and (_PREPOSITIONS.isdisjoint(value) or what.endswith("address"))
    kind, manner = _kind(what), _manner(value, names)
    named, numbered = manner[:2]
    fits = (kind not in _NAMED or named) and (kind not in _MEASURED or named or numbered)
    single = plain and fits and _is_single(what)
    who = groups.get("who") or ""
    return Slot(who, what, " ".join(value), single=single, turned=turned, manner=manner)


def _manner(value: Sequence[str], names: frozenset[str]) -> Manner:
    """See `Slot.manner`."""
    named, numbered = not names.isdisjoint(value), any(one.isdigit() or one == "@" for one in value)
    counted = " ".join("time" if one in _SPANS else one for one in value if one.isalpha())
    units = "" if named or not numbered else counted
    return named, numbered, value[0] if value[0] in _PREPOSITIONS else units


def _kind(what: str) -> str:
    """What it is without "home", "main", "official"."""
    words = what.split()
    while len(words) > 1 and words[0] in _QUALIFIERS and " ".join(words) not in _SINGLE:
        words = words[1:]
    return " ".join(words)


def _is_single(what: str) -> bool:
    kind = _kind(what)
    if kind.startswith(f"{_FAVORITE} "):
        return _PREPOSITIONS.isdisjoint(kind.split())
    return kind in _SINGLE


def _until_time(words: list[str]) -> list[str]:
    for place, one in enumerate(words):
        in_year = one == "in" and words[place + 1 : place + 2] and words[place + 1].isdigit()
        if place and (one in _UNTIL or in_year):
            return words[:place]
    return words


def _said_by(speaker: str, tokens: Sequence[str]) -> str:
    """What somebody says of something else is theirs: another may not say the same by it."""
    return f"{speaker}: " if speaker and set(wording(speaker)).isdisjoint(tokens) else ""


def _ended(text: str, speaker: str) -> Saying | None:
    """What a statement says holds no longer."""
    line = spelled(text)
    if not _ENDING.search(line):
        return None
    for pattern, put in _ENDED:
        if pattern.match(line):
            kept = pattern.sub(put, line)
            return saying(kept, speaker=speaker)
    return None
