"""The index: the same whoever makes it, in whatever order, however often."""

from dataclasses import replace

import anyio
import numpy as np
import pytest
from anyio import from_thread
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import animas, dreams, index
from elephantasm_mcp.memory.fakes import CountingIds
from elephantasm_mcp.memory.formats.items import parse
from elephantasm_mcp.memory.transfer import take_in
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import search
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import (
    FILE,
    HOUR,
    MINUTE,
    EachEvent,
    check_index,
    check_index_is_whole,
    derived_rows,
    look,
    tamper,
    tell,
)

INDEX = (
    "SELECT layer, model, id, hex(vector) FROM vectors ORDER BY 1, 2, 3",
    "SELECT anima_no, layer, model, upto FROM index_marks ORDER BY 1, 2, 3",
)
BOTH = ("hash-64:1", "hash-32:1")


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
    assert await index_now(core) == 2 * 6
    before = [look(tmp_path / FILE, sql) for sql in INDEX]
    assert await index_now(core) == 0
    assert [look(tmp_path / FILE, sql) for sql in INDEX] == before
    check_index_is_whole(tmp_path / FILE, *BOTH)


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
    check_index_is_whole(tmp_path / FILE, *BOTH)


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
        check_index_is_whole(path, *BOTH)
        seen.append([look(path, sql) for sql in INDEX])
    assert seen[0] == seen[1]


async def fresh(core, database, clock):
    ids = CountingIds()
    await database.write(anima_store.prepare, user=ids.uuid(), secret=b"s", now=clock.now())
    return replace(core, database=database, ids=ids, corpora=CorpusCache())


async def test_only_what_can_be_used_without_waiting_is_used(core):
    half = replace(core, words=HashEmbedder(32))
    assert [one.name for one in index.loaded_embedders(half)] == ["hash-64:1"]
    assert index.loaded_embedders(replace(core, sentences=None, words=None)) == []
    await index.load_embedders(half)
    assert [one.name for one in index.loaded_embedders(half)] == ["hash-64:1", "hash-32:1"]


@pytest.mark.parametrize("session", ["s", None])
async def test_an_event_that_comes_late_renews_the_one_after_it_alone(core, tmp_path, session):
    start = core.clock.now() - HOUR
    for minutes in (0, 20, 40):
        await tell(core, f"At {minutes}.", session_id=session, occurred_at=start + minutes * MINUTE)
    await tell(core, "Elsewhere.", session_id="t", occurred_at=start + 15 * MINUTE)
    await index_now(core)
    await tell(core, "Late.", session_id=session, occurred_at=start + 10 * MINUTE)
    await tell(core, "Late elsewhere.", session_id="u", occurred_at=start + 10 * MINUTE)
    check_index(tmp_path / FILE)
    assert await index_now(core) == 2 * 3
    check_index_is_whole(tmp_path / FILE, *BOTH)
    await assert_fresh(core, tmp_path)


@pytest.mark.parametrize("session", ["s", None])
async def test_events_that_are_imported_late_renew_the_one_after_them_alone(
    core, tmp_path, session
):
    start = core.clock.now() - HOUR
    for minutes in (0, 20, 40):
        await tell(core, f"At {minutes}.", session_id=session, occurred_at=start + minutes * MINUTE)
    await tell(core, "Elsewhere.", session_id="t", occurred_at=start + 15 * MINUTE)
    await index_now(core)
    late = [
        {
            "content": f"Late {minutes}.",
            "session_id": session,
            "occurred_at": start + minutes * MINUTE,
            "dedupe_key": f"late {minutes}",
        }
        for minutes in (10, 15, 50)
    ]
    items = [parse(fields, place="", position=0) for fields in late]
    assert (await take_in(core, LOCAL_USER, items)).stored == 3
    check_index(tmp_path / FILE)
    assert await index_now(core) == 2 * 4
    check_index_is_whole(tmp_path / FILE, *BOTH)
    await assert_fresh(core, tmp_path)


async def assert_fresh(core, tmp_path):
    """The vectors are those that are made anew, from nothing."""
    stored = look(tmp_path / FILE, INDEX[0])
    tamper(tmp_path / FILE, "DELETE FROM vectors")
    tamper(tmp_path / FILE, "DELETE FROM index_marks")
    await index_now(core)
    assert look(tmp_path / FILE, INDEX[0]) == stored


async def test_a_vector_without_direction_is_refused(core):
    await tell(core, "Tea is good.")
    await index_now(core)
    for bad in (np.zeros((1, 4)), np.full((1, 4), np.nan)):
        with pytest.raises(ValueError, match="zero"):
            await core.database.write(
                search.put_vectors, "event", "m", [(1 << 32) + 1], bad.astype(np.float32)
            )


class Slow(HashEmbedder):
    """Each time that it computes, something else happens meanwhile, as long as there is more."""

    def __init__(self, *meanwhile):
        super().__init__()
        self._meanwhile = list(meanwhile)

    def encode(self, texts):
        if self._meanwhile:
            from_thread.run(self._meanwhile.pop(0))
        return super().encode(texts)


async def test_words_that_change_while_they_are_embedded_leave_no_stale_vector(core, tmp_path):
    """A late event becomes the previous turn of what is being embedded."""
    now = core.clock.now()

    async def tell_late():
        await tell(core, "What is good?", session_id="s", occurred_at=now - MINUTE)

    await tell(core, "Tea is good.", "Rum is bad.", session_id="s", occurred_at=now)
    slow = replace(core, sentences=None, words=Slow(tell_late))
    slow.words.load()
    await index_now(slow)
    check_index_is_whole(tmp_path / FILE, "hash-64:1")
    await assert_fresh(slow, tmp_path)


@pytest.mark.parametrize("again", [0, 1, 2])
async def test_a_row_that_changes_after_others_of_its_batch_is_renewed_too(core, tmp_path, again):
    """The first row of a batch changes while it is embedded, and later one of the others."""
    start = core.clock.now() - HOUR
    for minutes in (10, 30, 50):
        await tell(core, f"At {minutes}.", session_id="s", occurred_at=start + minutes * MINUTE)

    async def tell_first():
        await tell(core, "First.", session_id="s", occurred_at=start)

    async def tell_later():
        moment = start + (5 + 20 * again) * MINUTE
        await tell(core, "And later.", session_id="s", occurred_at=moment)

    slow = replace(core, sentences=None, words=Slow(tell_first, tell_later))
    slow.words.load()
    await index_now(slow)
    check_index_is_whole(tmp_path / FILE, "hash-64:1")
    await assert_fresh(slow, tmp_path)


async def test_indexing_at_once_by_two_leaves_what_is_cached(core):
    await tell(core, *(f"Tea number {number} is good." for number in range(40)))
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(index_now, core)
    assert (await anima_of(core)).vector_epoch == 0
    assert await index_now(core) == 0
