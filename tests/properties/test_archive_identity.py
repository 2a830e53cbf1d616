"""Whatever was told, dreamt, curated, undone, forgotten and merged: an archive is taken in whole.

Written again it is the same bytes, a second import adds nothing, the copy's journal gives its rows,
and its packs are the same.
"""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_curate_and_forget import STEPS, Pairs, Story, replayed, shortened, stored

from elephantasm_mcp.app import SystemIds
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.memory import (
    animas,
    archive,
    dreams,
    forgetting,
    index,
    merging,
    packs,
    plans,
    soundness,
    work_orders,
)
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from elephantasm_mcp.types.views import ForgetRequest
from scenes import FILE, MINUTE, CrashError, check_counters, look, open_core, tell

COPY = "copy.sqlite3"
ASKED = (PackQuery(), PackQuery(query="Which word is said?"), PackQuery(max_tokens=120))
LIFE = st.lists(
    st.one_of(
        STEPS,
        st.tuples(st.just("beside"), st.sampled_from(["tell", "dream"])),
        st.tuples(st.just("merge"), st.permutations(["beside", "default"])),
    ),
    max_size=12,
)


class ScatteredIds:
    """Ids in no order, as several processes give them out."""

    def __init__(self, seed):
        self._seed = seed
        self._count = 0

    def uuid(self):
        self._count += 1
        return UUID(bytes=sha256(f"{self._seed} {self._count}".encode()).digest()[:16])


class Pair(Story):
    """That story, and a second anima that may take the rows of the first, or give it its own."""

    async def beside(self, what):
        other = replace(await self._core(), default_anima="beside")
        if what == "tell":
            self.said += 1
            await tell(other, f"word{self.said:03}x is said", session_id="s")
        else:
            await dreams.run(other, LOCAL_USER, anima=None, phase="synthesis")

    async def forget(self, argument):
        request = ForgetRequest(handles=(f"{argument[0]}{argument[1]}",))
        await forgetting.forget(await self._core(), LOCAL_USER, request, confirmed=True)

    async def merge(self, both):
        await merging.merge(await self._core(), LOCAL_USER, *both)


async def write(core, *, only=None):
    file = BytesIO()
    await archive.export(core, LOCAL_USER, only, file.write)
    return file.getvalue()


async def live(core, folder, clock, steps):
    """A life, at the end of which a plan and a work order may be open."""
    await index.load_embedders(core)
    story = Pair(core, folder, clock)
    await story.do("tell", 3)
    await story.do("dream", "synthesis")
    for step, argument in steps:
        with suppress(ElephantasmError, CrashError):
            await story.do(step, argument)
    for phase in ("light", "deep"):
        await plans.dry_run(core, LOCAL_USER, anima=None, phase=phase)
    anima = await animas.find(core, LOCAL_USER, None)
    await work_orders.offer(replace(core, host="Make memories."), anima)


async def check(core, folder, clock):
    text, theirs_only = await write(core), [2, 3]
    async with open_core(folder / COPY, clock=clock, synthesizer=Pairs()) as made:
        other = replace(made, ids=SystemIds())
        await animas.create(other, LOCAL_USER, AnimaCreate(name="there before"))
        await archive.take_in(other, LOCAL_USER, lambda: BytesIO(text))
        assert await write(other, only=theirs_only) == text
        assert not (await archive.take_in(other, LOCAL_USER, lambda: BytesIO(text))).added
        assert await write(other, only=theirs_only) == text
        check_counters(folder / COPY)
        for place in (core, other):
            for anima in await place.database.read(anima_store.list_for, LOCAL_USER):
                assert await soundness.examine(place, anima) == []
        await index.load_embedders(other)
        for query in ASKED:
            ours = await packs.compile_pack(core, LOCAL_USER, query)
            theirs = await packs.compile_pack(other, LOCAL_USER, query)
            assert (ours and ours.as_prompt()) == (theirs and theirs.as_prompt())
    assert len(shortened(replayed(folder / COPY))) == len(stored(folder / COPY))
    assert look(folder / COPY, "PRAGMA foreign_key_check") == []


async def play(folder, steps, seed):
    clock = FakeClock()
    async with open_core(folder / FILE, clock=clock, synthesizer=Pairs()) as counting:
        core = replace(counting, ids=ScatteredIds(seed))
        await live(core, folder, clock, steps)
        clock.move(MINUTE)
        await check(core, folder, clock)


def test_an_archive_of_any_state_is_that_state(thorough):
    """In the long run, `--thorough 40`, a thousand states."""

    @settings(max_examples=25 * thorough, suppress_health_check=list(HealthCheck))
    @given(LIFE, st.integers(0, 999))
    def holds(steps, seed):
        with TemporaryDirectory() as folder:
            anyio.run(play, Path(folder), steps, seed)

    holds()
