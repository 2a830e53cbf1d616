"""Segments in the store: what is loaded from them is what the rows say, whoever made them when."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import seen
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.memory import animas, dreams, index
from elephantasm_mcp.memory import segments as packing
from elephantasm_mcp.memory.fakes import CountingIds
from elephantasm_mcp.pure import asking, ranking
from elephantasm_mcp.pure import matrix as matrix_module
from elephantasm_mcp.pure import segments as format_module
from elephantasm_mcp.pure.signs import RowSigns, signs_of_query
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories, search, segments
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.records import LOCAL_USER, row_id
from scenes import FILE, MINUTE, EachEvent, look, tamper, tell

LEAST, MOST = 3, 8
NUMBERS = count()


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(segments, "LEAST_ROWS", LEAST)
    monkeypatch.setattr(segments, "MOST_ROWS", MOST)
    monkeypatch.setattr(segments, "OTHERS_AT_ONCE", 1)


@pytest.fixture
async def core(core):
    core = replace(core, words=HashEmbedder(32), synthesizer=EachEvent())
    await index.load_embedders(core)
    await animas.resolve(core, LOCAL_USER, None)
    return core


def view(tx, core, cache, question="Tea of Monday and rum"):
    """All that recall could show of an anima."""
    corpus = cache.get(tx, anima_store.get(tx, 1), index.models_of(core)).corpus
    vectors = {
        kind: (one.name, one.encode([question])[0])
        for kind, one in (("sentence", core.sentences), ("words", core.words))
        if one is not None
    }
    asked = asking.read(question, vectors)
    ranked = ranking.rank(corpus, asked, shown=~corpus.hidden, embed=core.words.word_vectors)
    return seen(corpus, ranked), sorted(ids_of(corpus, corpus.hidden))


def ids_of(corpus, mask):
    return zip(corpus.layers[mask].tolist(), corpus.ids[mask].tolist(), strict=True)


@contextmanager
def without_segments():
    """Rows are read one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "load", lambda *_: [])
        yield


async def check(core, *caches):
    """A cold anima, and those caches, show what the rows say."""
    with without_segments():
        expected = await core.database.read(view, core, CorpusCache())
    for cache in (CorpusCache(), *caches):
        assert await core.database.read(view, core, cache) == expected


async def chain(core):
    return await core.database.read(lambda tx: segments.chain_of(tx, anima_store.get(tx, 1)))


async def change(core, *numbers):
    """Events that have their vectors made anew, as one does behind which another comes late."""
    for number in numbers:
        await core.database.write(search.forget_vectors, 1, "event", row_id(1, number))


async def index_now(core):
    await index.index_pending(core, 1)


async def tell_many(core, first, last, **fields):
    await tell(core, *(f"Tea number{n} of Monday." for n in range(first, last)), **fields)


# The chain


async def test_what_is_indexed_is_loaded_from_blocks(core, monkeypatch):
    await tell_many(core, 0, 20, session_id="s")
    await index_now(core)
    kept = await chain(core)
    assert (kept.rows, kept.others) == (20, False)
    assert all(block.parts == set(index.models_of(core)) for block in kept.blocks)
    asked = []

    def rows_after(_tx, _anima_no, layer, *, after):
        asked.append((layer, after & 255))
        return []

    monkeypatch.setattr(search, "rows_after", rows_after)
    monkeypatch.setattr(search, "vectors_after", None)
    assert len((await core.database.read(view, core, CorpusCache()))[0]["keys"]) == 20
    assert asked[0] == ("event", 20)


async def test_few_new_rows_are_left_for_later(core):
    await tell_many(core, 0, LEAST - 1)
    await index_now(core)
    assert (await chain(core)).rows == 0
    await tell_many(core, LEAST - 1, LEAST)
    await index_now(core)
    assert (await chain(core)).rows == LEAST
    await check(core)


async def test_small_blocks_become_larger_ones(core):
    for first in range(0, 36, 3):
        await tell_many(core, first, first + 3)
        await index_now(core)
        await check(core)
    sizes = [block.rows for block in (await chain(core)).blocks]
    assert sum(sizes) == 36
    assert max(sizes) <= MOST
    assert len(sizes) <= 8


