"""The index: the same whoever makes it, in whatever order, however often."""

import threading
from dataclasses import replace
from datetime import timedelta

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import animas, dreams, index
from elephantasm_mcp.memory.fakes import CountingIds
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import search
from elephantasm_mcp.store.cache import VectorCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import FILE, HOUR, EachEvent, check_index, derived_rows, look, tamper, tell

DEADLINE_S = 20
INDEX = (
    "SELECT layer, model, id, hex(vector) FROM vectors ORDER BY 1, 2, 3",
    "SELECT anima_no, layer, model, rows, words FROM index_totals WHERE rows ORDER BY 1, 2, 3",
    "SELECT id, indexed_words FROM events",
    "SELECT rowid FROM event_text WHERE event_text MATCH 'around: tea' ORDER BY 1",
    "SELECT rowid FROM event_text WHERE event_text MATCH 'text: tea' ORDER BY 1",
)


async def anima_of(core):
    return await animas.find(core, LOCAL_USER, None)


async def index_now(core):
    return await index.index_pending(core, (await anima_of(core)).anima_no)


@pytest.fixture
async def core(core):
    both = replace(core, words=HashEmbedder(32), synthesizer=EachEvent())
    await index.load_embedders(both)
    return both


async def test_indexing_twice_changes_nothing(core, tmp_path):
    await tell(core, "Tea is good.", "Rum is bad.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    assert await index_now(core) == 3 * 6
    before = [look(tmp_path / FILE, sql) for sql in INDEX]
    assert await index_now(core) == 0
    assert [look(tmp_path / FILE, sql) for sql in INDEX] == before
    check_index(tmp_path / FILE)


async def test_indexing_moves_no_revision_and_touches_no_row(core, tmp_path):
    await tell(core, "Tea is good.")
    await dreams.run(core, LOCAL_USER, anima=None)
    rows, revision = derived_rows(tmp_path / FILE), (await anima_of(core)).revision
    await index_now(core)
    assert derived_rows(tmp_path / FILE) == rows
    assert (await anima_of(core)).revision == revision


async def test_more_than_a_batch_is_indexed_whole(core, tmp_path):
    await tell(core, *(f"Line {n}." for n in range(300)), session_id="s")
    await index_now(core)
    check_index(tmp_path / FILE)
    assert look(tmp_path / FILE, "SELECT DISTINCT count(*) FROM vectors GROUP BY model") == [(300,)]


ORDERS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["s", None]), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ORDERS)
async def test_the_index_depends_on_the_rows_alone(core, tmp_path, clock, order):
    """Whether events come late, and are indexed one by one or all at once."""
    seen = []
    for stepwise in (False, True):
        path = tmp_path / f"{len([*seen])}.sqlite3"
        for left in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            left.unlink(missing_ok=True)
        async with open_database(path) as database:
            here = await fresh(core, database, clock)
            for number, (hour, session, pause) in enumerate(order):
                moment = clock.now() - hour * HOUR
                await tell(here, f"Tea {number}.", session_id=session, occurred_at=moment)
                if stepwise and pause:
                    await index_now(here)
            await index_now(here)
        check_index(path)
        seen.append([look(path, sql) for sql in INDEX])
    assert seen[0] == seen[1]


async def fresh(core, database, clock):
    ids = CountingIds()
    await database.write(anima_store.prepare, user=ids.uuid(), secret=b"s", now=clock.now())
    return replace(core, database=database, ids=ids, vectors=VectorCache())


async def test_only_what_can_be_used_without_waiting_is_used(core):
    half = replace(core, words=HashEmbedder(32))
    assert [one.name for one in index.loaded_embedders(half)] == ["hash-64:1"]
    assert index.loaded_embedders(replace(core, sentences=None, words=None)) == []
    await index.load_embedders(half)
    assert [one.name for one in index.loaded_embedders(half)] == ["hash-64:1", "hash-32:1"]


