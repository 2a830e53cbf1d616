"""The background: jobs and who works on them, calls of language models and their budget.

Owns what is said of them. Invariant: `fix` takes nothing from a process that runs.
"""

import os
from datetime import datetime
from typing import Final

from elephantasm_mcp.app import App
from elephantasm_mcp.cli.checkup.findings import Checkup, JobRow
from elephantasm_mcp.memory.calls import day_of
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.store import calls, jobs, soundness
from elephantasm_mcp.store.jobs import JobState

LONGEST_WAIT_S: Final = 6 * 3600


async def examine(found: Checkup, app: App, *, fix: bool) -> None:
    """Look at the queue and at those who work on it."""
    read, now = app.core.database.read, app.core.clock.now()
    await _examine_workers(found, app, fix=fix)
    found.jobs = await read(_job_rows, now=now)
    for job in found.jobs:
        if job.state == JobState.QUARANTINED:
            found.wrong(
                "jobs",
                f"The job {job.kind} of anima {job.anima} was set aside after {job.attempts} "
                f"attempts: {job.last_error or 'no reason is known.'}",
                "An explicit `elephantasm-mcp dream run` tries it again.",
            )
    since = await read(jobs.waiting_since, now=now)
    found.queue_age_s = None if since is None else max(0.0, (now - since).total_seconds())
    if found.queue_age_s is not None and found.queue_age_s > LONGEST_WAIT_S and not found.workers:
        found.advise(
            "jobs",
            f"Work has waited for {found.queue_age_s / 3600:,.0f} h, and no server that does such "
            "work is running.",
            "A client that is started does it, and so does `elephantasm-mcp dream run`.",
        )
    await _examine_calls(found, app, now=now)


async def _examine_workers(found: Checkup, app: App, *, fix: bool) -> None:
    noted = await app.core.database.read(jobs.list_workers)
    found.workers = [one for one in noted if _is_running(one.owner)]
    for one in found.workers:
        if one.state == "failing":
            text = f"The background task of the server {one.owner} fails: {one.last_error}"
            found.wrong("jobs", text, "Restart that server.")
    for one in noted:
        if one not in found.workers and fix:
            freed = await app.core.database.write(soundness.free_leases, one.owner)
            await app.core.database.write(jobs.forget_worker, one.owner)
            found.fixed(
                "jobs",
                f"The server {one.owner} has ended; {counted(freed, 'job')} of it wait again.",
            )


async def _examine_calls(found: Checkup, app: App, *, now: datetime) -> None:
    """What language models were asked, and whether the one that is set up answers."""
    read = app.core.database.read
    found.calls = await read(calls.by_model)
    found.tokens_today = await read(calls.tokens_since, day_of(now))
    last = await read(calls.last, found.writer)
    if last is not None and last.outcome == "failed":
        found.wrong("models", f"The last call of a language model failed: {last.error}")
    if found.calls and found.daily_tokens and found.tokens_today >= found.daily_tokens:
        found.advise(
            "budget",
            "The day's tokens are spent; memories are made extractively until midnight (UTC).",
            "ELEPHANTASM_DAILY_TOKENS sets how many there are.",
        )


def _is_running(owner: str) -> bool:
    """Whether the process that calls itself so still runs on this machine."""
    try:
        os.kill(int(owner.partition("-")[0]), 0)
    except (OSError, ValueError):
        return False
    return True


def _job_rows(tx: Tx, *, now: datetime) -> list[JobRow]:
    return [
        JobRow(
            anima=anima,
            kind=job.kind,
            state=job.state,
            age_s=max(0.0, (now - job.created_at).total_seconds()),
            attempts=job.attempts,
            last_error=job.last_error,
        )
        for anima, job in jobs.list_all(tx)
    ]