async def test_rows_without_a_model_are_kept_and_their_vectors_added_by_who_has_one(core):
    bare = replace(core, sentences=None, words=None)
    await tell_many(core, 0, 12)
    await index_now(bare)
    assert [block.parts for block in (await chain(core)).blocks] == [frozenset()] * 2
    await check(core)
    await index_now(core)
    assert all(len(block.parts) == 2 for block in (await chain(core)).blocks)
    await check(core)


async def test_of_a_kept_anima_only_the_row_that_changed_is_read(core, monkeypatch):
    await tell_many(core, 0, MOST, session_id="s")
    await index_now(core)
    before = await chain(core)
    await tell(core, "Late.", session_id="s", occurred_at=core.clock.now() - MINUTE)
    await check(core)
    await index_now(core)
    await check(core)
    after = await chain(core)
    assert (after.blocks, after.rows) == (before.blocks, MOST)
    read = []

    def rows_of(tx, layer, ids):
        read.extend((layer, id_ & 255) for id_ in ids)
        return search_rows_of(tx, layer, ids)

    search_rows_of = search.rows_of
    monkeypatch.setattr(search, "rows_of", rows_of)
    await core.database.read(view, core, CorpusCache())
    assert read == [("event", 1)]


async def test_rows_that_changed_come_into_the_next_block(core):
    await tell_many(core, 0, MOST)
    await index_now(core)
    await change(core, *range(1, LEAST + 1))
    await check(core)
    await index_now(core)
    kept = await chain(core)
    assert [block.rows for block in kept.blocks] == [MOST, LEAST]
    assert kept.upto == kept.epoch
    await check(core)


async def test_a_block_that_takes_others_in_leaves_their_stale_copies_out(core):
    await tell_many(core, 0, LEAST)
    await index_now(core)
    await change(core, 1)
    await tell_many(core, LEAST, 2 * LEAST - 1)
    await index_now(core)
    assert [block.rows for block in (await chain(core)).blocks] == [2 * LEAST - 1]
    await check(core)


async def test_of_very_many_rows_that_changed_some_wait_for_the_block_after_next(core):
    await tell_many(core, 0, 5 * MOST)
    await index_now(core)
    await change(core, *range(1, 2 * MOST))
    step = await core.database.read(packing._next_segment, 1, index.models_of(core))
    assert len(step.rows) == MOST
    assert step.epoch < step.chain.epoch
    await core.database.write(packing._write_segment, 1, step, segments.make_block(step))
    await check(core)
    await index_now(core)
    kept = await chain(core)
    assert (kept.rows, kept.upto) == (7 * MOST - 1, kept.epoch)
    await check(core)


async def test_what_changes_again_and_again_takes_no_more_room_than_twice_its_own(core):
    await tell_many(core, 0, 3 * MOST)
    for number in range(30):
        await change(core, *(1 + (number * 7 + step) % (3 * MOST) for step in range(5)))
        await index_now(core)
        await check(core)
        assert (await chain(core)).rows <= 2 * 3 * MOST + MOST


async def test_rows_that_went_are_looked_for_no_more(core, monkeypatch):
    await tell_many(core, 0, 5)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await tell_many(core, 5, 25)
    await index_now(core)
    await dreams.undo(core, LOCAL_USER, "d1")
    await index_now(core)
    assert [block.rows for block in (await chain(core)).blocks][-1] == 0
    await check(core)
    read = []
    with monkeypatch.context() as patch:
        patch.setattr(search, "rows_of", lambda _tx, _layer, ids: read.extend(ids) or [])
        await core.database.read(view, core, CorpusCache())
    assert read == []
    await tell_many(core, 25, 30)
    await index_now(core)
    assert all(block.rows for block in (await chain(core)).blocks)
    await check(core)


async def test_a_block_may_have_lost_all_its_rows_before_its_vectors_were_made(core):
    await tell_many(core, 0, MOST)
    await index_now(core)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await index_now(replace(core, sentences=None, words=None))
    await dreams.undo(core, LOCAL_USER, "d1")
    await index_now(core)
    assert all(len(block.parts) == 2 for block in (await chain(core)).blocks)
    await check(core)