# The cache of vectors

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "look"]), st.integers(0, 4), st.integers(0, 99)),
    max_size=30,
)
DIMENSIONS = 8


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.sampled_from([1, 400, 10_000_000]))
async def test_a_cached_search_equals_the_databases_own(core, clock, tmp_path, steps, size_bytes):
    """Two caches on one file, one of which sees every step and one only the end."""
    name = f"cache-{abs(hash((tuple(steps), size_bytes)))}.sqlite3"
    async with open_database(tmp_path / name) as database:
        here = await fresh(core, database, clock)
        await tell(here, *(f"Line {n}." for n in range(12)))
        await index.index_pending(replace(here, sentences=None, words=None), 1)
        caches = [VectorCache(size_bytes=size_bytes), VectorCache()]
        for kind, row, seed in steps:
            id_ = (1 << 32) + row + 1
            if kind == "put":
                vector = vector_of(seed)
                await database.write(search.put_vectors, 1, "event", "m", [id_], vector)
            elif kind == "remove":
                await database.write(search.forget_vectors, 1, "event", id_)
            else:
                await database.read(compare, caches[0], vector_of(seed))
            assert caches[0].held_bytes <= size_bytes or caches[0].entries == 1
        for cache in caches:
            await database.read(compare, cache, vector_of(7))


def vector_of(seed):
    vector = np.random.default_rng(seed).normal(size=(1, DIMENSIONS)).astype(np.float32)
    return vector / np.linalg.norm(vector)


def compare(tx, cache, query):
    anima = anima_store.get(tx, 1)
    held = cache.get(tx, anima, "event", "m", dimensions=DIMENSIONS)
    expected = dict(search.nearest(tx, 1, "event", "m", query, limit=100))
    assert list(held.ids) == sorted(expected)
    quantised = np.rint(query / np.abs(query).max() * 127)
    for id_, row in zip(held.ids, held.matrix, strict=True):
        similarity = float(row @ quantised[0] / np.linalg.norm(quantised))
        assert similarity == pytest.approx(expected[int(id_)], abs=1e-4)


async def test_nearest_is_bounded_and_best_first(core):
    await tell(core, "Tea is good.", "Tea is bad.", "Rum.")
    await index_now(core)
    query = core.sentences.encode(["Tea is good."])
    found = await core.database.read(search.nearest, 1, "event", "hash-64:1", query, limit=2)
    assert len(found) == 2
    assert found[0][1] >= found[1][1]


async def test_a_vector_without_direction_is_refused(core):
    await tell(core, "Tea is good.")
    await index_now(core)
    for bad in (np.zeros((1, 4)), np.full((1, 4), np.nan)):
        with pytest.raises(ValueError, match="zero"):
            await core.database.write(
                search.put_vectors, 1, "event", "m", [(1 << 32) + 1], bad.astype(np.float32)
            )


async def test_words_that_change_while_they_are_embedded_leave_no_stale_vector(core, tmp_path):
    class Slow(HashEmbedder):
        """While it computes, a late event becomes the previous turn of what it embeds."""

        def encode(self, texts):
            if not late.is_set():
                late.set()
                told.wait(DEADLINE_S)
            return super().encode(texts)

    late, told = threading.Event(), threading.Event()
    slow = replace(core, sentences=None, words=Slow())
    slow.words.load()
    await tell(core, "Tea is good.", session_id="s", occurred_at=core.clock.now())
    lexical = replace(core, sentences=None, words=None)
    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(index_now, slow)
            await anyio.to_thread.run_sync(late.wait)
            before = core.clock.now() - timedelta(minutes=1)
            await tell(core, "What is good?", session_id="s", occurred_at=before)
            await index_now(lexical)
            told.set()
    await index_now(slow)
    stale = look(tmp_path / FILE, "SELECT id, vector FROM vectors ORDER BY id")
    tamper(tmp_path / FILE, "DELETE FROM vectors")
    tamper(tmp_path / FILE, "UPDATE index_totals SET rows = 0 WHERE model <> 'text'")
    await index_now(slow)
    assert look(tmp_path / FILE, "SELECT id, vector FROM vectors ORDER BY id") == stale
