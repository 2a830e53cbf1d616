"""A corpus: never changed once handed out, and the same in whatever order its rows came."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import MODELS, SENTENCES, WORDS, ask, builder_of, corpus_of, event, seen, set_vectors
from elephantasm_mcp.pure.corpus import (
    ASKS,
    EVENT,
    HAS_NUMBER,
    HEAD_CHARS,
    IS_USER,
    KNOWLEDGE,
    MAX_TEXT_CHARS,
    MEMORY,
    MOST_RUNS,
    TELLS_TIME,
    CorpusBuilder,
    CorpusRow,
    Lexicon,
)
from elephantasm_mcp.pure.vectors import quantize

TEXTS = st.lists(
    st.sampled_from(
        [
            "tea",
            "Tea's",
            "rum",
            "Bo",
            "3",
            "March",
            "good",
            "is",
            "is?",
            "it",
            "京都",
            "naïve",
            "reading",
            "reads",
        ]
    ),
    max_size=12,
).map(" ".join)
ROWS = st.lists(
    st.builds(
        event,
        st.integers(1, 12),
        TEXTS,
        day=st.integers(0, 3),
        author=st.sampled_from(["User", "Bo", "Assistant"]),
        session=st.sampled_from(["a", "b", None]),
        second=st.integers(0, 3),
    )
    | st.builds(
        CorpusRow,
        id=st.integers(1, 12),
        layer=st.sampled_from([MEMORY, KNOWLEDGE]),
        text=TEXTS,
        session=st.sampled_from(["a", "b", None]),
        start=st.sampled_from([0, None]),
        end=st.sampled_from([5, None]),
    ),
    max_size=12,
    unique_by=lambda row: (row.layer, row.id),
)
BOTH = [SENTENCES, WORDS]


def batches_of(data, rows):
    """The rows in any order, in batches of any size."""
    left = data.draw(st.permutations(rows))
    while left:
        size = data.draw(st.integers(1, len(left)))
        yield left[:size]
        left = left[size:]


def neighbours(corpus):
    """For each event its id, that before it and that after it."""
    ids = [*corpus.ids.tolist(), None]
    return {
        ids[row]: (ids[corpus.previous[row]], ids[corpus.following[row]])
        for row in range(len(corpus))
    }


@settings(max_examples=150)
@given(ROWS, st.data(), TEXTS, st.booleans())
def test_the_order_in_which_rows_came_changes_nothing(rows, data, question, with_models):
    models = BOTH if with_models else []
    asked = {"sentences": SENTENCES, "words": WORDS} if with_models else {}
    at_once = corpus_of(*rows, models=models)
    builder = builder_of([], models=models)
    for batch in batches_of(data, rows):
        builder.add(batch)
        set_vectors(builder, batch, models=models)
        builder.corpus()
    bit_by_bit = builder.corpus()
    assert len(bit_by_bit) == len(rows)
    assert seen(bit_by_bit, ask(bit_by_bit, question, **asked)) == seen(
        at_once, ask(at_once, question, **asked)
    )


@settings(max_examples=150)
@given(ROWS, st.data(), TEXTS)
def test_what_was_taken_out_leaves_nothing_behind(rows, data, question):
    """Rows come, go and come again in another form; what was handed out shows them as they were."""
    asked = {"sentences": SENTENCES, "words": WORDS}
    builder = builder_of([], models=BOTH)
    held, handed_out = [], []
    for batch in batches_of(data, rows):
        builder.add(batch)
        set_vectors(builder, data.draw(st.permutations(batch))[1:], models=BOTH)
        held += batch
        if data.draw(st.booleans()):
            corpus = builder.corpus()
            handed_out.append((corpus, seen(corpus, ask(corpus, question, **asked))))
        gone = data.draw(st.lists(st.sampled_from(held), unique=True))
        builder.remove(builder.places((row.layer, row.id) for row in [*gone, *gone]))
        held = [row for row in held if row not in gone]
        again = [replace(row, text=data.draw(TEXTS)) for row in gone if data.draw(st.booleans())]
        builder.add(again)
        held += again
    set_vectors(builder, held, models=BOTH)
    corpus, at_once = builder.corpus(), corpus_of(*held, models=BOTH)
    assert seen(corpus, ask(corpus, question, **asked)) == seen(
        at_once, ask(at_once, question, **asked)
    )
    assert corpus.author_names.keys() == at_once.author_names.keys()
    for corpus, before in handed_out:
        assert seen(corpus, ask(corpus, question, **asked)) == before


@given(ROWS, st.data())
def test_events_are_linked_in_the_order_of_time_within_their_session(rows, data):
    builder = builder_of([])
    for batch in batches_of(data, rows):
        builder.add(batch)
    expected = {row.id: (None, None) for row in rows}
    for session in {row.session for row in rows}:
        told = [row for row in rows if row.layer == EVENT and row.session == session]
        ids = [row.id for row in sorted(told, key=lambda row: (row.start, row.id))]
        for before, id_, after in zip([None, *ids], ids, [*ids[1:], None], strict=False):
            expected[id_] = (before, after)
    corpus = builder.corpus()
    derived = {row.id for row in rows if row.layer != EVENT}
    mine = {id_: near for id_, near in neighbours(corpus).items() if id_ not in derived}
    assert mine == {id_: near for id_, near in expected.items() if id_ not in derived}
    others = np.flatnonzero(corpus.layers != EVENT)
    assert (corpus.previous[others] == -1).all()
    assert (corpus.following[others] == -1).all()


def test_an_event_that_comes_late_stands_between_its_neighbours():
    builder = builder_of([event(1, "a", second=10), event(2, "b", second=30)])
    before = builder.corpus()
    builder.add([event(3, "c", second=20), event(4, "d", second=40)])
    assert neighbours(before) == {1: (None, 2), 2: (1, None)}
    assert neighbours(builder.corpus()) == {1: (None, 3), 3: (1, 2), 2: (3, 4), 4: (2, None)}


# Handed out


@settings(max_examples=100)
@given(ROWS, ROWS, TEXTS, st.data())
def test_a_corpus_that_was_handed_out_does_not_change_when_its_builder_grows(
    rows, more, question, data
):
    known = {(row.layer, row.id) for row in rows}
    more = [row for row in more if (row.layer, row.id) not in known]
    builder = builder_of(rows, models=BOTH)
    bare = data.draw(st.lists(st.sampled_from(rows), unique=True)) if rows else []
    builder = builder_of([], models=BOTH)
    builder.add(rows)
    set_vectors(builder, [row for row in rows if row not in bare], models=BOTH)
    corpus = builder.corpus()
    arrays = {
        name: getattr(corpus, name).copy()
        for name in corpus.__slots__
        if isinstance(getattr(corpus, name), np.ndarray)
    }
    before = seen(corpus, ask(corpus, question, sentences=SENTENCES, words=WORDS))
    builder.add(more)
    set_vectors(builder, [*more, *bare], models=BOTH)
    builder.corpus()
    assert seen(corpus, ask(corpus, question, sentences=SENTENCES, words=WORDS)) == before
    for name, array in arrays.items():
        assert (getattr(corpus, name) == array).all()


def test_a_builder_may_grow_while_a_corpus_of_it_is_ranked():
    """Another thread reads a new word of a stem that is asked for, at the worst moment."""

    class Interrupted:
        name, dimensions = WORDS.name, WORDS.dimensions

        def encode(self, texts):
            return WORDS.encode(texts)

        def word_vectors(self, found):
            number = len(builder) + 1
            builder.add([event(number, f"reader{number} readings reading")])
            return WORDS.word_vectors(found)

    builder = CorpusBuilder(MODELS)
    builder.add([event(1, "She reads a book.")])
    corpus = builder.corpus()
    expected = seen(corpus, ask(corpus, "reading", words=WORDS))
    assert seen(corpus, ask(corpus, "reading", words=Interrupted())) == expected
    assert len(builder) > 1


def test_hidden_rows_are_named_by_layer_and_id():
    builder = builder_of([event(1, "a"), event(2, "b"), CorpusRow(id=1, layer=MEMORY, text="c")])
    assert builder.corpus([(MEMORY, 1), (KNOWLEDGE, 1)]).hidden.tolist() == [False, False, True]
    assert not builder.corpus().hidden.any()


# Vectors


def test_vectors_are_filled_in_by_row_and_model():
    builder = CorpusBuilder(MODELS)
    builder.add([event(3, "a"), event(5, "b"), CorpusRow(id=5, layer=MEMORY, text="c")])
    assert builder.without_vector(SENTENCES.name, EVENT) == [(3, 5)]
    one = quantize(SENTENCES.encode(["tea"]))
    builder.set_vectors(SENTENCES.name, EVENT, [3, 4], np.concatenate([one, one]))
    assert builder.without_vector(SENTENCES.name, EVENT) == [(5, 5)]
    assert builder.without_vector(SENTENCES.name, MEMORY) == [(5, 5)]
    assert builder.without_vector(SENTENCES.name, KNOWLEDGE) == []
    assert builder.without_vector(WORDS.name, EVENT) == [(3, 5)]
    cosines = builder.corpus().vectors[SENTENCES.name].cosines(SENTENCES.encode(["tea"])[0])
    assert cosines.tolist() == [pytest.approx(1), 0, 0]


def test_very_many_runs_of_rows_without_a_vector_are_told_as_one():
    rows = [event(number, "a") for number in range(1, 2 * MOST_RUNS + 4)]
    builder = CorpusBuilder(MODELS)
    builder.add(rows[::-1])
    set_vectors(builder, rows[1:6:2], models=[WORDS])
    runs = [(1, 1), (3, 3), (5, 5), (7, len(rows))]
    assert builder.without_vector(WORDS.name, EVENT) == runs
    set_vectors(builder, rows[1::2], models=[WORDS])
    assert builder.without_vector(WORDS.name, EVENT) == [(1, len(rows))]


def test_a_corpus_says_how_much_memory_it_takes():
    small, large = (
        corpus_of(*(event(n, f"word{n} tea") for n in range(rows)), models=BOTH)
        for rows in (10, 1000)
    )
    assert 0 < 50 * small.size_bytes < large.size_bytes
    assert large.size_bytes > 1000 * 4 * (SENTENCES.dimensions + WORDS.dimensions)


# Words


def test_a_row_holds_its_words_and_an_event_its_day_and_author_too():
    corpus = corpus_of(
        event(1, "Tea, tea!", author="Bo"), CorpusRow(id=1, layer=MEMORY, text="Tea.", author="Bo")
    )
    tokens = [
        [corpus.lexicon.words[number] for number in corpus.tokens[begin:end]]
        for begin, end in zip(corpus.begin[:-1], corpus.begin[1:], strict=True)
    ]
    assert tokens[0][:2] == ["tea", "tea"]
    assert {"bo", "2026", "2"} <= set(tokens[0][2:])
    assert tokens[1] == ["tea"]
    assert corpus.own.tolist() == [2, 1]
    assert corpus.row_of_token.tolist() == [0] * len(tokens[0]) + [1]


def test_only_whole_words_of_the_beginning_are_the_head():
    text = "word " * 39 + "abcdefgh and so on"
    assert text[HEAD_CHARS - 1 : HEAD_CHARS + 1] == "ef"
    corpus = corpus_of(event(1, text), event(2, "word " * 100), event(3, "short one"))
    assert corpus.head.tolist() == [39, 40, 2]


def test_a_text_without_end_counts_up_to_a_bound():
    corpus = corpus_of(event(1, "word " * MAX_TEXT_CHARS + "needle"))
    assert corpus.own.tolist() == [MAX_TEXT_CHARS // 5]
    assert corpus.lexicon.find("needle") is None


@pytest.mark.parametrize(
    ("text", "author", "flag", "has"),
    [
        ("Hello.", "User", IS_USER, True),
        ("Hello.", "user", IS_USER, True),
        ("Hello.", "Assistant", IS_USER, False),
        ("We met yesterday.", "Bo", TELLS_TIME, True),
        ("On the 3rd.", "Bo", TELLS_TIME, True),
        ("We met.", "Bo", TELLS_TIME, False),
        ("Two of them.", "Bo", HAS_NUMBER, True),
        ("The 7.", "Bo", HAS_NUMBER, True),
        ("Someone.", "Bo", HAS_NUMBER, False),
        ("Did you?", "Bo", ASKS, True),
        ("你去吗？", "Bo", ASKS, True),
        ('He asked "why?"', "Bo", ASKS, True),
        ("What? No.", "Bo", ASKS, False),
    ],
)
def test_a_row_knows_what_kind_of_turn_it_is(text, author, flag, has):
    (flags,) = corpus_of(event(1, text, author=author)).flags.tolist()
    assert bool(flags & flag) == has


def test_lengths_are_relative_to_the_mean_of_a_layer():
    corpus = corpus_of(
        event(1, "one two", session="a"),
        event(2, "one two three four", session="b"),
        CorpusRow(id=1, layer=MEMORY, text="one one one"),
    )
    assert corpus.spread(np.arange(3)).tolist() == [pytest.approx(2 / 3), pytest.approx(4 / 3), 1]


def test_a_corpus_without_rows_is_one_too():
    corpus = corpus_of()
    assert len(corpus) == 0
    assert seen(corpus, ask(corpus, "tea"))["keys"] == []


# The lexicon


def test_words_are_numbered_once_and_found_by_their_stem():
    lexicon = Lexicon()
    assert lexicon.number(["reads", "tea", "reading", "reads"]) == [0, 1, 2, 0]
    assert (lexicon.find("tea"), lexicon.find("rum")) == (1, None)
    assert [lexicon.words[number] for number in lexicon.forms("read", below=3)] == [
        "reads",
        "reading",
    ]
    assert lexicon.forms("read", below=2) == [0]
    assert lexicon.forms("reads", below=3) == []


def test_the_vector_of_a_word_is_made_when_it_is_first_asked_for():
    made = []

    def embed(found):
        made.extend(found)
        return WORDS.encode(found)

    lexicon = Lexicon()
    lexicon.number(["tea", "rum"])
    numbers = np.array([1], dtype=np.int32)
    first = lexicon.vectors(numbers, embed)
    lexicon.number(["gin"])
    again = lexicon.vectors(np.array([1, 2], dtype=np.int32), embed)
    assert (first.whole[0] == again.whole[0]).all()
    assert (again.whole[1] == quantize(WORDS.encode(["gin"]))[0]).all()
    assert sorted(word for word in made if word in ("tea", "rum", "gin")) == ["gin", "rum"]


def test_an_unknown_word_is_like_nothing():
    lexicon = Lexicon()
    (number,) = lexicon.number(["qwxz"])
    found = lexicon.vectors(
        np.array([number], dtype=np.int32), lambda words: np.zeros((len(words), 4), np.float32)
    )
    assert found.cosines(np.ones(4, dtype=np.float32)).tolist() == [0]


def test_a_row_may_differ_in_anything_but_its_words():
    row = event(1, "Tea.")
    moved = replace(row, session=None, start=row.start + 1)
    assert corpus_of(moved).tokens.tolist() == corpus_of(row).tokens.tolist()
