"""Typed knowledge from clear statements of people: what holds beyond the episode.

Owns which statements are clear enough and their type. Rewriting is `grammar`'s. Precision goes
before recall: questions, hypotheticals, hedges, jokes, the words of an assistant or of a tool
never become knowledge. A preference ("I prefer A over B") is a FACT about the speaker; a rule
("always", "never", "must") is a PRINCIPLE. Invariant: each item cites a verbatim quote.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from elephantasm_mcp.synthesis.cues import HEDGE, VERBATIM_CONFIDENCE
from elephantasm_mcp.synthesis.dates import annotate, written
from elephantasm_mcp.synthesis.grammar import PAST, in_third_person, is_about_self, stands_alone
from elephantasm_mcp.synthesis.quotes import one_line
from elephantasm_mcp.synthesis.sentences import Sentence, assertions
from elephantasm_mcp.synthesis.turns import Turn, Voice
from elephantasm_mcp.synthesis.words import content_stem, is_content, tokens
from elephantasm_mcp.types.proposals import KnowledgeProposal, SourceQuote
from elephantasm_mcp.types.records import KnowledgeType

MAX_ITEMS: Final = 8
"""Per memory."""
_MAX_WORDS: Final = 28
_SAME_SHARE: Final = 0.8

_RELATION: Final = (
    r"(?:\w+ )?(?:wife|husband|partner|girlfriend|boyfriend|fianc[ée]+|spouse|son|daughter|kids"
    r"|children|child|mom|mum|mother|dad|father|parents|sister|brother|siblings|twins?|grandma"
    r"|grandpa"
    r"|grandmother|grandfather|aunt|uncle|cousin|niece|nephew|boss|manager|colleague|mentor"
    r"|roommate"
    r"|neighbou?r|best friend|friend|dog|cat|pup|puppy|kitten|birthday|name|hometown|home country"
    r"|job|major|hobby|hobbies|goal|dream|budget|salary|deadline|allergy|address|email|time ?zone"
    r"|company|startup|car|favou?rite (?:(?!is|was|are|were|when|part|thing|one)\w+ ){0,2}(?!is\b"
    r"|was\b|are\b|were\b|part|thing|one)\w+)"
)
_POSSESSION: Final = (
    r"(?:wife|husband|partner|sons?|daughters?|kids?|children|sisters?|brothers?|siblings|dogs?"
    r"|cats?"
    r"|pups?|pupp(?:y|ies)|kittens?|turtles?|birds?|fish|horses?|snakes?|guinea pigs?|pets?"
    r"|allerg(?:y|ies)"
    r"|cars?|house|apartment|studio|store|degree|phd|master's|bachelor's|certificate|company"
    r"|business"
    r"|garden|farm|piano|guitar|violin|nephews?|nieces?|twins?|scholarship|tattoos?|diabetes"
    r"|asthma)"
)
_BLOCKED: Final = re.compile(
    r"\b(?:if|unless|would|could|might|may|maybe|perhaps|wish|suppose|imagine|pretend|kidding"
    r"|joking"
    r"|joke|jk|lol|lmao|rofl|ha(?:ha)+|sarcas\w*|whatever|not really|just saying)\b"
    r"|/s\b|[😂🤣😜😉😝🙃]|;\)|\?",
    re.IGNORECASE,
)
"""What makes a whole sentence unsure, wherever it stands."""
_BLOCKED_CORE: Final = re.compile(
    r"\b(?:hope|hopefully|guess|thought|should|almost|nearly|heard|said|says|told|tells|trying"
    r"|try to"
    r"|want|wanna|dreamed|dreamt|like,|like i|as i|mentioned|i mean|you know|feel like)\b",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    r"\b(?:if|unless|suppose|imagine|pretend|said|says|told)\b", re.IGNORECASE
)
_TURNING: Final = re.compile(
    r"\b(?:but|though|although|except|unless|until|however|or)\b", re.IGNORECASE
)
_LEAD: Final = re.compile(
    r"(?:(?:yes|yeah|yep|no|nope|well|so|also|and|but|oh|ok|okay|actually|honestly|anyway|plus|hmm"
    r"|hey|hi|wow|thanks|sure|definitely|totally|absolutely|btw|by the way|personally|in"
    r" fact)\b[,!.:]?\s+)",
    re.IGNORECASE,
)
_VOCATIVE: Final = re.compile(r"(?:hey |hi )?(\w{2,20})[,!] ", re.IGNORECASE)
_TAIL: Final = re.compile(
    r"\s+[-–—]\s+|\s*[;:]\s+|\s*—\s*|,\s+(?:(?:and|so|because|which|where|since|plus|especially"
    r"|but) |(?=(?:I|we|it|that|he|she"
    r"|they|this|my|there)\b))|\s(?:and (?=(?:I|it|we|they|he|she|that|this|am|feel|have)\b)"
    r"|because |cuz |'cause |so (?=I\b|that\b|it\b|we\b)|since (?=I\b|it\b|they\b|we\b))"
)
_END: Final = re.compile(r"[\s.!…,;:\-–—]+$")
_DATE: Final = re.compile(
    r"\[[^\]]+\]|\b(?:January|February|March|April|May|June|July|August|September|October|November"
    r"|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.? \d{1,2}\b|\b(?:19|20)\d\d\b"
)

_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_PASSING: Final = re.compile(r"I(?:['’]m| am) (?:\w+ )?(?:\w+ing|\d)|I(?:['’]ve| have) |I use ")
"""States that need the day on which they were true."""

_STATES: Final = (
    # who or what somebody is
    re.compile(
        r"I(?:['’]m| am)(?: \w+ly| also| still| currently| now)? (?:not )?an? (?!bit|little|lot"
        r"|tad|mess|wreck|fan of (?:that|how)|loss"
        r"|fool|idiot|huge believer|work in progress|few|great|good|big|bit|tough|hard|sucker|mix"
        r" of|huge fan$|big fan$|fan$|total fan$)\w.*"
    ),
    re.compile(
        r"I(?:['’]m| am) (?:also |still |currently |now |really |super )?(?:not )?(?:allergic to"
        r"|from [A-Z]|based in|married|single\b|engaged to"
        r"|divorced|retired|vegan|vegetarian|left-handed|pregnant|lactose|gluten|\d+ years old"
        r"|\d{2}\b"
        r"|passionate about|keen on|afraid of|scared of|responsible for|in charge of|working"
        r" (?:at|on|as|for|in) "
        r"|studying|majoring|learning (?:the|to|how)?|training (?:for|to)|writing a|building an?"
        r"|developing an?"
        r"|volunteering|using [A-Z]|fluent in|originally from).*"
    ),
    re.compile(r"I(?:['’]m| am) [A-Z][a-z]{2,15}(?=,|$).*"),
    re.compile(
        r"I (?:really |absolutely |also |still |just |always |usually |currently |mostly"
        r" )?(?:don['’]t |do not )?(?:like|love|enjoy|prefer|hate|dislike) "
        r"(?!how|that|what|when|where|the way|seeing|hearing|all|to (?:see|hear|think|know|help)"
        r"|being|having|getting"
        r"|the\b(?! (?:outdoors|beach|ocean|sea|mountains)\b)|in\b|for\b|on\b|an?\b).+"
    ),
    re.compile(
        r"I (?:also |still |currently |usually |always )?(?:work (?:at|for|as|in|with|from)|live"
        r" (?:in|with|near|on|alone)|study|teach|own"
        r"|speak|play (?!a (?:big|role|part))|collect|volunteer|manage|coach|practi[cs]e|earn|run"
        r" an?|use) .+"
    ),
    re.compile(
        rf"I(?:['’]ve| have)(?: also)? (?:got )?(?:an?|two|three|four|five|six|\d+) (?:[\w-]+"
        rf" ){{0,3}}{_POSSESSION}\b.*"
    ),
    re.compile(
        r"I(?:['’]ve| have) (?:never|always) .+|I(?:['’]ve| have) been (?:\w+ing (?!for|since)"
        r"|an? |in |with ).*\b(?:for (?:\w+ )?(?:\w+ )?(?:years?|months?|decades?|weeks?)"
        r"|since)\b.*"
    ),
    re.compile(
        r"I(?:['’]ve| have)(?: just| already| recently| finally)? (?:chosen|decided (?:to|on"
        r"|against)|agreed to|signed up for) .+"
    ),
    re.compile(
        rf"[Mm]y {_RELATION}(?: [A-Z]\w+)?(?:, [^,]{{2,40}},)? (?:is|are|was|were|has|have|had"
        rf"|lives?|works?|loves?|likes?|hates?|plays?|teaches|runs|owns|studies) .+"
    ),
)
_EVENTS: Final = (
    re.compile(
        rf"I (?:just |recently |finally |also |already )?(?:{'|'.join(sorted(PAST))}) (?!on |in "
        rf"|at (?=\d)|last |yesterday|today).+"
    ),
    re.compile(
        r"I(?:['’]ve| have)(?: just| recently| finally| also| already)? (?:completed|finished"
        r"|started|joined|bought|moved|signed|launched"
        r"|opened|decided|chosen|adopted|booked|submitted|been (?:accepted|promoted|hired"
        r"|diagnosed|invited)) .+"
    ),
)
_PLANS: Final = (
    re.compile(
        r"I(?:['’]m| am) (?:also )?(?:going (?:to|on)|planning (?:to|on|a)|moving to|starting"
        r" (?!to)|getting married|meeting|flying to|attending|hosting|leaving|presenting|visiting"
        r"|having) .+"
    ),
    re.compile(
        r"I plan to .+|I have an? [\w ]{0,40}(?:meeting|interview|appointment|exam|deadline"
        r"|flight|call|session|competition|show|tournament|workshop|conference|event) .+"
    ),
)
_RULES: Final = (
    re.compile(
        r"(?:Please )?(?:[Aa]lways|[Nn]ever) (?!mind|say never|give up|forget|been|seen|had|heard"
        r"|thought|did)[a-z]+ .+"
    ),
    re.compile(r"(?:From now on|Going forward),? .+"),
    re.compile(r"(?:We|I) must (?:always |never |not )?[a-z]+ .+"),
    re.compile(r"We (?:always|never) (?!look|love|had|have|get|got|been|seem)[a-z]+ .+"),
    re.compile(
        r"(?:Our|My|The) (?:team |company |house |golden |first |main |one )?(?:rule|policy"
        r"|principle|convention)s? (?:is|are) .+"
    ),
    re.compile(
        r"(?:The|A|All|Every|Each|Our|My|[A-Z]\w+) ?(?:\w+ ){0,3}(?:must(?: not| never)?|needs?"
        r" to|requires?) .+"
    ),
)
_PROCEDURES: Final = (
    re.compile(
        r"To [a-z]+ [^,]{3,80}, (?:first |just |simply |we |I |always )?(?:run|use|open|call|set"
        r"|press|go|start|stop|restart|execute|type|click|deploy|build|add|install|mix|let|put) .+"
    ),
    re.compile(r"First,? .{5,160}?[,;.] (?:and )?then .+"),
    re.compile(
        r"(?:We|I) (?:deploy|release|build|test|back up|restart|publish|run) .{3,120} (?:with|by"
        r" \w+ing|using|via) .+"
    ),
)
_DEFINITIONS: Final = (
    re.compile(r"By [\"“']?[\w -]{2,40}[\"”']? (?:we|I) mean .+"),
    re.compile(
        r"[\"“']?[A-Z][\w-]*(?: [\w-]+){0,3}[\"”']? (?:stands for|is defined as|is short for"
        r"|refers to) .+"
    ),
    re.compile(
        r"An? [\w-]+(?: [\w-]+){0,2} is an? [\w-]+(?: [\w-]+){0,3} (?:that|which|with|for|where"
        r"|in which) .+"
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of knowledge before it is proposed."""

    kind: KnowledgeType
    content: str
    handle: str
    quote: str


