"""Corpora in memory: each reader sees the state of its own transaction, whoever else reads."""

import threading
import weakref
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import seen
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import animas, dreams, index, recall
from elephantasm_mcp.pure import asking, ranking
from elephantasm_mcp.pure.vectors import quantize
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import cache as cache_module
from elephantasm_mcp.store import memories, search, segments
from elephantasm_mcp.store.cache import KEPT_STATES, CorpusCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, row_id
from scenes import FILE, EachEvent, tamper, tell

DEADLINE_S = 20
MODELS = {"hash-64:1": 64}


@pytest.fixture
async def core(core):
    core = replace(core, synthesizer=EachEvent())
    await index.load_embedders(core)
    await animas.resolve(core, LOCAL_USER, None)
    return core


def get(tx, core, cache=None, *, anima_no=1, models=MODELS):
    """What a transaction gets of the cache."""
    return (cache or core.corpora).get(tx, anima_store.get(tx, anima_no), models)


async def state(core, cache=None, **options):
    return await core.database.read(get, core, cache, **options)


async def index_now(core):
    return await index.index_pending(core, 1)


def ids(found):
    return sorted((found.corpus.ids & 255).tolist())


def view(found, question="tea"):
    """All that recall could show of a state."""
    vectors = {"sentence": ("hash-64:1", HashEmbedder().encode([question])[0])}
    corpus = found.corpus
    ranked = ranking.rank(corpus, asking.read(question, vectors), shown=~corpus.hidden, embed=None)
    return seen(corpus, ranked)


@asynccontextmanager
async def reading(core, fn):
    """Another transaction that has begun, and calls `fn` only at the end of the block."""
    begun, go = threading.Event(), threading.Event()
    found = []

    def wait(tx):
        anima_store.get(tx, 1)
        begun.set()
        assert go.wait(DEADLINE_S)
        found.append(fn(tx))

    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(core.database.read, wait)
            await anyio.to_thread.run_sync(begun.wait)
            try:
                yield found
            finally:
                go.set()


async def test_what_was_not_changed_is_not_read_again(core):
    await tell(core, "Tea is good.")
    assert await state(core) is await state(core)
    core.corpora.clear()
    assert core.corpora.entries == core.corpora.held_bytes == 0


async def test_every_write_is_seen_by_the_next_read(core):
    for number in range(1, 8):
        await tell(core, f"Tea {number}.")
        assert ids(await state(core)) == list(range(1, number + 1))


async def test_only_what_is_new_is_read(core, monkeypatch):
    asked = []

    def rows_after(tx, anima_no, layer, *, after):
        asked.append((layer, after & 255))
        return search_rows_after(tx, anima_no, layer, after=after)

    search_rows_after = search.rows_after
    monkeypatch.setattr(cache_module.search, "rows_after", rows_after)
    await tell(core, "Tea.", "Rum.")
    await state(core)
    await tell(core, "Gin.")
    asked.clear()
    await state(core)
    assert ("event", 2) in asked


async def test_a_reader_that_began_before_a_write_sees_the_state_of_then(core):
    await tell(core, "Tea is good.")
    await index_now(core)
    expected = view(await state(core, CorpusCache()))
    async with reading(core, lambda tx: get(tx, core)) as old:
        await tell(core, "Tea is bad.")
        await index_now(core)
        assert ids(await state(core)) == [1, 2]
    assert view(old[0]) == expected
    assert ids(await state(core)) == [1, 2]


async def test_a_late_reader_of_an_old_state_leaves_the_new_one_in_place(core):
    await tell(core, "Tea is good.")
    async with reading(core, lambda tx: get(tx, core)) as old:
        await tell(core, "Tea is bad.")
        new = await state(core)
    assert ids(old[0]) == [1]
    assert await state(core) is new


async def test_many_readers_may_be_at_work_on_states_that_are_long_gone(core):
    await tell(core, "Tea 0.")
    await state(core)
    async with reading(core, lambda tx: get(tx, core)) as old:
        for number in range(KEPT_STATES + 2):
            await tell(core, f"Tea {number + 1}.")
            await state(core)
    assert ids(old[0]) == [1]
    assert ids(await state(core)) == list(range(1, KEPT_STATES + 4))