async def test_blocks_of_another_format_are_passed_over_and_replaced(core, monkeypatch):
    await tell_many(core, 0, 12)
    await index_now(core)
    older, newer = format_module.FORMAT, format_module.FORMAT + 1
    monkeypatch.setattr(format_module, "FORMAT", newer)
    assert (await chain(core)).rows == 0
    await check(core)
    await packing.pack(core, 1)
    assert ((await chain(core)).rows, (await chain(core)).others) == (12, False)
    monkeypatch.setattr(format_module, "FORMAT", older)
    await packing.pack(core, 1)
    await check(core)
    monkeypatch.setattr(format_module, "FORMAT", newer)
    assert (await chain(core)).rows == 12  # an older release leaves them alone


async def test_who_comes_second_gives_up(core):
    await tell_many(core, 0, 5)
    step = await core.database.read(packing._next_segment, 1, {})
    block = segments.make_block(step)
    assert await core.database.write(packing._write_segment, 1, step, block)
    before = await chain(core)
    assert not await core.database.write(packing._write_segment, 1, step, block)
    assert await chain(core) == before


async def test_who_comes_second_gives_up_even_if_the_chain_is_as_long_as_before(core):
    await tell_many(core, 0, 2 * LEAST)
    await index_now(core)
    await change(core, *range(1, LEAST + 1))
    await index._make_vectors(core, 1, purpose="index")
    step = await core.database.read(packing._next_segment, 1, {})
    block = segments.make_block(step)
    assert await core.database.write(packing._write_segment, 1, step, block)
    assert (await chain(core)).rows == step.chain.rows
    assert not await core.database.write(packing._write_segment, 1, step, block)
    await check(core)


async def test_a_block_is_not_written_when_a_row_changed_while_it_was_made(core):
    await tell_many(core, 0, 5)
    step = await core.database.read(packing._next_segment, 1, {})
    await core.database.write(search.note_change, 1, "event", row_id(1, 2))
    assert not await core.database.write(packing._write_segment, 1, step, segments.make_block(step))
    assert (await chain(core)).rows == 0


async def test_a_write_is_small(core, tmp_path):
    await tell_many(core, 0, 40)
    await index_now(core)
    sizes = look(tmp_path / FILE, "SELECT rows FROM segments")
    assert max(rows for (rows,) in sizes) <= MOST


async def test_a_missing_vector_is_no_vector(core, tmp_path):
    await tell_many(core, 0, 5)
    await index_now(core)
    tamper(tmp_path / FILE, "DELETE FROM segments")
    tamper(tmp_path / FILE, "DELETE FROM vectors WHERE id & 255 = 2")
    await packing.pack(core, 1)
    assert (await chain(core)).rows == 5
    await check(core)


# Forgetting


def erase(tx, layer, id_):
    """A memory as forgetting leaves it."""
    search.forget_vectors(tx, 1, layer, id_)
    segments.drop(tx, 1)
    memories.write_snapshot(tx, layer, id_, None)


def rewrite(tx, number, content):
    """A memory as a correction leaves it."""
    id_ = row_id(1, number)
    before = memories.read_snapshot(tx, "memory", id_)
    search.forget_vectors(tx, 1, "memory", id_)
    memories.write_snapshot(tx, "memory", id_, {**before, "summary": content, "content": content})


def blobs(tmp_path):
    return [data for (data,) in look(tmp_path / FILE, "SELECT data FROM segments")]


async def memorize(core, *texts):
    """A memory of each of these, and no fact."""
    core = replace(core, synthesizer=PlainEvents())
    await tell(core, *(f"Note {number}." for number in range(len(texts))))
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    for number, text in enumerate(texts, start=1):
        await core.database.write(rewrite, number, text)
    await index_now(core)


class PlainEvents(EachEvent):
    """One memory of every event, without a fact."""

    async def synthesize(self, batch):
        made = await super().synthesize(batch)
        return Proposals(
            memories=[one.model_copy(update={"knowledge": []}) for one in made.memories]
        )


async def test_what_is_forgotten_leaves_no_word_that_only_it_had(core, tmp_path):
    await memorize(core, *(f"Tea word{n}x." for n in range(20)), "Tea word7x too.")
    assert any(b"word3x" in data for data in blobs(tmp_path))
    for number, word in ((4, b"word3x"), (8, b"word7x")):
        await core.database.write(erase, "memory", row_id(1, number))
        assert blobs(tmp_path) == []
        await check(core)
        await index_now(core)
        await check(core)
        assert any(word in data for data in blobs(tmp_path)) == (word == b"word7x")
    assert any(b"word12x" in data for data in blobs(tmp_path))


