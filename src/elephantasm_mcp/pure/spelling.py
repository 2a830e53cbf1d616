"""Spelling: a statement in one spelling, before its words are taken one by one.

Owns numbers, dates and clock times, what is said to be kind, and ways to put the same that differ
in more than a word. Knows nothing of what a statement means. Invariant: a number, a name, a
negation or an owner of the text is in what is spelled.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from elephantasm_mcp.pure.wordings import pieces, plain_text, rewritten, rules

_POLITE: Final = rules(
    (
        "fyi btw way information know wonder wondered mentioned said told remember note mind"
        " forget mention say add point worth clear fact matter course needless please thanks"
        " thank reminder",
        r"\b(?:fyi|btw|by the way|for your information|just so you know|in case you wonder(?:ed)?"
        r"|as (?:i think )?(?:i|you)(?: may| might| already)?(?: have)?(?: already)? "
        r"(?:mentioned|said|told you|know)(?: before| earlier)?"
        r"|(?:i think )?i (?:already )?told you(?: that)?"
        r"|(?:please )?(?:remember|note|keep in mind|bear in mind|do not forget|know)(?: that|,|:)"
        r"|(?:please )?remember(?= (?:i|my|we|our|the)\b)"
        r"|i (?:just )?(?:want(?:ed)? to|should|must) (?:mention|say|note|add|point out) that"
        r"|for what it is worth|to be clear|in fact|as a matter of fact|of course|needless to say"
        r"|like i said|if you (?:do not mind|please)|please|thanks|thank you"
        r"|a reminder that)(?!\w)",
        " ",
    )
)
"""What is said to be kind, or to be heard."""
_UNITS: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905
_TENS: Final = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_NUMBERS: Final = {name: value for value, name in enumerate(_UNITS)} | _TENS
_GREAT: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_COUNTED: Final = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
""".split()  # noqa: SIM905
_ORDINALS: Final = {
    name: f"#{value}"
    for value, name in enumerate(
        _COUNTED,
        1,
    )
}
MONTHS: Final = """
    january february march april may june july august september october november december
""".split()  # noqa: SIM905
_MONTH: Final = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_ORDINAL: Final = r"(?:st|nd|rd|th)?"


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1]) % 12 + (12 if match[3] == "p" else 0)
    return f"{hour}:{match[2] or '00'}"


def _month(name: str) -> int:
    return next(at for at, one in enumerate(MONTHS, 1) if one.startswith(name[:3]))


