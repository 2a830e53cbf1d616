"""The background task: when it works, what it survives, what it shows."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from elephantasm_mcp import worker as worker_module
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ServerError, StorageError
from elephantasm_mcp.memory import animas, dreams, forgetting, packs, recall
from elephantasm_mcp.ports import LOCAL
from elephantasm_mcp.store import jobs
from elephantasm_mcp.store.jobs import JobKind, JobState
from elephantasm_mcp.synthesis.fakes import MaliciousSynthesizer, ScriptedSynthesizer
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from elephantasm_mcp.worker import Worker
from scenes import (
    DAY,
    FILE,
    HOUR,
    MINUTE,
    EachEvent,
    check_consumption,
    check_counters,
    check_index,
    check_index_is_whole,
    look,
    tamper,
    tell,
)

MANY = [f"Thing {number}." for number in range(25)]
"""Enough for a synthesis at once: 25 events weigh 12.5."""


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


def worker_on(core, *, owner="w", run_jobs=True):
    return Worker(core, owner=owner, run_jobs=run_jobs)


async def rounds(worker):
    """Run until nothing is left to do, and say how many rounds that took."""
    done = 0
    with anyio.fail_after(20):
        while await worker.run_once():
            done += 1
    return done


@asynccontextmanager
async def at_work(worker):
    with anyio.fail_after(20):
        async with worker.running():
            yield worker


async def until(condition):
    """Wait for the background task to get there."""
    with anyio.fail_after(20):
        while not await condition():
            await anyio.lowlevel.checkpoint()


async def all_jobs(core):
    return [job for _, job in await core.database.read(jobs.list_all)]


def states(tmp_path):
    return {state for (state,) in look(tmp_path / FILE, "SELECT DISTINCT state FROM events")}


class Gate(EachEvent):
    """A synthesizer that waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.reached, self.go = anyio.Event(), anyio.Event()

    async def synthesize(self, batch):
        self.reached.set()
        await self.go.wait()
        return await super().synthesize(batch)


# When it works


async def test_nothing_to_do_is_no_work_and_no_write(core):
    before = await core.database.data_version()
    assert not await worker_on(core).run_once()
    assert await core.database.data_version() == before


async def test_what_was_told_is_indexed_and_what_accumulated_is_synthesized(core, tmp_path):
    await tell(core, *MANY, session_id="s")
    worker = worker_on(core)
    assert await rounds(worker) >= 2
    assert states(tmp_path) == {"settled"}
    assert await all_jobs(core) == []
    check_index_is_whole(tmp_path / FILE, "hash-64:1")
    check_consumption(tmp_path / FILE)
    check_counters(tmp_path / FILE)


async def test_few_events_wait_until_their_time_has_come(core, tmp_path, clock):
    await tell(core, "Tea is good.")
    worker = worker_on(core)
    await rounds(worker)
    clock.move(9 * HOUR)
    await rounds(worker)
    assert states(tmp_path) == {"pending"}
    clock.move(HOUR)
    await rounds(worker)
    assert states(tmp_path) == {"settled"}


async def test_light_sleep_comes_after_its_interval(core, clock):
    await tell(core, "Tea is good for the nerves.", importance_score=0.1)
    await dreams.run(core, LOCAL_USER, anima=None)
    clock.move(11 * HOUR)
    worker = worker_on(core)
    await rounds(worker)
    anima = await animas.find(core, LOCAL_USER, None)
    assert clock.now() - anima.light_sleep_at == 11 * HOUR
    clock.move(HOUR)
    await rounds(worker)
    anima = await animas.find(core, LOCAL_USER, None)
    assert anima.light_sleep_at == clock.now()
    clock.move(90 * DAY)
    await rounds(worker)
    light = [one for one in await dreams.journal(core, LOCAL_USER) if one.phase == "light"]
    assert light[0].counts == {"decaying": 1}


async def test_without_jobs_it_only_keeps_the_index(core, tmp_path):
    await tell(core, *MANY)
    assert await rounds(worker_on(core, run_jobs=False)) == 1
    assert states(tmp_path) == {"pending"}
    assert await all_jobs(core) == []
    check_index_is_whole(tmp_path / FILE, "hash-64:1")