async def test_a_block_that_was_made_of_what_is_forgotten_meanwhile_is_not_written(core, tmp_path):
    await memorize(core, "Tea.", "Xylophones.")
    tamper(tmp_path / FILE, "DELETE FROM segments")
    step = await core.database.read(packing._next_segment, 1, {})
    block = segments.make_block(step)
    await core.database.write(erase, "memory", row_id(1, 2))
    assert not await core.database.write(packing._write_segment, 1, step, block)
    assert blobs(tmp_path) == []


async def test_blocks_that_another_release_made_go_with_whatever_is_forgotten(
    core, tmp_path, monkeypatch
):
    await memorize(core, "Tea.", "Xylophones.")
    with monkeypatch.context() as patch:
        patch.setattr(format_module, "FORMAT", 2)
        await core.database.write(erase, "memory", row_id(1, 1))
    assert blobs(tmp_path) == []
    await check(core)


# Any history

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tell", "tell", "late", "dream", "undo", "index", "index", "look"]),
        st.integers(0, 9),
        st.sampled_from(["s", "t", None]),
    ),
    max_size=14,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_a_cold_anima_and_a_warm_one_show_what_the_rows_say_after_any_history(
    core, clock, tmp_path, steps
):
    """Two processes on one file, each with its cache, one of them with a model less."""
    path = tmp_path / f"{next(NUMBERS)}.sqlite3"
    async with open_database(path) as database, open_database(path) as other:
        ids = CountingIds()
        await database.write(anima_store.prepare, user=ids.uuid(), secret=b"s", now=clock.now())
        here = replace(core, database=database, ids=ids, corpora=CorpusCache())
        there = replace(here, database=other, corpora=CorpusCache())
        await tell(here, "Tea.")
        for number, (kind, amount, session) in enumerate(steps):
            who = here if number % 2 else there
            await take_step(who, kind, amount, session, number=number)
            if kind == "look":
                await check(who, who.corpora)
        for who in (here, there):
            await check(who, who.corpora)
            await index_now(who)
            await check(who, who.corpora)


async def take_step(core, kind, amount, session, *, number):
    now = core.clock.now()
    match kind:
        case "tell":
            texts = [f"Tea {number} of {n}." for n in range(amount)]
            await tell(core, "Rum.", *texts, session_id=session)
        case "late":
            moment = now - timedelta(minutes=amount)
            await tell(core, f"Late {number} rum.", session_id=session, occurred_at=moment)
        case "dream":
            await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
        case "undo":
            try:
                await dreams.undo(core, LOCAL_USER, f"d{1 + amount % 3}")
            except ElephantasmError:
                assert number >= 0
        case "index":
            await index_now(replace(core, words=None) if amount > 7 else core)


async def test_the_signs_of_many_rows_are_kept_and_loaded(core, monkeypatch):
    monkeypatch.setattr(matrix_module, "SIGNS_FROM", 10)
    await tell_many(core, 0, 9, session_id="s")
    await index_now(core)
    assert all(len(block.parts) == 2 for block in (await chain(core)).blocks)
    await tell_many(core, 9, 14, session_id="s")
    await index_now(core)
    assert all(len(block.parts) == 4 for block in (await chain(core)).blocks)
    await tell_many(core, 14, 15, session_id="s")
    await check_signs(core)
    await change(core, 3, 10)
    await check_signs(core)
    await index_now(core)
    await check_signs(core)


async def check_signs(core):
    """Those that were kept are those that the vectors have, whichever rows are left out."""
    await check(core)
    found = await core.database.read(
        lambda tx: CorpusCache().get(tx, anima_store.get(tx, 1), index.models_of(core)).corpus
    )
    for model, dimensions in index.models_of(core).items():
        query = np.arange(dimensions, dtype=np.float32) - 7
        made = RowSigns.of(found.vectors[model].parts[0])
        loaded = found.vectors[model].signs.near(query, below=len(made.rows))
        assert loaded.differing.tolist() == made.differing_signs(signs_of_query(query)).tolist()
        for block, expected in zip(loaded.rows.blocks, made.blocks, strict=True):
            assert block.tolist() == expected.tolist()
