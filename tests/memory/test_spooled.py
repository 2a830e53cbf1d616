"""What hooks left is stored once, whoever stores it."""

from pathlib import Path

import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory import animas, events, spooled
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.projects import Project
from elephantasm_mcp.spool import diary, parts, sessions
from elephantasm_mcp.spool.folders import Spool, spool_of
from elephantasm_mcp.spool.parts import Part
from elephantasm_mcp.spool.sessions import Session
from elephantasm_mcp.types.records import LOCAL_USER

SHOP = Project("shop-1f3c9a2e", Path("/home/nadia/shop"), "root folder")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def part(*contents: str, anima: str | None = None) -> Part:
    found = [{"content": one, "dedupe_key": f"key of {one}"} for one in contents]
    return Part(project=SHOP, anima=anima, events=found)


async def said(core: Core, anima: str) -> list[str]:
    return [one.content for one in await events.list_events(core, LOCAL_USER, anima)]


async def test_each_part_goes_to_the_anima_of_its_project(core: Core, spool: Spool):
    parts.put(spool, "a", part("One.", "Two."))
    parts.put(spool, "b", part("Three.", anima="work"))
    done = await spooled.deliver(core, LOCAL_USER, spool)
    assert (done.stored, done.refused) == (3, 0)
    assert await said(core, SHOP.name) == ["One.", "Two."]
    assert await said(core, "work") == ["Three."]
    assert parts.waiting(spool) == []


async def test_a_part_that_is_delivered_twice_adds_nothing(core: Core, spool: Spool):
    for _ in range(2):
        parts.put(spool, "a", part("One.", "Two."))
        await spooled.deliver(core, LOCAL_USER, spool)
    assert await said(core, SHOP.name) == ["One.", "Two."]


async def test_an_event_that_breaks_a_rule_holds_up_no_other(core: Core, spool: Spool):
    parts.put(spool, "a", part("One.", " ", "x" * 1_100_000, "Two."))
    parts.put(spool, "b", Part(SHOP, None, [{"content": "Three.", "mood": "good"}]))
    done = await spooled.deliver(core, LOCAL_USER, spool)
    assert (done.stored, done.refused) == (2, 3)
    assert await said(core, SHOP.name) == ["One.", "Two."]
    assert parts.waiting(spool) == []
    assert ["Three." in one.read_text() for one in parts.aside(spool)] == [False, True]


async def test_a_part_for_an_anima_that_is_not_there_waits(core: Core, spool: Spool):
    nobody = "00000000-0000-4000-8000-000000000000"
    parts.put(spool, "a", part("One.", anima=nobody))
    parts.put(spool, "b", part("Two."))
    await spooled.deliver(core, LOCAL_USER, spool)
    assert [one.stem for one in parts.waiting(spool)] == ["a"]


async def test_what_cannot_be_stored_stays(core: Core, spool: Spool):
    parts.put(spool, "a", part("One."))
    await core.database.close()  # pyrefly: ignore
    with pytest.raises(StorageError):
        await spooled.deliver(core, LOCAL_USER, spool)
    assert len(parts.waiting(spool)) == 1


async def test_a_file_of_a_repository_names_no_anima_that_was_not_allowed(core: Core, spool: Spool):
    await animas.resolve(core, LOCAL_USER, None)
    stranger = Project("stranger-0a0a0a0a", Path("/srv/x"), "root folder", asked="default")
    parts.put(spool, "a", Part(stranger, None, [{"content": "One."}]))
    await spooled.deliver(core, LOCAL_USER, spool)
    assert await said(core, stranger.name) == ["One."]
    assert await said(core, "default") == []


def test_a_part_reads_as_it_was_put(spool: Spool):
    assert parts.read(parts.put(spool, "a", part("One.", "Zwei – 二"))) == part("One.", "Zwei – 二")


