"""Changes: whether a statement says, by its own words, that an earlier one holds no longer.

Owns the words of change ("no longer", "switched from", "went up to") and what they end. Knows the
words of two statements, no time and no rows (see `truths` for slots). Invariant: without such a
word nothing is ended, and neither is what speaks of another person.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from elephantasm_mcp.pure.gists import LEADING, gist, is_time, set_of, unit
from elephantasm_mcp.pure.spelling import spelled
from elephantasm_mcp.pure.wordings import OWNER, PAST


def _stems(words: str) -> frozenset[str]:
    return frozenset(unit(one).removesuffix(PAST) for one in words.split())


_NO_CHANGE: Final = re.compile(
    r"\?$|\b(?:if|might|(?<!in )(?<!since )may|maybe|perhaps|could|would|should"
    r"|(?:i|we|they|and) plan|plans to|planning|hop(?:e|es|ing)|want(?:s)?"
    r"|think(?:s|ing)?|consider(?:s|ing)?|wish(?:es)?|says?|said|claims?|asked|wonder(?:s|ing)?"
    r"|almost|nearly"
    r"|another|also|too|as well|both|additional|second one|used to|for now|this week|today|tonight"
    r"|temporar(?:y|ily)|until|tomorrow|considered|thought|dreamt|going to|will(?! be\b)|never"
    r"|try|trying|unless"
    r"|for the (?:day|week|weekend|time being)|this (?:month|morning|evening|time|weekend)"
    r"|on (?:leave|vacation|holiday))\b"
)
"""What is asked, wished, planned, told by another, added or so for a while ends nothing."""
_DONE: Final = (
    r"stopped(?! (?:at|by|in|for)\b)|quit|quitted|gave up|given up|sold|cancelled|canceled"
    r"|closed(?=.* (?:account|shop|store|business|company|branch|school)\b)|finished|broke off"
    r"|broken off"
    r"|ended|dropped|abandoned|got rid of|gotten rid of|moved out of|moved away from|resigned from"
    r"|retired from|unsubscribed from|deleted|removed|lost|terminated|discontinued|broke up with"
    r"|separated from|divorced|(?<!my )(?<!the )(?<!his )(?<!her )left|stepped down as"
    r"|decommissioned|shut down|ditched|dumped|withdrew from"
    r"|recovered from|got over|outgrew|outgrown|uninstalled|scrapped|retired|gave away"
    r"|given away|completed"
    r"|kicked|returned|handed over|handed in|paid off|switched off|turned off|phased out|deprecated"
)
_ENDING: Final = [
    re.compile(pattern)
    for pattern in (
        r"^(?P<who>.*?)\bno longer (?P<what>.+)$",
        r"^(?P<who>.*?)\bnot (?P<what>.+?) anymore\b",
        r"^(?P<who>.*?)\bno (?P<what>.+?) anymore\b",
        r"^(?P<who>.*?)\b(?:am|is|are) (?:now |finally )?"
        r"(?:off|out of|back (?:home )?from) (?P<what>.+)$",
        r"^(?P<what>.+?) (?:is|are) (?:gone|over|healed|cured)\b(?P<who>)",
        rf"^(?P<who>.*?)\b(?:have |has |be |been |was |were |is |are |finally |just )*"
        rf"(?:{_DONE}) (?!for\b|since\b)(?P<what>.+)$",
        rf"^(?P<what>.+?) (?:was|were|has been|have been|got) "
        rf"(?:{_DONE}|dissolved)\b(?! for\b| since\b)(?P<who>)",
    )
]
"""What somebody does no more."""
_TURNED: Final = (
    r"moved|switched|changed|upgraded|downgraded|migrated|converted|shifted|transferred"
    r"|went (?:up|down|over)|gone (?:up|down|over)|relocated"
    r"|renamed|updated|raised|lowered|increased|reduced|cut|bumped|pushed|postponed|brought forward"
    r"|rescheduled|rebooked|slipped|delayed|extended|grown|grew|shrunk|shrank|risen|rose|fallen"
    r"|fell|dropped"
    r"|climbed|jumped|turned|became|become|promoted|transitioned|ported|set|adjusted|revised"
    r"|moved up|moved back"
    r"|shortened|doubled|swapped|replaced|expanded|upped|halved|tripled|brought"
)
_FROM_TO: Final = re.compile(
    rf"\b(?:{_TURNED})\b(?P<what>.*?)\bfrom (?P<old>.+?) (?:over )?(?:to|into) (?P<new>.+)$"
)
_OLD: Final = [
    re.compile(pattern)
    for pattern in (
        r"\b(?:instead of|rather than|in place of|as opposed to) (?P<old>.+)$",
        r"\b(?:taken over|took over|takes over) (?:\w+ )*?from (?P<old>.+?)(?: as | for |$)",
        r"\b(?:has replaced|have replaced|replaces|replaced|swapped|traded in|traded"
        r"|exchanged) (?P<old>.+?)"
        r" (?:with|for|by) ",
        r"\b(?:renamed) (?:the |our |my )?(?P<old>.+?) (?:to|into|as) ",
        r", not (?P<old>.+)$",
    )
]
_REPLACED: Final = re.compile(
    r"^(?:the |our |my )?(?P<new>.+?) (?:has |have )?(?:replaced|succeeded) (?P<old>.+)$"
)
_CUE: Final = re.compile(
    rf"\bnow\b|\bnowadays\b|\bfrom now on\b|\binstead\b|\bmeanwhile\b|\bcurrently\b|\bnew\b"
    rf"|\bsince (?:\w+)$"
    rf"|\b(?:{_TURNED})\b(?=.* (?:to|for|by|from)\b)|\b(?:up|down) to\b|\breversed\b"
    rf"|\bhas become\b|\brecently\b"
    r"|\bas of\b|\bturned (?=\d)"
)
_SOME_CHANGE: Final = re.compile(
    rf"\b(?:dyed|painted|repainted|off|back|gone|over|healed|cured|started|began|again|out of|me"
    rf"|now|no longer|no|anymore|not|instead|rather|from|new|up to"
    rf"|down to|reversed|place of|succeeded"
    rf"|{_DONE}|{_TURNED}|taken over|took over|took over|traded|exchanged|born|birth|baby|dating"
    rf"|engaged"
    r"|married|divorced|separated|widowed|found|got|cut|shaved)\b"
)
"""Without such a word the patterns need not be tried."""
_TURNING: Final = re.compile(rf"\b(?:{_TURNED})\b")
_CLAUSES: Final = re.compile(
    r"(?:;|:|,? and then|,? so|,? but|, and|,| and)\s+(?=(?:i|we|he|she|it|they|my|our|his|her"
    r"|the|is|am|are|has"
    r"|have|do|does|no|not|doesn't|now|drive|live|work|use)\b)|;\s+|\s+and\s+(?=do |does |is |am )"
)
_EMPTY: Final = _stems(
    """i we my our us me it he she they his her their him them its own this that new old job account
    membership subscription work place house one use have be do get go go~p completely yesterday ago
    last week month year night ever every all any few time times about a good for already fully
    totally altogether now anymore current currently main only just finally recently so at on in
    of to
    with from by for and or please not no again morning day weekend since then meanwhile officially
    regular regularly company firm habit hold longer week weeks two summer winter spring autumn"""
) | frozenset(("2_week", "2_month", "3_week", "3_month"))
"""Say little of what has ended."""
_SAID: Final = _stems(
    """run take place host use have be do live work go drive cost schedule deploy build keep set
    make decide handle locate base start begin happen planned scheduled write price our we the stay
    leave end deadline date by from rent charge pay now new track answer venue mid end early late
    beginning middle instead write written decision reverse old dead maximum minimum around about
    year
    month day week hour currently to in on at for of with amount total level come currently name
    call
    number measure weigh receive get"""
)
"""May stand in one of two statements on the same, and tells nothing else."""
_FEELING: Final = _stems(
    "like love hate enjoy prefer want think dream remember recommend miss admire fear afraid "
    "visit bought buy sell lose"
)
"""Does not end with what it is felt for."""
_KIN: Final = _stems(
    """brother sister mother father son daughter wife husband partner boyfriend girlfriend friend
    colleague uncle aunt cousin grandfather grandma grandpa niece nephew neighbour neighbor
    roommate flatmate child baby parent dad mum mother-in-law dog cat"""
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A statement as changes are looked for in it."""

    line: str
    persons: frozenset[str]
    """Who is spoken of: the speaker, kin, names in front."""
    words: frozenset[str]
    """The stems and values, without prepositions."""
    values: frozenset[str]
    """Those of the words that are numbers or times."""
    topics: frozenset[str]
    """Under what another of the same would be looked for."""
    subject: str
    """Whom or what it begins with, if that is a name or a noun."""
    cued: bool
    """Whether it has a word of change, and so may end another."""


