"""Dreams: running one, taking one back exactly, reading the journal."""

from dataclasses import replace

import pytest
from anyio.from_thread import BlockingPortal

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, dreams, index, ledger, packs, recall
from elephantasm_mcp.memory.dreams import WORKER
from elephantasm_mcp.store import dreams as store
from elephantasm_mcp.store import jobs, memories
from elephantasm_mcp.store.jobs import JobKind
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, row_id
from scenes import (
    DAY,
    FILE,
    HOUR,
    CrashError,
    EachEvent,
    add_user,
    check_consumption,
    check_counters,
    check_index,
    claim,
    derived_rows,
    fragile,
    look,
    tamper,
    tell,
)


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


async def dream(core, **options):
    return await dreams.run(core, LOCAL_USER, anima=None, **options)


async def undo(core, name, **options):
    return await dreams.undo(core, LOCAL_USER, name, **options)


async def index_all(core):
    await index.load_embedders(core)
    return await index.index_pending(core, (await animas.find(core, LOCAL_USER, None)).anima_no)


async def fade_job(core):
    """What the background task does for light sleep."""
    job = await claim(core, kind=JobKind.LIGHT_SLEEP)
    made = await dreams.run_job(core, job)
    await core.database.write(jobs.finish, job)
    return made


async def faded(core, clock):
    """An anima with one unimportant memory that light sleep just let fade."""
    await tell(core, "Nadia likes tea.", importance_score=0.1)
    await dream(core, phase="synthesis")
    clock.move(90 * DAY)
    return await dream(core, phase="light")


# Running


async def test_a_dream_reports_its_actions_readably(core):
    await tell(core, "Nadia likes tea.", session_id="s")
    report = await dream(core)
    memory, fact = report.actions
    assert (report.handle, report.phase, report.state, report.actor) == (
        "d1",
        "auto",
        "done",
        "user",
    )
    assert (memory.kind, memory.operation, memory.handle, memory.before) == (
        "create",
        "synthesize",
        "m1",
        None,
    )
    assert memory.sources == ["e1"]
    assert memory.after["created_at"] == "2026-03-02T10:30:00+00:00"
    assert memory.after["pinned"] is False
    assert memory.after["meta"] == {}
    assert memory.after["sources"] == [{"source": "e1", "quote": "Nadia likes tea."}]
    assert fact.after["memory_id"] == "m1"
    assert "uuid" not in memory.after
    assert report == await dreams.show(core, LOCAL_USER, "d1")
    assert report == await dreams.show(core, LOCAL_USER, str(report.id))
    assert [report] == await dreams.journal(core, LOCAL_USER)


async def test_a_dream_that_was_asked_for_stands_in_the_journal_though_nothing_was_to_do(core):
    for phase in ("auto", "synthesis", "light", "deep"):
        report = await dream(core, phase=phase)
        assert (report.phase, report.actions, report.counts) == (phase, [], {})
    assert [one.handle for one in await dreams.journal(core, LOCAL_USER)] == [
        "d4",
        "d3",
        "d2",
        "d1",
    ]
    assert [one.handle for one in await dreams.journal(core, LOCAL_USER, limit=1)] == ["d4"]


async def test_the_background_task_leaves_no_empty_dream(core):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    assert await fade_job(core) is None
    assert len(await dreams.journal(core, LOCAL_USER)) == 1


async def test_a_dream_of_all_phases_is_one_dream(core, clock):
    await tell(core, "Nadia likes tea.", importance_score=0.1)
    await dream(core)
    clock.move(90 * DAY)
    await tell(core, "Bo likes rum.")
    report = await dream(core)
    assert report.counts == {
        "events": 1,
        "memories": 1,
        "knowledge": 1,
        "decaying": 1,
    }
    assert [action.operation for action in report.actions] == ["synthesize", "synthesize", "fade"]


