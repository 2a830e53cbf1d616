"""The synthesizer that needs no model: memories of verbatim quotes.

Owns how episodes become proposals: head line, chosen quotes, scores. Cutting, scoring and typing
live in the modules beside it. Invariant: the same batch gives the same bytes, and each quote is
an exact substring of the event that it is linked to.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import anyio.to_thread

from elephantasm_mcp.synthesis.cues import importance
from elephantasm_mcp.synthesis.dates import annotate, written
from elephantasm_mcp.synthesis.episodes import episodes
from elephantasm_mcp.synthesis.knowledge import knowledge
from elephantasm_mcp.synthesis.quotes import ELLIPSIS, one_line
from elephantasm_mcp.synthesis.statements import (
    Statement,
    choose,
    shortened,
    statements,
    without_idle_gists,
)
from elephantasm_mcp.synthesis.topics import topics
from elephantasm_mcp.synthesis.turns import Turn, Voice, read
from elephantasm_mcp.types.proposals import (
    MemoryProposal,
    Proposals,
    SourceQuote,
    SynthesisBatch,
)

SUMMARY_WORDS: Final = 60
SUMMARY_QUOTES: Final = 4
SUMMARY_QUOTE_WORDS: Final = 26
CONTENT_WORDS: Final = 250
CONTENT_QUOTES: Final = 12
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
    known: list[frozenset[str]] = []
    turns = [read(event) for event in batch.events]
    found = [_memory(episode, known=known) for episode in episodes(turns)]
    return Proposals(memories=[memory for memory in found if memory])


def _memory(episode: Sequence[Turn], *, known: list[frozenset[str]]) -> MemoryProposal | None:
    """The memory of one episode; None when it is all small talk."""
    learned = knowledge(episode, known=known)
    clear = {(s.event, s.quote) for item in learned for s in item.sources if s.quote}
    informative = statements(episode, clear=clear)
    telling = without_idle_gists(informative)
    if not telling:
        return None
    told = choose(informative, max_words=CONTENT_WORDS, limit=CONTENT_QUOTES)
    short = [shortened(statement, max_words=SUMMARY_QUOTE_WORDS) for statement in telling]
    line = choose(short, max_words=SUMMARY_WORDS, limit=SUMMARY_QUOTES)
    head = _head(episode)
    return MemoryProposal(
        summary=" ".join([head, *_in_a_row(line)]),
        content="\n".join([head, *map(_shown, told)]),
        importance=importance(
            [statement.quote for statement in told],
            hints=[s.turn.event.importance for s in told if s.turn.event.importance is not None],
        ),
        confidence=round(sum(s.confidence for s in told) / len(told), 2),
        sources=_sources([*told, *line]),
        knowledge=learned,
    )


def _head(episode: Sequence[Turn]) -> str:
    """Who, when, and about what where that is sure: one sentence."""
    speakers = list(dict.fromkeys(t.speaker for t in episode if t.voice is not Voice.NONE))
    who = _listed([*speakers[:_MAX_SPEAKERS], *(["others"] if speakers[_MAX_SPEAKERS:] else [])])
    first, last = episode[0].said_on, episode[-1].said_on
    when = written(first) if first == last else f"{written(first)} to {written(last)}"
    about = _listed([one_line(phrase) for phrase in topics(episode)])
    return f"{who}, {when}, about {about}." if about else f"{who}, {when}."


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
