"""Jobs in the store: who works on what, for how long.

Owns the job rows. Invariant: at most one live job per anima and kind, and only the holder of its
newest lease (the `fence`) can finish it, checked in the transaction that commits its result.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from elephantasm_mcp.errors import LeaseLostError
from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.values import from_micros, maybe_time, to_micros
from elephantasm_mcp.types.records import AnimaNo

MAX_UNCLEAN_DEATHS = 3
"""A job that was claimed this often without coming to an end is set aside."""


class JobKind(StrEnum):
    """What the worker does for an anima."""

    SYNTHESIS = "synthesis"
    LIGHT_SLEEP = "light"
    DEEP_SLEEP = "deep"


class JobState(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and with `fence` the lease on it."""

    job_no: int
    anima_no: AnimaNo
    kind: JobKind
    state: JobState
    created_at: datetime
    run_at: datetime
    attempts: int
    fence: int
    lease_until: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """How the background task of one process is."""

    owner: str
    """The process's number, a dash, and what makes it unique."""
    state: str
    last_error: str | None
    since: datetime


def note_worker(tx: Tx, owner: str, *, state: str, last_error: str | None, now: datetime) -> None:
    """Say how the background task of a process is from now on."""
    tx.run("note_worker", owner=owner, state=state, last_error=last_error, now=to_micros(now))


def forget_worker(tx: Tx, owner: str) -> None:
    """Say that a process has ended in good order."""
    tx.run("forget_worker", owner=owner)


def list_workers(tx: Tx) -> list[WorkerRow]:
    """The background tasks that were noted and not forgotten; killed processes among them."""
    return [
        WorkerRow(owner=owner, state=state, last_error=error, since=from_micros(since))
        for owner, state, error, since in tx.tuples("list_workers")
    ]


def add(tx: Tx, anima_no: AnimaNo, kind: JobKind, *, now: datetime) -> bool:
    """Ask for a job; False when there is one of that kind, waiting, running or set aside."""
    added = tx.run(
        "add_job", anima_no=anima_no, kind=kind, now=to_micros(now), run_at=to_micros(now)
    )
    return added > 0


def claim(tx: Tx, *, owner: str, now: datetime, lease_until: datetime) -> Job | None:
    """Take the next due job, counting the attempt; jobs that died too often are set aside."""
    while row := tx.one("due_job", now=to_micros(now)):
        job = _job(row)
        leased = tx.all(
            "lease_job", job_no=job.job_no, owner=owner, lease_until=to_micros(lease_until)
        )
        if job.attempts < MAX_UNCLEAN_DEATHS:
            return _job(leased[0])
        quarantine(
            tx, _job(leased[0]), error=job.last_error or "The process died while it worked on this."
        )
    return None


def check(tx: Tx, job: Job) -> None:
    """Make sure that the lease still holds.

    Raises:
        LeaseLostError: another worker took the job over.
    """
    row = tx.one("job", job_no=job.job_no)
    if row is None or row["fence"] != job.fence or row["state"] != JobState.RUNNING:
        raise LeaseLostError("Another worker took this job over; nothing was written.")


def extend(tx: Tx, job: Job, *, lease_until: datetime) -> bool:
    """Keep a job that is still being worked on; False when the lease was lost."""
    kept = tx.run(
        "extend_lease", job_no=job.job_no, fence=job.fence, lease_until=to_micros(lease_until)
    )
    return kept > 0


def finish(tx: Tx, job: Job) -> None:
    """Note that a job is done.

    Raises:
        LeaseLostError: another worker took the job over.
    """
    if not tx.run("finish_job", job_no=job.job_no, fence=job.fence):
        raise LeaseLostError("Another worker took this job over; nothing was written.")


def retry(tx: Tx, job: Job, *, run_at: datetime, error: str) -> None:
    """Give a job back after a failure that may pass; the attempt counts."""
    state = JobState.QUARANTINED if job.attempts >= MAX_UNCLEAN_DEATHS else JobState.PENDING
    _release(tx, job, state=state, attempts=job.attempts, run_at=run_at, error=error)


def give_back(tx: Tx, job: Job, *, now: datetime) -> None:
    """Give a job back in an orderly stop; the attempt does not count."""
    _release(
        tx, job, state=JobState.PENDING, attempts=job.attempts - 1, run_at=now, error=job.last_error
    )


def quarantine(tx: Tx, job: Job, *, error: str) -> None:
    """Set a job aside for good, visibly: it failed in a way that trying again will not mend."""
    _release(
        tx, job, state=JobState.QUARANTINED, attempts=job.attempts, run_at=job.run_at, error=error
    )


def forgive(tx: Tx, anima_no: AnimaNo, kind: JobKind, *, now: datetime) -> None:
    """Let a quarantined job be tried again, because a person asked for it."""
    tx.run("forgive_job", anima_no=anima_no, kind=kind, now=to_micros(now))


def list_all(tx: Tx) -> list[tuple[str, Job]]:
    """All jobs with the name of their anima, oldest first."""
    return [(row["anima"], _job(row)) for row in tx.all("list_jobs")]


def known(tx: Tx) -> set[tuple[AnimaNo, JobKind]]:
    """Which jobs exist, waiting, running or set aside."""
    rows = tx.tuples("known_jobs")
    return {(AnimaNo(anima_no), JobKind(kind)) for anima_no, kind in rows}


def waiting_since(tx: Tx, *, now: datetime) -> datetime | None:
    """Since when the longest-waiting job has been due."""
    row = tx.one("oldest_due", now=to_micros(now))
    return maybe_time(row["since"]) if row else None


def _release(
    tx: Tx, job: Job, *, state: JobState, attempts: int, run_at: datetime, error: str | None
) -> None:
    tx.run(
        "release_job",
        job_no=job.job_no,
        fence=job.fence,
        state=state,
        attempts=attempts,
        run_at=to_micros(run_at),
        last_error=error,
    )


def _job(row: Row) -> Job:
    return Job(
        job_no=row["job_no"],
        anima_no=AnimaNo(row["anima_no"]),
        kind=JobKind(row["kind"]),
        state=JobState(row["state"]),
        created_at=from_micros(row["created_at"]),
        run_at=from_micros(row["run_at"]),
        attempts=row["attempts"],
        fence=row["fence"],
        lease_until=maybe_time(row["lease_until"]),
        last_error=row["last_error"],
    )