async def test_a_load_that_failed_shows_nothing_of_itself_to_an_older_reader(core, monkeypatch):
    await tell(core, "Tea.")
    await state(core)

    def fail(*_):
        raise ZeroDivisionError

    await tell(core, "Rum.")
    async with reading(core, lambda tx: get(tx, core)) as old:
        await tell(core, "Gin.")
        with monkeypatch.context() as patch:
            patch.setattr(cache_module.search, "hidden", fail)
            with pytest.raises(ZeroDivisionError):
                await state(core)
    assert ids(old[0]) == [1, 2]
    assert ids(await state(core)) == [1, 2, 3]


# Vectors


async def test_vectors_are_seen_as_soon_as_they_are_made_and_not_before(core):
    await tell(core, "Tea is good.", "Rum is bad.")
    bare = await state(core)
    before = view(bare)
    assert before["similarity"] == [0, 0]
    await index_now(core)
    assert view(await state(core))["similarity"] != [0, 0]
    assert view(bare) == before


async def test_a_model_that_is_new_to_the_index_is_no_reason_to_load_anew(core):
    """Whatever its name: marks are compared by how far they are."""
    both = replace(core, words=HashEmbedder(32))
    await index.load_embedders(both)
    models = index.models_of(both)
    await tell(both, "Tea is good.")
    await index_now(core)
    await state(both, models=models)
    await index_now(both)
    first = await state(both, models=models)
    assert await state(both, models=models) is first


async def test_another_choice_of_models_is_another_corpus(core):
    await tell(core, "Tea is good.")
    assert set((await state(core)).corpus.vectors) == {"hash-64:1"}
    assert set((await state(core, models={"other": 8})).corpus.vectors) == {"other"}
    assert set((await state(core, models={})).corpus.vectors) == set()


async def test_a_row_whose_vector_was_forgotten_has_none(core):
    await tell(core, "Tea is good.", "Rum is bad.")
    await index_now(core)
    await state(core)
    await core.database.write(search.forget_vectors, 1, "event", row_id(1, 1))
    corpus = (await state(core)).corpus
    cosines = corpus.vectors["hash-64:1"].cosines(np.ones(64, np.float32))
    found = dict(zip((corpus.ids & 255).tolist(), cosines.tolist(), strict=True))
    assert (found[1] == 0, found[2] > 0) == (True, True)


NUMBERS = count()
DIMENSIONS = 8
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "look"]), st.integers(0, 4), st.integers(0, 99)),
    max_size=30,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_cosines_in_memory_are_those_of_the_stored_vectors(core, clock, tmp_path, steps):
    """Two caches on one file, one of which sees every step and one only the end."""
    async with open_database(tmp_path / f"{next(NUMBERS)}.sqlite3") as database:
        await database.write(
            anima_store.prepare, user=core.ids.uuid(), secret=b"s", now=clock.now()
        )
        here = replace(core, database=database)
        await tell(here, *(f"Line {n}." for n in range(5)))
        caches = [CorpusCache(), CorpusCache()]
        for kind, row, seed in steps:
            id_ = row_id(1, row + 1)
            if kind == "put":
                await database.write(put, id_, vector_of(seed))
            elif kind == "remove":
                await database.write(search.forget_vectors, 1, "event", id_)
            else:
                await database.read(compare, caches[0], vector_of(seed))
        for cache in caches:
            await database.read(compare, cache, vector_of(7))


def put(tx, id_, vector):
    """As the index does: a vector comes with a mark."""
    marked = search.marks(tx, 1).get(("event", "m"), 0)
    search.put_vectors(tx, "event", "m", [id_], vector)
    search.mark(tx, 1, "event", "m", upto=marked + 1)


def vector_of(seed):
    vector = np.random.default_rng(seed).normal(size=(1, DIMENSIONS)).astype(np.float32)
    return vector / np.linalg.norm(vector)


def compare(tx, cache, query):
    corpus = cache.get(tx, anima_store.get(tx, 1), {"m": DIMENSIONS}).corpus
    stored = search.vectors_after(tx, 1, "event", "m", after=0)
    rows = {id_: np.frombuffer(blob, dtype=np.int8).astype(np.float64) for id_, blob in stored}
    asked = quantize(query)[0].astype(np.float32)
    length = np.linalg.norm(asked)
    expected = {id_: row @ asked / np.linalg.norm(row) / length for id_, row in rows.items()}
    found = corpus.vectors["m"].cosines(asked)
    for id_, cosine in zip(corpus.ids.tolist(), found.tolist(), strict=True):
        assert cosine == pytest.approx(expected.get(id_, 0), abs=1e-4)


