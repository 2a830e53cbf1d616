"""What people state in a session, and what they ask an assistant to do.

Owns the reading of their turns: clauses, answers with their questions, requests. Points are
`scores`'. Invariant: only a request is a question, and it is marked as asked.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from elephantasm_mcp.synthesis.grammar import stands_alone
from elephantasm_mcp.synthesis.openings import is_name, opening_length
from elephantasm_mcp.synthesis.scores import TELLING, foreign_score, score
from elephantasm_mcp.synthesis.sentences import Sentence
from elephantasm_mcp.synthesis.statements import Statement, shortened, state
from elephantasm_mcp.synthesis.turns import Turn
from elephantasm_mcp.synthesis.words import content_stem, count_words, plain, spelled

_MAX_QUESTION_WORDS: Final = 16
_MIN_PART_WORDS: Final = 4
"""Less than this of a sentence is a fragment ("My mom, Wendy …")."""
_MIN_QUESTION_WORDS: Final = 3
_MAX_REQUEST_WORDS: Final = 24
_MIN_REQUEST_STEMS: Final = 2
_SHORT_ANSWER_WORDS: Final = 6
_LONG_ANSWER_WORDS: Final = 12
_ANSWER_POINTS: Final = 0.6
_LEAST_ANSWER_WORDS: Final = 2
"""With an exclamation mark, one word beside a name is a cheer and no answer."""
_SHORT_ANSWER_POINTS: Final = 0.9
_PLEASANTRY: Final = re.compile(
    r"(?:how(?:['’]s|['’]ve| are| have| is| did it| do you feel)|what(?:['’]s| is| has|['’]ve) "
    r"(?:up|new|been|going|happening|you been)|right\b|wanna|anything (?:new|else)"
    r"|.*\b(?:lately|been up to|on your mind|thoughts)\b)",
    re.IGNORECASE,
)
_REQUEST: Final = re.compile(
    r"(?:can|could|would|will|should|please|help|how|what|why|which|when|where|who|do|does|did|is"
    r"|are|has|have you|explain|show|give|tell|write|list|summari[sz]e|compare|find|fix|review"
    r"|draft)\b",
    re.IGNORECASE,
)
_RULING: Final = re.compile(
    r"(?:(?:decision|rule|important|note|remember|reminder|convention|agreed)\b *(?:[:–-]|that\b)"
    r"|(?:please )?(?:always|never|avoid|prefer|use [^.,;]+(?:,? (?:not|instead)|, never)"
    r"|(?:don['’]t|do not)"
    r"(?! (?:worry|give up|be|forget|hesitate|mention|know|think|get|you|we)\b))"
    r" +\w)",
    re.IGNORECASE,
)


def told(
    no: int, turn: Turn, *, before: Turn | None, names: Collection[str], assisted: bool
) -> Iterator[Statement]:
    """What the person of turn `no` states, small talk included; `before` is what it may answer.

    With `assisted`, what they ask of the assistant is a statement as well.
    """
    question = _question(before) if before and before.author_key != turn.author_key else None
    for place, clauses in enumerate(turn.asserted):
        asked = question if place == 0 else None
        for clause in clauses:
            if clause.whole or count_words(clause.text) >= _MIN_PART_WORDS:
                found = _stated(no, turn, clause, asked=asked, names=names)
                yield _ruled(found) if assisted else found
    if assisted:
        yield from _requests(no, turn, names=names)


def _stated(
    no: int,
    turn: Turn,
    clause: Sentence,
    *,
    asked: tuple[Turn, str] | None,
    names: Collection[str],
) -> Statement:
    if not turn.english:
        return state(no, turn, clause, score=foreign_score(clause.text))
    opening = opening_length(clause.text, names=names)
    if _is_exclamation(clause.text[opening:], names=names):
        asked = None
    needed = asked if asked and _needs_question(clause.text[opening:]) else None
    bonus = _SHORT_ANSWER_POINTS if needed else _ANSWER_POINTS if asked else 0.0
    points = score(clause.text, names=names, bonus=bonus)
    shown = clause if needed else _without(clause, opening)
    return state(no, turn, shown, score=points, asked=needed)


def _ruled(statement: Statement) -> Statement:
    """What an agent was told to do from now on is worth a line, however little it names."""
    rules = statement.turn.english and _RULING.match(statement.quote)
    return replace(statement, score=max(statement.score, TELLING)) if rules else statement


def _without(clause: Sentence, opening: int) -> Sentence:
    """The clause without its opening ("Yeah Mel, …"), where what is left starts like a sentence."""
    if not opening or not clause.text[opening : opening + 1].isupper():
        return clause
    return Sentence(clause.start + opening, clause.text[opening:], clause.whole)


def _is_exclamation(text: str, *, names: Collection[str]) -> bool:
    """Whether it answers nothing: "Woohoo, Nate!"."""
    said = [word for word in spelled(text) if not is_name(word.lower(), names=names)]
    return text.rstrip().endswith("!") and len(said) < _LEAST_ANSWER_WORDS


def _needs_question(text: str) -> bool:
    """Whether an answer ("Twice.", "It was in May.") says little by itself."""
    length = count_words(text)
    return length < _SHORT_ANSWER_WORDS or (length < _LONG_ANSWER_WORDS and not stands_alone(text))


def _question(turn: Turn) -> tuple[Turn, str] | None:
    """The question with which a turn ends, if it asks for something and can be quoted."""
    if not turn.asks:
        return None
    last = turn.sentences[-1].text
    fits = _MIN_QUESTION_WORDS <= count_words(last) <= _MAX_QUESTION_WORDS
    return (turn, last) if fits and not _PLEASANTRY.match(last) else None


def _requests(no: int, turn: Turn, *, names: Collection[str]) -> Iterator[Statement]:
    """What a user asked of an assistant: the fullest question, as "User asked: …"."""
    fullest: tuple[int, Sentence] | None = None
    for sentence, clauses in zip(turn.sentences, turn.asserted, strict=True):
        if clauses:
            continue
        opening = opening_length(sentence.text, names=names)
        content = len({content_stem(plain(word)) for word in spelled(sentence.text)} - {""})
        if content < _MIN_REQUEST_STEMS or not _REQUEST.match(sentence.text, opening):
            continue
        if fullest is None or content > fullest[0]:
            bare = Sentence(sentence.start + opening, sentence.text[opening:])
            fullest = (content, bare)
    if fullest:
        request = state(no, turn, fullest[1], score=TELLING)
        request = shortened(request, max_words=_MAX_REQUEST_WORDS)
        yield replace(request, asks=True, score=TELLING)
