"""What one anima holds goes into another: what is joined, what stays, what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    dreams,
    forgetting,
    grants,
    identity,
    layers,
    merging,
    provenance,
)
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, User, UserNo
from elephantasm_mcp.types.views import ForgetRequest
from scenes import FILE, MINUTE, CrashError, EachEvent, derived_rows, fragile, look, tell
from scenes import identity as who

ALL = (
    "SELECT * FROM events ORDER BY id",
    "SELECT * FROM dreams ORDER BY id",
    "SELECT * FROM dream_actions ORDER BY dream_id, position",
    "SELECT * FROM dream_events ORDER BY dream_id, event_id",
    "SELECT * FROM animas ORDER BY anima_no",
    "SELECT * FROM vectors ORDER BY layer, model, id",
)


@pytest.fixture
async def two(core: Core) -> Core:
    """`wrong`, where a conversation of a project landed, and `acme/app`, where it belongs."""
    for name in ("wrong", "acme/app"):
        settings = {"threshold": 5} if name == "wrong" else {"threshold": 7}
        await animas.create(core, LOCAL_USER, AnimaCreate(name=name, settings=settings))
    made = replace(core, synthesizer=EachEvent())
    await tell(made, "Tea is hot.", "The build is red.", anima_id="wrong", author="Nadia")
    await tell(made, "The build is green.", anima_id="acme/app", author="Bo")
    for name in ("wrong", "acme/app"):
        await dreams.run(made, LOCAL_USER, anima=name, phase="synthesis")
    await tell(made, "Rum is strong.", anima_id="wrong", author="Nadia")
    return made


async def test_everything_comes_under_new_handles_and_still_leads_to_its_source(two: Core):
    report = await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    assert (report.events, report.memories, report.knowledge, report.pending) == (3, 2, 2, 1)
    assert (report.joined, report.dreams, report.dream) == (0, 1, "d3")
    said = [one.handle for one in await layers.memories(two, LOCAL_USER, "acme/app")]
    assert said == ["m1", "m2", "m3"]
    trace = await provenance.trace(two, LOCAL_USER, "m3", anima="acme/app")
    assert [(one.handle, one.quotes) for one in trace.sources] == [("e3", ["The build is red."])]
    assert [one.dream for one in trace.history] == ["d2"]
    left, right = await animas.overview(two, LOCAL_USER)
    assert (left.name, left.events, left.memories, left.pending_events) == ("wrong", 0, 0, 0)
    assert (right.name, right.events, right.pending_events) == ("acme/app", 4, 1)


async def test_settings_stay_and_no_handle_is_given_out_twice(two: Core):
    await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    thresholds = [
        (await animas.resolve(two, LOCAL_USER, name)).settings.threshold
        for name in ("wrong", "acme/app")
    ]
    assert thresholds == [5, 7]
    (again,) = await tell(two, "Back here.", anima_id="wrong")
    (more,) = await tell(two, "And there.", anima_id="acme/app")
    assert (again.event.handle, more.event.handle) == ("e4", "e5")


async def test_an_event_that_both_have_is_one_afterwards_with_all_that_was_made_of_it(two: Core):
    when = two.clock.now()
    for name in ("wrong", "acme/app"):
        await tell(two, "By key.", anima_id=name, dedupe_key="line-1")
        await tell(two, "By content.", anima_id=name, author="Nadia", occurred_at=when)
    await dreams.run(two, LOCAL_USER, anima="wrong", phase="synthesis")
    report = await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    assert (report.events, report.joined) == (5, 2)
    overview = (await animas.overview(two, LOCAL_USER))[1]
    assert (overview.events, overview.pending_events) == (1 + 5, 0)
    (made,) = [
        one
        for one in await layers.memories(two, LOCAL_USER, "acme/app")
        if "By key." in one.summary
    ]
    trace = await provenance.trace(two, LOCAL_USER, made.handle, anima="acme/app")
    assert [one.handle for one in trace.sources] == ["e2"]


async def test_the_identity_of_the_one_that_takes_it_stays(core: Core, tmp_path: Path):
    mine = replace(core, default_anima="mine")
    await tell(mine, "Hello.")
    await write_identity(mine, "Somebody else.")
    await animas.create(core, LOCAL_USER, AnimaCreate(name="theirs"))
    await merging.merge(mine, LOCAL_USER, "mine", "theirs")
    for name in ("mine", "theirs"):
        anima = await animas.find(core, LOCAL_USER, name)
        assert await core.database.read(identity.read, anima) is None
    assert look(tmp_path / FILE, "SELECT 1 FROM dream_actions WHERE layer = 'identity'") == []


async def write_identity(core: Core, prose: str) -> None:
    from scenes import write_rows

    await write_rows(core, who(core, prose))


async def test_what_was_forgotten_stays_forgotten(two: Core):
    request = ForgetRequest(handles=("e1",), anima="wrong")
    await forgetting.forget(two, LOCAL_USER, request, confirmed=True)
    await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    with pytest.raises(NotFoundError, match="forgotten"):
        await provenance.trace(two, LOCAL_USER, "e2", anima="acme/app")


async def test_what_was_forgotten_in_either_is_not_told_again_to_the_one(two: Core):
    for anima in ("wrong", "acme/app"):
        (told,) = await tell(two, "Once more.", dedupe_key=anima, anima_id=anima)
        request = ForgetRequest(handles=(told.event.handle,), anima=anima)
        await forgetting.forget(two, LOCAL_USER, request, confirmed=True)
    await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    for key in ("wrong", "acme/app"):
        (again,) = await tell(two, "Once more.", dedupe_key=key, anima_id="acme/app")
        assert not again.stored


async def test_what_one_forgot_and_the_other_has_comes_with_it(two: Core):
    for anima in ("wrong", "acme/app"):
        (told,) = await tell(two, "Once more.", dedupe_key="key", anima_id=anima)
    request = ForgetRequest(handles=(told.event.handle,), anima="acme/app")
    await forgetting.forget(two, LOCAL_USER, request, confirmed=True)
    assert (await merging.merge(two, LOCAL_USER, "wrong", "acme/app")).events == 4
    (again,) = await tell(two, "Once more.", dedupe_key="key", anima_id="acme/app")
    assert (again.duplicate, again.event.handle) == (True, "e6")


async def test_who_may_read_it_then_is_said_before(two: Core):
    await animas.create(two, LOCAL_USER, AnimaCreate(name="reader"))
    await grants.add(two, LOCAL_USER, "acme/app", GrantRequest(to="reader"))
    seen = await merging.preview(two, LOCAL_USER, "wrong", "acme/app")
    assert (seen.readers, seen.dream, seen.merged_at) == (["reader"], None, None)
    grants_before = await grants.list_all(two, LOCAL_USER)
    await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    assert await grants.list_all(two, LOCAL_USER) == grants_before


async def test_the_entry_of_a_merge_cannot_be_undone_but_the_dreams_that_came_can(two: Core):
    report = await merging.merge(two, LOCAL_USER, "wrong", "acme/app")
    with pytest.raises(ConflictError, match="cannot be undone"):
        await dreams.undo(two, LOCAL_USER, report.dream, anima="acme/app")
    undone = await dreams.undo(two, LOCAL_USER, "d2", anima="acme/app")
    assert set(undone.removed) == {"m2", "m3", "k2", "k3"}


@pytest.mark.parametrize("statements", [0, 3, 9, 20, 33, 47])
async def test_a_merge_that_breaks_off_changed_nothing(two: Core, tmp_path: Path, statements: int):
    def everything() -> object:
        return [look(tmp_path / FILE, sql) for sql in ALL], derived_rows(tmp_path / FILE)

    before = everything()
    breaking, database = fragile(two)
    database.break_at, database.only = statements, "write"
    with pytest.raises(CrashError):
        await merging.merge(breaking, LOCAL_USER, "wrong", "acme/app")
    assert everything() == before
    assert (await merging.merge(two, LOCAL_USER, "wrong", "acme/app")).events == 3


async def test_what_cannot_be_merged_is_refused(two: Core):
    two.clock.move(MINUTE)
    for act in (merging.preview, merging.merge):
        with pytest.raises(ValidationError, match="into itself"):
            await act(two, LOCAL_USER, "wrong", "wrong")
        with pytest.raises(NotFoundError, match="no-such"):
            await act(two, LOCAL_USER, "wrong", "no-such")
        with pytest.raises(NotFoundError):
            await act(two, User(UserNo(2)), "wrong", "acme/app")