@lru_cache(maxsize=8_192)
def reading(text: str) -> Wording:
    """A text, read for changes."""
    line = spelled(text)
    question = text.rstrip(" \"'”").endswith("?")
    words = _words(line)
    return Wording(
        line=f"{line}?" if question else line,
        persons=frozenset(_persons(line)),
        words=words,
        values=frozenset(filter(_is_value, words)),
        topics=(words - _EMPTY) | frozenset(_states(line)),
        subject=_subject(text),
        cued=not question and bool(_SOME_CHANGE.search(line)) and not _NO_CHANGE.search(line),
    )


def _states(line: str) -> Iterator[str]:
    """Those of `_STATES` that a line is about."""
    for number, (before, after) in enumerate(_STATES if _SOME_STATE.search(line) else ()):
        if before.search(line) or after.search(line):
            yield f"state {number}"


def _words(line: str) -> frozenset[str]:
    return frozenset(
        one.removesuffix(OWNER).removesuffix(PAST)
        for one in gist(line, me="").tokens
        if one not in LEADING
    )


def _persons(line: str) -> Iterator[str]:
    """Whose it is: "i" or kin at the beginning."""
    words = [one.removesuffix("'s") for one in re.findall(r"[\w'-]+", line)[:5]]
    if not {"i", "my", "me"}.isdisjoint(words):
        yield "i"
    if "we" in words[:2] or "our" in words[:3]:
        yield "we"
    yield from (one for one in map(unit, words[:4]) if one in _KIN)


