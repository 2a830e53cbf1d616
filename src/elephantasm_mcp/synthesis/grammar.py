"""Turns a first-person sentence into a third-person one, where that is certain.

Owns the few rewritings and the test of what stands by itself. Types nothing. Invariant: whatever
is not covered by a rule comes back as None, never as a guess.
"""

import re
from typing import Final

from elephantasm_mcp.synthesis.words import word_set

ADVERBS: Final = (
    r"(?:(?:really|absolutely|just|also|still|currently|usually|always|often|definitely|especially"
    r"|totally|already|now|mostly|generally|normally|typically|never|recently|finally|actually|even"
    r"|honestly|truly|officially|super) ){0,2}"
)
_ADVERBS: Final = rf"(?P<adverb>{ADVERBS})"
_WHEN: Final = re.compile(
    r"(?P<when>(?:Just )?(?:(?:Last|This|Next) (?:week|weekend|month|year|night|summer|winter"
    r"|spring|fall"
    r"|autumn|fri|tues?|\w+day)|Yesterday|Today|Tomorrow|Tonight"
    r"|(?:A|Two|Three|Four|Five|Six|\d+|A couple of|A few|Several) (?:day|week|weekend|month"
    r"|year)s?"
    r" ago|In (?:\d{4}|[A-Z]\w+ \d{4})|On (?:[A-Z]\w+day|[A-Z]\w+ \d{1,2})))"
    r",? (?=(?:I|we)\b|[Mm]y )",
    re.IGNORECASE,
)
_BE: Final = re.compile(rf"I(?:['’]m| am) {_ADVERBS}(?P<rest>.+)", re.DOTALL)
_HAVE: Final = re.compile(rf"I(?:['’]ve| have) {_ADVERBS}(?P<rest>.+)", re.DOTALL)
_HAVE_GOT: Final = re.compile(rf"I(?:['’]ve| have) {_ADVERBS}got (?P<rest>(?!to\b).+)", re.DOTALL)
_DO_NOT: Final = re.compile(rf"I {_ADVERBS}(?:don['’]t|do not) (?P<rest>.+)", re.DOTALL)
_VERB: Final = re.compile(rf"I {_ADVERBS}(?P<verb>[a-z]+)(?P<rest>(?: .+)?)", re.DOTALL)
_MY: Final = re.compile(r"[Mm]y (?P<rest>.+)", re.DOTALL)

PAST: Final = word_set(
    """went bought got made started began finished completed joined met saw visited took built
    painted wrote ran won lost found signed learned taught gave attended hosted opened launched quit
    decided chose agreed adopted booked created designed fixed tried played cooked baked grew hiked
    camped traveled travelled flew drove called sold hired received passed failed graduated applied
    submitted switched deployed implemented added removed updated reviewed scheduled rescheduled
    married divorced injured broke hurt organized volunteered donated raised performed published
    recorded rejected accepted estimated tested logged drafted stopped moved lived worked studied
    had spent watched celebrated entered ordered rented registered enrolled participated
    completed earned interviewed presented released installed migrated refactored merged scored
    discovered invited helped planted adopted read set came did used saved reduced increased
    negotiated allocated prioritized became was retook cut picked put sent brought"""
)
"""Past forms that are the same in every person, as all regular ones are."""
_NO_PAST: Final = word_set("embed need feed speed bleed breed proceed succeed exceed shed wed")
PRESENT: Final = word_set(
    """like love enjoy prefer hate dislike work live study teach own use speak play collect
    volunteer manage coach practice practise paint cook bake swim write drive earn run need plan
    belong believe own want"""
)