async def test_uses_of_packs_are_written_down(core, tmp_path):
    await tell(core, "Tea is good.")
    await dreams.run(core, LOCAL_USER, anima=None)
    await packs.compile_pack(core, LOCAL_USER, PackQuery())
    await worker_on(core, run_jobs=False).run_once()
    assert look(tmp_path / FILE, "SELECT uses FROM accesses") == [(1,)]


async def test_a_write_wakes_it(core, tmp_path):
    async with at_work(worker_on(core)) as worker:
        await until_idle(worker)
        await tell(core, *MANY, session_id="s")
        worker.wake()
        await until(lambda: is_settled(tmp_path))


async def test_a_write_of_another_process_wakes_it(core, tmp_path, monkeypatch):
    monkeypatch.setattr(worker_module, "POLL_S", 0.01)
    async with at_work(worker_on(core)) as worker:
        await until_idle(worker)
        await tell(core, *MANY, session_id="s")
        await until(lambda: is_settled(tmp_path))


async def test_time_alone_wakes_it(core, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "CLOCK_S", 0.01)
    await tell(core, "Tea is good.")
    async with at_work(worker_on(core)) as worker:
        await until_idle(worker)
        clock.move(11 * HOUR)
        await until(lambda: is_settled(tmp_path))


async def is_settled(tmp_path):
    return states(tmp_path) == {"settled"}


async def until_idle(worker):
    async def idle():
        return (await worker.status()).state == "idle"

    await until(idle)


async def test_being_woken_loads_the_models(core):
    worker = worker_on(core)
    await worker.run_once()
    assert not core.sentences.loaded
    worker.wake()
    await worker.run_once()
    assert core.sentences.loaded


# Failures


async def test_a_failing_synthesizer_is_asked_again_later_and_later_and_then_set_aside(
    core, clock, tmp_path
):
    errors = [ServerError("No answer.", hint="Try later.") for _ in range(3)]
    core = replace(core, synthesizer=ScriptedSynthesizer(errors))
    await tell(core, *MANY, session_id="s")
    worker = worker_on(core)
    waits = []
    for _ in range(3):
        await rounds(worker)
        (job,) = await all_jobs(core)
        waits.append(job.run_at - clock.now())
        clock.move(waits[-1])
    assert waits == [timedelta(seconds=seconds) for seconds in (30, 60, 120)]
    assert (job.state, job.attempts, job.last_error) == (
        JobState.QUARANTINED,
        3,
        "No answer. Try later.",
    )
    status = await worker.status()
    assert (status.state, status.last_error) == ("failing", "No answer. Try later.")
    assert not status.healthy
    clock.move(30 * DAY)
    assert await rounds(worker) == 0
    assert len(await all_jobs(core)) == 1
    assert states(tmp_path) == {"pending"}
    check_counters(tmp_path / FILE)


async def test_an_explicit_dream_forgives_and_the_task_recovers(core, clock, tmp_path):
    errors = [ServerError("No answer.") for _ in range(3)]
    core = replace(core, synthesizer=ScriptedSynthesizer(errors))
    await tell(core, *MANY, session_id="s")
    worker = worker_on(core)
    for _ in range(3):
        await rounds(worker)
        clock.move(HOUR)
    await dreams.run(core, LOCAL_USER, anima=None)
    assert states(tmp_path) == {"settled"}
    await rounds(worker)
    assert await all_jobs(core) == []


async def test_whatever_a_job_raises_ends_in_its_row(core):
    core = replace(core, synthesizer=ScriptedSynthesizer([ZeroDivisionError("secret path")]))
    await tell(core, *MANY, session_id="s")
    await rounds(worker_on(core))
    (job,) = await all_jobs(core)
    assert (job.state, job.last_error) == (JobState.PENDING, "ZeroDivisionError")


async def test_the_failure_of_one_anima_keeps_no_other_waiting(core, tmp_path):
    bad_answers = [ServerError("No answer.")]
    core = replace(core, synthesizer=ScriptedSynthesizer([*bad_answers, Proposals()]))
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *MANY, session_id="s")
    await tell(core, *MANY, session_id="s", anima_id="other")
    await rounds(worker_on(core))
    counts = look(tmp_path / FILE, "SELECT state, count(*) FROM events GROUP BY state")
    assert counts == [("pending", 25), ("settled", 25)]