def _is_value(word: str) -> bool:
    return (
        word[0].isdigit()
        or word[0] == "#"
        or is_time(word)
        or is_time(f"{word}day")
        or word in _DAYS
    )


_DAYS: Final = _stems(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june"
    " july"
    " august september october november december morning afternoon evening"
)


def is_certain(line: str) -> bool:
    """Whether what a line tells of is neither asked nor wished, added nor only so for a while."""
    return not _NO_CHANGE.search(line)


def ends(newer: Wording, older: Wording) -> bool:
    """Whether the newer one, said later, says that the older one holds no longer."""
    if (
        not newer.cued
        or newer.topics.isdisjoint(older.topics)
        or _NO_CHANGE.search(_kept(older.line))
    ):
        return False
    if _became(newer, older):
        return True
    if not _of_one(newer, older):
        return False
    if _began(newer, older):
        return True
    if re.search(r"\b(?:not|no|never|no longer|was|were|used to)\b", older.line):
        return False
    if _handed(newer, older):
        return True
    if older.subject and older.subject not in newer.words:
        return False
    changes = (_stopped, _left, _turned, _switched, _placed, _replaced)
    return any(change(newer, older) for change in changes) or _undone(newer, older)


def _kept(line: str) -> str:
    """What is planned or wished may be changed as well as what is."""
    return re.sub(r"\b(?:plan|plans|planned|will|want|until|today|never)\b", "", line)


