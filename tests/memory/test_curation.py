"""Curation: a person's hand on one row, which no dream overwrites and an undo takes back."""

from dataclasses import replace

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import curation, dreams, layers, ledger, packs
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, KnowledgeType, MemoryState, row_id
from elephantasm_mcp.types.views import Curation
from scenes import (
    DAY,
    FILE,
    EachEvent,
    add_user,
    conflict,
    derived_rows,
    tell,
    write_rows,
)

FIRST = row_id(1, 1)


@pytest.fixture
async def core(core):
    """Two memories with a fact each."""
    core = replace(core, synthesizer=EachEvent(provisional=True))
    await tell(core, "Nadia eats hazelnuts.", "Rum is bad.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    return core


async def curate(core, handle, action, *, user=LOCAL_USER, **fields):
    request = Curation(handle=handle, action=action, **fields)
    return await curation.curate(core, user, request)


async def dream_of(core, layer, **columns):
    """A dream that changes columns of the first row of a layer."""

    def change(tx):
        anima, now = anima_store.get(tx, 1), core.clock.now()
        run = Run(uuid=core.ids.uuid(), phase="deep", actor="worker", started_at=now)
        before = memories.read_snapshot(tx, layer, FIRST)
        after = ledger.stamp({**before, **columns}, now=now)
        dream = ledger.open_dream(tx, anima, run, now=now)
        operation = columns.pop("operation", "refine")
        one = Change(layer=layer, id=FIRST, after=after, operation=operation)
        ledger.apply(tx, anima, dream, [one], counts={}, now=now)

    await core.database.write(change)


async def test_a_correction_shows_before_and_after_with_its_reason_and_its_dream(core):
    report = await curate(
        core, "k1", "correct", content="Nadia is allergic to hazelnuts.", reason="She said so."
    )
    (action,) = report.actions
    assert (report.handle, report.phase, report.actor) == ("d2", "curate", "user")
    assert (action.operation, action.handle) == ("correct", "k1")
    assert action.before["content"] == "It was said: Nadia eats hazelnuts."
    assert action.after["content"] == "Nadia is allergic to hazelnuts."
    assert action.after["synthesizer"] == "person"
    assert action.reasoning == "She said so."
    assert action.sources == ["e1"]


async def test_what_was_made_of_the_same_events_is_named_since_it_may_say_the_same(core):
    report = await curate(core, "m1", "correct", content="Nadia avoids hazelnuts.")
    assert report.related == ["k1"]
    await curate(core, "k1", "archive")
    assert (await curate(core, "m1", "pin")).related == []


async def test_a_corrected_memory_reads_so_in_the_pack(core):
    await curate(core, "m1", "correct", content="Nadia avoids hazelnuts.")
    pack = await packs.compile_pack(core, LOCAL_USER, PackQuery())
    assert "Nadia avoids hazelnuts." in pack.as_prompt()


@pytest.mark.parametrize(
    ("handle", "action", "fields"),
    [
        ("m1", "correct", {"content": "Nadia avoids hazelnuts."}),
        ("k1", "correct", {"content": "Nadia avoids hazelnuts."}),
        ("m1", "pin", {}),
        ("k1", "pin", {}),
        ("m1", "archive", {}),
        ("k1", "archive", {}),
        ("k1", "reclassify", {"knowledge_type": KnowledgeType.PRINCIPLE}),
    ],
)
async def test_each_action_can_be_undone_to_the_very_bytes(core, tmp_path, handle, action, fields):
    before = derived_rows(tmp_path / FILE)
    report = await curate(core, handle, action, **fields)
    assert derived_rows(tmp_path / FILE) != before
    await dreams.undo(core, LOCAL_USER, report.handle)
    assert derived_rows(tmp_path / FILE) == before


async def test_a_pin_and_an_archive_are_taken_back_by_their_opposites(core):
    await curate(core, "m1", "pin")
    await curate(core, "m1", "unpin")
    await curate(core, "m1", "archive")
    (one, _) = await layers.memories(core, LOCAL_USER, None)
    assert (one.pinned, one.state) == (False, MemoryState.ARCHIVED)
    await curate(core, "m1", "restore")
    (one, _) = await layers.memories(core, LOCAL_USER, None)
    assert one.state is MemoryState.ACTIVE


async def test_what_was_restored_does_not_fade_again_the_same_night(core, clock):
    clock.move(400 * DAY)
    await curate(core, "m1", "archive")
    await curate(core, "m1", "restore")
    await dreams.run(core, LOCAL_USER, anima=None, phase="light")
    (one, _) = await layers.memories(core, LOCAL_USER, None)
    assert one.state is MemoryState.ACTIVE


@pytest.mark.parametrize(
    ("layer", "columns"),
    [
        ("memory", {"summary": "Nadia loves hazelnuts."}),
        ("memory", {"superseded_by": row_id(1, 2)}),
        ("memory", {"state": "archived"}),
        ("knowledge", {"content": "Nadia loves hazelnuts."}),
        ("knowledge", {"type": "METHOD"}),
        ("knowledge", {"superseded_by": row_id(1, 2)}),
        ("knowledge", {"archived": 1}),
    ],
)
async def test_no_dream_overwrites_a_correction(core, tmp_path, layer, columns):
    handle = f"{layer[0]}1"
    await curate(core, handle, "correct", content="Nadia is allergic to hazelnuts.")
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(ConflictError, match=f"{handle} was corrected by a person"):
        await dream_of(core, layer, **columns)
    assert derived_rows(tmp_path / FILE) == before


async def test_a_correction_is_corrected_by_another_one_and_may_fade(core):
    await curate(core, "m1", "correct", content="Nadia avoids hazelnuts.")
    await curate(core, "m1", "correct", content="Nadia avoids nuts.")
    await dream_of(core, "memory", state="decaying", operation="fade")
    (one, _) = await layers.memories(core, LOCAL_USER, None)
    assert (one.content, one.state) == ("Nadia avoids nuts.", MemoryState.DECAYING)


async def test_secrets_in_a_correction_are_masked(core):
    report = await curate(core, "m1", "correct", content="The password is Harbor-Gull-7731.")
    assert "Harbor-Gull-7731" not in report.model_dump_json()


@pytest.mark.parametrize(
    ("handle", "action", "fields", "field"),
    [
        ("e1", "correct", {"content": "x"}, "handle"),
        ("m1", "reclassify", {"knowledge_type": KnowledgeType.FACT}, "handle"),
        ("m1", "correct", {}, "content"),
        ("m1", "correct", {"content": " \n"}, "content"),
        ("k1", "reclassify", {}, "knowledge_type"),
        ("m1", "pin", {"content": "x"}, "content"),
        ("d1", "pin", {}, "handle"),
    ],
)
async def test_an_action_that_does_not_fit_is_refused_and_says_why(
    core, tmp_path, handle, action, fields, field
):
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(ValidationError) as caught:
        await curate(core, handle, action, **fields)
    assert caught.value.field == field
    assert caught.value.hint
    assert derived_rows(tmp_path / FILE) == before
    assert len(await dreams.journal(core, LOCAL_USER)) == 1


@pytest.mark.parametrize("action", ["unpin", "restore"])
async def test_what_is_so_already_is_said_and_leaves_no_dream(core, action):
    with pytest.raises(ConflictError, match="nothing was changed"):
        await curate(core, "m1", action)
    assert len(await dreams.journal(core, LOCAL_USER)) == 1


async def test_settling_says_which_of_two_rows_holds_and_can_be_undone(core, tmp_path):
    await write_rows(core, conflict(core, "What does Nadia eat?"))
    before = derived_rows(tmp_path / FILE)
    report = await curate(core, "k2", "settle", reason="She told me.")
    assert {action.operation for action in report.actions} == {"settle"}
    facts = await layers.knowledge(core, LOCAL_USER, anima=None, include_superseded=True)
    assert [(one.handle, one.superseded_by) for one in facts] == [("k1", facts[1].id), ("k2", None)]
    with pytest.raises(NotFoundError, match="Nothing contradicts k2"):
        await curate(core, "k2", "settle")
    await dreams.undo(core, LOCAL_USER, report.handle)
    assert derived_rows(tmp_path / FILE) == before


async def test_what_nothing_contradicts_cannot_be_settled(core):
    with pytest.raises(NotFoundError, match="Nothing contradicts k1 that is not settled"):
        await curate(core, "k1", "settle")
    assert len(await dreams.journal(core, LOCAL_USER)) == 1


async def test_a_superseded_row_names_what_took_its_place(core):
    await dream_of(core, "knowledge", superseded_by=row_id(1, 2))
    with pytest.raises(ConflictError, match="k1 was superseded by k2"):
        await curate(core, "k1", "correct", content="Other.")


async def test_nobody_curates_what_is_not_theirs(core, tmp_path):
    stranger = add_user(tmp_path / FILE)
    (one, _) = await layers.memories(core, LOCAL_USER, None)
    with pytest.raises(NotFoundError):
        await curate(core, str(one.id), "pin", user=stranger)
    with pytest.raises(NotFoundError):
        await curate(core, "m99", "pin")
