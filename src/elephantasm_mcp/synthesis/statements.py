"""Which sentences of an episode carry information, and which are small talk.

Owns the scoring and the choice of statements. Does not write the memory. Invariant: a statement's
quote is an exact substring of its event, and no statement is a question.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from elephantasm_mcp.synthesis.cues import (
    ASSISTANT_CONFIDENCE,
    HEDGE,
    HEDGED_CONFIDENCE,
    TOOL_CONFIDENCE,
    VERBATIM_CONFIDENCE,
)
from elephantasm_mcp.synthesis.quotes import cut
from elephantasm_mcp.synthesis.sentences import Sentence, assertions
from elephantasm_mcp.synthesis.turns import Turn, Voice
from elephantasm_mcp.synthesis.words import Token, content_stem, count_words, tokens

MIN_SCORE: Final = 1.6
"""Below this a sentence is small talk."""
_MIN_KEPT: Final = 0.2
"""Below this not even a clear statement is worth a line."""
MAX_QUOTE_WORDS: Final = 32
MAX_TOOL_WORDS: Final = 18
MAX_QUESTION_WORDS: Final = 16
MAX_REQUEST_WORDS: Final = 24
MAX_GIST_WORDS: Final = 20
_SHORT_ANSWER_WORDS: Final = 7
_ANSWERING: Final = 1
"""How many sentences of a turn can answer the question before it."""
_ANSWER_BONUS: Final = 0.8
_SHORT_ANSWER_BONUS: Final = 0.7
_MIN_REQUEST_STEMS: Final = 2
_MIN_GIST_STEMS: Final = 4
_FEW: Final = 2
_ASSISTANT_SENTENCES: Final = 40
_MIN_WORDS: Final = 3
_MIN_FOREIGN_WORDS: Final = 5
_REDUNDANT: Final = 0.6
"""Share of a statement's content words that an earlier choice may already have."""

