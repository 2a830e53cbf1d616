"""Animas: making them, finding them, and seeing nobody else's."""

from dataclasses import replace
from uuid import UUID

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    dreams,
    events,
    keys,
    packs,
    provenance,
    recall,
    uses,
    work_orders,
)
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from scenes import FILE, EachEvent, add_user, look, tell


async def create(core, name, user=LOCAL_USER, **fields):
    return await animas.create(core, user, AnimaCreate(name=name, **fields))


async def resolve(core, ref, user=LOCAL_USER):
    return await animas.resolve(core, user, ref)


async def test_an_anima_is_made_once_and_then_returned_unchanged(core):
    first, created = await create(core, "work", description="At work.", meta={"a": [1]})
    again, made_again = await create(core, " work\x00 ", description="Other.", meta=None)
    assert (created, made_again) == (True, False)
    assert first == again
    assert (first.description, first.meta) == ("At work.", {"a": [1]})


@pytest.mark.parametrize("name", [" ", "\x00", "\ufeff"])
async def test_a_blank_name_is_refused(core, name):
    with pytest.raises(ValidationError) as caught:
        await create(core, name)
    assert caught.value.field == "name"


@pytest.mark.parametrize("meta", [{"a": {1}}, {"n": float("inf")}])
async def test_meta_that_is_no_json_is_refused(core, meta):
    with pytest.raises(ValidationError) as caught:
        await create(core, "work", meta=meta)
    assert caught.value.field == "meta"


async def test_broken_characters_are_mended_in_every_field(core):
    made, _ = await create(core, "w", description="a\x00b", meta={"k": "a\ud83d\ude00\ud800"})
    assert (made.description, made.meta) == ("ab", {"k": "a😀\ufffd"})


async def test_an_anima_is_found_by_id_and_by_exact_name(core):
    made, _ = await create(core, "Work")
    for ref in ("Work", made.id, str(made.id), str(made.id).upper(), " Work "):
        assert await resolve(core, ref) == made
    with pytest.raises(NotFoundError):
        await resolve(core, "work")


async def test_a_name_is_found_however_its_accents_are_written(core):
    made, _ = await create(core, "cafe\u0301")
    assert await resolve(core, "caf\u00e9") == await resolve(core, "cafe\u0301") == made


async def test_an_id_wins_over_a_name_that_looks_like_one(core):
    made, _ = await create(core, "work")
    poser, _ = await create(core, str(made.id))
    assert await resolve(core, str(made.id)) == made
    assert await resolve(core, poser.id) == poser


async def test_the_default_anima_is_made_on_first_use_and_only_then(core, tmp_path):
    assert await animas.overview(core, LOCAL_USER) == []
    made = await resolve(core, None)
    assert (made.name, await resolve(core, None)) == ("default", made)
    by_id = replace(core, default_anima=str(made.id))
    assert await resolve(by_id, None) == made
    assert look(tmp_path / FILE, "SELECT count(*) FROM animas") == [(1,)]


async def test_a_blank_default_is_refused(core):
    with pytest.raises(ValidationError):
        await resolve(replace(core, default_anima=" "), None)


@pytest.mark.parametrize(
    "ref", ["wrok", "", "\x00", "x" * 10_000, "'; DROP TABLE animas; --", "\ud800"]
)
async def test_an_unknown_anima_is_an_error(core, ref):
    with pytest.raises(NotFoundError) as caught:
        await resolve(core, ref)
    assert caught.value.hint == "There are none yet; `create_anima` makes one."


async def test_the_error_names_the_known_ones_and_the_nearest(core):
    for name in ["work", *(f"a{number}" for number in range(11))]:
        await create(core, name)
    with pytest.raises(NotFoundError) as caught:
        await resolve(core, "wrok")
    assert caught.value.hint.startswith("Did you mean 'work'? Known: work, a0, a1,")
    assert "and 2 more. `create_anima` makes a new one." in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        await resolve(core, UUID(int=5))
    assert caught.value.hint.startswith("Known: work")