def test_a_spool_has_an_end(spool: Spool):
    spool.parts.mkdir(parents=True)
    for number in range(parts.MAX_PARTS):
        (spool.parts / f"{number}.jsonl").touch()
    with pytest.raises(OSError, match="full"):
        parts.put(spool, "a", part("One."))


def test_databases_and_servers_have_spools_of_their_own(tmp_path: Path):
    found = {
        spool_of(tmp_path / "a").root,
        spool_of(tmp_path / "b").root,
        spool_of(tmp_path / "a", endpoint="https://memory.example.org").root,
    }
    assert len(found) == 3
    assert spool_of(tmp_path / "x" / ".." / "a") == spool_of(tmp_path / "a")


def test_a_session_is_known_by_what_was_kept(spool: Spool):
    known = Session(folder="/home/nadia/shop", offset=7, own_calls=["t1"])
    known.note_printed(["m1"], ["- Hazelnuts (m1)"])
    sessions.keep(spool, "s", known)
    assert sessions.load(spool, "s") == known
    assert b"Hazelnuts" not in (spool.sessions / "s.json").read_bytes()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"offset": "7", "more": 1}', b"\xff"])
def test_a_session_whose_file_is_broken_begins_anew(spool: Spool, data: bytes):
    spool.sessions.mkdir(parents=True)
    (spool.sessions / "s.json").write_bytes(data)
    assert sessions.load(spool, "s") == Session()


def test_sessions_that_nobody_goes_on_with_are_forgotten(spool: Spool):
    sessions.keep(spool, "s", Session(offset=7))
    kept_s = (spool.sessions / "s.json").stat().st_mtime
    sessions.tidy(spool, now_s=kept_s + 29 * 86_400)
    assert sessions.load(spool, "s").offset == 7
    sessions.tidy(spool, now_s=kept_s + 31 * 86_400)
    assert sessions.load(spool, "s").offset == 0


def test_what_a_killed_hook_left_unfinished_goes_after_a_minute(spool: Spool):
    parts.put(spool, "a", part("One."))
    sessions.keep(spool, "s", Session(offset=7))
    left = [spool.parts / "b.jsonl.7.draft", spool.sessions / "t.json.7.draft"]
    for one in left:
        one.write_text("Words.")
    left_s = left[0].stat().st_mtime
    sessions.tidy(spool, now_s=left_s + 50)
    assert all(one.exists() for one in left)
    sessions.tidy(spool, now_s=left_s + 70)
    assert not any(one.exists() for one in left)
    assert len(parts.waiting(spool)) == 1
    assert sessions.load(spool, "s").offset == 7


def test_the_diary_stays_small(clock):
    for number in range(3_000):
        diary.note("Stop", f"failure {number} " + "x" * 100, now=clock.now())
    assert diary.path().stat().st_size <= diary.MAX_BYTES + 400
    assert "failure 2999 " in diary.last_lines(3)[-1]
    assert len(diary.last_lines(3)) == 3


async def test_what_a_hook_printed_counts_as_read_once(core: Core, spool: Spool):
    parts.put(spool, "a", part("One."))
    await spooled.deliver(core, LOCAL_USER, spool)
    printed = Part(SHOP, None, events=(), shown=["m1", "k2", "house-rules:m3", "nonsense"])
    for _ in range(2):
        parts.put(spool, "session-and-pack", printed)
    assert parts.waiting(spool) == []
    await spooled.count_shown(core, LOCAL_USER, spool)
    await spooled.count_shown(core, LOCAL_USER, spool)
    (counted,) = core.shown.values()
    assert counted == {"": 1, "m1": 1, "k2": 1}
    assert [number & 0xFFFFFFFF for number in core.uses] == [1]
    assert parts.waiting(spool, shown=True) == []


async def test_what_was_printed_of_an_anima_that_is_gone_counts_nothing(core: Core, spool: Spool):
    parts.put(spool, "a", Part(SHOP, None, events=(), shown=["m1"]))
    await spooled.count_shown(core, LOCAL_USER, spool)
    assert not core.uses
    assert parts.waiting(spool, shown=True) == []
