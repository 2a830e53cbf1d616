"""Provenance: down to the sources, up to what was made, and why the pack has it or not."""

from dataclasses import replace

import pytest

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, dreams, provenance
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from scenes import DAY, FILE, EachEvent, tamper, tell


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


async def trace(core, handle, **options):
    return await provenance.trace(core, LOCAL_USER, handle, **options)


@pytest.fixture
async def told(core):
    await tell(core, "Nadia likes tea.", author="Bo", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    return core


async def test_a_memory_leads_to_its_events_and_to_its_knowledge(told):
    found = await trace(told, "m1")
    (source,) = found.sources
    assert (source.handle, source.author, source.session_id) == ("e1", "Bo", "s")
    assert (source.content, source.quotes) == ("Nadia likes tea.", ["Nadia likes tea."])
    assert [(one.handle, one.layer, one.state) for one in found.derived] == [
        ("k1", "knowledge", "current")
    ]
    (action,) = found.history
    assert (action.dream, action.kind, action.phase, action.undone) == (
        "d1",
        "create",
        "auto",
        False,
    )
    assert (found.state, found.synthesizer) == ("active", "each-1")


async def test_an_event_leads_to_what_was_made_of_it(told):
    found = await trace(told, "e1")
    assert sorted(one.handle for one in found.derived) == ["k1", "m1"]
    assert [(one.dream, one.kind) for one in found.history] == [("d1", "consume")]
    assert found.state == "settled"


async def test_knowledge_leads_to_its_events(told):
    found = await trace(told, "k1")
    assert [one.handle for one in found.sources] == ["e1"]
    assert found.state == "current"


async def test_the_history_of_an_event_keeps_what_was_undone(told):
    await dreams.undo(told, LOCAL_USER, "d1")
    await dreams.run(told, LOCAL_USER, anima=None)
    found = await trace(told, "e1")
    assert [(one.dream, one.undone) for one in found.history] == [("d1", True), ("d3", False)]
    with pytest.raises(NotFoundError):
        await trace(told, "m1")


async def test_a_row_is_found_by_handle_in_any_case_and_by_id_in_any_anima(told):
    await animas.create(told, LOCAL_USER, AnimaCreate(name="other"))
    found = await trace(told, " M1 ")
    assert await trace(told, str(found.id), anima="other") == found
    with pytest.raises(NotFoundError):
        await trace(told, "m1", anima="other")


@pytest.mark.parametrize("handle", ["", "x1", "d1", "m0", "m-1", "m1.5", "m4294967296", "\ud800"])
async def test_what_is_no_handle_is_refused(told, handle):
    with pytest.raises(ValidationError) as caught:
        await trace(told, handle)
    assert caught.value.field == "handle"


@pytest.mark.parametrize("handle", ["e9", "m9", "k9", "m4294967295"])
async def test_an_unknown_handle_is_an_error(told, handle):
    with pytest.raises(NotFoundError):
        await trace(told, handle)


# Why it is in the pack, or not


async def test_a_row_says_where_it_stands_in_the_pack(told, clock):
    assert (await trace(told, "m1")).pack_reason == (
        "In the pack: line 1 of Current Session (recency)."
    )
    clock.move(DAY)
    assert (await trace(told, "m1")).pack_reason == (
        "In the pack: line 1 of Relevant Memories (high importance)."
    )
    found = await trace(told, "k1")
    assert found.pack_reason == "In the pack: line 1 of Relevant Knowledge (high importance)."
    assert found.in_pack


@pytest.mark.parametrize(
    ("handle", "change", "reason"),
    [
        ("m1", "UPDATE memories SET state = 'archived'", "Not in the pack: it is archived."),
        ("m1", "UPDATE memories SET superseded_by = 9", "Not in the pack: it is superseded."),
        ("k1", "UPDATE knowledge SET archived = 1", "Not in the pack: it is archived."),
        ("k1", "UPDATE knowledge SET superseded_by = 9", "Not in the pack: it is superseded."),
    ],
)
async def test_a_row_that_is_gone_says_so(told, tmp_path, handle, change, reason):
    tamper(tmp_path / FILE, change)
    found = await trace(told, handle)
    assert (found.in_pack, found.pack_reason) == (False, reason)


async def test_what_superseded_a_row_is_named_among_the_derived(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE knowledge SET superseded_by = id, valid_until = 5")
    assert [one.state for one in (await trace(told, "m1")).derived] == ["superseded"]


async def test_an_event_says_whether_it_is_raw_in_the_pack(told):
    await tell(told, "Bo likes rum.", session_id="s")
    assert (await trace(told, "e2")).pack_reason == "In the pack as a raw event."
    settled = await trace(told, "e1")
    assert (settled.in_pack, settled.pack_reason) == (
        False,
        "Not in the pack itself: memories speak for it.",
    )


async def test_a_row_that_others_outrank_says_so(core, clock):
    things = [
        f"Step {n} of {n * 7919 % 1000} is in drawer {n * 31}, " + "as I said, " * 20
        for n in range(120)
    ]
    await tell(core, *things, session_id="s", occurred_at=clock.now() - 2 * DAY)
    old = "An old thing: " + "1.2.3.4.5.6.7.8.9.0." * 40
    await tell(core, old, session_id="t", occurred_at=clock.now() - 900 * DAY)
    hidden = await trace(core, "e121")
    assert hidden.pack_reason == "Not in the pack: other lines rank higher."
    await dreams.run(core, LOCAL_USER, anima=None)
    hidden = await trace(core, "m1")
    assert hidden.pack_reason == (
        "Not in the pack: other lines rank higher, or one that says the same is in."
    )
    assert not hidden.in_pack


async def test_an_anima_without_events_still_tells_that_there_is_no_such_row(core):
    with pytest.raises(NotFoundError):
        await trace(core, "e1")