# Rows that changed


def rewrite(tx, number, content):
    """A memory as a correction leaves it."""
    id_ = row_id(1, number)
    search.forget_vectors(tx, 1, "memory", id_)
    before = memories.read_snapshot(tx, "memory", id_)
    memories.write_snapshot(tx, "memory", id_, {**before, "content": content})
    anima_store.touch(tx, 1)


async def test_of_what_is_held_only_the_row_that_changed_is_read_again(core, monkeypatch):
    await tell(core, "Tea.", "Rum.", "Gin.")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await state(core)
    await core.database.write(rewrite, 2, "Coffee.")
    read = []

    def rows_of(tx, layer, ids):
        found = search_rows_of(tx, layer, ids)
        read.extend((layer, id_ & 255) for id_, *_ in found)
        return found

    search_rows_of = search.rows_of
    monkeypatch.setattr(cache_module.search, "rows_of", rows_of)
    monkeypatch.setattr(segments, "load", None)
    found = await state(core)
    assert sorted(read) == [("knowledge", 2), ("memory", 2)]
    assert view(found, "coffee") == view(await state(core), "coffee")
    with monkeypatch.context() as patch:
        patch.setattr(segments, "load", lambda *_: [])
        assert view(found, "coffee") == view(await state(core, CorpusCache()), "coffee")


async def test_a_reader_that_began_before_a_row_changed_sees_it_as_it_was(core):
    await tell(core, "Tea.", "Rum.")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    expected = view(await state(core, CorpusCache()), "coffee")
    async with reading(core, lambda tx: get(tx, core)) as old:
        await core.database.write(rewrite, 1, "Coffee.")
        assert view(await state(core), "coffee") != expected
    assert view(old[0], "coffee") == expected


async def test_a_state_that_was_handed_out_outlives_the_rows_that_it_shows(core):
    await tell(core, "Tea.", "Rum.")
    await index_now(core)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    held = await state(core)
    before = view(held)
    await dreams.undo(core, LOCAL_USER, "d1")
    await index_now(core)
    assert len((await state(core)).corpus) == 2
    assert view(held) == before


async def test_states_of_before_a_change_are_kept_by_their_readers_alone(core):
    """They share no array with what is held now, so that the bound on bytes would not hold."""
    await tell(core, "Tea.", "Rum.")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    hidden = weakref.ref((await state(core)).corpus.hidden)
    await tell(core, "Gin.")
    await state(core)
    assert hidden() is not None
    await core.database.write(rewrite, 1, "Coffee.")
    await state(core)
    assert hidden() is None


async def test_a_change_that_could_not_be_read_is_read_by_the_next(core, monkeypatch):
    await tell(core, "Tea.", "Rum.")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await state(core)
    await core.database.write(rewrite, 1, "Coffee.")

    def fail(*_, **__):
        raise ZeroDivisionError

    for name in ("rows_of", "vectors_after", "hidden"):
        with monkeypatch.context() as patch:
            patch.setattr(cache_module.search, name, fail)
            with pytest.raises(ZeroDivisionError):
                await state(core)
    expected = view(await state(core, CorpusCache()), "coffee")
    assert view(await state(core), "coffee") == expected


# Hidden rows


async def test_hidden_rows_follow_the_revision(core, tmp_path):
    await tell(core, "Tea is good.", session_id="s", importance_score=0.1)
    await dreams.run(core, LOCAL_USER, anima=None)
    before = await state(core)
    tamper(tmp_path / FILE, "UPDATE memories SET state = 'archived'")
    async with reading(core, lambda tx: get(tx, core)) as old:
        tamper(tmp_path / FILE, "UPDATE animas SET revision = 99")
        after = await state(core)
    assert before.corpus.hidden.sum() == 0
    assert after.corpus.hidden.tolist() == [layer == 1 for layer in after.corpus.layers]
    assert old[0] is before
    core.corpora.clear()
    assert (await state(core)).corpus.hidden.sum() == 1


