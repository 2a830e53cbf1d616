"""Differences: what must be alike in two statements before one may merge with or end the other.

Owns what the comparison of stems cannot see: numbers as they are written, capitals, plurals behind
a determiner, compounds, poles, and a past with a date of its own. Finds nothing by itself (see
`truths`). Invariant: it only ever refuses, so that whatever it does not know changes nothing.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from elephantasm_mcp.pure.gists import is_time, set_of, unit
from elephantasm_mcp.pure.spelling import spelled
from elephantasm_mcp.pure.wordings import CUES, FILLERS, PAST, SAID_ON

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?|\d+(?:[.:/]\d+)*|[,;:.!?]")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_STOPS: Final = set_of(", ; : . ! ?")
_DETERMINERS: Final = set_of("a an my the our his her their your")


def may_merge(one: str, other: str) -> bool:
    """Whether nothing in two statements with the same stems tells them apart."""
    if one == other:
        return True
    if _numbers(one) != _numbers(other):
        return False
    if any(_found(each, one) != _found(each, other) for each in _ALIKE):
        return False
    if any(_tells_apart(each, one, other) for each in _ALIKE_IN_BOTH):
        return False
    bits = _BITS.findall(one), _BITS.findall(other)
    if all(bits) and bits[0] != bits[1]:
        return False
    mine, theirs = _words(one), _words(other)
    pairs = ((one, mine, other, theirs), (other, theirs, one, mine))
    return not any(
        _is_done_to(first, second)
        or _is_doing(words, others)
        or _is_one_of_many(words, others)
        or _is_name(words, others)
        for first, words, second, others in pairs
    )


@lru_cache(maxsize=8_192)
def _words(text: str) -> tuple[str, ...]:
    """The words as they are written, without the note of when it was said; stops are words."""
    return tuple(_WORD.findall(SAID_ON.sub("", text).replace("’", "'")))


def _numbers(text: str) -> list[str]:
    """The numbers as written, in the order of their size; a decimal comma is a point."""
    return sorted(one.replace(",", ".") for one in _NUMBER.findall(spelled(text)))


_ALIKE: Final = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:\w+-)+in-law\b|\bex(?:-\w+| (?:wife|husband|partner|boyfriend|girlfriend)\b)",
        r"\bstep-?(?:brother|sister|mother|father|mum|mom|dad|son|daughter|child|parents?)\b",
        r"\b(?:am|is|are|be|been|get|gets|getting|i'm|\w+'re) used (?=to\b)",
        r"\b(?:in|of|by|since|until|from|next|last|this|mid|early|late|\d(?:st|nd|rd|th)?)"
        r" (?=may\b)"
        r"|\bmay (?=\d)",
    )
]
"""What is in both as often, or in neither: kin, what one is used to, the month."""
_ALIKE_IN_BOTH: Final = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:an? )?few\b",
        r"\b(?:an? )?little\b",
        r"\b(?:only|just)(?: (?:an?|the|my|our))?(?: \w+|$)",
    )
]
"""What differs only where both have it: "few" and "a few", what "only" stands before."""
_BITS: Final = re.compile(r"\b[KMGT][bB](?:it|yte)?(?:ps|/s)?\b")


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    found = [
        re.sub(r"[- ](?=\w)", "", one.casefold()) for one in pattern.findall(text.replace("’", "'"))
    ]
    return ["may"] * len(found) if "may" in pattern.pattern else sorted(found)


def _tells_apart(pattern: re.Pattern[str], one: str, other: str) -> bool:
    mine, theirs = _found(pattern, one), _found(pattern, other)
    return bool(mine and theirs) and mine != theirs


_BY: Final = re.compile(
    r"(?:\bam|'m|\b(?:get|gets|got|been|being)) (?!employed\b)(?:\w+ ){0,2}?\w+ by\b",
    re.IGNORECASE,
)


def _is_done_to(one: str, other: str) -> bool:
    """Whether only one tells by whom it is done: "I am hated by Ben", "I hate Ben"."""
    return bool(_BY.search(one)) and not re.search(r"\bby\b", other, re.IGNORECASE)


_HAVING: Final = set_of("has have had not been always it it's they they're")


def _is_doing(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one has a verb's -ing where the other has its participle: "annoying", "annoyed"."""
    doing = {unit(one.casefold()) for one in words if _is_ing(one)}
    if not doing:
        return False
    theirs = {unit(one.casefold()) for one in others if _is_ing(one)}
    done = {
        unit(one.casefold()).removesuffix(PAST)
        for before, one in pairwise(("", *others))
        if unit(one.casefold()).endswith(PAST)
        and before.casefold() not in _HAVING
        and not before.endswith("'ve")
    }
    return not (doing - theirs).isdisjoint(done)


