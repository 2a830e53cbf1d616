"""Usefulness: what no pack shows, and what crowds every one."""

from dataclasses import replace

import pytest

from elephantasm_mcp.memory import curation, dreams, packs, usefulness
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import Curation
from scenes import DAY, EachEvent, tell


@pytest.fixture
async def core(core):
    """Three memories with a fact each."""
    core = replace(core, synthesizer=EachEvent())
    await tell(core, "Tea is good.", "Rum is bad.", "Gin is fine.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    return core


async def read_packs(core, number):
    for _ in range(number):
        await packs.compile_pack(core, LOCAL_USER, PackQuery(), client="me")


async def judge(core):
    found = await usefulness.judge(core, LOCAL_USER, None)
    return {row.handle for row in found.unused}, {row.handle for row in found.crowding}


async def test_new_rows_are_not_unused_yet(core, clock):
    clock.move(89 * DAY)
    assert await judge(core) == (set(), set())


async def test_what_no_pack_showed_for_90_days_is_unused(core, clock):
    clock.move(80 * DAY)
    await read_packs(core, 1)
    assert (await judge(core))[0] == set()
    clock.move(11 * DAY)
    assert (await judge(core))[0] == set()
    clock.move(80 * DAY)
    assert (await judge(core))[0] == {"m1", "m2", "m3", "k1", "k2", "k3"}


async def test_what_is_archived_is_not_named(core, clock):
    await curation.curate(core, LOCAL_USER, Curation(handle="m1", action="archive"))
    await curation.curate(core, LOCAL_USER, Curation(handle="k2", action="archive"))
    clock.move(91 * DAY)
    assert (await judge(core))[0] == {"m2", "m3", "k1", "k3"}


async def test_what_stands_in_nearly_every_pack_crowds_them_once_there_were_ten(core):
    await read_packs(core, 9)
    assert (await judge(core))[1] == set()
    await read_packs(core, 1)
    found = await usefulness.judge(core, LOCAL_USER, None)
    assert found.packs_read == 10
    assert {row.handle for row in found.crowding} >= {"k1", "k2", "k3"}
    assert all((row.shown, row.of) == (10, 10) for row in found.crowding)


async def test_a_row_is_measured_by_the_packs_since_it_first_stood_in_one(core):
    await read_packs(core, 10)
    await usefulness.judge(core, LOCAL_USER, None)
    await tell(core, "Mead is sweet.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await read_packs(core, 10)
    found = await usefulness.judge(core, LOCAL_USER, None)
    (late,) = [row for row in found.crowding if row.handle == "k4"]
    assert (late.shown, late.of) == (10, 10)
