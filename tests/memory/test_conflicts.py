"""Conflicts: asked once, settled for good, undoable."""

import pytest

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, conflicts, dreams
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import memories
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import FILE, MINUTE, derived_rows, write_rows
from sleeping import asleep, sleep, told, verbatim


@pytest.fixture
async def core(core, clock):
    """An anima with one open conflict."""
    core = verbatim(core)
    await told(core, clock, "Nadia's boss is Karl.", "Nadia's boss is Ruth.", apart=MINUTE)
    await sleep(core)
    return core


async def open_ones(core):
    anima = await animas.find(core, LOCAL_USER, None)
    return await core.database.read(conflicts.open_of, anima)


async def settle(core, handle, keep, reason=""):
    anima, now = await animas.find(core, LOCAL_USER, None), core.clock.now()
    run = Run(uuid=core.ids.uuid(), phase="curate", actor="user", started_at=now)
    return await core.database.write(
        conflicts.settle, anima, handle, run, keep=keep, reason=reason, now=now
    )


async def test_an_open_conflict_has_both_rows_and_a_question(core):
    (one,) = await open_ones(core)
    assert (one.handle, one.first.handle, one.second.handle) == ("c1", "k1", "k2")
    assert one.conflict.question.startswith("Which holds: “Nadia's boss is Karl.”")


async def test_the_one_that_holds_supersedes_the_other_and_nobody_asks_again(core):
    await settle(core, "k1", "k2", "She said so.")
    assert await open_ones(core) == []
    assert await asleep(core) is None
    settled, ended = (await dreams.show(core, LOCAL_USER, "d3")).actions
    assert (settled.handle, settled.after["state"], settled.after["kept_id"]) == (
        "c1",
        "settled",
        "k2",
    )
    assert (ended.handle, ended.after["superseded_by"]) == ("k1", "k2")
    assert ended.reasoning == "She said so."


async def test_both_may_hold(core, tmp_path):
    *before, _ = derived_rows(tmp_path / FILE)
    await settle(core, "c1", None)
    *after, _ = derived_rows(tmp_path / FILE)
    assert after == before
    assert await open_ones(core) == []
    assert await asleep(core) is None


async def test_settling_can_be_undone(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    await settle(core, "c1", "k1")
    await dreams.undo(core, LOCAL_USER, "d3")
    assert derived_rows(tmp_path / FILE) == before
    assert [one.handle for one in await open_ones(core)] == ["c1"]


async def test_what_is_not_open_cannot_be_settled_and_only_the_two_can_be_kept(core):
    with pytest.raises(ValidationError) as caught:
        await settle(core, "c1", "k9")
    assert caught.value.hint == "Give k1 or k2."
    await settle(core, "c1", "k1")
    for handle in ("c1", "k1", "c9"):
        with pytest.raises(NotFoundError):
            await settle(core, handle, "k1")


async def test_a_dream_may_close_a_question(core):
    (asked,) = await open_ones(core)
    before = await core.database.read(memories.read_snapshot, "conflict", asked.conflict.id)
    after = {**before, "state": "settled"}
    change = Change(layer="conflict", id=asked.conflict.id, after=after, operation="settle")
    await write_rows(core, change)
    assert await open_ones(core) == []
