"""Jobs: one worker at a time, whoever dies."""

from datetime import timedelta

import pytest

from elephantasm_mcp.errors import LeaseLostError
from elephantasm_mcp.store import jobs
from elephantasm_mcp.store.jobs import JobKind, JobState

MINUTE = timedelta(minutes=1)


async def add(database, anima, now, kind=JobKind.SYNTHESIS):
    return await database.write(jobs.add, anima.anima_no, kind, now=now)


async def claim(database, now, owner="w"):
    return await database.write(jobs.claim, owner=owner, now=now, lease_until=now + MINUTE)


async def only_job(database):
    ((_, job),) = await database.read(jobs.list_all)
    return job


async def test_a_job_is_asked_for_once_until_it_is_done(database, anima, second, now):
    assert await add(database, anima, now)
    assert not await add(database, anima, now)
    assert await add(database, anima, now, JobKind.LIGHT_SLEEP)
    assert await add(database, second, now)
    job = await claim(database, now)
    assert not await add(database, anima, now)
    await database.write(jobs.finish, job)
    assert await add(database, anima, now)
    found = await database.read(jobs.list_all)
    assert sorted((name, str(job.kind)) for name, job in found) == [
        ("first", "light"),
        ("first", "synthesis"),
        ("second", "synthesis"),
    ]


async def test_the_oldest_due_job_comes_first_and_none_before_its_time(
    database, anima, second, now
):
    await add(database, second, now)
    await add(database, anima, now - MINUTE)
    assert await claim(database, now - 2 * MINUTE) is None
    assert (await claim(database, now)).anima_no == anima.anima_no
    assert (await claim(database, now)).anima_no == second.anima_no
    assert await claim(database, now) is None


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_locked_out(database, anima, now):
    await add(database, anima, now)
    first = await claim(database, now)
    assert await claim(database, now + MINUTE) is None
    after = now + MINUTE + timedelta(microseconds=1)
    second = await claim(database, after, owner="b")
    assert (second.fence, second.attempts) == (first.fence + 1, 2)
    with pytest.raises(LeaseLostError):
        await database.read(jobs.check, first)
    with pytest.raises(LeaseLostError):
        await database.write(jobs.finish, first)
    assert not await database.write(jobs.extend, first, lease_until=after)
    await database.write(jobs.retry, first, run_at=after, error="late")
    await database.write(jobs.give_back, first, now=after)
    await database.write(jobs.quarantine, first, error="late")
    assert await only_job(database) == second
    await database.read(jobs.check, second)
    await database.write(jobs.finish, second)
    with pytest.raises(LeaseLostError):
        await database.read(jobs.check, second)


async def test_a_lease_may_be_extended(database, anima, now):
    await add(database, anima, now)
    job = await claim(database, now)
    assert await database.write(jobs.extend, job, lease_until=now + 5 * MINUTE)
    assert await claim(database, now + 4 * MINUTE) is None


async def test_a_job_that_is_given_back_keeps_its_attempts(database, anima, now):
    await add(database, anima, now)
    for _ in range(10):
        await database.write(jobs.give_back, await claim(database, now), now=now)
    job = await only_job(database)
    assert (job.state, job.attempts) == (JobState.PENDING, 0)


async def test_after_three_unclean_deaths_a_job_is_set_aside(database, anima, second, now):
    await add(database, anima, now)
    for number in range(3):
        assert (await claim(database, now)).attempts == number + 1
        now += 2 * MINUTE
    await add(database, second, now)
    assert (await claim(database, now)).anima_no == second.anima_no
    states = {name: job.state for name, job in await database.read(jobs.list_all)}
    assert states == {"first": JobState.QUARANTINED, "second": JobState.RUNNING}


async def test_a_job_that_fails_three_times_is_set_aside_with_its_error(database, anima, now):
    await add(database, anima, now)
    for number in range(3):
        job = await claim(database, now)
        await database.write(jobs.retry, job, run_at=now + MINUTE, error=f"error {number}")
        assert await claim(database, now) is None
        now += MINUTE
    job = await only_job(database)
    assert (job.state, job.attempts, job.last_error) == (JobState.QUARANTINED, 3, "error 2")
    assert not await add(database, anima, now)
    assert await claim(database, now) is None


async def test_a_job_that_was_set_aside_may_be_forgiven(database, anima, now):
    await add(database, anima, now)
    await database.write(jobs.quarantine, await claim(database, now), error="broken")
    await database.write(jobs.forgive, anima.anima_no, JobKind.LIGHT_SLEEP, now=now)
    assert await claim(database, now) is None
    await database.write(jobs.forgive, anima.anima_no, JobKind.SYNTHESIS, now=now)
    job = await claim(database, now)
    assert (job.attempts, job.fence) == (1, 2)


async def test_what_waits_and_what_exists_can_be_asked(database, anima, now):
    assert await database.read(jobs.waiting_since, now=now) is None
    await add(database, anima, now)
    assert await database.read(jobs.waiting_since, now=now + MINUTE) == now
    assert await database.read(jobs.waiting_since, now=now - MINUTE) is None
    await claim(database, now)
    assert await database.read(jobs.waiting_since, now=now + MINUTE) is None
    assert await database.read(jobs.known) == {(anima.anima_no, JobKind.SYNTHESIS)}