@pytest.mark.parametrize(
    ("phase", "kinds"),
    [("auto", set()), ("synthesis", {"light", "deep"}), ("deep", {"light", "synthesis"})],
)
async def test_a_dream_forgives_the_jobs_of_its_phase(core, phase, kinds):
    anima = await animas.find(core, LOCAL_USER, None)
    now = core.clock.now()
    for kind in JobKind:
        await core.database.write(jobs.add, anima.anima_no, kind, now=now)
        job = await core.database.write(jobs.claim, owner="w", now=now, lease_until=now)
        await core.database.write(jobs.quarantine, job, error="Broken.")
    await dream(core, phase=phase)
    found = await core.database.read(jobs.list_all)
    assert {job.kind for _, job in found if job.state == "quarantined"} == kinds


# Undoing


async def test_an_undo_leaves_every_row_as_it_was_and_holds_the_events(core, tmp_path):
    path = tmp_path / FILE
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await index_all(core)
    before = derived_rows(path)
    await tell(core, "Bo likes rum.", "Cy likes gin.", session_id="s")
    await dream(core)
    await index_all(core)
    report = await undo(core, "d2")
    assert (report.dream, report.undone_by) == ("d2", "d3")
    assert sorted(report.removed) == ["k2", "k3", "m2", "m3"]
    assert (report.restored, report.events_held) == ([], ["e2", "e3"])
    assert report.message == (
        "d2 is undone: 4 rows removed; 2 events held. "
        "Held events wait for the next explicit `dream`."
    )
    assert derived_rows(path) == before
    check_index(path)
    check_consumption(path)
    check_counters(path)
    assert [one.state for one in await dreams.journal(core, LOCAL_USER)] == [
        "done",
        "undone",
        "done",
    ]


async def test_nothing_of_what_was_undone_can_be_found(core, tmp_path):
    await tell(core, "Nadia likes lapsang.")
    await dream(core)
    await index_all(core)
    await undo(core, "d1")
    hits = await recall.search(core, LOCAL_USER, SearchQuery(query="lapsang"))
    assert [hit.handle for hit in hits] == ["e1"]
    assert look(tmp_path / FILE, "SELECT DISTINCT layer FROM vectors") == [("event",)]


async def test_an_undone_row_may_be_indexed_at_the_same_time(core, tmp_path):
    """The vectors of rows that went away while they were computed are not stored."""
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await index_all(core)
    anima = await animas.find(core, LOCAL_USER, None)

    class Interrupted:
        name, dimensions, loaded = "late:1", 4, True

        def __getattr__(self, name):
            return getattr(core.sentences, name)

        def encode(self, texts):
            if "Heard" in texts[0]:
                portal.call(undo, core, "d1")
            return core.sentences.encode(texts)

    async with BlockingPortal() as portal:
        await index.index_pending(replace(core, sentences=Interrupted()), anima.anima_no)
    check_index(tmp_path / FILE)
    assert look(tmp_path / FILE, "SELECT layer FROM vectors WHERE model = 'late:1'") == [("event",)]


async def test_held_events_wait_for_an_explicit_dream(core, tmp_path):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await undo(core, "d1")
    assert await dreams.run_job(core, await claim(core)) is None
    assert (await dream(core)).counts["events"] == 1
    check_consumption(tmp_path / FILE)


async def test_numbers_are_never_used_again(core):
    await tell(core, "Nadia likes tea.")
    for dream_no, memory_no in (("d1", "m1"), ("d3", "m2")):
        report = await dream(core)
        assert (report.handle, report.actions[0].handle) == (dream_no, memory_no)
        await undo(core, dream_no)


async def test_an_undone_dream_cannot_be_undone_again_nor_can_an_undo(core, tmp_path):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await undo(core, "d1")
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(ConflictError, match=r"d1 was already undone by d2\."):
        await undo(core, "d1")
    with pytest.raises(ConflictError, match="d2 is itself an undo"):
        await undo(core, "d2")
    assert derived_rows(tmp_path / FILE) == before
    assert len(await dreams.journal(core, LOCAL_USER)) == 2


async def test_a_later_dream_on_the_same_row_is_in_the_way_and_named(core, clock, tmp_path):
    before = None
    report = await faded(core, clock)
    assert report.counts == {"decaying": 1}
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(
        ConflictError, match="d1 cannot be undone: d2 changed m1 after it"
    ) as caught:
        await undo(core, "d1")
    assert caught.value.hint == "Undo d2 first."
    assert derived_rows(tmp_path / FILE) == before
    await undo(core, "d2")
    await undo(core, "d1")
    assert not any(derived_rows(tmp_path / FILE))