async def test_the_overview_counts_what_each_anima_shows(core):
    each = replace(core, synthesizer=EachEvent())
    await create(each, "other")
    await tell(each, "Tea.", "Rum.")
    await dreams.run(each, LOCAL_USER, anima=None)
    await tell(each, "Gin.")
    other, default = await animas.overview(each, LOCAL_USER)
    assert (other.name, other.events, other.last_event_at, other.default) == (
        "other",
        0,
        None,
        False,
    )
    assert (default.events, default.memories, default.knowledge, default.dreams) == (3, 2, 2, 1)
    assert (default.pending_events, default.default) == (1, True)
    assert default.last_event_at == each.clock.now()


async def test_an_update_changes_what_is_given(core):
    made, _ = await create(core, "work", description="old", meta={"a": 1})
    renamed = await animas.update(core, LOCAL_USER, made.id, name=" job ")
    assert (renamed.id, renamed.name, renamed.description) == (made.id, "job", "old")
    changed = await animas.update(core, LOCAL_USER, "job", description="new", meta={"b": 2})
    assert (changed.name, changed.description, changed.meta) == ("job", "new", {"b": 2})
    assert await animas.update(core, LOCAL_USER, "job", name="job") == changed


async def test_an_update_to_a_name_that_is_taken_is_refused(core):
    await create(core, "one")
    two, _ = await create(core, "two")
    with pytest.raises(ConflictError):
        await animas.update(core, LOCAL_USER, "two", name="one")
    assert await resolve(core, "two") == two


async def test_every_change_moves_the_revision(core):
    made = await resolve(core, None)
    seen = [(await animas.marks(core))[made.id].revision]

    async def moved():
        seen.append((await animas.marks(core))[made.id].revision)
        return seen[-1] > seen[-2]

    await tell(core, "Tea is good.", importance_score=0.1)
    assert await moved()
    await dreams.run(core, LOCAL_USER, anima=None)
    assert await moved()
    await dreams.undo(core, LOCAL_USER, "d1")
    assert await moved()
    await packs.compile_pack(core, LOCAL_USER, PackQuery())
    assert not await moved()


# Somebody else's


async def test_whatever_is_somebody_elses_does_not_exist(core, tmp_path):
    """Every service answers for it exactly as for something that never was."""
    other = add_user(tmp_path / FILE)
    each = replace(core, synthesizer=EachEvent())
    theirs, _ = await create(each, "theirs", other)
    (told,) = await tell(each, "The code is 4711.", user=other, anima_id="theirs")
    report = await dreams.run(each, other, anima="theirs")
    rows = [told.event.id, *(action.row for action in report.actions)]
    unknown = UUID(int=77)

    async def refusal(call, name):
        with pytest.raises(NotFoundError) as caught:
            await call(name)
        return str(caught.value).replace(str(name), "X"), caught.value.hint

    async def nothing(ref):
        return {
            "record": lambda name: tell(each, "x", anima_id=name),
            "list": lambda name: events.list_events(each, LOCAL_USER, name),
            "resolve": lambda name: resolve(each, name),
            "update": lambda name: animas.update(each, LOCAL_USER, name, description="mine"),
            "search": lambda name: recall.search(
                each, LOCAL_USER, SearchQuery(query="code", anima=name)
            ),
            "pack": lambda name: packs.compile_pack(each, LOCAL_USER, PackQuery(anima=name)),
            "dream": lambda name: dreams.run(each, LOCAL_USER, anima=name),
            "journal": lambda name: dreams.journal(each, LOCAL_USER, anima=name),
            "show": lambda name: dreams.show(each, LOCAL_USER, "d1", anima=name),
            "trace": lambda name: provenance.trace(each, LOCAL_USER, "m1", anima=name),
        }[ref]

    for service in (
        "record",
        "list",
        "resolve",
        "update",
        "search",
        "pack",
        "dream",
        "journal",
        "show",
        "trace",
    ):
        call = await nothing(service)
        assert await refusal(call, theirs.id) == await refusal(call, unknown)
        assert await refusal(call, "theirs") == await refusal(call, "nobody")
    for row in rows:
        assert await refusal(
            lambda name: provenance.trace(each, LOCAL_USER, str(name)), row
        ) == await refusal(lambda name: provenance.trace(each, LOCAL_USER, str(name)), unknown)
    for call in (dreams.show, dreams.undo):
        assert await refusal(
            lambda name, call=call: call(each, LOCAL_USER, str(name)), report.id
        ) == await refusal(lambda name, call=call: call(each, LOCAL_USER, str(name)), unknown)
    assert await animas.overview(each, LOCAL_USER) == []
    assert len(await dreams.journal(each, other, anima="theirs")) == 1


