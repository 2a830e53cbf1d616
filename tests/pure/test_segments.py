"""A segment: what was packed, and a chain of them is the corpus that they were cut from."""

from hashlib import sha256
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import MODELS, SENTENCES, WORDS, ask, builder_of, event, seen, set_vectors
from elephantasm_mcp.pure.corpus import KNOWLEDGE, MEMORY, CorpusBuilder, CorpusRow
from elephantasm_mcp.pure.segments import FORMAT, pack, unpack

TEXTS = st.lists(
    st.sampled_from(
        ["tea", "Teas", "rum", "Bo", "3", "March", "reading", "reads?", "京都", "naïve"]
    ),
    max_size=12,
).map(" ".join)
NAMES = st.sampled_from(["a", "b\nc", "ü", None])
ROWS = st.lists(
    st.builds(
        event,
        st.integers(1, 12),
        TEXTS,
        day=st.integers(0, 3),
        author=st.sampled_from(["User", "Bo", "Zoë\n"]),
        session=NAMES,
        second=st.integers(0, 3),
    )
    | st.builds(
        CorpusRow,
        id=st.integers(1, 12),
        layer=st.sampled_from([MEMORY, KNOWLEDGE]),
        text=TEXTS,
        session=NAMES,
        start=st.sampled_from([0, None]),
        end=st.sampled_from([5, None]),
    ),
    max_size=14,
    unique_by=lambda row: (row.layer, row.id),
)
BOTH = [SENTENCES, WORDS]
BROUGHT = {
    "words": lambda segment: segment.tokens,
    "authors": lambda segment: segment.columns["authors"],
    "sessions": lambda segment: segment.columns["sessions"],
}
"""The numbers of what a segment brings in."""

GOLDEN = (3, "a7d8a8aec52ca6a7")
"""The format, and the hash of what it makes of `SAMPLE`."""
LONG = "Tea and rum, 5 times over. " * 4_000
SAMPLE = [
    "I just bought two apples in Paris last May, generously; didn't you? (a photo of apples)",
    "Yes. My sister Ana said “hello” in Rome, and he agreed: technologies, hopping!",
    "Crème brûlée, Łódź, Straße, ÆRØ, ＡＢＣ１２ ﬁn m² 2½ Ⅳ, user_name@example.com, 4.5%",
    "東京都に住む 한국어 ｶﾞｷﾞ ไทยที่ ຂ້ອຍ ខ្មែរ မြန်မာ Αθήνα Привет",
    "Great gig! 🎸🎸 ❤️👍🏽👩‍💻 🇩🇪 → ✓ ™",
    "x" * 150 + " was here",
    f"{'word ' * 39}cuthere and after",
    f"{LONG[:99_990]}unfinished tail",
]


def chain_of(builder, cuts):
    """The rows of a builder in segments that end at these places."""
    ends = [*sorted(cuts), len(builder)]
    chain = []
    for first, last in zip([0, *ends], ends, strict=False):
        if last > first:
            chain.append(unpack(pack(builder.segment(first, last, after=chain))))
    return chain


def vectors_of(builder, chain):
    """The vectors of each segment by model."""
    corpus = builder.corpus()
    ends = np.cumsum([0, *map(len, chain)]).tolist()
    return {
        model: [
            (np.concatenate(matrix.parts)[first:last], matrix.lengths[first:last])
            for first, last in pairwise(ends)
        ]
        for model, matrix in corpus.vectors.items()
    }


def test_what_makes_other_segments_of_the_same_rows_has_another_format():
    """A stored block of this format must be what is made of its rows today.

    Where this fails, words, stems, flags or the limit of a text have changed: count `FORMAT` up,
    and write the new pair here.
    """
    rows = [
        event(number, text, author=author, session="s", day=number)
        for number, (text, author) in enumerate(zip(SAMPLE, ["User", "Zoë"] * 4, strict=False), 1)
    ]
    rows.append(CorpusRow(id=1, layer=MEMORY, text=SAMPLE[0], start=0, end=5))
    packed = pack(builder_of(rows).segment(0, len(rows)))
    assert (FORMAT, sha256(packed).hexdigest()[:16]) == GOLDEN