async def test_a_later_dream_of_the_same_events_is_in_the_way_and_named(core, tmp_path):
    silent = replace(core, synthesizer=EachEvent())
    await tell(silent, "Nadia likes tea.")
    await dream(silent)
    tamper(tmp_path / FILE, "UPDATE events SET state = 'pending'")
    await dream(silent)
    with pytest.raises(ConflictError, match="d1 cannot be undone: d2 used the same events"):
        await undo(core, "d1")


async def test_new_events_and_dreams_on_other_rows_never_block_an_undo(core, tmp_path):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await tell(core, "Bo likes rum.")
    await dream(core)
    await tell(core, "Cy likes gin.")
    await undo(core, "d1")
    assert look(tmp_path / FILE, "SELECT id & 255, state FROM events") == [
        (1, "held"),
        (2, "settled"),
        (3, "pending"),
    ]
    check_counters(tmp_path / FILE)


async def test_a_row_that_changed_past_the_journal_is_not_overwritten(core, tmp_path):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    tamper(tmp_path / FILE, "UPDATE memories SET summary = 'Somebody was here.'")
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(ConflictError, match="m1 is not what the dream left"):
        await undo(core, "d1")
    assert derived_rows(tmp_path / FILE) == before


async def test_uses_do_not_stand_in_the_way_of_an_undo(core, tmp_path, clock):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    await packs.compile_pack(core, LOCAL_USER, PackQuery())
    clock.move(HOUR)
    await dream(core, phase="light")
    await undo(core, "d1")
    assert not any(derived_rows(tmp_path / FILE))


async def test_an_undo_that_breaks_at_any_statement_changes_nothing(core, tmp_path, clock):
    path = tmp_path / FILE
    await faded(core, clock)
    await undo(core, "d2")
    await index_all(core)
    broken, database = fragile(core)
    before, statement = derived_rows(path), 0
    while True:
        database.break_at = statement
        try:
            await undo(broken, "d1")
        except CrashError:
            assert derived_rows(path) == before
            check_index(path)
            statement += 1
            continue
        break
    assert statement > 20
    assert not any(derived_rows(path))
    check_index(path)


# Undoing light sleep


async def test_undoing_light_sleep_restores_the_rows_exactly(core, clock, tmp_path):
    await tell(core, "Nadia likes tea.", importance_score=0.1)
    await dream(core, phase="synthesis")
    before = derived_rows(tmp_path / FILE)
    clock.move(90 * DAY)
    await dream(core, phase="light")
    assert derived_rows(tmp_path / FILE) != before
    report = await undo(core, "d2")
    assert (report.restored, report.removed, report.events_held) == (["m1"], [], [])
    assert report.message == "d2 is undone: 1 row restored."
    assert derived_rows(tmp_path / FILE) == before


async def test_what_was_taken_back_is_not_done_again_by_time_alone(core, clock, tmp_path):
    await faded(core, clock)
    await undo(core, "d2")
    before = derived_rows(tmp_path / FILE)
    for _ in range(3):
        clock.move(200 * DAY)
        assert await fade_job(core) is None
    assert derived_rows(tmp_path / FILE) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE memories SET access_count = access_count + 1",
        "UPDATE memories SET importance = 0.2",
    ],
)
async def test_what_was_taken_back_may_be_done_again_once_its_inputs_change(
    core, clock, tmp_path, change
):
    await faded(core, clock)
    await undo(core, "d2")
    tamper(tmp_path / FILE, change)
    clock.move(400 * DAY)
    assert await fade_job(core) is not None


async def test_an_undo_of_an_empty_dream_says_that_it_had_changed_nothing(core):
    await dream(core)
    report = await undo(core, "d1")
    assert report.message == "d1 is undone: it had changed nothing."


# Finding dreams