async def test_what_an_undo_removed_is_gone_and_what_it_brought_back_is_there(core):
    await tell(core, "Tea is good.")
    assert ids(await state(core)) == [1]
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    made = await state(core)
    assert sorted(made.corpus.layers.tolist()) == [0, 1, 2]
    await dreams.undo(core, LOCAL_USER, "d1")
    assert (await state(core)).corpus.layers.tolist() == [0]
    assert sorted(made.corpus.layers.tolist()) == [0, 1, 2]


# Bounds


async def test_the_least_recently_used_anima_goes_first(core):
    for name in ("second", "third"):
        await animas.create(core, LOCAL_USER, AnimaCreate(name=name))
        await tell(core, *(f"Tea {n}." for n in range(20)), anima_id=name)
    await tell(core, *(f"Tea {n}." for n in range(20)))
    for anima_no in (1, 2, 3):
        await state(core, anima_no=anima_no)
    whole = core.corpora.held_bytes
    bounded = CorpusCache(size_bytes=whole - 1)
    first = [await state(core, bounded, anima_no=anima_no) for anima_no in (1, 2, 1, 3)]
    assert bounded.entries == 2
    assert bounded.held_bytes < whole
    assert await state(core, bounded, anima_no=1) is first[0]
    assert await state(core, bounded, anima_no=2) is not first[1]


async def test_the_one_in_use_is_kept_however_large(core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="second"))
    await tell(core, "Tea.")
    await tell(core, "Rum.", anima_id="second")
    tiny = CorpusCache(size_bytes=1)
    for anima_no in (1, 2):
        assert ids(await state(core, tiny, anima_no=anima_no)) == [1]
        assert tiny.entries == 1
    assert await state(core, tiny, anima_no=2) is await state(core, tiny, anima_no=2)


async def test_the_texts_of_kept_rows_count(core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="second"))
    await tell(core, *(f"Rum {n}. {'x' * 100_000}" for n in range(5)), anima_id="second")
    await tell(core, "Tea.")
    bare = CorpusCache()
    for anima_no in (1, 2):
        await state(core, bare, anima_no=anima_no)
    bounded = CorpusCache(size_bytes=bare.held_bytes + 400_000)
    second = await state(core, bounded, anima_no=2)
    await state(core, bounded, anima_no=1)
    assert bounded.entries == 2
    keys = [("event", row_id(2, n)) for n in range(1, 6)]
    await core.database.read(read_all, second, keys)
    assert bounded.held_bytes > bare.held_bytes + 500_000
    await state(core, bounded, anima_no=1)
    assert bounded.entries == 1


def read_all(tx, found, keys):
    recall.read_rows(tx, anima_store.get(tx, 2), found, keys)


async def test_no_anima_is_given_for_another(core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="second"))
    await tell(core, "Tea.", "Gin.")
    await tell(core, "Rum.", anima_id="second")
    one, two = [await state(core, anima_no=anima_no) for anima_no in (1, 2)]
    assert set((one.corpus.ids >> 32).tolist()) == {1}
    assert set((two.corpus.ids >> 32).tolist()) == {2}
    assert two.corpus.lexicon.find("tea") is None


# Threads


async def test_threads_that_read_while_another_writes_see_whole_states(core):
    """Each sees as many rows as its revision had, and never fewer than before."""
    revisions = {(await anima_of(core)).revision: 0}

    def look(tx):
        anima = anima_store.get(tx, 1)
        found = core.corpora.get(tx, anima, MODELS)
        ranked = view(found, "tea number")
        return anima.revision, len(found.corpus), len(ranked["keys"])

    async def read():
        counts = []
        while len(revisions) <= 30:
            revision, rows, ranked = await core.database.read(look)
            counts.append(rows)
            assert ranked == rows
            seen_at.setdefault(revision, set()).add(rows)
        assert counts == sorted(counts)

    seen_at = {}
    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(read)
            for number in range(1, 31):
                await tell(core, f"Tea number{number} teas.", session_id=str(number % 3))
                await index_now(core)
                revisions[(await anima_of(core)).revision] = number
    assert len(seen_at) > 1
    assert all(counts == {revisions[revision]} for revision, counts in seen_at.items())


async def anima_of(core):
    return await core.database.read(anima_store.get, 1)