def _of_one(newer: Wording, older: Wording) -> bool:
    """Whether both are of the same person, or of things."""
    mine, theirs = newer.persons, older.persons
    kin = theirs - {"i", "we"}
    if not kin <= newer.words or (mine - {"i", "we"}) - older.words - {unit("doctor")}:
        return False
    if "i" in theirs:
        return "i" in mine or (not mine and _is_of_thing(newer.line, older))
    return not ("i" in mine and "we" not in mine and "we" in theirs)


def _stopped(newer: Wording, older: Wording) -> bool:
    """As "I stopped smoking": all that has stopped is in the older one."""
    if not _FEELING.isdisjoint(older.words) or " and " in older.line:
        return _same_feeling(newer, older)
    lasting = _DOING.isdisjoint(older.words) and not _IN_PROGRESS.search(older.line)
    done = _FINISHED.search(newer.line) is not None and lasting
    for clause in () if done else _CLAUSES.split(newer.line):
        for pattern in _ENDING:
            match = pattern.search(clause)
            if match is None:
                continue
            ended = match["what"].split(" and ")[0]
            if _AT_ONCE.search(clause):
                ended = _WHEN.sub("", ended)
            what = _words(ended)
            named = what - _EMPTY
            about = _words(match["who"]) - _EMPTY - {"finally", "just"}
            rest = older.words - named - _EMPTY - _SAID
            if _FINISHED.search(clause) and len(rest - _DOING) > 1:
                continue  # what is finished may be a part of it
            if named and named <= older.words and about <= older.words | newer.persons:
                return len(rest) <= _MOST_UNSAID or bool(_NO_MORE.search(clause))
    return False


def _began(newer: Wording, older: Wording) -> bool:
    """As in "I do not smoke", and then "I started smoking": all that was not so is so now."""
    if not _NOT.search(older.line) or _NOT.search(newer.line) or not _BEGUN.search(newer.line):
        return False
    rest = older.words - _EMPTY
    return bool(rest) and rest <= newer.words and len(newer.words - rest - _EMPTY) <= 1


_NOT: Final = re.compile(r"\b(?:not|never|no|no longer)\b")
_BEGUN: Final = re.compile(r"\b(?:now|started|began|again)\b")


_NO_MORE: Final = re.compile(r"\bno longer\b|\banymore\b|\bstopped\b|\bquit\b|\bg[ai]ven? up\b")
_MOST_UNSAID: Final = 2
"""What has ended may be told of in so many words fewer than what was said of it."""


def _undone(newer: Wording, older: Wording) -> bool:
    """As in "I have a gym membership", and then "I finally gave up my membership of the gym".

    All of the older one is in the newer one, which has a word of ending, or leads a word otherwise.
    """
    rest = older.words - _EMPTY
    if len(rest) < 2 or not rest <= newer.words or not _FEELING.isdisjoint(older.words):
        return False
    if not _NO_MORE.search(newer.line) and any(each.search(newer.line) for each in _ENDED_ONCE):
        return True
    same = not newer.words - older.words - _EMPTY
    led = _led(newer.line) ^ _led(older.line)
    return same and bool(_NOW.search(newer.line)) and bool(led) and led.isdisjoint(_LIMITING)


_LIMITING: Final = set_of("not no never but only except unless if or")
_ENDED_ONCE: Final = _ENDING[-2:]
"""What is sold, left or finished is so in whole; what one no longer does may be so on Fridays."""
_NOW: Final = re.compile(r"\bnow\b")


def _led(line: str) -> frozenset[str]:
    return LEADING.intersection(gist(line, me="").tokens)


