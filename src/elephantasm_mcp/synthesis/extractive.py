"""The synthesizer that needs no model: memories of verbatim quotes.

Owns how episodes become proposals: head line, chosen quotes, scores. Cutting, scoring and typing
live in the modules beside it. Invariant: the same batch gives the same bytes, and each quote is
an exact substring of the event that it is linked to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import anyio.to_thread

from elephantasm_mcp.pure.dates import annotate, written
from elephantasm_mcp.synthesis.cues import importance
from elephantasm_mcp.synthesis.episodes import episodes
from elephantasm_mcp.synthesis.knowledge import knowledge
from elephantasm_mcp.synthesis.persons import told
from elephantasm_mcp.synthesis.quotes import ELLIPSIS, one_line
from elephantasm_mcp.synthesis.replies import ended, replied
from elephantasm_mcp.synthesis.scores import KEPT, PLAIN, TELLING
from elephantasm_mcp.synthesis.statements import Statement, choose, shortened, spread
from elephantasm_mcp.synthesis.topics import topics
from elephantasm_mcp.synthesis.turns import Turn, Voice, names_of, read
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
    SynthesisBatch,
)

T = TypeVar("T")

SUMMARY_WORDS: Final = 60
SUMMARY_QUOTES: Final = 4
SUMMARY_QUOTE_WORDS: Final = 26
CONTENT_WORDS: Final = 250
CONTENT_QUOTES: Final = 12
MAX_ITEMS: Final = 8
"""Pieces of knowledge per memory."""
_LEAST_FOREIGN_WORDS: Final = 3
_THIN_WORDS: Final = 18
_CLEAR_POINTS: Final = 0.4
_MAX_SPEAKERS: Final = 3


class ExtractiveSynthesizer:
    """Quotes what matters, resolves what is certain, and rewrites next to nothing."""

    @property
    def name(self) -> str:
        """What the rows that it makes are marked with."""
        return "extractive-1"

    @property
    def provisional(self) -> bool:
        """Whether a better synthesizer may redo its rows."""
        return True

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """One memory per episode that holds any information. Never fails on any text."""
        return await anyio.to_thread.run_sync(propose, batch, abandon_on_cancel=True)


def propose(batch: SynthesisBatch) -> Proposals:
    """The work of `ExtractiveSynthesizer.synthesize`, as a pure function."""
    turns = [read(event) for event in batch.events]
    learned = knowledge(turns)
    stated = list(_statements(turns))
    found = [_worthy(statements, items) for statements, items in zip(stated, learned, strict=True)]
    spans = episodes(turns, is_thin=lambda span: _is_thin(_within(span, found)))
    memories = [
        _memory(turns[span.start : span.stop], _within(span, found), _within(span, learned))
        for span in spans
    ]
    if not any(memories):  # a few plain words in a session of their own are all that was said
        plain = [replace(one, score=TELLING) for each in stated for one in each if _is_plain(one)]
        memories = [_memory(turns, plain, [])]
    return Proposals(memories=[memory for memory in memories if memory])


def _is_plain(statement: Statement) -> bool:
    """Whether a person states something, if only a little: no greeting, thanks or cheer."""
    if statement.turn.voice is not Voice.PERSON:
        return False
    if not statement.turn.english:
        return statement.words >= _LEAST_FOREIGN_WORDS
    return statement.score >= PLAIN


def _statements(turns: Sequence[Turn]) -> Iterator[list[Statement]]:
    """What each turn states, in order."""
    names = names_of(turns)
    assisted = any(turn.voice is Voice.ASSISTANT for turn in turns)
    for no, turn in enumerate(turns):
        match turn.voice:
            case Voice.PERSON:
                before = turns[no - 1] if no else None
                yield list(told(no, turn, before=before, names=names, assisted=assisted))
            case Voice.ASSISTANT:
                yield list(replied(no, turn))
            case Voice.TOOL:
                yield list(ended(no, turn))
            case Voice.NONE:
                yield []


def _worthy(found: list[Statement], items: list[KnowledgeProposal]) -> list[Statement]:
    """The statements above small talk; what is known for good is, in any case."""
    clear = [source.quote for item in items for source in item.sources if source.quote]
    worthy: list[Statement] = []
    for statement in found:
        if any(quote in statement.quote for quote in clear):
            score = max(statement.score, TELLING) + _CLEAR_POINTS
            worthy.append(replace(statement, score=score))
        elif statement.score >= KEPT:
            worthy.append(statement)
    return worthy


def _within(span: range, found: Sequence[list[T]]) -> list[T]:
    return [each for no in span for each in found[no]]


def _is_thin(found: Sequence[Statement]) -> bool:
    """Whether what is worth telling would make no line of its own."""
    return sum(statement.words for statement in found if statement.score >= TELLING) < _THIN_WORDS


def _memory(
    episode: Sequence[Turn], found: Sequence[Statement], learned: Sequence[KnowledgeProposal]
) -> MemoryProposal | None:
    """The memory of one episode; None when it is all small talk."""
    telling = [shortened(s, max_words=SUMMARY_QUOTE_WORDS) for s in found if s.score >= TELLING]
    if not telling:
        return None
    kept = choose(spread(found), max_words=CONTENT_WORDS, limit=CONTENT_QUOTES)
    line = choose(telling, max_words=SUMMARY_WORDS, limit=SUMMARY_QUOTES)
    head = _head(episode)
    return MemoryProposal(
        summary=" ".join([head, *_in_a_row(line)]),
        content="\n".join([head, *map(_shown, kept)]),
        importance=importance(
            [statement.quote for statement in kept],
            hints=[s.turn.event.importance for s in kept if s.turn.event.importance is not None],
        ),
        confidence=round(sum(s.confidence for s in kept) / len(kept), 2),
        sources=_sources([*kept, *line]),
        knowledge=list(learned)[:MAX_ITEMS],
    )


def _head(episode: Sequence[Turn]) -> str:
    """Who, where anyone has a name, when, and about what where that is sure: one sentence."""
    first, last = episode[0].said_on, episode[-1].said_on
    when = written(first) if first == last else f"{written(first)} to {written(last)}"
    about = _listed([one_line(phrase) for phrase in topics(episode)])
    return ", ".join(filter(None, [_who(episode), when, about and f"about {about}"])) + "."


def _who(episode: Sequence[Turn]) -> str:
    """The speakers, or nothing when they are but a user and an assistant."""
    heard = [turn for turn in episode if turn.voice is not Voice.NONE]
    if not any(turn.named for turn in heard):
        return ""
    names = list(dict.fromkeys(turn.speaker for turn in heard))
    return _listed([*names[:_MAX_SPEAKERS], *(["others"] if names[_MAX_SPEAKERS:] else [])])


def _listed(names: Sequence[str]) -> str:
    *first, last = names or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def _in_a_row(line: Sequence[Statement]) -> Iterator[str]:
    """The statements as shown, a speaker's name only where it changes."""
    before = ""
    for statement in line:
        label = _label(statement)
        yield _quoted(statement) if label == before and not statement.asked else _shown(statement)
        before = label


def _shown(statement: Statement) -> str:
    """`Ann: "I left Oslo last year [2022]."`, behind the question it answers if needed."""
    quoted = f"{_label(statement)}: {_quoted(statement)}"
    if statement.asked is None:
        return quoted
    turn, question = statement.asked
    return f'{turn.speaker} asked: "{one_line(question)}" {quoted}'


def _label(statement: Statement) -> str:
    return f"{statement.turn.speaker} asked" if statement.asks else statement.turn.speaker


def _quoted(statement: Statement) -> str:
    text = one_line(annotate(statement.quote, said_on=statement.turn.said_on))
    return f'"{text}{"" if statement.whole else ELLIPSIS}"'


def _sources(found: Sequence[Statement]) -> list[SourceQuote]:
    """Each quoted event once per quote, in the order of the text; questions included."""
    quotes: dict[tuple[str, str], None] = {}
    for statement in found:
        if statement.asked:
            turn, question = statement.asked
            quotes[turn.event.handle, question] = None
        quotes[statement.turn.event.handle, statement.quote] = None
    return [SourceQuote(event=handle, quote=quote) for handle, quote in quotes]