async def test_an_unknown_dream_is_an_error(core):
    for name in ("d1", "d4294967295", "00000000-0000-7000-8000-000000000099"):
        with pytest.raises(NotFoundError):
            await dreams.show(core, LOCAL_USER, name)
    for name in ("m1", "dream", "", "d0", "d4294967296", "d-1", "\ud800"):
        with pytest.raises(ValidationError) as caught:
            await undo(core, name)
        assert caught.value.field == "dream"


async def test_an_id_wins_over_the_anima_that_is_named(core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    report = await dream(core)
    assert await dreams.show(core, LOCAL_USER, str(report.id), anima="other") == report


async def test_another_users_dreams_do_not_exist(core, tmp_path):
    await tell(core, "Nadia likes tea.")
    report = await dream(core)
    other = add_user(tmp_path / FILE)
    for name in ("d1", str(report.id)):
        for call in (dreams.show, dreams.undo):
            with pytest.raises(NotFoundError) as caught:
                await call(core, other, name)
            with pytest.raises(NotFoundError) as unknown:
                await call(core, other, "d7")
            assert caught.value.hint == unknown.value.hint
    assert await dreams.journal(core, other) == []
    with pytest.raises(NotFoundError):
        await dreams.run(core, other, anima=report.anima_id)


async def test_the_background_tasks_dreams_say_so(core, clock):
    await tell(core, "Nadia likes tea.", importance_score=0.1)
    await dream(core, phase="synthesis")
    clock.move(90 * DAY)
    await fade_job(core)
    newest = (await dreams.journal(core, LOCAL_USER))[0]
    assert (newest.actor, newest.phase) == (WORKER, "light")
    assert newest.actions[0].reasoning.startswith("Not used for long: decay 0.8")
    assert newest.actions[0].before["state"] == "active"
    assert newest.actions[0].after["version"] == 2


async def test_of_two_undos_at_once_one_is_told_that_the_other_was_faster(core):
    await dream(core)
    stale = await core.database.read(store.find, (await dreams.show(core, LOCAL_USER, "d1")).id)
    await undo(core, "d1")
    anima = await animas.find(core, LOCAL_USER, None)
    run = ledger.Run(core.ids.uuid(), ledger.UNDO, "user", core.clock.now())
    with pytest.raises(ConflictError, match="d1 was already undone by d2"):
        await core.database.write(ledger.undo, anima, stale, run, now=core.clock.now())
    assert [one.handle for one in await dreams.journal(core, LOCAL_USER)] == ["d2", "d1"]


async def test_dreams_that_cross_are_undone_in_the_order_of_their_changes(core):
    await tell(core, "Nadia likes tea.")
    await dream(core)
    anima = await animas.find(core, LOCAL_USER, None)

    def open_run(tx):
        run = ledger.Run(core.ids.uuid(), "light", "user", core.clock.now())
        return ledger.open_dream(tx, anima, run, now=core.clock.now())

    def change(tx, opened, importance):
        before = memories.read_snapshot(tx, "memory", row_id(anima.anima_no, 1))
        after = ledger.stamp({**before, "importance": importance}, now=core.clock.now())
        changes = [ledger.Change("memory", row_id(anima.anima_no, 1), after, operation="test")]
        ledger.apply(tx, anima, opened, changes, counts={}, now=core.clock.now())

    first = await core.database.write(open_run)
    second = await core.database.write(open_run)
    await core.database.write(change, second, 0.6)
    await core.database.write(change, first, 0.7)
    with pytest.raises(ConflictError, match="d3 cannot be undone: d2 changed m1 after it"):
        await undo(core, "d3")
    await undo(core, "d2")
    await undo(core, "d3")
    await undo(core, "d1")


async def test_what_another_dream_left_of_a_batch_is_dreamt_of_as_well(core, tmp_path):
    class Meanwhile(EachEvent):
        """While it thinks, another process consumes the first event."""

        async def synthesize(self, batch):
            tamper(tmp_path / FILE, "UPDATE events SET state = 'settled' WHERE id & 255 = 1")
            return await super().synthesize(batch)

    await tell(core, "Nadia likes tea.", "Bo likes rum.", session_id="s")
    report = await dream(replace(core, synthesizer=Meanwhile()), phase="synthesis")
    assert [action.sources for action in report.actions if action.layer == "memory"] == [["e2"]]