def knowledge(episode: Sequence[Turn], *, known: list[frozenset[str]]) -> list[KnowledgeProposal]:
    """What the people of an episode clearly stated, oldest first.

    `known` holds the content words of what the batch already gave; that is not repeated, and what
    is returned is added.
    """
    assisted = any(turn.voice is Voice.ASSISTANT for turn in episode)
    names = frozenset(word.lower for turn in episode for word in tokens(turn.event.author))
    kept: list[KnowledgeProposal] = []
    for turn in episode:
        for item in _items(turn, names=names, assisted=assisted):
            words = _content_stems(item.content)
            if words and len(kept) < MAX_ITEMS and not any(_same(words, other) for other in known):
                kept.append(_proposal(item))
                known.append(words)
    return kept


def _proposal(item: Item) -> KnowledgeProposal:
    return KnowledgeProposal(
        type=item.kind,
        content=item.content,
        confidence=VERBATIM_CONFIDENCE,
        sources=[SourceQuote(event=item.handle, quote=item.quote)],
    )


def _content_stems(text: str) -> frozenset[str]:
    return frozenset(content_stem(word.lower) for word in tokens(text)) - {""}


def _same(left: frozenset[str], right: frozenset[str]) -> bool:
    return len(left & right) >= _SAME_SHARE * min(len(left), len(right))