_DOING: Final = (
    "went|bought|got|made|started|began|finished|completed|joined|moved|met|saw|visited|took|built"
    "|painted|wrote|ran|won|lost|found|signed|learned|taught|gave|attended|hosted|opened|launched"
    "|quit|decided|chose|agreed|adopted|planned|booked|created|designed|fixed|tried|read|watched"
    "|played|cooked|baked|grew|hiked|camped|travell?ed|flew|drove|called|sold|hired|received|passed"
    "|failed|graduated|applied|submitted|used|switched|deployed|implemented|added|removed|updated"
    "|set up|set|reviewed|scheduled|rescheduled|married|divorced|injured|broke|hurt|organized"
    "|volunteered|donated|raised|performed|published|recorded|rejected|accepted|estimated|noticed"
    "|tested|logged|drafted|stopped|used to|came|had|been|was|were|did|invited|suggested"
    "|recommended"
)
_BEING: Final = (
    "am|['’]m|live|work|love|like|hate|prefer|enjoy|have|['’]ve|own|use|need|want|study|teach"
    "|play|plan"
    "|hope|speak|run|manage|volunteer|collect|allergic|keep|always|never|will|['’]ll"
)
_FIRST_PERSON: Final = re.compile(r"\b(?:I|we|my|our|me|us)\b|^(?:Just|Been|Gonna|Got|Had|Went)\b")
_DID: Final = re.compile(
    rf"\b(?:I|we)(?:['’]ve)?(?: \w+ly| just| also| even| already)? (?:{_DOING})\b"
)
_IS: Final = re.compile(rf"\b(?:I|we)(?: \w+ly| just| also| still)?(?: |(?=['’]))(?:{_BEING})\b")
_WHEN: Final = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|(?:last|next|this) (?:week|month|year|weekend|night"
    r"|summer|winter|spring|fall|\w+day)|ago|since|(?:January|February|March|April|June|July|August"
    r"|September|October|November|December|\w{3,6}day)|(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_REACTION: Final = (
    r"(?:(?:wow|oh|yeah|yep|yes|aw+|haha|ok|okay|well|so|and|hey|man|woah|whoa)\b[\s,!]*)*"
    r"(?:(?:i|we) (?:won['’]t|will never|['’]ll never) (?:quit|give up)|that(?:['’]s| is| was|"
    r" sounds| must| looks| really)|sounds|thanks|thank you|congrat|good"
    r" luck"
    r"|glad|so glad|love (?:that|it|your|the)|great (?:job|to|that)|nice|awesome|amazing|cool|keep"
    r"|it(?:['’]s| is| was) (?:so |really |always |just |such |been )*(?:great|good|nice|awesome"
    r"|amazing|cool|wonderful"
    r"|lovely|important|inspiring|a pleasure|okay|ok|true|fun)|you(?:['’]re|['’]ve|['’]ll"
    r"|['’]d)?\b|your\b|what an?\b"
    r"|how (?:cool|nice|great|awesome)|can't wait|take care|see you|talk to you|bye|i (?:totally "
    r"|completely |really |definitely )?"
    r"(?:agree|hear you|understand|appreciate|hope you|hope it|bet|know what|get (?:it|what))"
    r"|i['’]m (?:so |really |super |very )*(?:glad|happy for|proud of you|here for|excited for"
    r" you|sorry|thankful for your|grateful for your)"
    r"|let(?:['’]s| me know)|(?:a lot|lots|so much|been|long time)\b.{0,30}\b(?:happen\w*|going"
    r" on|chat\w*|no (?:talk|see)|talked|spoke)|here['’]s|check|look at|no (?:worries|problem"
    r"|doubt)|of course|hope\b|hopefully|looking forward|enjoy|have (?:fun|a great))"
)
_SECOND_PERSON: Final = re.compile(r"\b(?:you|your|you're|you've|you'll|yours)\b", re.IGNORECASE)
_VAGUE: Final = re.compile(
    r"\b(?:not sure|unsure|want to make sure|want to ensure|trying to (?:understand|figure)|worried"
    r"|wondering|struggling|don't know|no idea|would love|curious|having trouble|if)\b",
    re.IGNORECASE,
)
_ASSISTANT_DID: Final = re.compile(
    r"(?:(?:done|ok|okay|sure|understood|noted|got it)[.,!: ]+)?(?:I(?:['’]ve| have)? (?:just )?"
    r"(?:added|updated|created|fixed|changed|removed|deployed|ran|wrote|saved|sent|scheduled|booked"
    r"|renamed|moved|merged|committed|installed|deleted|implemented|refactored|tested|noted|set up)"
    r"|I(?:['’]ll| will) (?:make sure|remember|always|never|remind|keep|format|use|send|include)"
    r"|we (?:agreed|decided)|all tests pass)\b",
    re.IGNORECASE,
)
_ASSISTANT_FILLER: Final = re.compile(
    r"(?:i\b|for example|ensure|make sure|check|certainly|absolutely|sure|of course|great"
    r"|that(?:['’]s| sounds| is)|thank|you(?:['’]re"
    r"|r)|here(?:['’]s| is| are)"
    r"|let(?:['’]s| me)|i(?:['’]d| would| hope| can|['’]m| understand)|feel free|if you|below|by "
    r"|to |we|when|it(?:['’]s| is| seems| looks)"
    r"|yes|no problem|sorry|understood|congrat|good luck|this (?:is|will|should|schedule|plan)"
    r"|remember|step|using|given)",
    re.IGNORECASE,
)
_STATES: Final = re.compile(
    r"(?:\S+\s){1,7}(?:is|are|was|were|means|supports|allows|requires|provides|uses|has|have"
    r"|returns"
    r"|works|states|occurs|consists|contains|causes)\b"
)
_REACTION_AT_START: Final = re.compile(rf"^{_REACTION}", re.IGNORECASE)
_YES_NO: Final = re.compile(r"(?:yes|yeah|yep|no|nope|sure|not yet|definitely)\b", re.IGNORECASE)
_PLEASANTRY: Final = re.compile(
    r"how(?:['’]s it| are you| have you| are things|['’]s everything)|what(?:['’]s| is) (?:up|new)",
    re.IGNORECASE,
)
_REQUEST: Final = re.compile(
    r"(?:can|could|would|will|please|help|how|what|why|which|when|where|explain|show|give|tell"
    r"|write"
    r"|list|summari[sz]e|compare|find|fix|review|draft)\b",
    re.IGNORECASE,
)
_FAILED: Final = re.compile(
    r"\b(?:error|failed|failure|exception|fatal|denied|not found|traceback)", re.IGNORECASE
)
_PASSED: Final = re.compile(
    r"\b(?:passed|success\w*|succeeded|completed?|done|created|deployed|total|result|status|ok)\b",
    re.IGNORECASE,
)
_TOOL_LINES: Final = 400
_TOOL_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class Statement:
    """A quote with its worth. `whole` is False where the sentence goes on behind it."""

    no: int
    turn: Turn
    start: int
    quote: str
    whole: bool
    score: float
    confidence: float
    stems: frozenset[str]
    asks: bool = False
    gist: bool = False
    asked: tuple[Turn, str] | None = None

    @property
    def words(self) -> int:
        """Length as shown, with the question that it answers."""
        return count_words(self.quote) + (count_words(self.asked[1]) if self.asked else 0)