async def test_it_shows_a_failure_until_a_job_succeeds(core, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "CLOCK_S", 0.01)
    errors = [ServerError("No answer.")]
    core = replace(core, synthesizer=ScriptedSynthesizer(errors))
    await tell(core, *MANY, session_id="s")
    async with at_work(worker_on(core)) as worker:

        async def failing():
            return not (await worker.status()).healthy

        await until(failing)
        clock.move(MINUTE)
        await until_idle(worker)
    assert (await worker.status()).state == "off"


async def test_no_failure_of_a_round_ends_the_loop(core, tmp_path, monkeypatch):
    monkeypatch.setattr(worker_module, "CLOCK_S", 0.01)
    model = BrokenModel(failures=3)
    core = replace(core, sentences=model)
    await tell(core, *MANY, session_id="s")
    async with at_work(worker_on(core)):
        await until(lambda: is_settled(tmp_path))
    assert model.failures == 0
    check_index(tmp_path / FILE)


class BrokenModel:
    """An embedder that fails in a way that is none of ours."""

    name, dimensions, pace, loaded = "broken:1", 64, LOCAL, True

    def __init__(self, *, failures):
        self.failures = failures

    def load(self):
        pass

    def encode(self, texts):
        if self.failures:
            self.failures -= 1
            raise ArithmeticError
        return HashEmbedder().encode(texts)


class Deaf:
    """A database that fails to say whether something is new."""

    def __init__(self, database):
        self._database = database
        self.failures = 3

    def __getattr__(self, name):
        return getattr(self._database, name)

    async def data_version(self):
        if self.failures:
            self.failures -= 1
            raise StorageError("The disk is gone.")
        return await self._database.data_version()


async def test_a_disk_that_fails_for_a_while_is_shown_and_survived(core, tmp_path, monkeypatch):
    monkeypatch.setattr(worker_module, "POLL_S", 0.01)
    monkeypatch.setattr(worker_module, "CLOCK_S", 0.03)
    core = replace(core, database=Deaf(core.database))
    await tell(core, *MANY, session_id="s")
    async with at_work(worker_on(core)) as worker:
        await until(lambda: is_settled(tmp_path))
        await until_idle(worker)
    assert (await worker.status()).last_error == "The disk is gone."


async def test_a_liar_gets_only_what_is_true_into_the_store(core, tmp_path):
    await tell(core, *MANY, session_id="s")
    await rounds(worker_on(replace(core, synthesizer=MaliciousSynthesizer())))
    assert look(tmp_path / FILE, "SELECT summary FROM memories") == [("A sound memory.",)]
    assert states(tmp_path) == {"settled"}


# Leases


async def test_an_orderly_stop_gives_the_attempt_back(core, tmp_path):
    gate = Gate()
    await tell(core, *MANY, session_id="s")
    async with at_work(worker_on(replace(core, synthesizer=gate))):
        await gate.reached.wait()
        (job,) = await all_jobs(core)
        assert (job.state, job.attempts) == (JobState.RUNNING, 1)
    (job,) = await all_jobs(core)
    assert (job.state, job.attempts, job.lease_until) == (JobState.PENDING, 0, None)
    await rounds(worker_on(core, owner="next"))
    assert states(tmp_path) == {"settled"}
    check_consumption(tmp_path / FILE)


async def test_two_workers_on_one_file_never_do_a_job_twice(core, tmp_path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *MANY, session_id="s")
    await tell(core, *MANY, session_id="s", anima_id="other")
    async with anyio.create_task_group() as group:
        for owner in ("a", "b", "c"):
            group.start_soon(rounds, worker_on(core, owner=owner))
    assert look(tmp_path / FILE, "SELECT count(*) FROM memories") == [(50,)]
    assert await all_jobs(core) == []
    check_consumption(tmp_path / FILE)


async def test_a_lease_that_is_kept_is_not_taken(core, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.01)
    gate = Gate()
    await tell(core, *MANY, session_id="s")
    async with at_work(worker_on(replace(core, synthesizer=gate))):
        await gate.reached.wait()
        clock.move(59 * timedelta(seconds=1))

        async def extended():
            (job,) = await all_jobs(core)
            return job.lease_until == clock.now() + worker_module.LEASE

        await until(extended)
        clock.move(59 * timedelta(seconds=1))
        assert not await worker_on(core, owner="thief").run_once()
        gate.go.set()
        await until(lambda: no_jobs(core))


async def no_jobs(core):
    return await all_jobs(core) == []


