"""Light sleep: what time does to memories."""

from dataclasses import replace

import pytest

from elephantasm_mcp.errors import LeaseLostError
from elephantasm_mcp.memory import animas, dreams, packs, uses
from elephantasm_mcp.store.jobs import JobKind
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import DAY, FILE, EachEvent, claim, derived_rows, look, tamper, tell


@pytest.fixture
async def remembering(core):
    """Five memories of falling importance."""
    core = replace(core, synthesizer=EachEvent())
    for number in range(5):
        await tell(core, f"Thing {number}.", importance_score=0.5 - number / 10)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    return core


async def sleep(core):
    return await dreams.run(core, LOCAL_USER, anima=None, phase="light")


def states(tmp_path):
    return [state for (state,) in look(tmp_path / FILE, "SELECT state FROM memories ORDER BY id")]


async def test_young_memories_stay_active(remembering, tmp_path, clock):
    clock.move(50 * DAY)
    assert (await sleep(remembering)).actions == []
    assert states(tmp_path) == ["active"] * 5


async def test_only_what_matters_little_fades_and_one_in_five_a_run(remembering, tmp_path, clock):
    clock.move(60 * DAY)
    seen = []
    for _ in range(4):
        await sleep(remembering)
        seen.append(states(tmp_path).count("decaying"))
    assert seen == [1, 2, 2, 2]
    assert states(tmp_path) == ["active"] * 3 + ["decaying"] * 2


async def test_what_is_decaying_and_still_unused_is_archived(remembering, tmp_path, clock):
    clock.move(60 * DAY)
    await sleep(remembering)
    clock.move(40 * DAY)
    for _ in range(4):
        await sleep(remembering)
    assert sorted(states(tmp_path)) == ["active"] * 3 + ["archived"] * 2


async def test_a_pinned_memory_never_moves(remembering, tmp_path, clock):
    tamper(tmp_path / FILE, "UPDATE memories SET pinned = 1")
    clock.move(1000 * DAY)
    assert (await sleep(remembering)).actions == []


async def test_a_memory_that_is_used_fades_later(remembering, tmp_path, clock):
    for _ in range(2):
        await packs.compile_pack(remembering, LOCAL_USER, PackQuery())
    await uses.flush(remembering)
    assert look(tmp_path / FILE, "SELECT uses FROM accesses") == [(2,)] * 5
    await sleep(remembering)
    assert look(tmp_path / FILE, "SELECT DISTINCT access_count FROM memories") == [(2,)]
    assert look(tmp_path / FILE, "SELECT count(*) FROM accesses") == [(0,)]
    clock.move(60 * DAY)
    assert (await sleep(remembering)).actions == []


async def test_uses_change_no_pack_before_light_sleep(remembering):
    first = await packs.compile_pack(remembering, LOCAL_USER, PackQuery())
    await uses.flush(remembering)
    assert await packs.compile_pack(remembering, LOCAL_USER, PackQuery()) == first


async def test_no_uses_are_no_write(core, tmp_path):
    await uses.flush(core)
    assert look(tmp_path / FILE, "SELECT count(*) FROM accesses") == [(0,)]


async def test_recency_and_decay_are_kept_for_people_to_see(remembering, tmp_path, clock):
    before = derived_rows(tmp_path / FILE)
    clock.move(30 * DAY)
    await sleep(remembering)
    rows = look(tmp_path / FILE, "SELECT DISTINCT recency_score, decay_score FROM memories")
    assert rows == [(pytest.approx(0.5 ** (30 / 7), abs=1e-6), 0.5)]
    assert derived_rows(tmp_path / FILE) == before


async def test_neglect_counts_from_the_making_not_from_what_a_memory_tells_of(core, clock):
    core = replace(core, synthesizer=EachEvent())
    await tell(core, "Long ago.", occurred_at=clock.now() - 3000 * DAY, importance_score=0.0)
    report = await dreams.run(core, LOCAL_USER, anima=None)
    assert [action.operation for action in report.actions] == ["synthesize", "synthesize"]


async def test_a_light_sleep_whose_lease_went_away_writes_nothing(remembering, tmp_path, clock):
    clock.move(60 * DAY)
    job = await claim(remembering, kind=JobKind.LIGHT_SLEEP, lease_s=-1)
    await claim(remembering, kind=JobKind.LIGHT_SLEEP)
    before = derived_rows(tmp_path / FILE)
    with pytest.raises(LeaseLostError):
        await dreams.run_job(remembering, job)
    assert derived_rows(tmp_path / FILE) == before
    assert (await animas.find(remembering, LOCAL_USER, None)).light_sleep_at is None