def _subject(text: str) -> str:
    """Whom or what a text begins with; empty where that is a word like "the" or "I"."""
    first = re.split(r"[^\w-]", text.casefold(), maxsplit=1)[0]
    return "" if first in _NO_SUBJECT or not first else unit(first).removesuffix(PAST)


_NO_SUBJECT: Final = set_of("""
    i we my our us the a an this that please all every each most some there it he she they his
    her their from at in on by for since after before until no if
""")


def _is_of_thing(line: str, older: Wording) -> bool:
    """Whether a line without "I" begins with a thing, or with what the older one names."""
    return bool(_THING.match(line)) or unit(line.split()[0].strip(",")) in older.words


_THING: Final = re.compile(r"(?:the|our|this|that|from)\b")
_IN_PROGRESS: Final = re.compile(r"\b(?:am|is|are) \w+ing\b")
_FINISHED: Final = re.compile(r"\b(?:finished|completed)\b")
_AT_ONCE: Final = re.compile(r"\b(?:finished|completed|sold|cancelled|canceled|resigned)\b")
_WHEN: Final = re.compile(r" (?:in|on|at|since) \S+(?: \d+)?$")
"""When it was done is no part of what has ended; "stopped working on Mondays" is not like it."""
_DOING: Final = _stems("read watch study write build learn train work course listen play")
"""What may be finished; a cup of tea is nothing that one drinks no more."""


def _same_feeling(newer: Wording, older: Wording) -> bool:
    """Of what is felt, or of several, it ends only when it is said with the same words."""
    match = re.search(r"\bno longer\b|\banymore\b|\bstopped\b|\bquit\b|\bfinished\b", newer.line)
    if match is None:
        return False
    rest = older.words - _EMPTY
    return bool(rest) and rest <= newer.words | {"current"}


def _left(newer: Wording, older: Wording) -> bool:
    """As in "We switched from A to B": A is in the older one, and so is what they speak of."""
    if not _FEELING.isdisjoint(older.words):
        return False
    for old, rest in _olds(newer.line):
        gone = _words(old) if old == "me" else _words(old) - _EMPTY
        if not gone or not gone <= older.words:
            continue
        others = rest - gone - _EMPTY
        common = others & older.words
        placed = bool(common) or len(older.words - gone - _EMPTY - _SAID) == 0
        if placed and len(older.words - gone - rest - _EMPTY - _SAID) <= 1:
            return True
    return False


def _olds(line: str) -> Iterator[tuple[str, frozenset[str]]]:
    """What a line says was before, with the other words of the line."""
    words = _words(line)
    if match := _FROM_TO.search(line):
        yield match["old"], words
    for pattern in _OLD:
        plain = "not" in pattern.pattern[:6] or "instead" in pattern.pattern
        if (match := pattern.search(line)) and (not plain or _CUE.search(line)):
            yield match["old"], words
    if match := _REPLACED.search(line):
        yield match["old"], words


def _turned(newer: Wording, older: Wording) -> bool:
    """The same but for the value, and a word of change."""
    if not _CUE.search(newer.line) or not _FEELING.isdisjoint(older.words):
        return False
    common = (newer.words & older.words) - _EMPTY
    mine, theirs = newer.values - older.values, older.values - newer.values
    extra = newer.words - older.words - newer.values - _EMPTY - _SAID - _CHANGED
    if (by := _BY.match(newer.line)) and not _words(by["what"]).isdisjoint(older.words):
        extra -= _words(by["who"])
    lacking = older.words - newer.words - older.values - _EMPTY - _SAID
    if not common - _SAID - older.values or not mine or not theirs:
        return False
    if max(len(mine), len(theirs)) > 1 and not _FROM_TO.search(newer.line):
        return False  # a number and a day differ: another thing, not another value
    return not extra and len(lacking) <= 1