def _is_ing(one: str) -> bool:
    return len(one) > len("being") and one.endswith("ing")


_CHILDREN: Final = {"child": ("children", "kids"), "kid": ("children",)}


def _is_one_of_many(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one tells of one where the other tells of several: "my brother", "my brothers"."""
    mine, theirs = [_low(one) for one in words], [_low(one) for one in others]
    for place, one in enumerate(mine):
        if one.endswith("'s") and f"{one[:-2]}s'" in theirs:
            return True
        if not place or mine[place - 1] not in _DETERMINERS or is_time(one) or one in theirs:
            continue
        for many in (f"{one}s", f"{one}es", f"{one[:-1]}ies", *_CHILDREN.get(one, ())):
            if many in theirs and _is_head(mine, place, theirs, theirs.index(many)):
                return True
    return False


def _is_head(mine: Sequence[str], place: int, theirs: Sequence[str], there: int) -> bool:
    """Whether a noun is no modifier of the next: "a daughter in Porto", and not "a nut allergy"."""
    after, behind = "".join(mine[place + 1 : place + 2]), "".join(theirs[there + 1 : there + 2])
    return after in _STOPS | _LITTLE | {""} or unit(after) == unit(behind)


def _is_name(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether what one names is a common word in the other: "Turkey", "turkey".

    A statement without any capital was typed so, and says nothing by it.
    """
    typed = not any(map(str.isupper, "".join(others)))
    inner = [one for before, one in pairwise(words) if before not in _STOPS - {",", ";"}]
    theirs = {unit(_low(one)) for one in others if one[:1].isupper()}
    plain = {one for one in others if one[:1].islower()}
    units = {unit(one): one for one in plain}
    for one in inner:
        stem = unit(_low(one)).removesuffix(PAST)
        if not one[:1].isupper() or one == "I" or is_time(_low(one)) or stem in theirs:
            continue
        if (len(one) > len("US") and one.isupper()) or _LANGUAGE.search(_low(one)):
            continue
        same = units.get(stem) or units.get(stem + PAST)
        if same and _low(same) != _low(one):
            return True
        if same and not typed:
            return True
    return False


_LANGUAGE: Final = re.compile(
    r"^\w{3,}(?:ese|[ie]an)$|^(?:english|spanish|danish|swedish|turkish)$"
)
"""Written small by many, and nothing else than with a capital."""


def _low(one: str) -> str:
    return one.casefold()


# Before one may end the other


def may_end(newer: str, older: str) -> bool:
    """Whether a newer statement, or a part of one, speaks of the same as an older one."""
    mine, theirs = _plain(newer), _plain(older)
    return not (
        _is_part_of_another(mine, theirs)
        or _is_another_kind(mine, theirs)
        or _is_another_kind(theirs, mine)
        or _is_at_the_other_pole(newer, older)
        or _is_of_another_number(newer, older)
        or _has_another_head(newer, older)
        or _is_of_something_else(newer, theirs)
    )


def is_set_apart(newer: str, older: str) -> bool:
    """Whether it is told of a past or a place of its own: "In 1990 I sold my car", "In Japan …"."""
    away = _AWAY.match(newer)
    if away and not is_time(_low(away[1])) and away[1] not in older:
        return True
    line, before = (SAID_ON.sub("", one).casefold() for one in (newer, older))
    if any(one[0] not in before for one in _LONG_AGO.finditer(line)):
        return True
    return bool(_YEAR.search(_SINCE_YEAR.sub("", line))) and not _YEAR.search(before)


_AWAY: Final = re.compile(r"In ([A-Z]\w+),? (?:I|we|my|our)\b")
_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b(?! (?:euros?|dollars?|pounds?|k?m|kg|g|mg|w)\b)(?!:)")
_SINCE_YEAR: Final = re.compile(
    r"\b(?:since|from|as of|to|until|till|by|for|starting|is|now)(?: in| on| the| of"
    r"| \d{1,2}(?:st|nd|rd|th)?"
    r"| (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*)* (?:19|20)\d\d\b"
)
"""Here a year is the value, or what began then still holds."""
_LONG_AGO: Final = re.compile(
    r"\b(?:(?:years|decades|ages) ago|long ago|as a (?:child|kid|boy|girl|teen\w*|student|baby)"
    r"|when (?:i|we|he|she|they) (?:was|were)|back then|in those days"
    r"|in the (?:\d\d)?\d0'?s|in the (?:fif|six|seven|eigh|nine)ties"
    r"|in my (?:youth|childhood|teens|twenties|thirties|novel|story|dream|game)|at my last job)\b"
    r"|^before (?:i|we)\b|^(?:in|at|after) (?:school|college|university)\b"
    r"|^(?:in|at) (?:(?:my|our) (?:last|old|former|previous) \w+"
    r"|(?:the|a) (?:game|novel|dream|film|book|story|play))\b"
)


@lru_cache(maxsize=8_192)
def _plain(text: str) -> tuple[str, ...]:
    """The words folded, a plural as its singular; an owner keeps its mark."""
    return tuple(_singular(_low(one)) for one in _words(text))


def _singular(one: str) -> str:
    if one.endswith("s'"):
        return f"{one[:-2]}'s"
    if one.endswith("ies") and len(one) > len("dies"):
        return f"{one[:-3]}y"
    return one[:-1] if len(one) > len("bus") and one.endswith("s") and one[-2] not in "su'" else one


_LITTLE: Final = (
    set_of("""
    i we you he she it they me us him them my our your his her its their a an the this that these
    those am is are was were be been being has have had do does did will would can could shall
    should must may might not no never and or but so because since while when where which who if
    than as in on at of to from for with without by into onto over under above below behind beside
    between against about after before during until till through per via out off up down back away
    again anymore any more longer now then currently nowadays already finally recently just only
    also too instead yet still soon later early late earlier today yesterday tomorrow tonight ago
    last next every each all both once twice meanwhile officially completely entirely altogether
    here there home forever permanently please rather like doe thi
    """)
    | CUES
    | FILLERS
)
"""Words that no noun leads as a modifier; "doe" and "thi" are what `_singular` leaves of two."""
_WHOLE: Final = set_of("deadline venue account subscription membership house habit job ending")
"""What is called after what it is for, and is the same with it."""
_LOOKS: Final = set_of("""
    white black red blue green yellow brown grey gray orange purple pink teal copper blond blonde
    dark light
""")
_COUNTS: Final = set_of("""
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred some
""")
_TELLING: Final = set_of("""
    went became become got gotten grew grown rose risen fell fallen left quit took taken broke
    broken gave given sold lost shrank shrunk came come ran built shut cut set made began begun
    moved won paid kept met said told put let hit goe run start open close cost end leave begin
    live work take use hurt weigh earn expire anew turn become sleep stay belong happen need
    sit stand lie go
""")
"""What is told of a noun before it."""
_NOUNS_IN_ED: Final = set_of("bed seed feed shed sled weed reed deed breed speed need")


def _is_telling(one: str) -> bool:
    """Whether it tells of the noun before, and is none with it."""
    if not one[0].isalpha() or one in _SAYING or is_time(one) or one.endswith(("n't", "'re")):
        return True
    return one.endswith("ly") or one in _TIMES or (one.endswith("ed") and one not in _NOUNS_IN_ED)


_SAYING: Final = _LITTLE | _TELLING | _WHOLE | _LOOKS | _COUNTS
_TIMES: Final = set_of("""
    monday tuesday wednesday thursday friday saturday sunday week month year day hour minute
    weekend weekday morning afternoon evening night time
""")
_SUBJECTS: Final = set_of("i we you he she they not to don't doesn't i'm we're no longer")


def _is_part_of_another(newer: Sequence[str], older: Sequence[str]) -> bool:
    """Whether a noun of the older one modifies or owns another there: "dogs", "two dog beds"."""
    stems = {unit(one).removesuffix(PAST) for one in older}
    for one, after in pairwise(newer):
        if one.endswith("'s") and one not in older and one[:-2] in older:
            if one[:-2] not in older[:1] and not _is_telling(after):
                return True
            continue
        if one not in older or _is_telling(after) or after in older or _is_telling(one):
            continue
        if unit(after.removesuffix("'s")).removesuffix(PAST) in stems or not _is_noun(one, older):
            continue
        return True
    return False


def _is_noun(one: str, older: Sequence[str]) -> bool:
    """Whether it stands in a text as no verb does, and as the last of its phrase."""
    place = older.index(one)
    before, after = "".join(older[:place][-1:]), "".join(older[place + 1 : place + 2])
    return before not in _SUBJECTS and (not after or _is_telling(after))


_KINDS: Final = set_of("""
    work school office home business second spare backup former old ex mobile landline guest base
    target goal ideal private emergency billing holiday summer winter eye travel retirement
""")
"""Before a noun they make another thing of it."""


def _is_another_kind(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether a shared noun is led by a word that names another thing: "work phone"."""
    for place, kind in enumerate(one[:-1]):
        led = one[place - 1] if place else ""
        if kind not in _KINDS and kind not in _TIMES:
            continue
        if led not in _DETERMINERS and not led.endswith("'s"):
            continue
        if kind == "second" and not _ORDINALS.isdisjoint(other):
            continue
        noun = one[place + 1]
        if noun in other and not _is_telling(noun) and kind not in other:
            return True
    return False


_ORDINALS: Final = set_of("first third fourth fifth sixth seventh eighth ninth tenth")
_POLES: Final = [
    (re.compile(rf"\b(?:{one})\b"), re.compile(rf"\b(?:{other})\b"))
    for one, other in (
        ("before", "after"),
        ("to", "from"),
        ("with", "without"),
        ("over", "under"),
        ("under", "behind"),
        ("above", "below"),
        ("inside", "outside"),
        ("mornings?", "evenings?|night"),
        ("weekdays?", "weekends?"),
        ("first", "last"),
        ("incoming", "outgoing"),
        ("upper", "lower"),
        ("front", "back"),
        ("minimum|at least", "maximum|at most"),
        ("at work", "at home"),
    )
]
_NO_POLE: Final = re.compile(
    r"\bfrom now on\b|\bfrom (?=me\b)|\b(?:last|over the) (?=week|month|year|night|summer|winter"
    r"|spring|autumn|\w+day)|\b(?:took|taken|takes|hand(?:ed)?|went|gone|switched|moved) over\b"
)


def _is_at_the_other_pole(newer: str, older: str) -> bool:
    """Whether one tells of what is before where the other tells of what is after."""
    mine, theirs = (_NO_POLE.sub(" ", one.casefold()) for one in (newer, older))
    for one, other in _POLES:
        here = bool(one.search(mine)), bool(other.search(mine))
        there = bool(one.search(theirs)), bool(other.search(theirs))
        if here[0] != here[1] and here == there[::-1]:
            return True
    return False


_FROM_NUMBER: Final = re.compile(r"\bfrom (\d+(?:[.,:]\d+)*) .*?\bto\b")


def _is_of_another_number(newer: str, older: str) -> bool:
    """Whether a number that does not change is another: "Python 2", "from 11 to 10"."""
    line, before = spelled(newer), spelled(older)
    turned = _FROM_NUMBER.search(line)
    if turned and _NUMBER.search(before) and turned[1] not in before:
        return True
    there = _plain(older)
    for one, number in pairwise(_plain(newer)):
        if not number[0].isdigit() or one not in there or _is_telling(one):
            continue
        if _NUMBER.search(before) is None:
            return True
    return False


_OF: Final = re.compile(
    r"\b(?:my|our|the|an?|his|her|their|some) (?:\w+ )?(\w+) (?:of|at|from) (?=\w)"
)
_BELONGING: Final = set_of("""
    job role position post membership subscription account use habit lease contract dose price
    amount number size rate level fee rent cost place work career shift date day time start end
    deadline salary head manager lead member half rest name
""")
"""Of what one has, these are the whole."""


_NOT_OF_IT: Final = re.compile(
    r"\bleft (?:(?:my|our|the|an?|some) \w+ (?:at|in|on)|\w+ (?:an?|my|some)) |\blost at "
    r"|(?:\bam|\bis|\bare|'m|'re) out of (?!the|my|our|an?|his|her)\b"
)
"""Words of ending that end nothing here: "left a book at", "lost at chess", "out of milk"."""


_HEAD: Final = re.compile(
    r"^(?:my|our|the|\w+'s) (?:\w+ )??(\w+) (?:now )?(?:is|are|was|were|has|have|went|\w+ed)\b"
)


def _has_another_head(newer: str, older: str) -> bool:
    """Whether they begin with two things: "the deposit went up", "the rent is"."""
    mine, theirs = _HEAD.match(newer.casefold()), _HEAD.match(older.casefold())
    if mine is None or theirs is None:
        return False
    heads = _singular(mine[1]), _singular(theirs[1])
    return heads[0] not in _plain(older) and heads[1] not in _plain(newer)


def _is_of_something_else(newer: str, older: Sequence[str]) -> bool:
    """Whether it is done to something of the older one: "I lost the key of my bike"."""
    if _NOT_OF_IT.search(newer.casefold()):
        return True
    return any(
        noun not in older and noun not in _BELONGING and not _is_telling(noun)
        for noun in map(_singular, _OF.findall(newer.casefold()))
    )
