"""The ledger: changes with their audit, and taking any of them back exactly."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import animas, dreams, index, ledger, recall
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories
from elephantasm_mcp.types.reading import SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, handle_of, row_id
from scenes import (
    FILE,
    EachEvent,
    check_index,
    check_index_is_whole,
    derived_rows,
    look,
    tell,
)

FIRST = row_id(1, 1)


@pytest.fixture
async def core(core):
    """Three memories with a fact each, indexed."""
    core = replace(core, synthesizer=EachEvent())
    await tell(core, "Tea is good.", "Rum is bad.", "Gin is fine.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await index.load_embedders(core)
    await index.index_pending(core, 1)
    return core


def a_run(core):
    return Run(uuid=core.ids.uuid(), phase="deep", actor="test", started_at=core.clock.now())


def change_all(tx, core, changes, *, dream=None):
    """Apply changes in a dream of their own, as deep sleep will."""
    anima, now = anima_store.get(tx, 1), core.clock.now()
    if dream is None:
        dream = ledger.open_dream(tx, anima, a_run(core), now=now)
    ledger.apply(tx, anima, dream, changes, counts={"changed": len(changes)}, now=now)
    return dream


async def apply(core, *changes, **options):
    return await core.database.write(change_all, core, changes, **options)


async def snapshot(core, layer, id_):
    return await core.database.read(memories.read_snapshot, layer, id_)


async def test_a_row_that_was_removed_comes_back_whole_and_is_found_again(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    await apply(
        core,
        Change(layer="memory", id=FIRST, after=None, operation="merge"),
        Change(layer="knowledge", id=FIRST, after=None, operation="merge"),
    )
    check_index(tmp_path / FILE)
    assert len(derived_rows(tmp_path / FILE)[0]) == 2
    report = await dreams.undo(core, LOCAL_USER, "d2")
    assert sorted(report.restored) == ["k1", "m1"]
    assert derived_rows(tmp_path / FILE) == before
    await index.index_pending(core, 1)
    check_index_is_whole(tmp_path / FILE, "hash-64:1")
    hits = await recall.search(core, LOCAL_USER, SearchQuery(query="tea"))
    assert {"m1", "k1"} <= {hit.handle for hit in hits}


async def test_a_row_with_new_words_is_indexed_anew_and_one_with_the_old_is_not(core, tmp_path):
    old = await snapshot(core, "memory", FIRST)
    revised = ledger.stamp({**old, "summary": "Tea is great."}, now=core.clock.now())
    await apply(core, Change(layer="memory", id=FIRST, after=revised, operation="refine"))
    unindexed = (
        "SELECT id & 255 FROM memories WHERE id NOT IN"
        " (SELECT id FROM vectors WHERE layer = 'memory')"
    )
    assert look(tmp_path / FILE, unindexed) == [(1,)]
    check_index(tmp_path / FILE)
    await index.index_pending(core, 1)
    pinned = ledger.stamp({**revised, "pinned": 1}, now=core.clock.now())
    await apply(core, Change(layer="memory", id=FIRST, after=pinned, operation="pin"))
    assert look(tmp_path / FILE, unindexed) == []
    assert pinned["version"] == 3


async def test_a_dream_that_was_undone_takes_no_more_changes(core, tmp_path):
    old = await snapshot(core, "memory", FIRST)
    change = Change(layer="memory", id=FIRST, after={**old, "pinned": 1}, operation="pin")
    dream = await apply(core, change)
    await dreams.undo(core, LOCAL_USER, "d2")
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(ConflictError, match="d2 was undone while it was still running"):
        await apply(core, change, dream=dream)
    assert derived_rows(tmp_path / FILE) == before


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["memory", "knowledge"]),
        st.integers(1, 4),
        st.sampled_from(["remove", "rewrite", "pin", "relink", "make"]),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_any_dream_can_be_taken_back_exactly(core, tmp_path, steps):
    """Several changes of one row in one dream included."""
    path = tmp_path / FILE
    before = derived_rows(path)
    dream = await core.database.write(revise, core, steps)
    await index.index_pending(core, 1)
    check_index(path)
    await dreams.undo(core, LOCAL_USER, handle_of("dream", dream))
    assert derived_rows(path) == before
    check_index(path)


def revise(tx, core, steps):
    anima, now = anima_store.get(tx, 1), core.clock.now()
    dream = ledger.open_dream(tx, anima, a_run(core), now=now)
    for layer, number, kind, text in steps:
        id_ = row_id(anima.anima_no, number)
        old = memories.read_snapshot(tx, layer, id_)
        model = old or memories.read_snapshot(tx, layer, row_id(anima.anima_no, 2))
        if model is None:
            continue
        match kind:
            case "remove" if old is not None:
                after = None
            case "rewrite":
                after = {**model, "content": text}
            case "relink":
                after = {**model, "links": [["event", FIRST, text], ["event", FIRST, None]]}
            case _:
                after = {**model, "pinned": 1 - model["pinned"]}
        if after is not None and old is None:
            after = {**after, "uuid": core.ids.uuid().hex}
        change = Change(layer=layer, id=id_, after=after, operation=kind)
        ledger.apply(tx, anima, dream, [change], counts={"n": 1}, now=now)
    return dream


async def test_counts_of_one_dream_add_up(core):
    anima = await animas.find(core, LOCAL_USER, None)
    dream = await apply(core)
    await apply(core, dream=dream)
    old = await snapshot(core, "memory", FIRST)
    await apply(core, Change("memory", FIRST, {**old, "pinned": 1}, "pin"), dream=dream)
    report = await dreams.show(core, LOCAL_USER, "d2", anima=anima.id)
    assert report.counts == {"changed": 1}
    assert [action.kind for action in report.actions] == ["update"]