_REWORDED: Final = rules(
    (
        "morning afternoon evening",
        r"\b(\d{1,2}) in the (morning|afternoon|evening)\b",
        lambda at: f"{at[1]} {'am' if at[2] == 'morning' else 'pm'}",
    ),
    ("am pm a p amer pmer", r"\b(\d{1,2})(?:[:.](\d\d))? ?([ap])(?:\.?m\b\.?|mer\b)", _clock),
    ("noon", r"\bnoon\b", "12:00"),
    ("midnight", r"\bmidnight\b", "0:00"),
    (":", r"\b0(\d:\d\d)\b", r"\1"),
    (
        _MONTH.replace("|", " "),
        rf"\b(?:the )?(\d{{1,2}}){_ORDINAL} (?:of )?({_MONTH})\b",
        lambda at: f"{_month(at[2])}/{at[1]}",
    ),
    (
        _MONTH.replace("|", " "),
        rf"\b({_MONTH}) (?:the )?(\d{{1,2}}){_ORDINAL}\b(?!:)",
        lambda at: f"{_month(at[1])}/{at[2]}",
    ),
    ("st nd rd th", r"\b(\d+)(?:st|nd|rd|th)\b", r"#\1"),
    ("up", r"^(?:me and )?(.+?) and i (?:broke|split|have split) up", r"i broke up with \1"),
    ("s", r"(?<=\w)'s (?=(?:an?|the|my|our|not|going|been|always|never|also|in|on|at) )", " is "),
    ("ever", r"\b(?:do |does )?not ever\b", "never"),
    (
        "mother father grandmother grandfather mum mom dad daddy grandma grandpa granny grandad",
        r"^(?=(?:mum|mom|dad|daddy|granny|grandad|(?:grand)?(?:mother|father|ma|pa))\b)",
        "my ",
    ),
    ("got", r"(?:'s| is) got\b", " has"),
    ("due", r"\bdue date\b", "deadline"),
    ("close", r"\bclose to\b", "near"),
    ("prior", r"\bprior to\b", "before"),
    ("well", r"\bas well as\b", "and"),
    ("together along", r"\b(?:together|along) with\b", "with"),
    ("away", r"\bright away\b", "immediately"),
    ("hardly", r"\bhardly ever\b", "rarely"),
    ("then time", r"\bnow and then\b|\bfrom time to time\b", "sometimes"),
    ("fan fond keen", r"\b(?:is|am|are) (?:a (?:big )?fan of|fond of|keen on)\b", "like"),
    ("dozen", r"\ba dozen\b", "12"),
    ("half", r"\bhalf an hour\b", "30 minutes"),
    ("half", r"\bhalf past (\d{1,2})\b", r"\1:30"),
    ("quarter", r"\bquarter past (\d{1,2})\b", r"\1:15"),
    ("clock", r"\b(\d{1,2}) o'clock\b", r"\1:00"),
    ("-", r"\b(\d{4})-(\d\d)-(\d\d)\b", lambda at: f"{int(at[2])}/{int(at[3])} {at[1]}"),
    ("over", r"\b(prefers? .+?) over\b", r"\1 to"),
    ("less fewer", r"\b(?:less|fewer) than (?=\d)", "under "),
    ("more", r"\bmore than (?=\d)", "over "),
    ("able", r"\b(?:is|are|am) not able to\b", "can not"),
    ("consists consist", r"\bconsists? of\b", "has"),
    ("since", r"\b(?:has|have) (\w+?)ed\b", r"is \1ing"),
    ("being", r"\b((?:like|love|prefer|hate)s?) being (?=\w+ed\b)", r"\1 "),
    ("once", r"\bonce (?=(?:a|per|every) )", "1 times "),
    ("twice", r"\btwice\b", "2 times"),
    ("other", r"\bevery other\b", "every #2"),
    ("fortnight fortnightly", r"\b(?:fortnightly|every fortnight)\b", "every 2 weeks"),
    ("look looks looking", r"\blook(s?|ing) after\b", r"tak\1 care of"),
    ("suffer suffers", r"\bsuffers? from\b", "has"),
    (
        "every each",
        r"\b(?:every|each) (?=(?:mon|tues|wednes|thurs|fri|satur|sun|week)(?:day|end)s?\b)",
        "",
    ),
    ("going", r"\b(?:is|are|am) going to\b", "will"),
    ("€", r"€ ?([\d.]+)", r"\1 euros"),
    ("£", r"£ ?([\d.]+)", r"\1 pounds"),
    ("$", r"\$ ?([\d.]+)", r"\1 dollars"),
    ("wi", r"\bwi-fi\b", "wifi"),
    ("mrs", r"\bmrs\b", "missis"),
    ("left", r"\b(my|his|her|their|the) left (?=\w)", r"\1 leftside "),
    ("weight", r"^my weight is ", "i weigh "),
    ("time", r"\b(part|full)-time\b", r"\1 time"),
    ("own owns", r"^(i|we|\w+) owns? (?=an?\b|the\b|my\b|our\b|\d)", r"\1 have "),
    ("come comes", r"\b(?:come|comes) from\b", "is from"),
    ("called", r"^(?:i|we) have an? (\w+) called ", r"my \1 is called "),
    ("called", r"^(\w+) has an? (\w+) called ", r"\1's \2 is called "),
    ("name", r"\bthe name of (my|our|his|her|their) (\w+) is\b", r"\1 \2 is called"),
    ("old", r"\b(is|am|are) (\d+) years? old\b", r"\1 \2"),
    ("place", r"\btakes? place\b", "is"),
    ("we", r"^we (?:have|hold) our ", "our "),
    ("work works working", r"\b(?:works?|working) as (?=an?\b)", "is "),
    ("dislike dislikes", r"\bdislikes?\b", "not like"),
    ("car", r"^my car is an? ", "i drive "),
    ("raised", r"\bwas raised in\b", "grew up in"),
    ("need needs", r"\bneeds? to\b", "must"),
    ("speak", r"\bcan (?=speak\b)", ""),
    ("there", r"^there (?:is|are) (.+?) (?:in|on|at) (our|the|my) (.+)$", r"\2 \3 have \1"),
    ("cost costs", r"\bcosts? (?=\d)", "is "),
    ("dr mr mrs ms st prof", r"\b(dr|mr|mrs|ms|st|prof)\.", r"\1"),
    (
        "s",
        r"(?<=\w)'s (?=(?:\w+ed|written|built|held|led|kept|run|made|sent|paid|set"
        r"|responsible|allergic"
        r"|afraid|called|based|in charge) (?:in|on|at|for|to|by|of|with|until|from|as"
        r"|every)\b)",
        " is ",
    ),
    ("would", r"\bwould (?:like|love)\b", "want"),
    ("be", r"\bto be (?=\w+ed\b)", ""),
    ("how", r"\bhow to\b", "to"),
    ("order", r"\bin order to\b", "to"),
    ("more most", r"\bno more than\b|\bat most\b", "maximum"),
    ("less least", r"\bno less than\b|\bat least\b", "minimum"),
    (
        "later newer above higher up older below",
        r"\b(?:and|or) (later|newer|above|higher|up|older|below)\b",
        r"\1",
    ),
    (
        "per each every",
        r"\b(?:per|each|every) "
        r"(day|week|month|year|hour|minute|night|morning|afternoon|evening|spring|summer|autumn"
        r"|winter|quarter)\b",
        r"a \1",
    ),
    ("daily", r"\bdaily\b", "a day"),
    ("weekly", r"\bweekly\b", "a week"),
    ("monthly", r"\bmonthly\b", "a month"),
    ("yearly annually", r"\b(?:yearly|annually)\b", "a year"),
    ("without", r"\band without\b", "without"),
    ("without no", r"\bwithout any\b|\bwith no\b|, no (?=\w+$)", " without "),
    ("any", r"\b(?:not|never) ([a-z]+) any\b", r"not \1"),
    (
        "fear scared",
        r"\bhas?ve? (?:a|an) (?:great )?fear of\b|\bis scared of\b|\bam scared of\b",
        "is afraid of",
    ),
    ("charge", r"\bin charge of\b", "responsible for"),
    ("use", r"\bmake use of\b", "use"),
    ("able", r"\b(?:is|are|am) able to\b", "can"),
    ("to", r"\b(?:has|have) to\b", "must"),
    ("running", r"\b(?:is|are) (running) (?:on )?", "runs "),
    ("run runs", r"\b(runs?) on\b", r"\1"),
    ("while", r"\bwhile (?=\w+ing\b)", ""),
    (
        "before after until",
        r"\b(before|after|until) (?:it|they) (?:is|are|gets?) (\w+)ed\b",
        r"\1 \2ing",
    ),
    ("for", r"\bfor (?=\w{3,}ing\b(?! \w+ (?:is|are)))", "to "),
    (
        "to",
        r"\b(like|likes|love|loves|prefer|prefers|enjoy|enjoys|want|wants|hate|hates) to ",
        r"\1 ",
    ),
    ("s", r"(?<=\w)'s (?=\d)", " is "),
    ("&", r" & ", " and "),
    ("it they", r"\b(?:it|they) (?:is|are|get|gets) (?=\w+ed\b)", "is "),
    ("get gets", r"\b(?:get|gets) (?=\w+ed\b)", "is "),
    ("deadline", r"\bthe deadline (?:for|of) (?:the )?(.+?) (is|was) ", r"the \1 deadline \2 "),
    ("due", r"^(the |our |my |)(.+?) (?:is|are) due (?:on |by )?", r"\1\2 deadline is "),
    (
        "use uses",
        r"^((?:\w+ ){0,2}?)(?:use|uses) (.+?) as (my|our|his|her|their) (.+?)[.!]?$",
        r"\3 \4 is \2",
    ),
    (
        "birthday anniversary",
        r"^(my \w+|\w+) has (?:his|her|their) (birthday|anniversary)\b",
        r"\1's \2 is",
    ),
    ("rent", r"^i pay (.+?) (?:in|for) rent", r"my rent is \1"),
    ("shoes", r"^i wear size ([\d.]+) shoes", r"my shoe size is \1"),
    (
        "pay",
        r"^(?:i|we) pay ([\d.,]+ \w+(?: (?:a|an) \w+)?) for (my |our |the )(.+?)[.!]?$",
        r"\2\3 is \1",
    ),
    ("take", r"\btake (my|his|her|their) (coffee|tea)\b", r"drink \1 \2"),
    (
        "for of",
        r"^(the |our |my |)(budget|price|plan|password|code|name|owner|start|date|rate) "
        r"(?:for|of) (?:the |our )?(.+?) (is|was) ",
        r"\1\3 \2 \4 ",
    ),
)
"""Ways to put it that differ in more than a word."""
_TENTH: Final = re.compile(rf"(?<=ty)-(?={'|'.join(_UNITS[1:10])})")
_NUMBER_WORDS: Final = frozenset((*_NUMBERS, *_GREAT, *_ORDINALS))
_FRONTED: Final = re.compile(
    r"^((?:On|In|At|For|By|With|Before|After|During|From|Since|Until|Without|To)"
    r"(?: [a-z0-9]+){1,3})(?= [A-Z])"
)
"""A phrase in front, with a name behind it."""


