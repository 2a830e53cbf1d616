"""Gists: a statement as what it names, wherever in the sentence that stands.

Owns fronted phrases, lists, the passive, and words of the same meaning. Decides nothing (see
`truths`). Invariant: a number, a name, a negation, an owner, a tense or a modal verb of the
statement is in its gist, bound to the preposition before it; `head` tells who does what to whom.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from elephantasm_mcp.pure.spelling import MONTHS, spelled
from elephantasm_mcp.pure.wordings import FILLERS, PAST, word


def set_of(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _table(text: str) -> dict[str, str]:
    """`one: other another` a line, as other -> one."""
    return {
        other: line.split(":")[0]
        for line in text.strip().splitlines()
        for other in line.split(":")[1].split()
    }


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
_BINDING: Final = set_of("""
    in on at of for with by from to into about during before after until since over under between
    without within than via through toward against near behind beside not no never or but if
    unless except only
""")
"""What it stands before is something else without it."""
_OWNING: Final = frozenset(("my", "his", "her", "their", "your"))
_TIMELESS: Final = frozenset(("in", "on", "at"))
"""Are not needed before a time."""
_DROPPED: Final = set_of("""
    be do does a an the our it they its itself then so really very quite just completely totally
    truly always currently now own
""") - {"always"}
_NO_HEAD: Final = _DROPPED | FILLERS | {"every", "all"}
_ORDERED: Final = set_of("""
    says said think thinks thought claims claimed believes believed told tells hopes knows heard
    who whom whose which that asked wants
""")
"""Behind these comes another who does something."""
_TOKEN: Final = re.compile(
    r"[,;:](?=\s)|#?\d+(?:[.:/-]\d+)*|[^\W\d_]+(?:'s\b)?|[^\w\s.,;:!?()\[\]\"“”‘’'*_…–—/\\-]"
)
_TIMES: Final = set_of("""
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays
    thursdays fridays saturdays sundays morning afternoon evening night mornings afternoons
    evenings nights weekday weekdays weekend weekends noon midnight spring summer autumn winter
    end mid