async def test_a_job_that_went_to_another_worker_is_no_failure(core, clock, tmp_path):
    gate = Gate()
    await tell(core, *MANY, session_id="s")
    slow = worker_on(replace(core, synthesizer=gate), owner="slow")
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(slow.run_once)
            await gate.reached.wait()
            clock.move(2 * MINUTE)
            await rounds(worker_on(core, owner="fast"))
            gate.go.set()
    status = await slow.status()
    assert (status.healthy, status.last_error) == (True, None)
    assert await all_jobs(core) == []
    assert states(tmp_path) == {"settled"}
    check_consumption(tmp_path / FILE)


async def delete(core):
    await forgetting.delete_anima(core, LOCAL_USER, "default")


async def test_an_anima_that_is_deleted_while_it_is_indexed_is_no_failure(core, caplog):
    await tell(core, "Hello.")

    class Deleting(HashEmbedder):
        def encode(self, texts):
            anyio.from_thread.run(delete, core)
            return super().encode(texts)

    worker = worker_on(replace(core, sentences=None, words=Deleting(8)))
    await rounds(worker)
    status = await worker.status()
    assert (status.healthy, status.last_error) == (True, None)
    assert caplog.records == []


async def test_an_anima_that_is_deleted_during_its_dream_is_no_failure(core, caplog):
    gate = Gate()
    await tell(core, *MANY, session_id="s")
    worker = worker_on(replace(core, synthesizer=gate))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run_once)
            await gate.reached.wait()
            await delete(core)
            gate.go.set()
    status = await worker.status()
    assert (status.healthy, status.last_error) == (True, None)
    assert caplog.records == []


async def test_a_job_whose_workers_keep_dying_is_set_aside(core, clock):
    await tell(core, *MANY, session_id="s")
    anima = await animas.find(core, LOCAL_USER, None)
    await core.database.write(jobs.add, anima.anima_no, JobKind.SYNTHESIS, now=clock.now())
    for _ in range(3):
        now = clock.now()
        await core.database.write(jobs.claim, owner="dies", now=now, lease_until=now + MINUTE)
        clock.move(2 * MINUTE)
    await rounds(worker_on(core))
    (job,) = await all_jobs(core)
    assert (job.state, job.last_error) == (
        JobState.QUARANTINED,
        "The process died while it worked on this.",
    )


async def test_the_age_of_the_queue_is_that_of_its_oldest_due_job(core, clock, tmp_path):
    worker = worker_on(core)
    assert (await worker.status()).queue_age_s is None
    anima = await animas.find(core, LOCAL_USER, None)
    await core.database.write(jobs.add, anima.anima_no, JobKind.SYNTHESIS, now=clock.now())
    clock.move(5 * MINUTE)
    assert (await worker.status()).queue_age_s == 300
    tamper(tmp_path / FILE, "DELETE FROM jobs")
    assert (await worker.status()).queue_age_s is None


class Broken(HashEmbedder):
    """A model whose file is damaged."""

    def load(self):
        raise ServerError("The embedding model file is damaged.")


async def test_a_broken_model_stops_neither_words_nor_jobs_and_is_told(core):
    broken = replace(core, sentences=Broken(), words=HashEmbedder(32))
    await tell(broken, *(f"Nadia bought tea number {n}." for n in range(25)), session_id="s")
    worker = worker_on(broken)
    await rounds(worker)
    status = await worker.status()
    assert status.last_error == "The embedding model file is damaged."
    hits = await recall.search(broken, LOCAL_USER, SearchQuery(query="tea"), patience_s=5)
    assert hits
    assert hits.mode == "lexical + hash-32:1"
    assert await dreams.journal(broken, LOCAL_USER)


async def test_doctor_can_read_how_a_worker_is_until_it_ends(core):
    failing = replace(core, sentences=Broken())
    await tell(failing, "Nadia bought tea.")
    worker = Worker(failing, owner="1-a", run_jobs=True)
    with anyio.fail_after(20):
        async with worker.running():
            worker.wake()
            while not (rows := await core.database.read(jobs.list_workers)):
                await anyio.lowlevel.checkpoint()
            (row,) = rows
            assert (row.owner, row.state) == ("1-a", "failing")
            assert row.last_error == "The embedding model file is damaged."
    assert await core.database.read(jobs.list_workers) == []