_IDLE: Final = frozenset({"just", "also", "actually", "even", "honestly", "truly"})
"""Adverbs that lose their sense away from their neighbours, and take none with them."""
_SELF: Final = re.compile(
    r"\b(?:I|I['’]\w+|me|my|mine|myself|we|we['’]\w+|us|our|ours|ourselves)\b", re.IGNORECASE
)
_OTHER: Final = re.compile(r"\b(?:you|your|yours|you['’]\w+|y'all|ya|u|ur)\b", re.IGNORECASE)
_DANGLING: Final = re.compile(
    r"\b(?:it|it['’]s|its|this|these|those|they|they['’]\w+|them|their|he|she|him|her|his|hers"
    r"|there"
    r"|here|that['’]s|such|too|either|neither|same|ones?|another|others?|both|everything"
    r"|something"
    r"|anything|stuff|things?|then|instead|above|below|following)\b",
    re.IGNORECASE,
)
_THIRD: Final = re.compile(r"\b(?:he|she|him|her|his|they|them|their|it|its)\b", re.IGNORECASE)
_DATED_THIS: Final = re.compile(
    r"\bthis (?:week|weekend|month|year|morning|afternoon|evening|summer|winter|spring|fall"
    r"|\w+day)\b"
    r"|\bthis (?=(?:super )?(?:cute|cool|awesome|amazing|great|nice|old|beautiful|little)\b)",
    re.IGNORECASE,
)
_THAT: Final = re.compile(
    r"(?:^|\b(?:of|in|at|on|for|with|like|love|about|to|from|by|do|did) )that\b|\bthat$|\bthat"
    r" (?!\w+ ?\w*)",
    re.IGNORECASE,
)


def is_about_self(text: str) -> bool:
    """Whether `text` speaks in the first person, so that it cannot stand in the third."""
    return bool(_SELF.search(text))


def stands_alone(text: str, *, third: bool = False) -> bool:
    """Whether `text` refers to nothing outside it: no you, it, that, there.

    With `third`, its subject is named, and he, she, they or it may refer to that.
    """
    text = _DATED_THIS.sub("", text)
    if third:
        text = _THIRD.sub("", text)
    return not (_OTHER.search(text) or _DANGLING.search(text) or _THAT.search(text))


def without_when(sentence: str) -> str:
    """The sentence without the time that it may begin with: "Last week I joined a gym"."""
    match = _WHEN.match(sentence)
    return sentence[match.end() :] if match else sentence


def in_third_person(sentence: str, *, name: str) -> str | None:
    """`I love hiking` as `Ann loves hiking`; None where no rule is certain to be right.

    Covers I am, I have, I do not and I with a verb of `PRESENT` or `PAST`, and my …; nothing with
    a further I, my or our in it. A time at the start stays there.
    """
    told = without_when(sentence)
    if told != sentence:
        match = _WHEN.match(sentence)
        text = _in_third_person(told, name=name)
        return f"{match['when']}, {text}" if match and text else None
    return _in_third_person(sentence, name=name)


def _in_third_person(sentence: str, *, name: str) -> str | None:
    if match := _MY.fullmatch(sentence):
        return None if is_about_self(match["rest"]) else f"{name}'s {match['rest']}"
    for pattern, verb in ((_BE, "is"), (_HAVE_GOT, "has"), (_HAVE, "has"), (_DO_NOT, "does not")):
        if match := pattern.fullmatch(sentence):
            return _joined(name, match, verb)
    match = _VERB.fullmatch(sentence)
    return _joined(name, match, _conjugated(match["verb"])) if match else None


def _joined(name: str, match: re.Match[str], verb: str | None) -> str | None:
    if verb is None or is_about_self(match["rest"]) or match["rest"].startswith("gonna"):
        return None
    rest = match["rest"].lstrip()
    adverbs = " ".join(word for word in match["adverb"].split() if word not in _IDLE)
    words = [verb, adverbs] if verb in {"is", "has"} else [adverbs, verb]
    return " ".join(word for word in [name, *words, rest] if word)


def _conjugated(verb: str) -> str | None:
    """The third person singular of a verb of the lists, or its past; None for any other word."""
    if (verb in PAST or verb.endswith("ed")) and verb not in PRESENT | _NO_PAST:
        return verb
    if verb == "have":
        return "has"
    if verb not in PRESENT:
        return None
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}s"
