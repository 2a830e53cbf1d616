"""The background task: one task group per process that indexes, accumulates, synthesizes, fades.

Owns when what is done, leases, and what becomes of failures; what is done is the services'. Woken
by writes of this process, by the clock, and by commits of other processes. Invariant: it cannot die
unseen: whatever a job raises is kept in its row and in `status`, and the loop goes on.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

import anyio

from elephantasm_mcp.errors import ElephantasmError, LeaseLostError, ModelError
from elephantasm_mcp.memory import accumulation, calls, dreams, index, keys, spooled, uses
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.spool import parts
from elephantasm_mcp.spool.folders import Spool
from elephantasm_mcp.store import animas, jobs, search
from elephantasm_mcp.store import calls as call_store
from elephantasm_mcp.store.animas import AnimaGoneError
from elephantasm_mcp.store.jobs import Job, JobKind
from elephantasm_mcp.types.records import LOCAL_USER, AnimaNo

POLL_S = 1.0
"""How often the commits of other processes are looked for (design.md §2)."""
CLOCK_S = 60.0
"""How often the clock alone is a reason to look."""
LEASE = timedelta(seconds=60)
HEARTBEAT_S = 20.0
RETRY_AFTER = timedelta(seconds=30)
"""After the first failure of a job; doubled after each further one."""
FAREWELL_S = 0.5
"""How long a stop may take to give a job back."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """How the background task is: for `doctor`, and beside an internal error."""

    state: str
    """`off`, `idle`, `working` or `failing`."""
    last_error: str | None
    queue_age_s: float | None
    """How long the longest-waiting job has been due."""

    @property
    def healthy(self) -> bool:
        """False while the last round or the last job failed."""
        return self.state != "failing"


@final
class Worker:
    """The background task of one process. `run_jobs` False: it only keeps the index.

    What hooks left in `spool` it stores.
    """

    def __init__(
        self, core: Core, *, owner: str, run_jobs: bool, spool: Spool | None = None
    ) -> None:
        self._core = core
        self._owner = owner
        self._run_jobs = run_jobs
        self._spool = spool
        self._woken = anyio.Event()
        self._asked = False
        self._state = "off"
        self._last_error: str | None = None
        self._job_failed = False
        self._index_failed = False
        self._seen_version: int | None = None
        self._told: tuple[str, str | None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run in the background for as long as the block lasts."""
        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._loop)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the block's own: no group may wrap it
                failure = error
            finally:
                group.cancel_scope.cancel()
                self._state = "off"
                with anyio.move_on_after(FAREWELL_S, shield=True), suppress(ElephantasmError):
                    await self._core.database.write(jobs.forget_worker, self._owner)
        if failure is not None:
            raise failure

    def wake(self) -> None:
        """Say that there may be something to do, and that the models will be wanted."""
        self._asked = True
        self._woken.set()

    async def status(self) -> WorkerStatus:
        """State, last error and age of the queue."""
        now = self._core.clock.now()
        since = await self._core.database.read(jobs.waiting_since, now=now)
        age_s = None if since is None else max(0.0, (now - since).total_seconds())
        return WorkerStatus(state=self._state, last_error=self._last_error, queue_age_s=age_s)

    async def run_once(self) -> bool:
        """One round: take in, index, count, ask for jobs, do one; False when nothing was to do."""
        core = self._core
        if self._spool is not None:
            await spooled.deliver(core, LOCAL_USER, self._spool)
            await spooled.count_shown(core, LOCAL_USER, self._spool)
        await uses.flush(core)
        await keys.flush(core)
        indexed = await self._index()
        if not self._run_jobs:
            return indexed
        job = await self._claim()
        if job is None:
            return indexed
        self._state = "working"
        await self._do(job)
        return True

    async def _loop(self) -> None:
        while True:
            self._woken = anyio.Event()
            busy = False
            try:
                self._seen_version = await self._core.database.data_version()
                busy = await self.run_once()
                failing = self._job_failed or self._index_failed
                self._state = "failing" if failing else "idle"
            except Exception as error:  # noqa: BLE001 - the round's boundary: the loop goes on
                self._failed(error)
            await self._tell()
            if not busy:
                await self._wait()

    async def _tell(self) -> None:
        """Write down how it is when that has changed: `doctor` is another process."""
        news = (self._state, self._last_error if self._state == "failing" else None)
        if news == self._told:
            return
        with suppress(ElephantasmError):
            await self._core.database.write(
                jobs.note_worker,
                self._owner,
                state=news[0],
                last_error=news[1],
                now=self._core.clock.now(),
            )
            self._told = news

    async def _wait(self) -> None:
        """Until something was written here or elsewhere, or the clock has moved on."""
        with anyio.move_on_after(CLOCK_S):
            while True:
                with anyio.move_on_after(POLL_S):
                    await self._woken.wait()
                    return
                if await self._has_news():
                    return

    async def _has_news(self) -> bool:
        try:
            if self._spool is not None and parts.waiting(self._spool):
                return True
            return await self._core.database.data_version() != self._seen_version
        except ElephantasmError as error:
            self._failed(error)
            return False

    async def _index(self) -> bool:
        """Index what is not indexed; the models are loaded once they are wanted.

        A model that cannot be loaded, or does not answer, stops nothing else.
        """
        core = self._core
        wanted = [one.name for one in index.embedders(core)]
        behind = await core.database.read(search.behind, wanted)
        if self._asked or behind:
            await index.load_embedders(core)
            usable = [one.name for one in index.ready_embedders(core, "index")]
            if usable != wanted:
                behind = await core.database.read(search.behind, usable)
        await index.revive(core)
        made = 0
        for anima_no in behind:
            with suppress(AnimaGoneError):  # what was deleted meanwhile needs no index
                made += await index.index_pending(core, anima_no)
        broken = core.outages.errors("index")
        if broken and not (self._index_failed and _describe(broken[0]) == self._last_error):
            self._failed(broken[0])
        self._index_failed = bool(broken)
        return made > 0

    async def _claim(self) -> Job | None:
        """Queue what is due and take one job; writes nothing when there is none."""
        database, now = self._core.database, self._core.clock.now()
        wanted = await database.read(_wanted_jobs, self._core, now=now)
        if wanted:
            await database.write(_add_jobs, wanted, now=now)
        if await database.read(jobs.waiting_since, now=now) is None:
            return None
        return await database.write(jobs.claim, owner=self._owner, now=now, lease_until=now + LEASE)

    async def _do(self, job: Job) -> None:
        """Work on a job under its lease; whatever it raises ends here."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_lease, job)
                await dreams.run_job(self._core, job)
                group.cancel_scope.cancel()
            await self._core.database.write(jobs.finish, job)
            self._job_failed = False
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(FAREWELL_S, shield=True):
                await self._core.database.write(jobs.give_back, job, now=self._core.clock.now())
            raise
        except Exception as error:  # noqa: BLE001 - the job boundary: no job may end the worker
            await self._put_off(job, _cause(error))

    async def _keep_lease(self, job: Job) -> None:
        while True:
            await anyio.sleep(HEARTBEAT_S)
            until = self._core.clock.now() + LEASE
            await self._core.database.write(jobs.extend, job, lease_until=until)

    async def _put_off(self, job: Job, error: BaseException) -> None:
        """Let a job that failed be tried again later; but for one that is nobody's or another's."""
        if isinstance(error, LeaseLostError):
            _log.info("The job %s of anima %s went to another worker.", job.kind, job.anima_no)
            return
        if isinstance(error, AnimaGoneError):  # its jobs went with it
            _log.info("The anima %s was deleted during its job %s.", job.anima_no, job.kind)
            return
        self._failed(error)
        self._job_failed = True
        wait = RETRY_AFTER * 2 ** (job.attempts - 1)
        if isinstance(error, ModelError) and error.retry_after_s is not None:
            wait = max(wait, timedelta(seconds=error.retry_after_s))
        run_at = self._core.clock.now() + wait
        await self._core.database.write(jobs.retry, job, run_at=run_at, error=_describe(error))

    def _failed(self, error: BaseException) -> None:
        self._state = "failing"
        self._last_error = _describe(error)
        _log.error("The background task failed: %s", self._last_error, exc_info=error)


def _wanted_jobs(tx: Tx, core: Core, *, now: datetime) -> list[tuple[AnimaNo, JobKind]]:
    """A synthesis where enough accumulated or a model can better it; sleep in its time."""
    due = {no.anima_no for no in animas.with_pending(tx) if accumulation.is_due(no, now=now)}
    if core.model is not None:
        due.update(
            no
            for no in call_store.animas_owed(tx, model=core.model.name)
            if calls.may_ask(core, no, purpose=calls.SYNTHESIS)
        )
    wanted = [(no, JobKind.SYNTHESIS) for no in sorted(due)]
    wanted += [(no, JobKind.LIGHT_SLEEP) for no in animas.due_for_light_sleep(tx, now=now)]
    wanted += [(no, JobKind.DEEP_SLEEP) for no in animas.due_for_deep_sleep(tx, now=now)]
    known = jobs.known(tx)
    return [one for one in wanted if one not in known]


def _add_jobs(tx: Tx, wanted: Sequence[tuple[AnimaNo, JobKind]], *, now: datetime) -> None:
    for anima_no, kind in wanted:
        jobs.add(tx, anima_no, kind, now=now)


def _cause(error: BaseException) -> BaseException:
    """What a task group wrapped."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _describe(error: BaseException) -> str:
    """One line: our own message, or the kind of a foreign exception."""
    return error.explain() if isinstance(error, ElephantasmError) else type(error).__name__