@pytest.mark.parametrize("layer", ["e", "m", "k"])
async def test_no_handle_reaches_into_the_next_anima(core, tmp_path, layer):
    """A number of 33 bits would spill over into the anima's own."""
    each = replace(core, synthesizer=EachEvent())
    await create(each, "mine")
    await create(each, "mine too")
    other = add_user(tmp_path / FILE)
    await create(each, "theirs", other)
    await tell(each, "The code is 4711.", user=other, anima_id="theirs")
    await dreams.run(each, other, anima="theirs")
    for number in range(1, 4):
        handle = f"{layer}{(number << 32) + 1}"
        with pytest.raises((NotFoundError, ValidationError)):
            await provenance.trace(each, LOCAL_USER, handle, anima="mine too")


async def test_one_name_may_belong_to_two_users(core, tmp_path):
    other = add_user(tmp_path / FILE)
    mine, _ = await create(core, "work")
    theirs, created = await create(core, "work", other)
    assert created
    assert mine.id != theirs.id
    assert (await resolve(core, "work"), await resolve(core, "work", other)) == (mine, theirs)


async def test_an_anima_that_is_given_away_is_its_new_users_with_all_it_holds(core, tmp_path):
    made, _ = await create(core, "house")
    await tell(core, "The boiler is old.", anima_id=made.id)
    core = replace(core, synthesizer=EachEvent(provisional=True), host="Make memories.")
    await dreams.run(core, LOCAL_USER, anima=made.id)
    order = await work_orders.offer(core, await animas.find(core, LOCAL_USER, made.id))
    await packs.compile_pack(core, LOCAL_USER, PackQuery(anima=made.id), client="test")
    await uses.flush(core)
    before = (await animas.marks(core))[made.id]
    ann = await keys.user_of(core, "ann")
    given = await animas.give(core, LOCAL_USER, "house", owner="ann")
    assert (given.id, given.name) == (made.id, "house")
    assert given.user_id != made.user_id
    with pytest.raises(NotFoundError):
        await resolve(core, made.id)
    assert await resolve(core, "house", ann) == given
    after = (await animas.marks(core))[made.id]
    assert (after.owner, after.revision > before.revision) == (ann.no, True)
    pack = await packs.compile_pack(core, ann, PackQuery(anima="house"), client="test")
    assert "boiler" in pack.as_prompt()
    assert pack.layers.changes.added == []
    assert await work_orders.offer(core, await animas.find(core, ann, "house")) == order
    with pytest.raises(NotFoundError):
        await dreams.complete(core, LOCAL_USER, str(order.id), proposals=[], host="test")
    for table in ("packs", "work_orders"):
        assert look(tmp_path / FILE, f"SELECT DISTINCT user_no FROM {table}") == [(ann.no,)]  # noqa: S608 - names of ours


async def test_an_anima_is_not_given_to_who_has_one_of_its_name_nor_by_who_does_not_see_it(core):
    ann = await keys.user_of(core, "ann")
    hers, _ = await create(core, "house", ann)
    mine, _ = await create(core, "house")
    with pytest.raises(ConflictError, match="ann already has an anima 'house'"):
        await animas.give(core, LOCAL_USER, "house", owner="ann")
    with pytest.raises(NotFoundError):
        await animas.give(core, LOCAL_USER, hers.id, owner="bob")
    with pytest.raises(ValidationError):
        await animas.give(core, LOCAL_USER, "house", owner=" ")
    assert await resolve(core, "house") == mine


async def test_a_key_for_an_anima_that_was_given_away_opens_it_no_longer(core):
    await create(core, "house")
    _, key = await keys.create(core, "k", only=["house"])
    await keys.user_of(core, "ann")
    await animas.give(core, LOCAL_USER, "house", owner="ann")
    caller = await keys.authenticate(core, key)
    with pytest.raises(NotFoundError):
        await resolve(core, "house", caller.user)