def _switched(newer: Wording, older: Wording) -> bool:
    """As in "We switched to B for this": what was used for this before is no more."""
    match = _TO.search(newer.line)
    if (
        match is None
        or not _FEELING.isdisjoint(older.words)
        or not (_USING & older.words or "promoted" in match[0])
    ):
        return False
    fresh = _words(match["new"]) - older.words - _EMPTY
    extra = newer.words - older.words - fresh - _EMPTY - _SAID - _CHANGED
    lacking = older.words - newer.words - _EMPTY - _SAID
    common = (newer.words & older.words) - _EMPTY - _SAID
    return bool(common and fresh) and not extra and len(fresh) <= 2 and 1 <= len(lacking) <= 2


_TO: Final = re.compile(
    r"\b(?:switched|moved|changed|migrated|converted|gone over"
    r"|promoted) to (?P<new>.+?)(?: (?:for|in|on|as) |$)"
)
_USING: Final = _stems("use run host track write build deploy keep drive drink pay")


def _placed(newer: Wording, older: Wording) -> bool:
    """As in "She sleeps in her own room now": where one is but in one place."""
    mine, theirs = _PLACE.match(newer.line), _PLACE.match(older.line)
    if mine is None or theirs is None or not re.search(r"\bnow\b", newer.line):
        return False
    same = all(_bare(mine[part]) == _bare(theirs[part]) for part in ("who", "verb", "prep"))
    times = [any(map(_is_value, _words(each["value"]))) for each in (mine, theirs)]
    return same and not any(times) and _bare(mine["value"]) != _bare(theirs["value"])


_PLACE: Final = re.compile(
    r"^(?P<who>.+?) (?:now )?(?P<verb>lives?|sleeps?|stays?|studies|study|parks?|sits?|goes"
    r"|banks?|commutes?)"
    r" (?P<prep>in|at|on|with|to|by) (?P<value>[^,;]{1,40})$"
)


def _replaced(newer: Wording, older: Wording) -> bool:
    """As in "The logo is blue", and then "we changed the logo to red" or "our new logo is red"."""
    state = _STATE.match(older.line)
    if state is None or state["what"] not in newer.line:
        return False
    owner = "(?:my|our|the)" if state["whose"] in ("my", "our", "the") else state["whose"]
    thing = rf"{owner} {re.escape(state['what'])}"
    anew = re.match(rf"{owner} new {re.escape(state['what'])} (?:is|are) (\S+)", newer.line)
    if anew:
        here, there = (one in _PREPOSITIONS for one in (anew[1], state["value"].split()[0]))
        return here == there
    for verbs, value in _WAYS:
        if not value.match(state["value"]):
            continue
        done = rf"(?:has |have |had |was |were |is |are |been |finally |just |now )*(?:{verbs})"
        if re.search(rf"\b(?:{verbs}) {thing}{_TOWARDS}|^{thing} {done}{_TOWARDS}", newer.line):
            return True
    return bool(re.search(rf"\b(?:dyed|painted|repainted) {thing} \S", newer.line))


_STATE: Final = re.compile(
    r"^(?P<whose>my|our|the|his|her|their|[\w-]+'s) (?P<what>(?:[\w-]+ ){0,3}?[\w-]+) (?:is|are) "
    r"(?:now |currently |set )*(?P<value>(?!not\b).+)$"
)
_PREPOSITIONS: Final = set_of("in on at with from under by for of to near")
_TOWARDS: Final = r" (?:over |back |down |up |forward |out )*(?:to|into|in with) \S"
_WAYS: Final = [
    (verbs, re.compile(value))
    for verbs, value in (
        (
            "changed|switched|updated|set|swapped|revised|adjusted|converted|replaced|reset"
            r"|upgraded|downgraded|turned|promoted|transitioned|went (?:over|back)",
            r"(?!(?:in|from|of|for|under|by) ).",
        ),
        (
            "moved|relocated|transferred|shifted|postponed|pushed|rescheduled|went|migrated|brought",
            r"(?:in|on|at|with) |#?\d|\w+day\b",
        ),
        (
            "raised|lowered|increased|reduced|cut|turned|went|grew|grown|rose|risen|fell|dropped"
            r"|bumped|extended|shortened|climbed|shrunk",
            r"(?:at |about )?\d",
        ),
        ("renamed", r"called |\w+$"),
    )
]
"""Verbs of change, and what a value is that they change."""