def _items(turn: Turn, *, names: frozenset[str], assisted: bool) -> Iterator[Item]:
    if not (turn.believed and turn.english):
        return
    for sentence in turn.sentences:
        for clause in assertions(sentence):
            before = sentence.text[: clause.start - sentence.start]
            if not _CONDITION.search(before):
                yield from _of_clause(turn, clause, names=names, assisted=assisted)


def _of_clause(
    turn: Turn, clause: Sentence, *, names: frozenset[str], assisted: bool
) -> Iterator[Item]:
    """At most one item: the first kind that fits, if nothing in the clause speaks against it."""
    lead = _lead_length(clause.text, names)
    quote = _END.sub("", clause.text[lead:])
    if len(quote.split()) < 3 or _BLOCKED.search(clause.text):
        return
    item = _about_person(turn, quote) or _general(turn, quote, assisted=assisted)
    if item:
        yield item


def _lead_length(text: str, names: frozenset[str]) -> int:
    """How much at the start only opens the sentence: "Yeah Mel, actually …"."""
    done = 0
    for _ in range(4):
        lead = _LEAD.match(text, done)
        vocative = _VOCATIVE.match(text, done)
        if lead:
            done = lead.end()
        elif vocative and any(name.startswith(vocative[1].lower()) for name in names):
            done = vocative.end()
        else:
            break
    return done