def statements(
    turns: Sequence[Turn], *, clear: Collection[tuple[str, str]] = ()
) -> list[Statement]:
    """All statements of an episode above small talk, in the order in which they were said.

    What is `clear`, as (handle, words), is above it in any case.
    """
    names = frozenset(word.lower for turn in turns for word in tokens(turn.event.author))
    assisted = any(turn.voice is Voice.ASSISTANT for turn in turns)
    found: list[Statement] = []
    for no, turn in enumerate(turns):
        before = turns[no - 1] if no else None
        found += _lifted(list(_in_turn(no, turn, before, names)), clear)
        if assisted and turn.voice is Voice.PERSON:
            found += _requests(no, turn)
    return [statement for statement in found if statement.score >= MIN_SCORE]


def _lifted(found: list[Statement], clear: Collection[tuple[str, str]]) -> Iterator[Statement]:
    for statement in found:
        handle = statement.turn.event.handle
        known = any(handle == other and words in statement.quote for other, words in clear)
        yield replace(statement, score=max(statement.score, MIN_SCORE)) if known else statement


def without_idle_gists(found: Sequence[Statement]) -> list[Statement]:
    """Drop what an assistant explained, unless the others said something, but little."""
    own = [statement for statement in found if not statement.gist]
    return list(found) if 1 <= len(own) <= _FEW else own


def choose(found: Iterable[Statement], *, max_words: int, limit: int) -> list[Statement]:
    """The best statements that fit, each adding something to the better ones, in order."""
    chosen: list[Statement] = []
    words = 0
    for statement in sorted(found, key=lambda s: (-s.score, s.no, s.start)):
        fits = words + statement.words <= max_words
        if fits and len(chosen) < limit and not any(_repeats(statement, c) for c in chosen):
            chosen.append(statement)
            words += statement.words
    return sorted(chosen, key=lambda s: (s.no, s.start))


def shortened(statement: Statement, *, max_words: int) -> Statement:
    """The statement with its quote cut to `max_words`."""
    quote = cut(statement.quote, max_words=max_words)
    whole = statement.whole and quote == statement.quote
    return replace(statement, quote=quote, whole=whole)


def _repeats(statement: Statement, other: Statement) -> bool:
    if statement.no == other.no and statement.start == other.start:
        return True
    shared = len(statement.stems & other.stems)
    return bool(statement.stems) and shared >= _REDUNDANT * len(statement.stems)


def _in_turn(
    no: int, turn: Turn, before: Turn | None, names: frozenset[str]
) -> Iterator[Statement]:
    match turn.voice:
        case Voice.PERSON:
            yield from _of_person(no, turn, before, names)
        case Voice.ASSISTANT:
            yield from _of_assistant(no, turn, names)
        case Voice.TOOL:
            yield from _of_tool(no, turn)
        case Voice.NONE:
            return


def _of_person(
    no: int, turn: Turn, before: Turn | None, names: frozenset[str]
) -> Iterator[Statement]:
    answers = before is not None and before.asks and before.event.author != turn.event.author
    for place, sentence in enumerate(turn.sentences):
        question = _question(before) if before and answers and place < _ANSWERING else None
        for clause in assertions(sentence):
            score = _person_score(clause.text, turn, names, answers=question is not None)
            if score < _MIN_KEPT:
                continue
            statement = _statement(no, turn, clause, score)
            needed = question is not None and _needs_question(clause.text)
            yield replace(statement, asked=question) if needed else statement


def _person_score(text: str, turn: Turn, names: frozenset[str], *, answers: bool) -> float:
    if not turn.english:
        return _foreign_score(text)
    bonus = _ANSWER_BONUS if answers else 0.0
    bonus += _SHORT_ANSWER_BONUS if answers and _needs_question(text) else 0.0
    return _score(text, names, bonus=bonus)


def _score(text: str, names: frozenset[str], *, bonus: float = 0.0) -> float:
    """Points for what can be looked up later: names, numbers, dates, deeds, states.

    Fewer for reactions, for talk of the other one and for vagueness.
    """
    words = tokens(text)
    content = _stems(words, names)
    if not content or text.endswith(":") or (len(words) < _MIN_WORDS and not bonus):
        return 0.0
    proper = sum(_is_proper(word) for word in words[1:] if word.lower not in names)
    numbers = sum(any(char.isdigit() for char in word.text) for word in words)
    signs = (
        (0.8, _WHEN),
        (1.0, _DID),
        (0.7, _IS),
        (0.4, _FIRST_PERSON),
        (-2.0, _REACTION_AT_START),
        (-0.8, _SECOND_PERSON),
        (-0.8, _VAGUE),
    )
    stated = sum(points for points, sign in signs if sign.search(text))
    return (
        bonus + stated + 0.25 * min(len(content), 8) + 0.5 * min(proper, 2) + 0.4 * min(numbers, 2)
    )


def _foreign_score(text: str) -> float:
    """Length and numbers alone: no word list fits."""
    length = count_words(text)
    if length < _MIN_FOREIGN_WORDS:
        return 0.0
    numbers = sum(any(char.isdigit() for char in word.text) for word in tokens(text))
    return MIN_SCORE + 0.05 * min(length, 20) + 0.4 * min(numbers, 2)