def _bare(text: str) -> frozenset[str]:
    return _words(text) - {"now", "current"} or frozenset([text])


def _became(newer: Wording, older: Wording) -> bool:
    """As in "I am single", and then "I have a boyfriend now"."""
    whose = _WHO.match(older.line), _WHO.match(newer.line)
    if not all(whose):
        return False
    mine = {"we": "i", "our": "i", "my": "i"}
    heads = {mine.get(each[1], each[1]) for each in whose if each is not None}
    return len(heads) == 1 and any(
        before.search(older.line) and after.search(newer.line) for before, after in _STATES
    )


_WHO: Final = re.compile(r"(\w+)(?: (?!brother|sister|son|daughter|mother|father|friend|cousin)|$)")


def _handed(newer: Wording, older: Wording) -> bool:
    """As in "Leo handles invoices", and then "invoices are now handled by Maya"."""
    mine, theirs = (gist(each.line, me="").tokens[:1] for each in (newer, older))
    if "now" not in newer.line or mine == theirs or "i" in (*mine, *theirs):
        return False
    rest = newer.words - {*mine, "current", "now"}
    return not _DUTIES.isdisjoint(rest) and rest == older.words - {*theirs}


_DUTIES: Final = _stems(
    "handle manage lead maintain organise coordinate chair own supervise oversee"
)
"""What one does, and hands over to another."""


_STATES: Final = [
    (re.compile(rf"\b(?:{before})\b"), re.compile(rf"\b(?:{after})\b"))
    for before, after in (
        (
            "is single|am single",
            "(?:has|have) a (?:boyfriend|girlfriend|partner|wife|husband).* now|am dating|is dating"
            "|got engaged|got married|(?:am|is) (?:now )?(?:engaged|married|in a relationship)",
        ),
        ("engaged", "got married|(?:am|is) (?:now )?married|broke up|broke off"),
        ("married", "got divorced|(?:am|is) (?:now )?(?:divorced|separated|widowed)"),
        ("pregnant", "was born|were born|gave birth|had (?:a|the|our|my) baby"),
        ("unemployed|jobless|out of work", "found a job|got a job|started working|have a job"),
        ("long", "(?:hair|beard) cut short|shaved"),
        (
            "looking for a (?:new )?(?:job|flat|apartment|house)",
            "found a (?:new )?(?:job|flat|apartment|house)",
        ),
    )
]
"""States of which the second ends the first; both are of one person (see `ends`)."""


_SOME_STATE: Final = re.compile(
    r"single|dating|girl|boy|partner|wife|husband|engaged|relation|married|broke|divorced"
    r"|separated|widowed|pregnant|born|birth|baby|work|job|hair|beard|long|shaved|looking|found"
)
"""Without such letters the patterns of states need not be tried."""
_BY: Final = re.compile(
    r"^(?P<who>.+?) (?:has |have )?(?:raised|lowered|increased|reduced|changed|moved|cut"
    r"|upgraded|updated"
    r"|set|extended|postponed|bumped) (?P<what>.+?) (?:up |down )?(?:to|from) "
)
"""Who changed it need not be told of before."""
_CHANGED: Final = _stems(
    """moved switched changed upgraded downgraded migrated shifted went gone renamed updated raised
    lowered increased reduced bumped pushed postponed rescheduled rebooked slipped delayed extended
    grown grew shrunk risen rose fallen dropped climbed jumped turned became become set adjusted up
    down back forward doctor price cut"""
)
