"""The past: a pack of then is, byte for byte, the pack that was given then."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from histories import ASKED, History

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import dreams, packs
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import DAY, FILE, HOUR, MINUTE, EachEvent, look, tamper, tell

RELEASES = Path(__file__).parent.parent / "store" / "contract" / "releases"


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent(provisional=True), words=HashEmbedder(32))


async def pack(core, as_of=None, query=None, **options):
    asked = PackQuery(query=query, as_of=as_of, **options)
    return await packs.compile_pack(core, LOCAL_USER, asked)


async def dream(core, phase="synthesis"):
    return await dreams.run(core, LOCAL_USER, anima=None, phase=phase)


@pytest.mark.parametrize("seed", range(3))
async def test_each_pack_of_a_history_can_be_had_again(core, clock, seed, thorough):
    history = History(core, clock, seed)
    await history.live(25 * thorough)
    assert sum(given is not None for _, _, given in history.given) > len(history.given) // 2
    for as_of, asked, given in history.given:
        then = asked.model_copy(update={"as_of": as_of})
        assert await packs.compile_pack(core, LOCAL_USER, then) == given, (as_of, asked)


async def test_what_was_recorded_later_is_absent_though_it_happened_before(core, clock):
    await tell(core, "Bo drinks tea.", session_id="s", occurred_at=clock.now() - HOUR)
    await tell(core, "With rum, of course.", session_id="s")
    then, given = clock.now(), await pack(core, query="tea with rum")
    clock.move(MINUTE)
    await tell(core, "Tea it is.", session_id="s", occurred_at=then - 30 * MINUTE)
    assert "Tea it is" in (await pack(core, query="tea with rum")).as_prompt()
    assert await pack(core, then, "tea with rum") == given


async def test_what_was_told_within_the_hour_is_known_then(core, clock):
    await tell(core, "First.")
    clock.move(MINUTE)
    await tell(core, "Second.")
    assert [line.handle for line in (await pack(core, clock.now())).session_memories] == [
        "e1",
        "e2",
    ]
    (one,) = (await pack(core, clock.now() - timedelta(microseconds=1))).session_memories
    assert one.handle == "e1"


async def test_before_the_first_event_there_was_no_pack(core, clock):
    await tell(core, "First.", occurred_at=clock.now() - DAY)
    assert await pack(core, clock.now() - MINUTE) is None
    assert await pack(core, clock.now() - MINUTE, "first") is None
    assert await pack(core, clock.now()) == await pack(core)


async def test_the_future_is_out_of_range_and_the_bound_is_named(core, clock):
    await tell(core, "First.")
    with pytest.raises(ValidationError, match="at most now, 2026-03-02T10:30:00Z") as caught:
        await pack(core, clock.now() + MINUTE)
    assert caught.value.field == "as_of"


async def test_what_an_undo_removed_is_there_before_it(core, clock):
    await tell(core, "Nadia likes rum.")
    await dream(core)
    then = clock.now()
    clock.move(DAY)
    await dreams.undo(core, LOCAL_USER, "d1")
    assert "m1" in (await pack(core, then)).layers.annotated
    assert "(e1, raw)" in (await pack(core)).layers.annotated


async def test_a_dream_of_several_steps_is_dated_step_by_step(core, clock):
    """Its second batch is committed a day after its first."""
    for session in ("one", "two"):
        await tell(core, f"Bo likes {session}.", session_id=session)
    real = core.synthesizer.synthesize

    async def late(batch):
        clock.move(DAY)
        return await real(batch)

    synthesizer = EachEvent()
    synthesizer.synthesize = late
    await dream(replace(core, synthesizer=synthesizer))
    between = await pack(core, clock.now() - HOUR)
    assert "m1" in between.layers.annotated
    assert "m2" not in between.layers.annotated
    assert "(e2, raw)" in between.layers.annotated


async def test_reading_the_past_leaves_no_trace(core, clock, tmp_path):
    await tell(core, "Nadia likes rum.")
    await dream(core)
    before = look(tmp_path / FILE, "SELECT count(*) FROM vectors")
    asked = PackQuery(as_of=clock.now(), query="rum")
    await packs.compile_pack(core, LOCAL_USER, asked, client="test")
    assert (core.uses, core.reads, core.corpora.entries) == ({}, {}, 0)
    assert look(tmp_path / FILE, "SELECT count(*) FROM vectors") == before


async def test_the_present_is_the_past_of_this_moment(core, clock):
    history = History(core, clock, 7)
    await history.live(12)
    for asked in ASKED:
        then = asked.model_copy(update={"as_of": clock.now()})
        now = await packs.compile_pack(core, LOCAL_USER, asked)
        assert await packs.compile_pack(core, LOCAL_USER, then) == now


@pytest.mark.parametrize("release", sorted(RELEASES.glob("*.sql")), ids=lambda file: file.stem)
async def test_a_file_of_an_earlier_release_has_a_past(core, clock, tmp_path, release):
    """Its changes get the moments that can be told from its rows."""
    path = tmp_path / "old.sqlite3"
    tamper(path, f"BEGIN; {release.read_text(encoding='utf-8')}; COMMIT")
    async with open_database(path) as database:
        old = replace(core, database=database)
        now = await pack(old)
        assert "Nadia is allergic to hazelnuts." in now.as_prompt()
        assert await pack(old, clock.now()) == now
        assert await pack(old, clock.now() - DAY) is None
