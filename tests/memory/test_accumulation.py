"""Accumulation: when pending events are worth a synthesis."""

from datetime import timedelta

import pytest

from elephantasm_mcp.memory import accumulation, animas, dreams
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import FILE, HOUR, tamper, tell


async def anima_of(core):
    return await animas.find(core, LOCAL_USER, None)


async def test_the_score_adds_hours_events_and_tokens(core, clock, tmp_path):
    await tell(core, "Tea is good.", "Rum is bad.")
    tamper(tmp_path / FILE, "UPDATE animas SET pending_tokens = 2000")
    clock.move(3 * HOUR)
    found = accumulation.accumulate(await anima_of(core), now=clock.now())
    assert (found.score, found.threshold, found.pending_events) == (3 + 1 + 0.6, 10, 2)


async def test_without_pending_events_the_score_is_nothing_whatever_the_time(core, clock):
    await tell(core, "Tea is good.")
    await dreams.run(core, LOCAL_USER, anima=None)
    clock.move(9000 * HOUR)
    anima = await anima_of(core)
    assert accumulation.accumulate(anima, now=clock.now()).score == 0
    assert not accumulation.is_due(anima, now=clock.now())


async def test_the_clock_starts_with_the_telling_not_with_what_happened(core, clock):
    await tell(core, "Long ago.", occurred_at=clock.now() - 5000 * HOUR)
    anima = await anima_of(core)
    assert accumulation.accumulate(anima, now=clock.now()).score < 1
    clock.move(10 * HOUR)
    assert accumulation.is_due(anima, now=clock.now())


async def test_the_clock_restarts_after_a_synthesis(core, clock):
    await tell(core, "Tea is good.")
    clock.move(9 * HOUR)
    await dreams.run(core, LOCAL_USER, anima=None)
    await tell(core, "Rum is bad.")
    assert accumulation.accumulate(await anima_of(core), now=clock.now()).score < 1


async def test_a_clock_that_goes_back_makes_no_negative_score(core, clock):
    await tell(core, "Tea is good.")
    anima = await anima_of(core)
    assert accumulation.accumulate(anima, now=clock.now() - 50 * HOUR).score >= 0.5


@pytest.mark.parametrize("settings", ['{"threshold": 0.4}', '{"event_weight": 20.0}'])
async def test_an_animas_own_dials_count(core, clock, tmp_path, settings):
    await tell(core, "Tea is good.")
    tamper(tmp_path / FILE, "UPDATE animas SET settings = ?", settings)
    assert accumulation.is_due(await anima_of(core), now=clock.now() + timedelta(0))
