"""Whatever happens in whatever order: no event is lost, none is made into memories twice.

Stateful: events are told, dreams run, fail, crash in the middle of a commit, race each other, lose
their lease and are undone, events are forgotten and give back others. After every step each event
is in one state, each that is no longer pending or held was consumed by exactly one dream that
stands, and all counters equal a recount.
"""

import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from elephantasm_mcp.errors import ConflictError, LeaseLostError, NotFoundError, ServerError
from elephantasm_mcp.memory import animas, dreams, forgetting, index
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.store import jobs
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import ForgetRequest
from scenes import (
    HOUR,
    CrashError,
    EachEvent,
    check_consumption,
    check_counters,
    check_index,
    claim,
    derived_rows,
    fragile,
    look,
    open_core,
    tell,
)

SESSIONS = st.sampled_from([None, "a", "b"])
PHASES = st.sampled_from(["auto", "synthesis", "light"])


class EachTwo(EachEvent):
    """Makes one memory, with a fact of each, of every two events."""

    async def synthesize(self, batch):
        made = (await super().synthesize(batch)).memories
        return Proposals(memories=[joined(*made[at : at + 2]) for at in range(0, len(made), 2)])


def joined(first, *others):
    """Memories as one."""
    rows = (first, *others)
    said = " ".join(one.summary for one in rows)
    update = {
        "summary": said,
        "content": said,
        "sources": [source for one in rows for source in one.sources],
        "knowledge": [fact for one in rows for fact in one.knowledge],
    }
    return first.model_copy(update=update)


class Failing(EachTwo):
    """Fails at its n-th batch."""

    def __init__(self, batches):
        super().__init__()
        self._left = batches

    async def synthesize(self, batch):
        self._left -= 1
        if self._left < 0:
            raise ServerError("No answer.")
        return await super().synthesize(batch)


class Interrupted(EachTwo):
    """Lets something else happen between a run's reading and its commit, once."""

    def __init__(self, meanwhile):
        super().__init__()
        self._meanwhile = [meanwhile]

    async def synthesize(self, batch):
        while self._meanwhile:
            await self._meanwhile.pop()()
        return await super().synthesize(batch)