""") | frozenset(MONTHS)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_FRONTS: Final = [
    re.compile(
        rf"^((?:on|in|at|as|for|by|with|before|after|during|from|since|until|without|every|once"
        rf"|twice|\d+ times|a(?= (?:day|week|month|year|morning|night))) {tail}"
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
_JOINING: Final = re.compile(r"(?:because|since i|when|if|while|although|unless|, so) ")
"""Without one of these there is but one clause."""
_SUB_FIRST: Final = re.compile(r"^(because|when|if|while|although|unless) ([^,]+), (.+)$")
_TOGETHER: Final = frozenset(("share", "marri", "engag", "meet", "sibl", "friend", "togeth"))
"""Is done by both alike."""


_ME: Final = re.compile(r"(?<![^\W_])(?:i|me|myself)(?![^\W_])")
_MY: Final = re.compile(r"(?<![^\W_])(?:my|mine)(?![^\W_])")
_ALIKE: Final = _TOGETHER | {"live"}
_UNCHANGED: Final = frozenset(("run", "put", "set", "cut", "read", "hit"))
"""Participles that are as the verb is."""
_BEING: Final = frozenset(("is", "are", "am", "was", "were", "be", "been", "being"))
_WAS: Final = frozenset(("was", "were", "been"))


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
        """Equal for statements that name the same, with the same one doing it."""
        units = self.units if self.ordered else sorted(self.units)
        return " ".join((f"{self.head}>", *units, *self.pairs))


def gist_key(text: str, *, speaker: str = "") -> str:
    """Equal for statements that say the same, and only for them."""
    return _clauses(spelled(text), me=speaker.casefold().partition(" ")[0])


def _clauses(line: str, *, me: str) -> str:
    if not _JOINING.search(line):
        return _of(gist(line), me).key if me else gist(line).key
    if match := _SUB_FIRST.match(line):
        return f"{_clauses(match[3], me=me)} {match[1]} {_clauses(match[2], me=me)}"
    if match := _CAUSE.match(line):
        return f"{_clauses(match[2], me=me)} because {_clauses(match[1], me=me)}"
    if match := _SUB.match(line):
        return f"{_clauses(match[1], me=me)} {match[2]} {_clauses(match[3], me=me)}"
    return _of(gist(line), me).key if me else gist(line).key


def _of(one: Gist, me: str) -> Gist:
    """A gist with the speaker for "I" and "my"."""
    units = tuple(_ME.sub(unit(me), _MY.sub(f"{unit(me)}'s", each)) for each in one.units)
    head = {"i": unit(me), "my": f"{unit(me)}'s"}.get(one.head, one.head)
    pairs = tuple(_ME.sub(unit(me), _MY.sub(f"{unit(me)}'s", each)) for each in one.pairs)
    return replace(one, head=head, units=units, pairs=tuple(sorted(pairs)))


@lru_cache(maxsize=8_192)
def is_time(token: str) -> bool:
    """Whether it says when: a day, a month, a date, an hour, a year."""
    return token in _TIMES or ":" in token or "/" in token or bool(_YEAR.fullmatch(token))


@lru_cache(maxsize=65_536)
def unit(token: str) -> str:
    """A token as it stands in a gist: a stem, spelled one way, marked if past."""
    if token.endswith("'s"):
        return unit(token[:-2]).removesuffix(PAST) + "'s"
    if token in ("me", "myself"):
        return "i"
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


@lru_cache(maxsize=8_192)
def gist(line: str) -> Gist:
    """The gist of one spelled clause."""
    if match := next(filter(None, (front.match(line) for front in _FRONTS)), None):
        line = f"{match[2]} {match[1]}"
    head, tokens = _turned(_TOKEN.findall(line))
    units, joins = _units(tokens)
    ordered = not _ORDERED.isdisjoint(tokens)
    return Gist(head=head, units=tuple(units), pairs=_pairs(units, joins), ordered=ordered)


def _units(tokens: Sequence[str]) -> tuple[list[str], list[int]]:
    """The units of a clause, and before which of them an "and" stands."""
    alike = any(unit(one).removesuffix(PAST) in _ALIKE for one in tokens)
    passive = any(
        one in _BEING and (after in _VERBS or after.endswith("ed"))
        for one, after in pairwise(tokens)
    )
    units: list[str] = []
    joins: list[int] = []
    bound, listed, counts = "", "", False
    for place, token in enumerate(tokens):
        if _joins(tokens, place):
            joins.append(len(units))
        if token in _BEING:
            units += [f"be{PAST}"] if token in _WAS else []
        elif token in _NEUTRAL:
            bound = bound or (listed if token == "and" else "")  # noqa: S105
        elif token in _BINDING or token in _OWNING or token.endswith("'s"):
            bound = f"{bound}{_owner(token)}_"
        elif token not in ",;:" and token not in _DROPPED and token not in FILLERS:  # noqa: S105
            bound = _needed(bound, token, alike=alike)
            made = unit(token).removesuffix(PAST) if passive else unit(token)
            units.append(bound + _counted(units, made, bound=bound, counts=counts))
            counts = token.isdigit() and not is_time(token)
            listed, bound = bound, ""
    return [*units, *([bound] if bound else [])], joins


def _owner(token: str) -> str:
    return unit(token) if token.endswith("'s") else token


def _joins(tokens: Sequence[str], place: int) -> bool:
    """Whether an "and" or a comma stands there, between two that are told of apart."""
    after = tokens[place + 1] if place + 1 < len(tokens) else ""
    joined = tokens[place] == "and" or (tokens[place] == "," and after not in _BINDING)
    return joined and _ALIKE.isdisjoint(map(unit, tokens[place : place + 5]))


def _needed(bound: str, token: str, *, alike: bool) -> str:
    """The prepositions before a token without those that say nothing there."""
    if is_time(token) and bound.rstrip("_") in _TIMELESS | {"for"}:
        return ""
    if alike and bound.startswith(("with_", "to_")):
        return bound.partition("_")[2]
    return bound


def _counted(units: list[str], made: str, *, bound: str, counts: bool) -> str:
    """A number taken from the units before what it counts: "2_dog"."""
    if bound or not units or not units[-1][-1].isdigit():
        return made
    if made.isalpha() and counts:
        return f"{units.pop()}_{made}"
    return f"{units.pop()}-{made}" if made[0].isdigit() else made


def _pairs(units: Sequence[str], joins: Sequence[int]) -> tuple[str, ...]:
    """What stands together on each side of an "and": "a black cat and a white dog"."""
    sides = {side for at in joins if 2 <= at <= len(units) - 2 for side in (at - 2, at)}
    return tuple(sorted(f"{units[at]}-{units[at + 1]}" for at in sides))


def _is_participle(token: str) -> bool:
    return token in _VERBS or token in _UNCHANGED or token.endswith("ed")


def _turned(tokens: list[str]) -> tuple[str, list[str]]:
    """Who does it, and the tokens with "done by whom" as "who did"."""
    be = next(
        (at for at, one in enumerate(tokens) if one in ("is", "are", "was", "were", "am")), -1
    )
    first = next((one for one in tokens if one not in _NO_HEAD and one[-1].isalnum()), "")
    active = be >= 0 and any(
        len(one) > 5 and one.endswith("ing") for one in tokens[be + 1 : be + 3]
    )
    if be < 0 or active:
        if not _TOGETHER.isdisjoint(map(unit, tokens)) or first == "we":
            return "", [one for one in tokens if one != "we"]
        return unit(first), tokens
    rest = tokens[be + 1 :]
    done = next((at for at, one in enumerate(rest[:3]) if _is_participle(one)), -1)
    if done >= 0 and "by" in rest[done + 1 :]:
        by = rest.index("by", done)
        past = tokens[be] in ("was", "were")
        verb = unit(rest[done]).removesuffix(PAST)
        agent = [one for one in rest[by + 1 :] if one not in _DROPPED]
        if agent:
            kept = [*rest[:done], *([verb + PAST] if past else [verb]), *rest[done + 1 : by]]
            return unit(agent[0]), [*agent, *kept, *tokens[:be]]
    return "", tokens