def _is_proper(word: Token) -> bool:
    return word.text[0].isupper() and word.lower.split("'")[0] != "i"


def _stems(words: Sequence[Token], names: frozenset[str]) -> frozenset[str]:
    found = (content_stem(word.lower) for word in words if word.lower not in names)
    return frozenset(found) - {""}


def _statement(no: int, turn: Turn, clause: Sentence, score: float) -> Statement:
    quote = cut(clause.text, max_words=MAX_QUOTE_WORDS)
    confidence = HEDGED_CONFIDENCE if HEDGE.search(quote) else VERBATIM_CONFIDENCE
    return Statement(
        no=no,
        turn=turn,
        start=clause.start,
        quote=quote,
        whole=clause.whole and quote == clause.text,
        score=score,
        confidence=confidence,
        stems=_stems(tokens(quote), frozenset()),
    )


def _needs_question(text: str) -> bool:
    """Whether an answer ("Yes, twice.") says little by itself."""
    return count_words(text) < _SHORT_ANSWER_WORDS or bool(_YES_NO.match(text))


def _question(turn: Turn) -> tuple[Turn, str] | None:
    """The question with which a turn ends, if it is short enough to be quoted."""
    last = turn.sentences[-1].text
    idle = count_words(last) > MAX_QUESTION_WORDS or _PLEASANTRY.search(last)
    return None if idle else (turn, last)


def _requests(no: int, turn: Turn) -> Iterator[Statement]:
    """What a user asked of an assistant: the best question, as "User asked: …"."""
    best: tuple[int, Sentence] | None = None
    for sentence in turn.sentences:
        content = len(_stems(tokens(sentence.text), frozenset()))
        asks = sentence.text.endswith(("?", "？")) or _REQUEST.match(sentence.text)
        asks = asks and not assertions(sentence)
        if asks and content >= _MIN_REQUEST_STEMS and (best is None or content > best[0]):
            best = (content, sentence)
    if best:
        request = _statement(no, turn, best[1], MIN_SCORE)
        yield replace(shortened(request, max_words=MAX_REQUEST_WORDS), asks=True)


def _of_assistant(no: int, turn: Turn, names: frozenset[str]) -> Iterator[Statement]:
    """What the assistant did or promised, else the first sentence that says something."""
    gist: Sentence | None = None
    for sentence in turn.sentences[:_ASSISTANT_SENTENCES]:
        if _ASSISTANT_DID.match(sentence.text) and _score(sentence.text, names) > 0:
            statement = _statement(no, turn, sentence, MIN_SCORE + 0.3)
            yield replace(statement, confidence=ASSISTANT_CONFIDENCE)
        elif gist is None and _is_gist(sentence.text, turn):
            gist = sentence
    if gist:
        statement = _statement(no, turn, gist, MIN_SCORE)
        statement = shortened(statement, max_words=MAX_GIST_WORDS)
        yield replace(statement, gist=True, confidence=ASSISTANT_CONFIDENCE)


def _is_gist(text: str, turn: Turn) -> bool:
    """A sentence with a verb that says how things are, not an instruction or a courtesy."""
    if (
        text.endswith(("?", "？", ":", "："))
        or "[" in text
        or text.startswith(("*", "_", "`", '"'))
    ):
        return False
    if not turn.english:
        return count_words(text) >= _MIN_FOREIGN_WORDS
    content = len(_stems(tokens(text), frozenset()))
    if _ASSISTANT_FILLER.match(text) or _SECOND_PERSON.search(text):
        return False
    return content >= _MIN_GIST_STEMS and bool(_STATES.match(text))


def _of_tool(no: int, turn: Turn) -> Iterator[Statement]:
    """The decisive line of a tool's result: its last error, else its last success."""
    lines = list(_tool_lines(turn.event.text))
    for sign, score in ((_FAILED, MIN_SCORE + 0.5), (_PASSED, MIN_SCORE)):
        decisive = [line for line in lines if sign.search(line.text)]
        if decisive:
            statement = _statement(no, turn, decisive[-1], score)
            statement = shortened(statement, max_words=MAX_TOOL_WORDS)
            yield replace(statement, confidence=TOOL_CONFIDENCE)
            return


def _tool_lines(text: str) -> Iterator[Sentence]:
    """The first and the last lines that are short enough to be read, as they stand."""
    offset = 0
    found: list[Sentence] = []
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if 0 < len(stripped) <= _TOOL_CHARS and stripped.isprintable():
            found.append(Sentence(offset + line.index(stripped[0]), stripped))
        offset += len(line)
    yield from found[:_TOOL_LINES]
    yield from found[max(_TOOL_LINES, len(found) - _TOOL_LINES) :]