class Dreaming(RuleBasedStateMachine):
    """One database, one anima, and everything that can happen to it."""

    def __init__(self):
        super().__init__()
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "memory.sqlite3"
        self._portal = self._stack.enter_context(start_blocking_portal())
        self.clock = FakeClock()
        self.told: dict[str, str] = {}
        self.dreams = 0

    def teardown(self):
        self._stack.close()

    def run(self, function, *arguments, **options):
        async def within():
            with anyio.fail_after(20):
                return await function(*arguments, **options)

        return self._portal.call(within)

    @initialize()
    def open(self):
        opened = open_core(self.path, clock=self.clock, synthesizer=EachTwo(), dimensions=8)
        self.core = self._stack.enter_context(self._portal.wrap_async_context_manager(opened))
        self.run(animas.resolve, self.core, LOCAL_USER, None)

    @rule(number=st.integers(0, 9), session=SESSIONS, hours=st.integers(-2, 30))
    def tell(self, number, session, hours):
        moment = self.clock.now() - hours * HOUR
        (told,) = self.run(
            tell,
            self.core,
            f"Thing {number}.",
            session_id=session,
            occurred_at=moment,
            importance_score=number / 10,
        )
        known = self.told.setdefault(told.event.handle, told.event.content)
        assert known == told.event.content

    @rule(phase=PHASES)
    def dream(self, phase):
        self.run(dreams.run, self.core, LOCAL_USER, anima=None, phase=phase)

    @rule(phase=PHASES, indexed=st.booleans())
    def dream_and_take_it_back(self, phase, indexed):
        before = derived_rows(self.path)
        report = self.run(dreams.run, self.core, LOCAL_USER, anima=None, phase=phase)
        if indexed:
            self.index()
        undone = self.run(dreams.undo, self.core, LOCAL_USER, report.handle)
        assert derived_rows(self.path) == before
        held = look(self.path, "SELECT 'e' || (id & 4294967295) FROM events WHERE state = 'held'")
        assert set(undone.events_held) <= {handle for (handle,) in held}
        assert len(undone.events_held) == report.counts.get("events", 0)

    @rule(batches=st.integers(0, 2))
    def dream_with_a_failing_synthesizer(self, batches):
        failing = replace(self.core, synthesizer=Failing(batches))
        with suppress(ServerError):
            self.run(dreams.run, failing, LOCAL_USER, anima=None, phase="synthesis")

    @rule(statement=st.integers(0, 60), name=st.sampled_from(["commit", "_sleep", "undo"]))
    def crash_within(self, statement, name):
        broken, database = fragile(self.core)
        before = derived_rows(self.path)
        states = look(self.path, "SELECT id, state FROM events")
        database.break_at, database.only = statement, name
        try:
            if name == "undo":
                self.run(dreams.undo, broken, LOCAL_USER, "d1")
            else:
                self.run(dreams.run, broken, LOCAL_USER, anima=None, phase="auto")
        except CrashError:
            if name == "undo":
                assert derived_rows(self.path) == before
                assert look(self.path, "SELECT id, state FROM events") == states
        except (ConflictError, NotFoundError):
            assert name == "undo"

    @rule(choice=st.integers(1, 12))
    def undo(self, choice):
        found = look(self.path, "SELECT count(*) FROM dreams")[0][0]
        if not found:
            return
        before = derived_rows(self.path)
        try:
            self.run(dreams.undo, self.core, LOCAL_USER, f"d{1 + choice % found}")
        except ConflictError:
            assert derived_rows(self.path) == before

    @rule()
    def work_on_a_job(self):
        async def work():
            job = await claim(self.core)
            await dreams.run_job(self.core, job)
            await self.core.database.write(jobs.finish, job)

        self.run(work)

    @rule()
    def work_on_a_job_whose_lease_is_lost(self):
        async def work():
            job = await claim(self.core, lease_s=-1)
            stolen = await claim(self.core)
            assert stolen.fence > job.fence
            events = look(self.path, "SELECT id, state FROM events")
            with suppress(LeaseLostError):
                await dreams.run_job(self.core, job)
            assert look(self.path, "SELECT id, state FROM events") == events
            await self.core.database.write(jobs.finish, stolen)

        self.run(work)

    @rule(undo=st.booleans(), by_job=st.booleans())
    def be_overtaken(self, undo, by_job):
        """Another dream consumes the same events first, and may even be undone again."""

        async def meanwhile():
            await tell(self.core, f"Meanwhile {len(self.told)}.")
            report = await dreams.run(self.core, LOCAL_USER, anima=None, phase="synthesis")
            if undo:
                await dreams.undo(self.core, LOCAL_USER, report.handle)

        async def work():
            slow = replace(self.core, synthesizer=Interrupted(meanwhile))
            if not by_job:
                await dreams.run(slow, LOCAL_USER, anima=None, phase="synthesis")
                return
            job = await claim(self.core)
            await dreams.run_job(slow, job)
            await self.core.database.write(jobs.finish, job)

        self.run(work)
        self._note_told()

    @rule(undo=st.booleans())
    def race(self, undo):
        """A job and an explicit dream, and an undo between them, all at once."""

        async def race():
            job = await claim(self.core)
            async with anyio.create_task_group() as group:
                group.start_soon(quietly, dreams.run_job, self.core, job)
                group.start_soon(quietly, dreams.run, self.core, LOCAL_USER)
                group.start_soon(quietly, tell, self.core, "Meanwhile.")
                if undo:
                    group.start_soon(quietly, dreams.undo, self.core, LOCAL_USER, "d1")
            await self.core.database.write(jobs.finish, job)

        async def quietly(function, *arguments):
            options = {"anima": None} if function is dreams.run else {}
            with suppress(ConflictError, NotFoundError):
                await function(*arguments, **options)

        self.run(race)
        self._note_told()

    def _note_told(self):
        for number, content in look(self.path, "SELECT id & 4294967295, content FROM events"):
            self.told.setdefault(f"e{number}", content)

    @rule(choice=st.integers(1, 20))
    def forget(self, choice):
        if self.told:
            handle = sorted(self.told)[choice % len(self.told)]
            del self.told[handle]
            request = ForgetRequest(handles=(handle,))
            self.run(forgetting.forget, self.core, LOCAL_USER, request, confirmed=True)

    @rule()
    def index(self):
        self.run(index.load_embedders, self.core)
        self.run(index.index_pending, self.core, 1)

    @rule(days=st.sampled_from([0, 1, 40, 200]))
    def wait(self, days):
        self.clock.move(timedelta(days=days))

    @invariant()
    def nothing_is_lost_or_made_twice(self):
        if not self.path.exists():
            return
        check_consumption(self.path)
        check_counters(self.path)
        check_index(self.path)
        rows = look(self.path, "SELECT id & 4294967295, content, state FROM events")
        assert {f"e{number}": content for number, content, _ in rows} == self.told
        assert {state for *_, state in rows} <= {"pending", "settled", "held"}
        living = look(
            self.path,
            "SELECT source_id, count(*) FROM links JOIN memories USING (id)"
            " WHERE layer = 'memory' AND superseded_by IS NULL GROUP BY 1",
        )
        settled = look(self.path, "SELECT id FROM events WHERE state = 'settled' ORDER BY id")
        assert living == [(id_, 1) for (id_,) in settled]


TestDreaming = Dreaming.TestCase
TestDreaming.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
