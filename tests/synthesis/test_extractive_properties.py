"""What holds of the extractive synthesizer for any text."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elephantasm_mcp.pure.dates import annotate
from elephantasm_mcp.synthesis.extractive import SUMMARY_WORDS, propose
from elephantasm_mcp.synthesis.quotes import cut
from elephantasm_mcp.synthesis.sentences import sentences
from elephantasm_mcp.synthesis.words import count_words
from elephantasm_mcp.types.proposals import SourceEvent, SynthesisBatch

SAMPLES = r"""I we my went to bought Lisbon yesterday last week [ ] ( ) " ' … . ! ? , - and but love
allergic hazelnuts you it that 3 May 2021 can help me ``` | # * 1. { } 我 买了 。 ？ 😀 : the a of
with because always never to run http://x.y/z error failed İ don't I'm"""
WORDS = [*SAMPLES.split(), "\n", "\n\n", "\u2028", "\x00", "\u202e", "\t"]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join))
EVENTS = st.builds(
    SourceEvent,
    handle=st.just(""),
    event_type=st.sampled_from(["message.in", "message.out", "tool.call", "tool.result", "system"]),
    role=st.just("user"),
    author=st.one_of(st.sampled_from(["Ann", "user", "assistant", ""]), st.text(max_size=300)),
    text=TEXTS,
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    importance=st.one_of(st.none(), st.floats(0, 1)),
)


@st.composite
def batches(draw: st.DrawFn) -> SynthesisBatch:
    events = draw(st.lists(EVENTS, max_size=8))
    start = draw(st.datetimes(max_value=datetime(9998, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    return SynthesisBatch(
        anima="a",
        events=tuple(
            SourceEvent(
                handle=f"e{no}",
                event_type=event.event_type,
                role=event.role,
                author=event.author,
                text=event.text,
                occurred_at=start + timedelta(minutes=no),
                importance=event.importance,
            )
            for no, event in enumerate(events)
        ),
    )


@settings(max_examples=300, deadline=None)
@given(batches())
def test_every_quote_stands_in_the_event_that_it_names(batch):
    texts = {event.handle: event.text for event in batch.events}
    for memory in propose(batch).memories:
        cited = [*memory.sources, *(s for item in memory.knowledge for s in item.sources)]
        assert all(source.quote and source.quote in texts[source.event] for source in cited)


@settings(max_examples=300, deadline=None)
@given(batches())
def test_a_summary_is_one_short_line(batch):
    for memory in propose(batch).memories:
        assert len(memory.summary.splitlines()) == 1
        assert memory.summary
        _, _, quotes = memory.summary.partition(': "')  # a name may have a quotation mark too
        assert count_words(re.sub(r" \[[^\]]*\]", "", quotes)) <= 2 * SUMMARY_WORDS
        assert all(len(item.content.splitlines()) == 1 for item in memory.knowledge)


@settings(max_examples=100, deadline=None)
@given(batches())
def test_the_same_batch_gives_the_same_bytes(batch):
    assert propose(batch).model_dump_json() == propose(batch).model_dump_json()


@settings(deadline=None)
@given(TEXTS, st.dates())
def test_without_the_brackets_an_annotated_text_is_the_text(text, said_on):
    plain = text.replace("[", "").replace("]", "")
    assert re.sub(r" \[[^\]]*\]", "", annotate(plain, said_on=said_on)) == plain


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_a_cut_quote_is_a_prefix_within_its_words(text, max_words):
    quote = cut(text, max_words=max_words)
    assert text.startswith(quote)
    assert count_words(quote) <= max_words


@settings(deadline=None)
@given(TEXTS)
def test_sentences_stand_where_they_say(text):
    for sentence in sentences(text):
        assert text[sentence.start : sentence.start + len(sentence.text)] == sentence.text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    [
        " ",
        "(",
        "[",
        "a",
        "a ",
        ". ",
        "\n",
        "- ",
        "a-",
        '"',
        "? ",
        "yeah ",
        "last ",
        "我",
        "my ",
        ", I ",
    ],
)
@pytest.mark.parametrize("event_type", ["message.in", "message.out", "tool.result"])
def test_a_megabyte_of_anything_ends(unit, event_type):
    event = SourceEvent(
        handle="e1",
        event_type=event_type,
        role="user",
        author="user",
        text=unit * (1_000_000 // len(unit)),
        occurred_at=datetime(2023, 5, 8, tzinfo=UTC),
    )
    for memory in propose(SynthesisBatch(anima="a", events=(event,))).memories:
        assert len(memory.content) < 20_000
