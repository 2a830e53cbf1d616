"""Gists: a statement as what it names, wherever in the sentence that stands.

Owns numbers, dates and clock times spelled one way, fronted phrases, lists, the passive, words of
the same meaning. Decides nothing (see `truths`). Invariant: a number, a name, a negation, an owner,
a tense or a modal verb of the statement is in its gist, bound to the preposition before it; who does
what to whom is told by `head`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from elephantasm_mcp.pure.wordings import FILLERS, PAST, plain_text, word


def _table(text: str) -> dict[str, str]:
    """`one: other another` a line, as other -> one."""
    return {
        other: line.split(":")[0]
        for line in text.strip().splitlines()
        for other in line.split(":")[1].split()
    }


_POLITE: Final = re.compile(
    r"\b(?:fyi|btw|by the way|for your information|just so you know|in case you wonder(?:ed)?"
    r"|as (?:i think )?(?:i|you)(?: may| might| already)?(?: have)?(?: already)? "
    r"(?:mentioned|said|told you|know)(?: before| earlier)?|(?:i think )?i (?:already )?told you(?: that)?"
    r"|(?:please )?(?:remember|note|keep in mind|bear in mind|do not forget|know)(?: that|,|:)"
    r"|(?:please )?remember(?= (?:i|my|we|our|the)\b)"
    r"|i (?:just )?(?:want(?:ed)? to|should|must) (?:mention|say|note|add|point out) that"
    r"|for what it is worth|to be clear|in fact|as a matter of fact|of course|needless to say"
    r"|like i said|if you (?:do not mind|please)|please|thanks|thank you|a reminder that)\b"
)
"""What is said to be kind, or to be heard."""
_REWORDED: Final = [
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\bwi-fi\b", "wifi"),
        (r"\bmrs\b", "missis"),
        (r"\b(my|his|her|their|the) left (?=\w)", r"\1 leftside "),
        (r"^my weight is ", "i weigh "),
        (r"\b(part|full)-time\b", r"\1 time"),
        (r"^(i|we|\w+) owns? (?=an?\b|the\b|my\b|our\b|\d)", r"\1 have "),
        (r"\b(?:come|comes) from\b", "is from"),
        (r"^(?:i|we) have an? (\w+) called ", r"my \1 is called "),
        (r"^(\w+) has an? (\w+) called ", r"\1's \2 is called "),
        (r"\bthe name of (my|our|his|her|their) (\w+) is\b", r"\1 \2 is called"),
        (r"\b(is|am|are) (\d+) years? old\b", r"\1 \2"),
        (r"\btakes? place\b", "is"),
        (r"^we (?:have|hold) our ", "our "),
        (r"\b(?:works?|working) as (?=an?\b)", "is "),
        (r"\bdislikes?\b", "not like"),
        (r"^my car is an? ", "i drive "),
        (r"\bwas raised in\b", "grew up in"),
        (r"\bneeds? to\b", "must"),
        (r"\bcan (?=speak\b)", ""),
        (r"^there (?:is|are) (.+?) (?:in|on|at) (our|the|my) (.+)$", r"\2 \3 have \1"),
        (r"\bcosts? (?=\d)", "is "),
        (r"\b(dr|mr|mrs|ms|st|prof)\.", r"\1"),
        (
            r"(?<=\w)'s (?=(?:\w+ed|written|built|held|led|kept|run|made|sent|paid|set|responsible|allergic"
            r"|afraid|called|based|in charge) (?:in|on|at|for|to|by|of|with|until|from|as|every)\b)",
            " is ",
        ),
        (r"\bwould (?:like|love)\b", "want"),
        (r"\bto be (?=\w+ed\b)", ""),
        (r"\bhow to\b", "to"),
        (r"\bin order to\b", "to"),
        (r"\bno more than\b|\bat most\b", "maximum"),
        (r"\bno less than\b|\bat least\b", "minimum"),
        (r"\b(?:and|or) (later|newer|above|higher|up|older|below)\b", r"\1"),
        (r"\b(?:per|each|every) (day|week|month|year|hour|minute|night|morning)\b", r"a \1"),
        (r"\bdaily\b", "a day"),
        (r"\bweekly\b", "a week"),
        (r"\bmonthly\b", "a month"),
        (r"\b(?:yearly|annually)\b", "a year"),
        (r"\band without\b", "without"),
        (r"\bwithout any\b|\bwith no\b|, no (?=\w+$)", " without "),
        (r"\b(?:not|never) ([a-z]+) any\b", r"not \1"),
        (
            r"\bhas?ve? (?:a|an) (?:great )?fear of\b|\bis scared of\b|\bam scared of\b",
            "is afraid of",
        ),
        (r"\bin charge of\b", "responsible for"),
        (r"\bmake use of\b", "use"),
        (r"\b(?:is|are|am) able to\b", "can"),
        (r"\b(?:has|have) to\b", "must"),
        (r"\b(?:is|are) (running) (?:on )?", "runs "),
        (r"\b(runs?) on\b", r"\1"),
        (r"\bwhile (?=\w+ing\b)", ""),
        (r"\b(before|after|until) (?:it|they) (?:is|are|gets?) (\w+)ed\b", r"\1 \2ing"),
        (r"\bfor (?=\w{3,}ing\b(?! \w+ (?:is|are)))", "to "),
        (
            r"\b(like|likes|love|loves|prefer|prefers|enjoy|enjoys|want|wants|hate|hates) to ",
            r"\1 ",
        ),
        (r"(?<=\w)'s (?=\d)", " is "),
        (r" & ", " and "),
        (r"\b(?:it|they) (?:is|are|get|gets) (?=\w+ed\b)", "is "),
        (r"\b(?:get|gets) (?=\w+ed\b)", "is "),
        (r"\bthe deadline (?:for|of) (?:the )?(.+?) (is|was) ", r"the \1 deadline \2 "),
        (r"^(?:the |our |my )?(.+?) (?:is|are) due (?:on |by )?", r"the \1 deadline is "),
        (
            r"^((?:\w+ ){0,2}?)(?:use|uses) (.+?) as (my|our|his|her|their) (.+?)[.!]?$",
            r"\3 \4 is \2",
        ),
        (r"^(my \w+|\w+) has (?:his|her|their) (birthday|anniversary)\b", r"\1's \2 is"),
        (r"^i pay (.+?) (?:in|for) rent", r"my rent is \1"),
        (r"^i wear size ([\d.]+) shoes", r"my shoe size is \1"),
        (
            r"^(?:i|we) pay ([\d.,]+ \w+(?: (?:a|an) \w+)?) for (my |our |the )(.+?)[.!]?$",
            r"\2\3 is \1",
        ),
        (r"\btake (my|his|her|their) (coffee|tea)\b", r"drink \1 \2"),
        (
            r"^(?:the |our |my )?(budget|price|plan|password|code|name|owner|start|date|rate) "
            r"(?:for|of) (?:the |our |my )?(.+?) (is|was) ",
            r"the \2 \1 \3 ",
        ),
    )
]
"""Ways to put it that differ in more than a word."""
_SAME: Final = _table("""
hold: have
take: catch
lift: elevator
writer: author
grandma: grandmother granny nan
grandpa: grandfather granddad grandad
doctor: dr physician
every: each all
photo: photograph picture
start: begin commence
close: shut
finish: end
big: large huge
little: small tiny
shop: store
learned: learnt
fixed: fix
speak: talk
show: display
repair: mend
lead: head
salary: wage
movie: film
price: cost
mobile: cellphone
autumn: fall
trousers: pants
rubbish: garbage trash
licence: license
kilo: kilogram kg kilos kilograms
euro: eur € euros
dollar: usd $ dollars
kilometre: km kilometer kilometers kilometres
minute: min mins minutes
hour: hr hrs hours
percent: %
quarterly: quarter
supper: dinner
usually: normally generally typically
often: frequently
help: assist
need: require
allow: permit
love: adore
hate: detest loathe
live: reside
teach: instruct
choose: pick select
""")
_VERBS: Final = _table("""
write: wrote written
teach: taught
learn: learnt learned
break: broke broken
lead: led
keep: kept
send: sent
build: built
hold: held
speak: spoke spoken
choose: chose chosen
know: knew known
grow: grew grown
bring: brought
think: thought
find: found
pay: paid
lose: lost
win: won
spend: spent
teach: taught
draw: drew drawn
design: designed
eat: ate eaten
sing: sang sung
swim: swam swum
fly: flew flown
do: did done
see: saw seen
run: ran
come: came
give: given
take: taken
drive: driven
make: made
have: had
decide: decided
""")
_NEUTRAL: Final = frozenset(("as", "and", "that", "which", "who", "there"))
"""Say nothing that the words beside them do not."""
_BINDING: Final = frozenset(
    ["in", "on", "at", "of", "for", "with", "by", "from", "to", "into", "about", "during", "before", "after", "until", "since", "over", "under", "between", "without", "within", "than", "via", "through", "toward", "against", "near", "behind", "beside", "not", "no", "never", "or", "but", "if", "unless", "except", "only"]
)
"""What it stands before is something else without it."""
_OWNING: Final = frozenset(("my", "his", "her", "their", "your"))
_TIMELESS: Final = frozenset(("in", "on", "at"))
"""Are not needed before a time."""
_DROPPED: Final = frozenset(
    ["be", "do", "does", "a", "an", "the", "our", "it", "they", "its", "itself", "then", "so", "really", "very", "quite", "just", "completely", "totally", "truly", "always", "currently", "now", "own"]
) - {"always"}
_ORDERED: Final = frozenset(
    ["says", "said", "think", "thinks", "thought", "claims", "claimed", "believes", "believed", "told", "tells", "hopes", "knows", "heard", "who", "whom", "whose", "which", "that", "asked", "wants"]
)
"""Behind these comes another who does something."""
_UNITS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS: Final = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_NUMBERS: Final = {name: value for value, name in enumerate(_UNITS)} | _TENS
_GREAT: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_ORDINALS: Final = {
    name: f"#{value}"
    for value, name in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"],
        1,
    )
}
MONTHS: Final = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_MONTH: Final = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_ORDINAL: Final = r"(?:st|nd|rd|th)?"
_DAY_FIRST: Final = re.compile(rf"\b(?:the )?(\d{{1,2}}){_ORDINAL} (?:of )?({_MONTH})\b")
_MONTH_FIRST: Final = re.compile(rf"\b({_MONTH}) (?:the )?(\d{{1,2}}){_ORDINAL}\b(?!:)")
_CLOCK: Final = re.compile(r"\b(\d{1,2})(?:[:.](\d\d))? ?([ap])(?:\.?m\b\.?|mer\b)")
_HOUR: Final = re.compile(r"\b0(\d:\d\d)\b")
_TOKEN: Final = re.compile(
    r"[,;:](?=\s)|#?\d+(?:[.:/-]\d+)*|[^\W\d_]+(?:'s\b)?|[^\w\s.,;:!?()\[\]\"“”‘’'*_…–—/\\-]"
)
_TIMES: Final = frozenset(
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays", "morning", "afternoon", "evening", "night", "mornings", "afternoons", "evenings", "nights", "weekday", "weekdays", "weekend", "weekends", "noon", "midnight", "spring", "summer", "autumn", "winter", "end", "mid"]
) | frozenset(MONTHS)
_TENTH: Final = re.compile(rf"(?<=ty)-(?={'|'.join(_UNITS[1:10])})")
_EVENING: Final = re.compile(r"\b(\d{1,2}|[a-z]+) in the (morning|afternoon|evening)\b")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_PASSIVE: Final = frozenset(
    ("sent", "kept", "led", "built", "held", "paid", "found", "made", "run")
)
_FRONTED: Final = re.compile(
    r"^((?:On|In|At|For|By|With|Before|After|During|From|Since|Until|Without|To)"
    r"(?: [a-z0-9]+){1,3})(?= [A-Z])"
)
"""A phrase in front, with a name behind it."""
_FRONTS: Final = [
    re.compile(
        rf"^((?:on|in|at|for|by|with|before|after|during|from|since|until|without|every|once|twice|\d+ times|a(?= (?:day|week|month|year|morning|night))) {tail}"
    )
    for tail in (
        r"[^,.;]*?), (.+)$",
        r"[^,.;]*?) ((?:i|we|he|she|they|you)\b.+)$",
        r"(?:(?:the|a|my|our) )?[^,.; ]+(?: [^,.; ]+)??) ((?:my|our|his|her|their|the)\b.+)$",
    )
]
"""A phrase in front of who does it."""
_CAUSE: Final = re.compile(r"^(.+), so (.+)$")
_SUB: Final = re.compile(r"^(.+?),? (because|since i|when|if|while|although|unless) (.+)$")
_SUB_FIRST: Final = re.compile(r"^(because|when|if|while|although|unless) ([^,]+), (.+)$")
_TOGETHER: Final = frozenset(("share", "marri", "engag", "meet", "sibl", "friend", "togeth"))
"""Is done by both alike."""


@dataclass(frozen=True, slots=True)
class Gist:
    """What a statement names."""

    head: str
    """Who or what does it; empty where nobody does, or all of them do."""
    units: tuple[str, ...]
    """Stems, numbers and names in order, each with the preposition it is bound to."""

    pairs: tuple[str, ...]
    """Those that stand together beside an "and"."""
    ordered: bool
    """Whether it speaks of two acts, so that the order says whose is which."""

    @property
    def key(self) -> str:
        units = self.units if self.ordered else sorted(self.units)
        return " ".join((f"{self.head}>", *units, *self.pairs))


def gist_key(text: str, *, speaker: str = "") -> str:
    """Equal for statements that say the same, and only for them."""
    return _clauses(spelled(text, speaker=speaker))


def _clauses(line: str) -> str:
    if match := _SUB_FIRST.match(line):
        return f"{_clauses(match[3])} {match[1]} {_clauses(match[2])}"
    if match := _CAUSE.match(line):
        return f"{_clauses(match[2])} because {_clauses(match[1])}"
    if match := _SUB.match(line):
        return f"{_clauses(match[1])} {match[2]} {_clauses(match[3])}"
    return gist(line).key


def spelled(text: str, *, speaker: str = "") -> str:
    """A text folded, its numbers, dates and times spelled one way, without politeness."""
    line = plain_text(_FRONTED.sub(r"\1,", text))
    line = _POLITE.sub(" ", line)
    line = re.sub(r"\s+", " ", line).strip(" .!,;\"'“”")
    line = re.sub(r"\s+([,.;])", r"\1", line)
    line = " ".join(_numbered(_TENTH.sub(" ", line).split()))
    line = _EVENING.sub(lambda at: f"{at[1]} {'am' if at[2] == 'morning' else 'pm'}", line)
    line = _CLOCK.sub(_clock, line)
    line = _HOUR.sub(r"\1", line.replace("noon", "12:00").replace("midnight", "0:00"))
    line = _DAY_FIRST.sub(lambda at: f"{_month(at[2])}/{at[1]}", line)
    line = _MONTH_FIRST.sub(lambda at: f"{_month(at[1])}/{at[2]}", line)
    line = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", r"#\1", line)
    for pattern, put in _REWORDED:
        line = pattern.sub(put, line)
    if speaker:
        me = speaker.casefold().split()[0]
        line = re.sub(r"\b(?:my|mine)\b", f"{me}'s", line)
        line = re.sub(r"\b(?:i|me|myself)\b", me, line)
    return line.strip()


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1]) % 12 + (12 if match[3] == "p" else 0)
    return f"{hour}:{match[2] or '00'}"


def _month(name: str) -> int:
    return next(at for at, one in enumerate(MONTHS, 1) if one.startswith(name[:3]))


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


def is_time(token: str) -> bool:
    return token in _TIMES or ":" in token or "/" in token or bool(_YEAR.fullmatch(token))


@lru_cache(maxsize=65_536)
def unit(token: str) -> str:
    """A token as it stands in a gist: a stem, spelled one way, marked if past."""
    if token.endswith("'s"):
        return unit(token[:-2]).removesuffix(PAST) + "'s"
    if not token[-1:].isalpha():
        return _SAME.get(token, token)
    if token in _VERBS:
        base = _VERBS[token]
        return word(_SAME.get(base, base)) + PAST
    token = _SAME.get(token, token)
    found = word(token)
    bare = found.removesuffix(PAST)
    same = _SAME.get(bare)
    return (word(same) + PAST if found.endswith(PAST) else word(same)) if same else found


def gist(line: str) -> Gist:
    """The gist of one spelled clause."""
    match = next(filter(None, (front.match(line) for front in _FRONTS)), None)
    if match:
        line = f"{match[2]} {match[1]}"
    tokens = _TOKEN.findall(line)
    head, tokens = _turned(tokens)
    units: list[str] = []
    bound, passive, counts = "", False, False
    listed = ""
    joins: list[int] = []
    both = _TOGETHER | {"live"}
    alike = any(unit(one).removesuffix(PAST) in both for one in tokens)
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token in ("is", "are", "am", "was", "were", "be", "been", "being"):
            passive = passive or after in _VERBS or after.endswith("ed")
            if token in ("was", "were", "been"):
                units.append("be" + PAST)
            continue
        joined = token == "and" or (token == "," and after not in _BINDING)
        if joined and both.isdisjoint(map(unit, tokens[place : place + 5])):
            joins.append(len(units))
        if token in ",;:" or token in _DROPPED or token in FILLERS:
            continue
        if token in _NEUTRAL:
            bound = bound or (listed if token == "and" else "")
            continue
        if token in _BINDING or token in _OWNING:
            bound = f"{bound}{token}_"
            continue
        if is_time(token) and bound.rstrip("_") in _TIMELESS | {"for"} | {""}:
            bound = ""
        if alike and bound.startswith(("with_", "to_")):
            bound = bound.partition("_")[2]
        made = unit(token)
        if passive and made.endswith(PAST):
            made = made.removesuffix(PAST)
        if units and units[-1][-1].isdigit() and made.isalpha() and not bound and counts:
            made = f"{units.pop()}_{made}"
        elif units and units[-1][-1].isdigit() and made[0].isdigit() and not bound:
            made = f"{units.pop()}-{made}"
        counts = token.isdigit() and not is_time(token)
        units.append(bound + made)
        listed, bound = bound, ""
    if bound:
        units.append(bound)
    ordered = not _ORDERED.isdisjoint(tokens)
    return Gist(head=head, units=tuple(units), pairs=_pairs(units, joins), ordered=ordered)


def _pairs(units: Sequence[str], joins: Sequence[int]) -> tuple[str, ...]:
    """What stands together on each side of an "and": "a black cat and a white dog"."""
    sides = {side for at in joins if 2 <= at <= len(units) - 2 for side in (at - 2, at)}
    return tuple(sorted(f"{units[at]}-{units[at + 1]}" for at in sides))


def _turned(tokens: list[str]) -> tuple[str, list[str]]:
    """Who does it, and the tokens with "done by whom" as "who did"."""
    be = next(
        (at for at, one in enumerate(tokens) if one in ("is", "are", "was", "were", "am")), -1
    )
    content = [
        one
        for one in tokens
        if one not in _DROPPED | FILLERS | {"every", "all"} and one[-1].isalnum()
    ]
    first = content[0] if content else ""
    active = be >= 0 and any(
        len(one) > 5 and one.endswith("ing") for one in tokens[be + 1 : be + 3]
    )
    if be < 0 or active:
        if not _TOGETHER.isdisjoint(map(unit, tokens)) or first == "we":
            return "", [one for one in tokens if one != "we"]
        return unit(first), tokens
    rest = tokens[be + 1 :]
    done = next((at for at, one in enumerate(rest[:3]) if one in _VERBS or one.endswith("ed")), -1)
    if done >= 0 and "by" in rest[done + 1 :]:
        by = rest.index("by", done)
        past = tokens[be] in ("was", "were")
        verb = unit(rest[done]).removesuffix(PAST)
        agent = [one for one in rest[by + 1 :] if one not in _DROPPED]
        if agent:
            kept = [*rest[:done], *([verb + PAST] if past else [verb]), *rest[done + 1 : by]]
            return unit(agent[0]), [*agent, *kept, *tokens[:be]]
    return "", tokens
