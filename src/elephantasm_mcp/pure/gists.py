"""Gists: a statement as the words that say something, in their order.

Owns which words say nothing, words of the same meaning, the passive, and whether two say the same:
the same words in the same order, but for one part that may stand elsewhere. Decides nothing else
(see `truths`). Invariant: a number, a name, a negation, a quantity, a modal verb, a tense or an
owner is in the gist, and what leads another word (`LEADING`) leads it in both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from elephantasm_mcp.pure.spelling import MONTHS, spelled
from elephantasm_mcp.pure.wordings import CUES, FILLERS, OWNER, PAST, word


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
license: licence
kilo: kilogram kg kilos kilograms
euro: eur € euros
dollar: usd $ dollars
kilometre: km kilometer kilometers kilometres
minute: min mins minutes
hour: hr hrs hours
percent: %
quarterly: quarter
adviser: advisor
about: around roughly approximately circa
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
like: enjoy
not: no
until: till
to: into onto
toward: towards
during: throughout
leave: depart
eldest: oldest
colleague: coworker workmate
flatmate: roommate housemate
manager: boss
lawyer: attorney solicitor
vet: veterinarian
motorbike: motorcycle
truck: lorry
plane: airplane aeroplane
sofa: couch settee
pharmacy: chemist drugstore
football: soccer
math: maths mathematics
university: uni
trip: journey
afraid: scared frightened terrified
fast: quick rapid
expensive: costly pricey
cheap: inexpensive
wrong: incorrect
loud: noisy
quiet: silent
simple: easy
use: utilize utilise
build: construct
answer: reply respond
forbid: prohibit ban disallow
rarely: seldom
sometimes: occasionally
maybe: perhaps
whole: entire
under: below beneath underneath
although: though
repo: repository
database: db
app: application
docs: documentation
config: configuration
admin: administrator
lab: laboratory
exam: examination
postgres: postgresql
kubernetes: k8s
javascript: js
typescript: ts
maximum: max
gigabyte: gb gigabytes
megabyte: mb megabytes
centimetre: cm centimeter centimeters centimetres
gram: g grams
pound: lb lbs pounds
program: programme
practice: practise
yogurt: yoghurt
whiskey: whisky
skeptical: sceptical
tire: tyre
jewelry: jewellery
aluminum: aluminium
pajamas: pyjamas
vegetarian: veggie
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
tell: told
meet: met
sell: sold
buy: bought
hear: heard
""")
LEADING: Final = set_of("""
    to into during before after until since over under between without within than per via through
    toward against near behind beside from not no never or but if unless except only because when
    while although more less every another other about
""")
"""Words that say something about what comes right after them."""
_LOOSE: Final = set_of("in on at of for as with by")
"""Prepositions that may be left out: "the door of the house", "the house door"."""
_RELATING: Final = set_of("of for in at on")
"""One as good as the other, before the same and behind the same."""
_EMPTY: Final = set_of("""
    be do does a an the our it its we us itself and that which there have has own owns hold holds
    really very quite just completely totally truly absolutely extremely super currently now still s
    called named name located situated
""")
_SYMMETRIC: Final = set_of("share marri engag meet sibl friend togeth")
"""Is done by both alike, so that nobody leads."""
_BEING: Final = set_of("is are am be been being get gets")
_WAS: Final = set_of("was were")
_IS: Final = set_of("is are be")
_ME: Final = set_of("i me my mine myself")
_MINE: Final = set_of("my mine")
_UNCHANGED: Final = set_of("run put set cut read hit")
"""Participles that are as the verb is."""
_TOKEN: Final = re.compile(
    r"#?\d+(?:[.:/-]\d+)*|[^\W\d_]+(?:'s\b)?|[^\w\s.,;:!?()\[\]\"“”‘’'*_…–—/\\-]"
)
_TIMES: Final = set_of("""
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays
    thursdays fridays saturdays sundays morning afternoon evening night mornings afternoons
    evenings nights weekday weekdays weekend weekends noon midnight spring summer autumn winter
    end mid
""") | frozenset(MONTHS)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_FRONTS: Final = [
    re.compile(rf"^((?:{words})\b[^,.;]*?){end}")
    for words, end in (
        (
            "on|in|at|as|for|by|with|before|after|during|from|since|until|without|every|each|once"
            r"|twice|\d+ times|when|if|while|because|although|unless",
            r", (.+)$",
        ),
        (
            "on|in|at|as|for|by|with|before|after|during|from|since|until|without|every|each|once"
            r"|twice|\d+ times",
            r" ((?:i|we|he|she|they|you)\b.+)$",
        ),
    )
]
"""A phrase in front of who does it."""
_BOTH: Final = re.compile(r"(?<=\bto )(\w+) and (\w+)$")
"""Two of which both are led by the word before, in any order."""
_CAUSE: Final = re.compile(r"^(.+), so (.+)$")


@dataclass(frozen=True, slots=True)
class Gist:
    """What a statement says."""

    tokens: tuple[str, ...]
    """Stems, numbers and names; an owner ends in "'s"."""
    places: frozenset[tuple[str, str]]
    """Each preposition that may be left out, with what comes after it."""

    @property
    def bag(self) -> str:
        """Its letters: equal for gists that say the same, and for some others."""
        return "".join(sorted("".join(self.tokens).replace(OWNER, "")))