def _about_person(turn: Turn, quote: str) -> Item | None:
    """A state, an event or a plan of the speaker."""
    core = _core(quote)
    if core is None or _is_unsure(core) or not _says_something(core):
        return None
    dated = bool(_DATE.search(annotate(core, said_on=turn.said_on)))
    if any(pattern.fullmatch(core) for pattern in _STATES):
        passing = bool(_PASSING.match(core))
        return _told(turn, core, kind=KnowledgeType.FACT, passing=passing)
    if dated and any(pattern.fullmatch(core) for pattern in _EVENTS):
        return _told(turn, core, kind=KnowledgeType.EXPERIENCE, passing=True)
    if dated and any(pattern.fullmatch(core) for pattern in _PLANS):
        return _told(turn, core, kind=KnowledgeType.FACT, passing=True)
    return None


def _core(quote: str) -> str | None:
    """The part that asserts, up to the first aside; None where what follows may turn it round."""
    tail = _TAIL.search(quote)
    core = quote[: tail.start()] if tail else quote
    if _TURNING.search(quote) or not 3 <= len(core.split()) <= _MAX_WORDS:
        return None
    return _END.sub("", core)


def _is_unsure(text: str) -> bool:
    return bool(_BLOCKED_CORE.search(text) or HEDGE.search(text))


def _says_something(core: str) -> bool:
    return any(is_content(token.lower) or token.text.isdigit() for token in tokens(core)[1:])


def _told(turn: Turn, core: str, *, kind: KnowledgeType, passing: bool) -> Item | None:
    """In the third person where that is certain, else as a quote; None if it needs its context.

    What is `passing` gets the day on which it was said, unless a year stands in it.
    """
    subject, _, rest = core.partition(" ")
    if not stands_alone(rest, third=subject.lower() == "my"):
        return None
    text = in_third_person(core, name=_name(turn))
    if text is None and not is_about_self(rest):
        return None
    shown = one_line(annotate(text or core, said_on=turn.said_on))
    said = f" (said on {written(turn.said_on)})" if passing and not _YEAR.search(shown) else ""
    line = f"{shown}{said}." if text else f'{_name(turn)}: "{shown}"{said}'
    return Item(kind, line, turn.event.handle, core)


def _general(turn: Turn, quote: str, *, assisted: bool) -> Item | None:
    """A rule, a procedure or a definition, as a quote."""
    kinds = (
        (KnowledgeType.PRINCIPLE, _RULES if assisted else _RULES[1:3]),
        (KnowledgeType.METHOD, _PROCEDURES),
        (KnowledgeType.CONCEPT, _DEFINITIONS),
    )
    if len(quote.split()) > _MAX_WORDS or _is_unsure(quote) or not stands_alone(quote):
        return None
    for kind, patterns in kinds:
        if any(pattern.fullmatch(quote) for pattern in patterns):
            shown = one_line(annotate(quote, said_on=turn.said_on))
            return Item(kind, f'{_name(turn)}: "{shown}"', turn.event.handle, quote)
    return None


def _name(turn: Turn) -> str:
    return turn.speaker if turn.named else "The user"
