"""Which claims tell what somebody did, or what befell them, and is worth knowing.

Owns the verbs and the objects that say too little. Invariant: a deed that is no milestone counts
only with a date, a number or a name.
"""

import re
from typing import Final

from elephantasm_mcp.synthesis.claims import is_anchored, says_something
from elephantasm_mcp.synthesis.grammar import ADVERBS, PAST
from elephantasm_mcp.synthesis.words import word_set

_MILESTONES: Final = word_set(
    """lost joined bought adopted moved quit started launched opened finished completed graduated
    signed won enrolled registered applied passed failed retook retaken published released booked
    hired accepted rejected decided chose chosen agreed married divorced sold founded built received
    earned switched migrated deployed broke broken injured attended visited volunteered donated
    organized hosted submitted scheduled rescheduled budgeted increased reduced cut set got gotten
    finalized secured negotiated written wrote implemented added integrated configured upgraded
    recorded raised begun began committed designed"""
)
"""Deeds worth knowing without a date, a number or a name."""
_NO_DEEDS: Final = word_set(
    """wanted needed hoped tried realized realised noticed asked wondered appreciated missed
    talked laughed smiled looked seemed liked felt knew thought figured mentioned meant guessed
    supposed reached believed imagined agree kept came heard happened managed helped worried
    struggled surprised amazed turned considered experienced encountered worked lived learned
    practiced focused said told did been was were chatted caught hugged stepped faced"""
)
"""Past forms that tell too little, or need another verb."""
_EMPTY_OBJECT: Final = re.compile(
    r"(?:got|gotten|received|set|started|began|begun|had|made|found|raised|built) (?:(?:an?|the"
    r"|my|our|some|so|such|to|really|lots of|many|much|more|great|good|amazing|new|really) )*"
    r"(?:chance|opportunity|lot|bit|feeling|kick|ton|idea|message|taste|sense|support|help|feedback"
    r"|advice|time|fun|blast|leads|positive|feel\w*|think\w*|realiz\w+|see|wonder\w*|believ\w+"
    r"|excited|nervous|emotional|choked|lost|used|awareness|inspir\w+|caught|carried|bond|stuff"
    r"|memor\w+|conversation|experience|session|moment|trouble|day|hard|news|surge|turnout"
    r"|possible|through|better)\b"
    r"|(?:started|began|begun) (?:when|on|with|out|off|at|as|from)\b|used to\b|met (?:back|in|at"
    r"|on)\b|lost (?:in|for|without|count|track|sleep|touch|interest)\b|\w+ (?:that|it)\b",
    re.IGNORECASE,
)
"""A deed at its start that needs more to tell anything."""
_HABIT: Final = re.compile(r"\b(?:every|each|usually|always|often|a (?:day|week|month|year)$)\b")
_SAME_IN_PRESENT: Final = word_set("read cut put set hurt quit")
"""Verbs whose past form looks like the present one."""
_DEED: Final = re.compile(
    rf"(?:(?:I|[Ww]e|[Mm]y (?:\w+ ){{1,2}}and I)(?:(?:['’]ve"
    rf"| have) (?!(?:\w+ )?got\b))? ?{ADVERBS}|Just )"
    r"(?P<verb>[a-z]+)(?P<been>(?:(?<=been)|(?<=was)) (?:accepted|promoted|hired|fired|laid off"
    r"|diagnosed|invited|selected|elected|offered|awarded|injured|(?:to|in|at)(?= [A-Z])))?"
    r"(?P<rest> .+)"
)
_DECISION: Final = re.compile(
    rf"(?:I|[Ww]e)(?:['’]ve| have)? {ADVERBS}(?:decided|chose|chosen|agreed|committed) "
)
_ELIDED: Final = re.compile(
    r"(?:Just )?(?P<verb>[Ll]ost|[Gg]ot|[Ss]tarted|[Jj]oined|[Bb]ought|[Ff]inished|[Tt]ook|[Ww]ent"
    r"|[Ss]igned up|[Aa]dopted|[Mm]oved|[Ll]aunched|[Oo]pened|[Hh]osted|[Aa]ttended|[Vv]isited"
    r"|[Ww]on|[Mm]et|[Ww]rote|[Ss]ubmitted)(?P<rest> .+)"
)


def is_deed(claim: str, *, text: str) -> bool:
    """Whether `text`, which is `claim` without the time it begins with, tells of a deed."""
    match = _DEED.fullmatch(text) or _ELIDED.fullmatch(text)
    if match is None or _EMPTY_OBJECT.match(text, match.start("verb")):
        return False
    verb = match["verb"].lower()
    if verb in _SAME_IN_PRESENT and _HABIT.search(text):
        return False
    been = match.groupdict().get("been")
    if not says_something(f"I{match['rest']}") or (verb in _NO_DEEDS and not been):
        return False
    told = verb in PAST or verb in _MILESTONES or (verb.endswith("ed") and not verb.endswith("eed"))
    return bool(been) or (told and (verb in _MILESTONES or is_anchored(claim)))


def is_decision(text: str) -> bool:
    """Whether the deed is a decision, which holds from then on."""
    return bool(_DECISION.match(text))
