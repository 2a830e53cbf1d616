"""Whatever two animas lived through, the one that takes the other's rows holds both, exactly."""

from contextlib import suppress
from dataclasses import replace

import apsw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import animas, dreams, index, merging, packs, provenance, recall
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.store.values import from_json
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER
from properties.test_journal_replay import SAID, do, replayed, state
from scenes import (
    FILE,
    MINUTE,
    check_consumption,
    check_counters,
    check_index,
    look,
    open_core,
    tell,
)
from sleeping import Verbatim

STEP = st.one_of(
    st.tuples(st.just("tell"), SAID),
    st.tuples(st.just("both"), SAID),
    st.tuples(st.just("dream"), st.sampled_from(["synthesis", "light", "deep"])),
    st.tuples(st.just("undo"), st.integers(1, 4)),
    st.tuples(st.just("forget"), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.integers(1, 60)),
)
LIFE = st.lists(st.tuples(st.booleans(), STEP), min_size=4, max_size=16)
COLUMNS = {
    "events": "id, hex(uuid), content, session_id, dedupe_key, occurred_at, created_at, trust",
    "memories": "id, hex(uuid), summary, content, state, provisional, pinned, superseded_by,"
    " recency_score, decay_score, access_count",
    "knowledge": "id, hex(uuid), content, type, archived, valid_until, superseded_by, memory_id",
}
IDS = (
    ("events", "id"),
    ("memories", "id"),
    ("knowledge", "id"),
    ("identities", "id"),
    ("conflicts", "id"),
    ("links", "id"),
    ("links", "source_id"),
    ("vectors", "id"),
    ("dreams", "id"),
    ("dream_actions", "dream_id"),
    ("dream_actions", "row_id"),
    ("dream_events", "dream_id"),
    ("dream_events", "event_id"),
    ("declined", "row_id"),
    ("accesses", "memory_id"),
    ("folded_uses", "memory_id"),
    ("shown", "id"),
    ("unmade", "event_id"),
    ("forgotten", "id"),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LIFE)
async def test_a_merge_loses_nothing_adds_nothing_and_keeps_every_source(tmp_path_factory, life):
    path, clock = tmp_path_factory.mktemp("merge") / FILE, FakeClock()
    async with open_core(path, clock=clock, synthesizer=Verbatim()) as core:
        source, target = await live(core, clock, life)
        before = {name: rows(path, name) for name in COLUMNS}
        traces = await traced(source)
        seen = await merging.preview(core, LOCAL_USER, "from", "into")
        assert {name: rows(path, name) for name in COLUMNS} == before
        report = await merging.merge(core, LOCAL_USER, "from", "into")
        assert (seen.events, seen.joined) == (report.events, report.joined)

        check_whole(path)
        assert all(not look(path, f"SELECT 1 FROM {t} WHERE {c} >> 32 = 1") for t, c in IDS)  # noqa: S608
        joined = len(before["events"]) - len(rows(path, "events"))
        assert joined == report.joined
        for name in COLUMNS:
            check_moved(before[name], rows(path, name), may_go=name == "events")
        assert replayed(path) == await state(core, path)
        for uuid, said in traces.items():
            found = await provenance.trace(core, LOCAL_USER, uuid)
            assert [(one.content, one.quotes) for one in found.sources] == said

        await check_reads(core, target)
        await index.index_pending(core, 2)
        check_index(path)
        await check_vectors(core, path)
        await take_back(target, path)
        assert await merging.merge(core, LOCAL_USER, "from", "into")


async def live(core, clock, life):
    """Two animas, of which each has lived its own steps."""
    both = [replace(core, default_anima=name) for name in ("from", "into")]
    for one in both:
        await tell(one, "Tea is hot.", occurred_at=clock.now())
        clock.move(20 * MINUTE)
        await dreams.run(one, LOCAL_USER, anima=None, phase="synthesis")
    for first, (step, value) in life:
        one = both[0 if first else 1]
        if step == "both":
            for each in both:
                await tell(each, value, occurred_at=clock.now(), session_id="shared")
        else:
            with suppress(ConflictError):
                await do(one, clock, step, value)
        await packs.compile_pack(one, LOCAL_USER, PackQuery())
        clock.move(MINUTE)
    for number in (1, 2):
        await index.index_pending(core, number)
    return both