@lru_cache(maxsize=8_192)
def spelled(text: str) -> str:
    """A text folded, its numbers, dates and times spelled one way, without politeness."""
    line = plain_text(_FRONTED.sub(r"\1,", text))
    there = pieces(line)
    line = rewritten(line, _POLITE, there=there)
    line = " ".join(line.split()).strip(" .!,;\"'“”")
    line = line.replace(" ,", ",").replace(" .", ".").replace(" ;", ";")
    if not _NUMBER_WORDS.isdisjoint(there):
        line = " ".join(_numbered(_TENTH.sub(" ", line).split()))
        there = pieces(line)
    return rewritten(line, _REWORDED, there=there).strip()


def _numbered(words: Sequence[str]) -> list[str]:
    """Number words as digits; "second" and the like as `#2`."""
    found: list[str] = []
    total, last, inside = 0, 0, False
    for each in words:
        bare = each.rstrip(".,;:!?")
        if bare in _NUMBERS and not (inside and last < 20):
            total, last, inside = total + _NUMBERS[bare], _NUMBERS[bare], True
        elif bare in _GREAT and (inside or (found and found[-1].isdigit())):
            total = (total if inside else int(found.pop())) * _GREAT[bare]
            last, inside = _GREAT[bare], True
        else:
            if inside:
                found.append(str(total))
                total, last, inside = 0, 0, False
            if bare in _NUMBERS:
                total, last, inside = _NUMBERS[bare], _NUMBERS[bare], True
            else:
                found.append(each.replace(bare, _ORDINALS[bare]) if bare in _ORDINALS else each)
        if inside and each != bare:
            found.append(f"{total}{each[len(bare) :]}")
            total, last, inside = 0, 0, False
    return [*found, str(total)] if inside else found