def same(one: Gist, other: Gist) -> bool:
    """Whether two say the same."""
    if one == other:
        return True
    mine, theirs = _joined(one.tokens, other.tokens), _joined(other.tokens, one.tokens)
    if mine == theirs:
        return _fit(one.places, other.places)
    if _owners(mine) != _owners(theirs):
        mine, theirs = _unowned(mine), _unowned(theirs)
    elif sorted(mine) != sorted(theirs):
        return False
    return (
        sorted(mine) == sorted(theirs)
        and _bonds(mine) == _bonds(theirs)
        and _moved_once(mine, theirs)
        and _fit(one.places, other.places)
    )


def _joined(tokens: Sequence[str], others: Sequence[str]) -> list[str]:
    """Tokens, with two in one where the others have them so: "phone call", "phonecall"."""
    found: list[str] = []
    for token in tokens:
        if found and found[-1] + token in others and token not in others:
            found[-1] += token
        else:
            found.append(token)
    return found


def _owners(tokens: Sequence[str]) -> int:
    return sum(one.endswith(OWNER) for one in tokens)


def _unowned(tokens: Sequence[str]) -> list[str]:
    return [one.removesuffix(OWNER) for one in tokens]


def _bonds(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """What is told of what: leading words with the next one, numbers with what is beside them."""
    led = [pair for pair in pairwise(tokens) if pair[0] in LEADING]
    numbers = [at for at, one in enumerate(tokens) if one[0].isdigit() and not is_time(one)]
    beside = [tuple(tokens[at : at + 2]) for at in numbers] if len(numbers) > 1 else []
    return sorted([*led, *beside])


def _moved_once(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the other is the one with two parts that are side by side in the other order."""
    start = 0
    while start < len(one) and one[start] == other[start]:
        start += 1
    end = len(one)
    while end > start and one[end - 1] == other[end - 1]:
        end -= 1
    mine, theirs = one[start:end], other[start:end]
    return not mine or any([*mine[at:], *mine[:at]] == list(theirs) for at in range(1, len(mine)))


def _fit(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    """Whether no word has two prepositions that mean two things."""
    for mine, word_ in one:
        theirs = {preposition for preposition, led in other if led == word_}
        if theirs and mine not in theirs and not theirs | {mine} <= _RELATING:
            return is_time(word_)
    return True


def gist_of(text: str, *, speaker: str = "") -> Gist:
    """The gist of a statement; `speaker` is who says "I"."""
    line = spelled(text)
    if match := _CAUSE.match(line):
        line = f"{match[2]} because {match[1]}"
    line = _BOTH.sub(lambda both: " and ".join(sorted((both[1], both[2]))), line)
    return gist(line, me=speaker.casefold().partition(" ")[0])


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
def gist(line: str, *, me: str) -> Gist:
    """The gist of one spelled clause."""
    if match := next(filter(None, (front.match(line) for front in _FRONTS)), None):
        line = f"{match[2]} {match[1]}"
    words = _active(_TOKEN.findall(line))
    told = _told(words)
    tokens: list[str] = []
    places: list[tuple[str, str]] = []
    leading: list[str] = []
    for place, each in enumerate(words):
        if each in _LOOSE:
            leading.append(each)
            continue
        if each in _ME:
            token = unit(me or "i") + (OWNER if each in _MINE else "")
        else:
            token = told[place] if place in told else _plain(each)
        if token:
            tokens.append(token)
            places += [(one, token) for one in leading]
            leading.clear()
    if not _SYMMETRIC.isdisjoint(tokens):
        alike = [one for one in tokens if one != "to"]
        if LEADING.isdisjoint(alike) and not any(one[0].isdigit() for one in alike):
            tokens = sorted(alike)
    return Gist(tuple(tokens), frozenset(places))


@lru_cache(maxsize=8_192)
def _plain(each: str) -> str:
    """A word as it stands in a gist; empty if it says nothing."""
    found = unit(each)
    empty = not {each, found}.isdisjoint(_EMPTY) or each in FILLERS or found in CUES
    return "" if empty or each in _BEING else found


def _told(words: Sequence[str]) -> dict[int, str]:
    """What "is", "was" and "gets" make of themselves and of a participle behind, by place."""
    found: dict[int, str] = {}
    for at, each in enumerate(words):
        past = each in _WAS
        if not past and each not in _BEING:
            continue
        done = [
            after for after in (at + 1, at + 2) if _is_participle("".join(words[after : after + 1]))
        ]
        if past and not done:
            found[at] = f"be{PAST}"
        elif past:
            found[at] = ""
        elif not done and each.startswith("get"):
            found[at] = unit(each)
        for after in done:
            verb = _plain(words[after]).removesuffix(PAST)
            found.setdefault(after, verb + PAST if past and verb else verb)
    return found


def _is_participle(token: str) -> bool:
    return token in _VERBS or token in _UNCHANGED or token.endswith("ed")


def _active(words: list[str]) -> list[str]:
    """Words with "done by whom" as "who did"."""
    if "by" not in words:
        return words
    be = next((at for at, one in enumerate(words) if one in _WAS or one in _IS), -1)
    done = next((at for at in range(be + 1, len(words[: be + 4])) if _is_participle(words[at])), -1)
    if be < 0 or done < 0 or "by" not in words[done:]:
        return words
    by = words.index("by", done)
    agent = words[by + 1 :]
    if not agent or agent[0][0].isdigit() or is_time(agent[0]):
        return words
    modal = be - 1 if be and words[be] == "be" else be
    return [*agent, *words[modal:by], *words[:modal]]