@settings(max_examples=150)
@given(ROWS, st.data())
def test_a_corpus_of_segments_ranks_like_one_of_rows(rows, data):
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
    loaded_rows = data.draw(st.integers(0, len(rows)))
    question = data.draw(TEXTS)
    first = builder_of(rows[:loaded_rows], models=BOTH)
    chain = chain_of(first, [cut for cut in cuts if cut < loaded_rows])
    loaded = CorpusBuilder(MODELS)
    if chain:
        known = data.draw(st.sampled_from([set(), {WORDS.name}, set(MODELS)]))
        vectors = vectors_of(first, chain)
        loaded.load(chain, {model: vectors[model] for model in known})
        set_vectors(loaded, rows[:loaded_rows], models=[m for m in BOTH if m.name not in known])
    loaded.add(rows[loaded_rows:])
    set_vectors(loaded, rows[loaded_rows:], models=BOTH)
    whole = builder_of(rows, models=BOTH).corpus()
    assert seen(
        loaded.corpus(), ask(loaded.corpus(), question, sentences=SENTENCES, words=WORDS)
    ) == seen(whole, ask(whole, question, sentences=SENTENCES, words=WORDS))


@given(ROWS, ROWS)
def test_words_keep_their_numbers_along_the_chain(rows, more):
    known = {(row.layer, row.id) for row in rows}
    builder = builder_of(rows)
    begin = len(builder)
    builder.add([row for row in more if (row.layer, row.id) not in known])
    chain = chain_of(builder, [begin])
    corpus = builder.corpus()
    assert [word for one in chain for word in one.words] == corpus.lexicon.words
    assert [token for one in chain for token in one.tokens.tolist()] == corpus.tokens.tolist()
    assert [name for one in chain for name in one.authors] == list(corpus.author_names)
    assert [name for one in chain for name in one.sessions] == list(corpus.session_names)


@given(ROWS, st.data())
def test_a_chain_goes_on_without_the_rows_that_were_taken_out(rows, data):
    """Its next segment takes the last ones in, and has no word that only those rows had."""
    loaded_rows = data.draw(st.integers(0, len(rows)))
    cuts = data.draw(st.lists(st.integers(0, loaded_rows), max_size=3, unique=True))
    chain = chain_of(builder_of(rows[:loaded_rows]), [cut for cut in cuts if cut < loaded_rows])
    kept = chain[: data.draw(st.integers(0, len(chain)))]
    begin = sum(map(len, kept))
    gone = data.draw(st.lists(st.integers(0, max(0, loaded_rows - 1)), unique=True).map(sorted))
    gone = [place for place in gone if place < loaded_rows]
    loaded = CorpusBuilder({})
    if chain:
        loaded.load(chain, {})
        loaded.remove(np.array(gone, dtype=np.int64))
    loaded.add(rows[loaded_rows:])
    before = sum(place < begin for place in gone)
    last = unpack(pack(loaded.segment(begin - before, len(loaded), after=kept)))
    again = CorpusBuilder({})
    again.load([*kept, last], {})
    again.remove(np.array(gone[:before], dtype=np.int64))
    left = [row for place, row in enumerate(rows) if place not in gone]
    found, whole = again.corpus(), builder_of(left).corpus()
    question = data.draw(TEXTS)
    assert seen(found, ask(found, question)) == seen(whole, ask(whole, question))
    known = {name: sum(len(getattr(one, name)) for one in kept) for name in BROUGHT}
    for name, numbers in BROUGHT.items():
        used = set(numbers(last).tolist()) - set(range(known[name]))
        assert sorted(used) == [known[name] + n for n in range(len(getattr(last, name)))]


def test_a_loaded_builder_grows_into_the_next_segment_of_its_chain():
    rows = [event(number, f"word{number} tea") for number in range(1, 9)]
    whole = builder_of(rows)
    loaded = CorpusBuilder({})
    loaded.load(chain_of(builder_of(rows[:5]), [2]), {})
    loaded.add(rows[5:])
    before = chain_of(builder_of(rows[:5]), [2])
    assert pack(loaded.segment(5, 8, after=before)) == pack(whole.segment(5, 8, after=before))
    assert pack(loaded.segment(0, 8)) == pack(whole.segment(0, 8))


def test_a_row_that_is_loaded_without_a_vector_can_be_given_one():
    rows = [event(number, f"word{number}") for number in range(1, 4)]
    loaded = CorpusBuilder(MODELS)
    loaded.load(chain_of(builder_of(rows), [2]), {})
    assert loaded.without_vector(WORDS.name, 0) == [(1, 3)]
    set_vectors(loaded, rows, models=[WORDS])
    assert loaded.without_vector(WORDS.name, 0) == []
    assert loaded.without_vector(SENTENCES.name, 0) == [(1, 3)]