def rows(path, table):
    return look(path, f"SELECT {COLUMNS[table]} FROM {table} ORDER BY id")  # noqa: S608


def check_moved(before, after, *, may_go):
    """Each row is there under its public id with all that it said, the target's as they were."""
    now = {row[1]: row for row in after}
    for row in before:
        if may_go and row[1] not in now and row[0] >> 32 == 1:
            continue
        moved = now.pop(row[1])
        assert moved[0] >> 32 == 2
        if row[0] >> 32 == 2:
            assert moved == row
        assert [value for value in moved if not is_id(value)] == [
            value for value in row if not is_id(value)
        ]
    assert not now


def is_id(value):
    return isinstance(value, int) and 0 < value >> 32 < 3


def check_whole(path):
    """Nothing names what is not there, and what is counted is counted right."""
    check_counters(path)
    check_consumption(path)
    check_index(path)
    assert look(path, "PRAGMA foreign_key_check") == []
    sources = "SELECT source_layer, source_id, quote FROM links"
    known = {
        (layer, id_): text
        for layer, sql in (
            ("event", "SELECT id, content FROM events"),
            ("memory", "SELECT id, content FROM memories"),
            ("knowledge", "SELECT id, content FROM knowledge"),
        )
        for id_, text in look(path, sql)
    }
    for layer, id_, quote in look(path, sources):
        assert (quote or "") in known[layer, id_]
    last = "SELECT event_seq, memory_seq, knowledge_seq, dream_seq FROM animas WHERE anima_no = 2"
    (counters,) = look(path, last)
    for count, table in zip(counters, ("events", "memories", "knowledge", "dreams"), strict=True):
        (top,) = look(path, f"SELECT ifnull(max(id) & 4294967295, 0) FROM {table}")[0]  # noqa: S608
        assert top <= count
    for sources_of, dream in look(path, "SELECT sources, dream_id FROM dream_actions"):
        for handle in from_json(sources_of):
            assert int(handle[1:]) >= 1
            assert dream >> 32 == 2


async def traced(core):
    """What each memory of an anima says it was made of."""
    found = {}
    from elephantasm_mcp.memory import layers

    for memory in await layers.memories(core, LOCAL_USER, None):
        trace = await provenance.trace(core, LOCAL_USER, str(memory.id))
        found[str(memory.id)] = [(one.content, one.quotes) for one in trace.sources]
    return found


async def check_reads(core, target):
    """What this process had in memory gives what a process gives that has just begun."""
    from elephantasm_mcp.store.cache import CorpusCache

    fresh = replace(target, corpora=CorpusCache(), packs={})
    for query in (None, "where does Nadia live?", "tea"):
        asked = PackQuery(query=query)
        warm = await packs.compile_pack(target, LOCAL_USER, asked)
        cold = await packs.compile_pack(fresh, LOCAL_USER, asked)
        assert warm is not None
        assert cold is not None
        assert warm.layers.context == cold.layers.context
    hits = await recall.search(target, LOCAL_USER, SearchQuery(query="tea", limit=50))
    again = await recall.search(fresh, LOCAL_USER, SearchQuery(query="tea", limit=50))
    assert [(one.handle, one.score) for one in hits] == [(one.handle, one.score) for one in again]
    assert await packs.compile_pack(core, LOCAL_USER, PackQuery(anima="from")) is None


async def check_vectors(core, path):
    """The vectors that came along are those that would be made here."""
    vectors = "SELECT layer, model, id, vector FROM vectors ORDER BY 1, 2, 3"
    kept = look(path, vectors)
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM vectors; UPDATE index_marks SET upto = 0")
    connection.close()
    await index.index_pending(core, 2)
    assert look(path, vectors) == kept


async def take_back(target, path):
    """Dreams of either can be taken back as ever, but for the entry of the merge."""
    for dream in await dreams.journal(target, LOCAL_USER):
        with suppress(ConflictError):
            await dreams.undo(target, LOCAL_USER, dream.handle)
            assert dream.phase != "merge"
    check_consumption(path)
    assert replayed(path) == await state(target, path)
    assert (await animas.resolve(target, LOCAL_USER, None)).name == "into"
