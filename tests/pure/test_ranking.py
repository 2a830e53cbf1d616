"""Ranking: explained by its parts, and by nothing but the rows and the question."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import SENTENCES, WORDS, ask, builder_of, corpus_of, event, keys, seen
from elephantasm_mcp.pure import weights
from elephantasm_mcp.pure.corpus import EVENT, KNOWLEDGE, MEMORY, CorpusRow
from elephantasm_mcp.pure.matching import MAX_TERMS
from elephantasm_mcp.pure.ranking import CANDIDATES

BOTH = {"sentences": SENTENCES, "words": WORDS}
VOCABULARY = (
    "tea rum gin Bo Nadia I my you when how many 3 May 29 February reads reading is? 京都 a"
)
TEXTS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=10).map(" ".join)
ROWS = st.lists(
    st.builds(
        event,
        st.integers(1, 20),
        TEXTS,
        day=st.integers(0, 500),
        author=st.sampled_from(["User", "Assistant", "Bo", "Nadia"]),
        session=st.sampled_from(["a", "b", None]),
    )
    | st.builds(
        CorpusRow,
        id=st.integers(1, 20),
        layer=st.sampled_from([MEMORY, KNOWLEDGE]),
        text=TEXTS,
        session=st.sampled_from(["a", None]),
    ),
    max_size=12,
    unique_by=lambda row: (row.layer, row.id),
)
MODELS = st.sampled_from([{}, {"sentences": SENTENCES}, {"words": WORDS}, BOTH])


def derived(id_, text, layer=MEMORY, **fields):
    return CorpusRow(id=id_, layer=layer, text=text, **fields)


def best(corpus, question, **options):
    return keys(corpus, ask(corpus, question, **options))


# Scores


@settings(max_examples=200)
@given(ROWS, TEXTS, MODELS)
def test_the_parts_of_a_score_add_up_to_it(rows, question, models):
    corpus = corpus_of(*rows, models=list(models.values()))
    ranked = ask(corpus, question, **models)
    found = len(ranked.places)
    assert ranked.parts.shape == (found, len(weights.SCORE))
    bounded = ranked.scores.clip(0, 1)
    assert ranked.parts.sum(axis=1).tolist() == pytest.approx(bounded.tolist(), abs=1e-5)
    assert np.isfinite(ranked.scores).all()
    assert ((ranked.relevance >= 0) & (ranked.relevance <= 1)).all()
    assert all(value >= 0 for value in ranked.worth.values())


@given(ROWS, TEXTS, MODELS)
def test_the_best_comes_first_ties_by_layer_and_id(rows, question, models):
    corpus = corpus_of(*rows, models=list(models.values()))
    ranked = ask(corpus, question, **models)
    order = list(zip((-ranked.scores).tolist(), keys(corpus, ranked), strict=True))
    assert order == sorted(order)
    assert len(set(ranked.places.tolist())) == len(ranked.places)


def test_rows_that_say_the_same_are_tied():
    rows = [derived(number, "tea", layer) for layer in (KNOWLEDGE, MEMORY) for number in (3, 1, 2)]
    corpus = corpus_of(*rows)
    assert best(corpus, "tea") == [
        (layer, number) for layer in (MEMORY, KNOWLEDGE) for number in (1, 2, 3)
    ]


def test_lines_that_say_the_same_leave_room_for_others():
    said = [event(number, "tea is ready now") for number in range(1, 3 * CANDIDATES)]
    other = [event(10_000 + n, f"tea with {n} more words than that w{n}") for n in range(20)]
    corpus = corpus_of(*said, *other)
    found = {id_ for _, id_ in best(corpus, "tea ready")}
    assert {row.id for row in other} <= found
    assert CANDIDATES <= len(found) < 2 * CANDIDATES


@given(ROWS, TEXTS, MODELS)
def test_the_same_question_has_the_same_answer(rows, question, models):
    corpus = corpus_of(*rows, models=list(models.values()))
    assert seen(corpus, ask(corpus, question, **models)) == seen(
        corpus, ask(corpus, question, **models)
    )


@given(ROWS, ROWS, TEXTS)
def test_the_similarity_of_a_row_does_not_depend_on_its_neighbours(rows, others, question):
    def similarities(*told):
        corpus = corpus_of(*told, models=[SENTENCES])
        ranked = ask(corpus, question, sentences=SENTENCES)
        return dict(zip(keys(corpus, ranked), ranked.similarity.tolist(), strict=True))

    known = {(row.layer, row.id) for row in rows}
    more = [row for row in others if (row.layer, row.id) not in known]
    alone = {key: one for row in rows for key, one in similarities(row).items()}
    beside = similarities(*more, *rows)
    assert {key: beside[key] for key in known} == alone


def test_relevance_does_not_depend_on_what_else_was_found():
    """Rows that hold none of its words change how rare a word is, but not how much is answered."""
    rows = [event(1, "Nadia likes green tea.", session="a"), event(2, "Rum.", session="b")]
    alone = corpus_of(rows[0], models=[SENTENCES])
    beside = corpus_of(*rows, models=[SENTENCES])
    first, second = (
        ask(corpus, "who likes green tea?", sentences=SENTENCES) for corpus in (alone, beside)
    )
    assert second.relevance[0] == first.relevance[0]
    assert second.relevance[1] < second.relevance[0]


# What takes part


def test_no_more_of_a_layer_than_can_matter_are_ranked():
    rows = [
        event(number, f"{'tea ' * (1 + number % 3)}w{number}")
        for number in range(1, 3 * CANDIDATES)
    ]
    corpus = corpus_of(*rows, derived(1, "tea"), derived(1, "nothing", KNOWLEDGE))
    found = best(corpus, "tea")
    assert sum(layer == EVENT for layer, _ in found) == CANDIDATES
    assert sum(layer == MEMORY for layer, _ in found) == 1
    assert sum(layer == KNOWLEDGE for layer, _ in found) == 0


def test_by_meaning_every_row_may_be_found():
    rows = [event(number, f"word{number}", session=str(number)) for number in range(1, 9)]
    corpus = corpus_of(*rows, models=[SENTENCES])
    assert len(best(corpus, "something else", sentences=SENTENCES)) == 8
    assert best(corpus, "something else") == []


def test_words_that_nobody_said_find_nothing_and_hide_nothing():
    corpus = corpus_of(event(1, "tea"), event(2, "rum"))
    assert best(corpus, "xyzzy") == []
    assert best(corpus, "xyzzy tea plugh")[0] == (EVENT, 1)
    worth = ask(corpus, "unsaid tea").worth
    assert worth["unsaid"] >= worth["tea"] > 0


def test_a_question_that_never_ends_counts_by_its_rarest_words():
    rows = [event(n, f"{n % 40}common " * 3, session=str(n)) for n in range(1, 400)]
    corpus = corpus_of(*rows, event(400, "needle", session="x"))
    question = " ".join([*(f"{n}common" for n in range(40)), "needle"])
    ranked = ask(corpus, question)
    assert keys(corpus, ranked)[0] == (EVENT, 400)
    assert len(ranked.worth) == MAX_TERMS
    assert len(ask(corpus, " ".join(f"word{n}" for n in range(1000))).worth) <= MAX_TERMS


@settings(max_examples=100)
@given(ROWS, TEXTS, MODELS, st.data())
def test_only_what_is_shown_is_found(rows, question, models, data):
    corpus = corpus_of(*rows, models=list(models.values()))
    flags = st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))
    shown = data.draw(flags)
    ranked = ask(corpus, question, shown=shown, **models)
    assert all(shown[place] for place in ranked.places.tolist())
    if models:
        assert len(ranked.places) == sum(shown)


def test_a_hidden_row_is_still_a_neighbour():
    """It is not found, but what stands around the others does not change."""
    rows = [event(1, "Which drink?"), event(2, "Lapsang."), event(3, "Fine.")]
    builder = builder_of(rows)
    assert best(builder.corpus(), "drink", shown=[False, True, True])[0] == (EVENT, 2)


@given(ROWS, TEXTS)
def test_without_any_vector_there_is_no_similarity(rows, question):
    assert ask(corpus_of(*rows), question).similarity is None


@given(ROWS, TEXTS, MODELS)
def test_rows_that_have_no_vectors_yet_are_found_by_their_words(rows, question, models):
    bare = builder_of([], models=list(models.values()))
    bare.add(rows)
    corpus = bare.corpus()
    ranked = ask(corpus, question, **models)
    if ranked.similarity is not None:
        assert (ranked.similarity == 0).all()
    assert set(best(corpus_of(*rows), question)) <= set(keys(corpus, ranked))


def test_without_a_model_of_words_only_equal_stems_and_beginnings_match():
    corpus = corpus_of(event(1, "She reads."), event(2, "He paints."), models=[SENTENCES])
    assert best(corpus, "reading", sentences=SENTENCES)[0] == (EVENT, 1)


# What counts


def told(*texts, **fields):
    return [event(n, text, session=str(n), **fields) for n, text in enumerate(texts, start=1)]


@pytest.mark.parametrize("models", [{}, BOTH], ids=["words alone", "with models"])
def test_more_of_the_questions_words_are_better(models):
    corpus = corpus_of(
        *told("tea", "green tea", "green tea leaves", "gin"), models=list(models.values())
    )
    found = best(corpus, "green tea leaves", **models)
    assert found[0] == (EVENT, 3)
    assert found.index((EVENT, 2)) < found.index((EVENT, 1))


def test_a_rare_word_says_more_than_a_frequent_one():
    corpus = corpus_of(*told("the meeting", "the meeting", "the meeting", "quorum", "the meeting"))
    assert best(corpus, "quorum meeting")[0] == (EVENT, 4)


def test_the_author_whom_a_question_names_is_believed_to_have_said_it():
    corpus = corpus_of(
        event(1, "The meeting is at noon.", author="Nadia", session="a"),
        event(2, "The meeting is at noon.", author="Bo", session="b"),
    )
    assert best(corpus, "what did Bo say of the meeting?")[0] == (EVENT, 2)
    assert best(corpus, "what did Nadia say of the meeting?")[0] == (EVENT, 1)


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("tea on 4 March 2026", 2),
        ("tea on March 6", 4),
        ("tea on 2026-03-09", 7),
        ("tea in April", 40),
        ("tea in April 2026", 40),
    ],
)
def test_the_day_that_a_question_names_counts(question, day):
    days = [0, 2, 4, 7, 40]
    rows = [event(n, "tea", day=day, session=str(n)) for n, day in enumerate(days, start=1)]
    assert best(corpus_of(*rows), question)[0] == (EVENT, days.index(day) + 1)


@pytest.mark.parametrize("question", ["tea on 29 February", "tea on 3 March", "tea in May 0000"])
@pytest.mark.parametrize("layers", [[EVENT], [MEMORY], [EVENT, MEMORY], []])
def test_a_day_may_be_asked_for_whatever_there_is(question, layers):
    """What is no event has no day; a common year no 29 February."""
    rows = {EVENT: event(1, "tea", day=0), MEMORY: derived(1, "tea")}
    corpus = corpus_of(*(rows[layer] for layer in layers))
    assert sorted(best(corpus, question)) == [(layer, 1) for layer in layers]


def test_a_leap_day_is_found():
    leap = 728  # 2028-02-29
    rows = [event(n, "tea", day=day, session=str(n)) for n, day in ((1, 0), (2, leap), (3, 400))]
    assert best(corpus_of(*rows), "tea on 29 February")[0] == (EVENT, 2)


def test_an_answer_is_found_beside_its_question():
    rows = [event(n, f"Filler {n}.") for n in range(10, 30)]
    corpus = corpus_of(event(1, "What is your favourite drink?"), event(2, "Lapsang."), *rows)
    assert best(corpus, "favourite drink")[:2] == [(EVENT, 1), (EVENT, 2)]


def test_a_needle_in_a_long_text_is_found():
    hay = " ".join(f"straw{number}" for number in range(2000))
    corpus = corpus_of(*told(hay, f"{hay} the hidden needle {hay}", hay, "short one"))
    assert best(corpus, "the hidden needle")[0] == (EVENT, 2)


def test_rows_without_any_word_are_no_trouble():
    corpus = corpus_of(*told("…", "tea", "", "🎉"), derived(1, ""))
    ranked = ask(corpus, "tea")
    assert keys(corpus, ranked)[0] == (EVENT, 2)
    assert all(later <= earlier for earlier, later in pairwise(ranked.scores.tolist()))


# The weights


def test_each_feature_belongs_to_one_kind_of_evidence():
    names = [name for group in weights.SCORE.values() for name in group]
    assert len(names) == len(set(names))
    assert all(np.isfinite(weight) for group in weights.SCORE.values() for weight in group.values())
    assert weights.SCALE > 0
    assert 0 < weights.FLOOR < 1
