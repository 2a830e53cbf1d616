"""Synthesis: what becomes of pending events, whatever races, breaks or lies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.errors import LeaseLostError, ServerError
from elephantasm_mcp.memory import animas, dreams, synthesis
from elephantasm_mcp.store import events as event_store
from elephantasm_mcp.store import jobs
from elephantasm_mcp.synthesis.fakes import MaliciousSynthesizer, ScriptedSynthesizer
from elephantasm_mcp.types.proposals import KnowledgeProposal, Proposals, SourceQuote
from elephantasm_mcp.types.records import LOCAL_USER, Event, KnowledgeType, RowId
from scenes import (
    FILE,
    HOUR,
    MINUTE,
    CrashError,
    EachEvent,
    check_consumption,
    check_counters,
    claim,
    derived_rows,
    fragile,
    look,
    propose,
    tell,
)


class Gate:
    """A synthesizer that waits, after its first `open_for` batches, until it is let go."""

    name = "gate-1"
    provisional = False

    def __init__(self, *, open_for: int = 0) -> None:
        self.reached = anyio.Event()
        self.go = anyio.Event()
        self._open_for = open_for

    async def synthesize(self, batch):
        if self._open_for == 0:
            self.reached.set()
            await self.go.wait()
        self._open_for -= 1
        return await EachEvent().synthesize(batch)


async def states(core):
    anima = await animas.find(core, LOCAL_USER, None)
    found = await core.database.read(event_store.list_between, anima)
    return {one.event.handle: str(one.event.state) for one in found}


async def dream(core, **options):
    return await dreams.run(core, LOCAL_USER, anima=None, **options)


# What is made


async def test_events_become_memories_with_their_sources_and_quotes(core, tmp_path):
    each = replace(core, synthesizer=EachEvent())
    await tell(each, "Nadia likes tea.", "Bo likes rum.", session_id="s", author="Cy")
    report = await dream(each)
    assert report.counts == {"events": 2, "memories": 2, "knowledge": 2}
    assert report.synthesizer == "each-1"
    assert await states(each) == {"e1": "settled", "e2": "settled"}
    links = look(tmp_path / FILE, "SELECT layer, id & 255, source_id & 255, quote FROM links")
    assert sorted(links) == [
        ("knowledge", 1, 1, "Nadia likes tea."),
        ("knowledge", 2, 2, "Bo likes rum."),
        ("memory", 1, 1, "Nadia likes tea."),
        ("memory", 2, 2, "Bo likes rum."),
    ]


async def test_a_provisional_synthesizer_marks_rows_and_events(core, tmp_path):
    each = replace(core, synthesizer=EachEvent(provisional=True))
    await tell(each, "Nadia likes tea.")
    await dream(each)
    assert await states(each) == {"e1": "provisional"}
    assert look(tmp_path / FILE, "SELECT provisional FROM memories") == [(1,)]


async def test_small_talk_is_consumed_though_nothing_is_made_of_it(core):
    silent = replace(core, synthesizer=ScriptedSynthesizer())
    await tell(silent, "Hi!")
    report = await dream(silent, phase="synthesis")
    assert report.counts == {"events": 1, "memories": 0, "knowledge": 0}
    assert await states(silent) == {"e1": "settled"}


async def test_a_derived_row_has_the_lowest_trust_and_the_span_of_its_sources(core, tmp_path):
    answer = Proposals(memories=[propose("Both.", "e1", "e2"), propose("One.", "e1")])
    scripted = replace(core, synthesizer=ScriptedSynthesizer([answer]))
    now = core.clock.now()
    await tell(scripted, "Told.", session_id="s", occurred_at=now - HOUR)
    await tell(scripted, "Read.", session_id="s", event_type="tool.result", occurred_at=now)
    await dream(scripted, phase="synthesis")
    rows = look(tmp_path / FILE, "SELECT summary, trust, time_end - time_start FROM memories")
    assert rows == [("Both.", "reported", 3_600_000_000), ("One.", "told", 0)]


async def test_a_liars_proposals_leave_only_what_is_true(core, tmp_path):
    lying = replace(core, synthesizer=MaliciousSynthesizer())
    await tell(lying, "Water boils.")
    report = await dream(lying, phase="synthesis")
    assert report.counts == {"events": 1, "memories": 1, "knowledge": 1}
    path = tmp_path / FILE
    assert look(path, "SELECT summary FROM memories") == [("A sound memory.",)]
    assert look(path, "SELECT DISTINCT source_id & 255, quote FROM links") == [(1, "Water boils.")]


async def test_the_same_words_of_two_events_are_two_memories(core, tmp_path, clock):
    each = replace(core, synthesizer=EachEvent())
    for minutes in (20, 0):
        await tell(each, "Yes, do it.", session_id="s", occurred_at=clock.now() - minutes * MINUTE)
    await dream(each, phase="synthesis")
    assert look(tmp_path / FILE, "SELECT source_id & 255 FROM links WHERE layer = 'memory'") == [
        (1,),
        (2,),
    ]


async def test_one_source_that_is_named_twice_is_linked_once(core, tmp_path):
    answer = Proposals(memories=[propose("Tea.", "e1", "e1", quote="tea")])
    scripted = replace(core, synthesizer=ScriptedSynthesizer([answer]))
    await tell(scripted, "Nadia likes tea.")
    await dream(scripted, phase="synthesis")
    assert look(tmp_path / FILE, "SELECT quote FROM links") == [("tea",)]


async def test_knowledge_may_only_cite_the_batch(core, tmp_path):
    outside = KnowledgeProposal(
        type=KnowledgeType.FACT, content="X.", confidence=1, sources=[SourceQuote(event="e2")]
    )
    memory = propose("Tea.", "e1").model_copy(update={"knowledge": [outside]})
    scripted = replace(core, synthesizer=ScriptedSynthesizer([Proposals(memories=[memory])]))
    await tell(scripted, "Tea.", session_id="a")
    await tell(scripted, "Rum.", session_id="b")
    await dream(scripted, phase="synthesis")
    assert look(tmp_path / FILE, "SELECT count(*) FROM knowledge") == [(0,)]


# Batches


async def batches_of(core):
    scripted = ScriptedSynthesizer()
    await dream(replace(core, synthesizer=scripted), phase="synthesis")
    return [[event.handle for event in batch.events] for batch in scripted.batches]


async def test_sessions_do_not_share_a_batch_and_the_oldest_comes_first(core, clock):
    now = clock.now()
    for minutes, session in ((5, "a"), (4, "b"), (3, "a"), (2, None), (1, "b")):
        await tell(core, f"{minutes}", session_id=session, occurred_at=now - minutes * MINUTE)
    assert await batches_of(core) == [["e1", "e3"], ["e2", "e5"], ["e4"]]


@pytest.mark.parametrize(
    ("session", "pause", "batches"),
    [
        (None, 30 * MINUTE, 1),
        (None, 31 * MINUTE, 2),
        ("s", 4 * HOUR, 1),
        ("s", 4 * HOUR + MINUTE, 2),
    ],
)
async def test_a_pause_ends_a_batch(core, clock, session, pause, batches):
    await tell(core, "Before.", session_id=session, occurred_at=clock.now() - pause)
    await tell(core, "After.", session_id=session)
    assert len(await batches_of(core)) == batches


async def test_a_batch_is_bounded_in_tokens_but_takes_an_event_of_any_length(core):
    await tell(core, *(f"{n} " + "word " * 2500 for n in range(3)), session_id="s")
    await tell(core, "word " * 30_000, session_id="s")
    found = await batches_of(core)
    assert [len(batch) for batch in found] == [2, 1, 1]


async def test_a_batch_is_bounded_in_events(core):
    await tell(core, *(f"Line {n}." for n in range(401)), session_id="s")
    assert [len(batch) for batch in await batches_of(core)] == [400, 1]


@given(
    st.lists(
        st.tuples(st.integers(0, 100_000), st.sampled_from([None, "s"]), st.integers(1, 9000)),
        max_size=12,
    )
)
def test_every_event_is_in_exactly_one_batch(told):
    found = [_stub(number, *one) for number, one in enumerate(told)]
    batches = synthesis.cut_batches(found, gap=30 * MINUTE)
    assert sorted(one.id for batch in batches for one in batch) == sorted(one.id for one in found)
    for batch in batches:
        assert len({one.event.session_id for one in batch}) == 1
        assert [one.time for one in batch] == sorted(one.time for one in batch)
        assert len(batch) == 1 or sum(one.tokens for one in batch) <= synthesis.BATCH_TOKENS


def _stub(number, seconds, session, tokens):
    """A stored event with what cutting looks at."""

    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    event = Event(
        id=UUID(int=number),
        handle=f"e{number + 1}",
        anima_id=UUID(int=0),
        event_type="system",
        content="x",
        occurred_at=moment,
        session_id=session,
        created_at=moment,
        updated_at=moment,
    )
    return event_store.StoredEvent(id=RowId(number), event=event, tokens=tokens)


# Races


async def test_of_two_dreams_on_the_same_events_one_wins(core, tmp_path):
    gate = Gate()
    slow, fast = replace(core, synthesizer=gate), replace(core, synthesizer=EachEvent())
    await tell(core, "Nadia likes tea.")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            reports = []
            group.start_soon(run_into, reports, slow)
            await gate.reached.wait()
            first = await dream(fast, phase="synthesis")
            gate.go.set()
    assert first.counts["memories"] == 1
    assert reports[0].counts == {}
    assert look(tmp_path / FILE, "SELECT count(*) FROM memories") == [(1,)]
    check_consumption(tmp_path / FILE)


async def run_into(reports, core, **options):
    reports.append(await dream(core, phase="synthesis", **options))


async def test_an_event_told_during_a_synthesis_is_for_the_next_one(core, tmp_path):
    gate = Gate()
    slow = replace(core, synthesizer=gate)
    await tell(core, "First.")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(run_into, [], slow)
            await gate.reached.wait()
            await tell(core, "Meanwhile, and earlier.", occurred_at=core.clock.now() - HOUR)
            gate.go.set()
    assert await states(core) == {"e2": "pending", "e1": "settled"}
    check_counters(tmp_path / FILE)


async def test_a_run_goes_on_in_a_new_dream_when_its_dream_is_undone(core, tmp_path):
    gate = Gate(open_for=1)
    slow = replace(core, synthesizer=gate)
    await tell(core, "First session.", session_id="a")
    await tell(core, "Second session.", session_id="b")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            reports = []
            group.start_soon(run_into, reports, slow)
            await gate.reached.wait()
            await dreams.undo(core, LOCAL_USER, "d1")
            gate.go.set()
    assert reports[0].handle == "d3"
    assert await states(core) == {"e1": "held", "e2": "settled"}
    assert look(tmp_path / FILE, "SELECT summary FROM memories") == [("Heard: Second session.",)]
    check_consumption(tmp_path / FILE)


async def test_a_batch_that_was_undone_meanwhile_is_left_alone(core, tmp_path):
    gate = Gate()
    slow, fast = replace(core, synthesizer=gate), replace(core, synthesizer=EachEvent())
    await tell(core, "First.")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(run_into, [], slow)
            await gate.reached.wait()
            made = await dream(fast, phase="synthesis")
            await dreams.undo(core, LOCAL_USER, made.handle)
            gate.go.set()
    assert await states(core) == {"e1": "held"}
    assert look(tmp_path / FILE, "SELECT count(*) FROM memories") == [(0,)]


async def test_a_run_whose_lease_went_away_writes_nothing(core, tmp_path):
    gate = Gate()
    slow = replace(core, synthesizer=gate)
    await tell(core, "First.")
    job = await claim(core)

    async def work():
        with pytest.raises(LeaseLostError):
            await dreams.run_job(slow, job)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            await gate.reached.wait()
            later = core.clock.now() + 2 * MINUTE
            taken = await core.database.write(
                jobs.claim, owner="other", now=later, lease_until=later + MINUTE
            )
            gate.go.set()
    assert taken.fence == job.fence + 1
    assert await states(core) == {"e1": "pending"}
    assert look(tmp_path / FILE, "SELECT count(*) FROM dreams") == [(0,)]
    assert await dreams.run_job(replace(core, synthesizer=EachEvent()), taken) is not None


async def test_a_cancelled_run_leaves_its_events_whole(core, tmp_path):
    gate = Gate(open_for=1)
    slow = replace(core, synthesizer=gate)
    await tell(core, "First.", session_id="a")
    await tell(core, "Second.", session_id="b")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(run_into, [], slow)
            await gate.reached.wait()
            group.cancel_scope.cancel()
    assert await states(core) == {"e1": "settled", "e2": "pending"}
    check_consumption(tmp_path / FILE)
    check_counters(tmp_path / FILE)


# Failures


async def test_a_synthesizer_that_fails_keeps_what_was_committed_before(core, tmp_path):
    answers = [Proposals(memories=[propose("One.", "e1")]), ServerError("No answer.")]
    failing = replace(core, synthesizer=ScriptedSynthesizer(answers))
    await tell(core, "First.", session_id="a")
    await tell(core, "Second.", session_id="b")
    with pytest.raises(ServerError):
        await dream(failing)
    assert await states(core) == {"e1": "settled", "e2": "pending"}
    check_counters(tmp_path / FILE)
    again = await dream(replace(core, synthesizer=EachEvent()), phase="synthesis")
    assert again.counts["events"] == 1
    check_consumption(tmp_path / FILE)


async def test_a_commit_that_breaks_at_any_statement_leaves_no_trace(core, tmp_path):
    path = tmp_path / FILE
    await tell(core, "Nadia likes tea.", "Bo likes rum.", session_id="s")
    broken, database = fragile(replace(core, synthesizer=EachEvent()))
    database.only = "commit"
    before = derived_rows(path)
    statement = 0
    while True:
        database.break_at = statement
        try:
            report = await dream(broken, phase="synthesis")
        except CrashError:
            assert derived_rows(path) == before
            assert await states(core) == {"e1": "pending", "e2": "pending"}
            assert look(path, "SELECT count(*) FROM dreams") == [(0,)]
            check_counters(path)
            statement += 1
            continue
        break
    assert statement > 20
    assert report.counts == {"events": 2, "memories": 2, "knowledge": 2}
    assert report.handle == "d1"
    check_consumption(path)
    check_counters(path)
