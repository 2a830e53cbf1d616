"""What readers leave behind: what each client saw last, and how a pack tells what changed."""

import threading
from dataclasses import replace

import anyio
import pytest

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory import animas, dreams, packs, uses
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, row_id
from scenes import DAY, FILE, HOUR, EachEvent, look, tell

DEADLINE_S = 20
COUNTS = "SELECT memory_id, uses FROM accesses"
READS = "SELECT client, hash FROM packs ORDER BY client"


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


async def read(core, query=None, *, client="a", **options):
    return await packs.compile_pack(
        core, LOCAL_USER, PackQuery(query=query, **options), client=client
    )


def changes(pack):
    """Hash of the read before, and the handles that came and went."""
    found = pack.layers.changes
    added, removed = ([line.handle for line in lines] for lines in (found.added, found.removed))
    return found.since, added, removed


async def test_the_first_read_of_a_client_has_all_lines_added(core):
    await tell(core, "Bo likes rum.")
    pack = await read(core)
    assert changes(pack) == (None, ["e1"], [])
    assert pack.layers.changes.added[0].text == 'User, 10:30: "Bo likes rum."'


async def test_a_read_tells_what_came_and_went_since_the_last(core):
    await tell(core, "Bo likes rum.")
    first = await read(core)
    assert changes(await read(core)) == (first.layers.hash, [], [])
    await dreams.run(core, LOCAL_USER, anima=None)
    second = await read(core)
    assert changes(second) == (first.layers.hash, ["m1", "k1"], ["e1"])
    assert second.layers.changes.removed[0].text == 'User, 10:30: "Bo likes rum."'
    assert changes(await read(core)) == (second.layers.hash, [], [])


async def test_only_reads_without_a_query_and_of_the_present_count(core, clock):
    await tell(core, "Bo likes rum.")
    for pack in (await read(core, "rum"), await read(core, as_of=clock.now())):
        assert pack.layers.changes is None
    assert changes(await read(core)) == (None, ["e1"], [])
    assert changes(await read(core, "?!"))[1:] == ([], [])


async def test_each_client_and_each_anima_has_a_read_of_its_own(core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, "Bo likes rum.")
    await tell(core, "Nadia likes tea.", anima_id="other")
    await read(core)
    assert changes(await read(core, client="b")) == (None, ["e1"], [])
    assert changes(await read(core, anima="other")) == (None, ["e1"], [])


async def test_the_bytes_of_a_pack_do_not_depend_on_what_was_read_before(core):
    await tell(core, "Bo likes rum.")
    first, second = await read(core), await read(core)
    nobody = await read(core, client=None)
    assert nobody.layers.changes is None
    for pack in (first, second):
        content = {**pack.content, "changes": None}
        assert pack.model_copy(update={"content": content}) == nobody


async def test_an_event_that_leaves_its_session_is_still_the_same_line(core, clock):
    await tell(core, "Bo likes rum.")
    await read(core)
    clock.move(DAY)
    assert changes(await read(core))[1:] == ([], [])


async def test_a_reworded_line_went_and_came(core):
    anima = await animas.find(core, LOCAL_USER, None)
    reader = packs.Reader(anima.anima_no, LOCAL_USER.no, "a")
    await uses.note_read(core, reader, pack_hash="1", lines={"m1": "Rum.", "e1": "10:00"})
    found = await uses.note_read(core, reader, pack_hash="2", lines={"m1": "Tea.", "e1": "2 May"})
    assert [(line.handle, line.text) for line in found.removed] == [("m1", "Rum.")]
    assert [(line.handle, line.text) for line in found.added] == [("m1", "Tea.")]


async def test_a_read_is_written_once_its_hash_moved_and_outlives_the_process(
    core, clock, tmp_path
):
    await tell(core, "Bo likes rum.")
    pack = await read(core)
    assert look(tmp_path / FILE, READS) == []
    await uses.flush(core)
    assert look(tmp_path / FILE, READS) == [("a", pack.layers.hash)]
    assert core.reads == {}
    assert changes(await read(core)) == (pack.layers.hash, [], [])
    assert core.reads == {}
    clock.move(HOUR)
    later = await read(core)
    assert changes(later) == (pack.layers.hash, [], [])
    await uses.flush(core)
    assert look(tmp_path / FILE, READS) == [("a", later.layers.hash)]


async def test_a_database_that_cannot_be_written_still_gives_packs(core, monkeypatch):
    await tell(core, "Bo likes rum.")
    monkeypatch.setattr(uses, "MAX_UNWRITTEN", 2)
    broken = replace(core, database=_Full(core.database))
    for client in "abcd":
        assert changes(await read(broken, client=client)) == (None, ["e1"], [])
    assert [reader.client for reader in broken.reads] == ["c", "d"]
    with pytest.raises(StorageError):
        await uses.flush(broken)
    assert len(broken.reads) == 2


async def test_reads_that_nobody_flushes_are_written_when_they_are_many(
    core, monkeypatch, tmp_path
):
    await tell(core, "Bo likes rum.")
    monkeypatch.setattr(uses, "MAX_UNWRITTEN", 2)
    for client in "abc":
        await read(core, client=client)
    assert [client for client, _ in look(tmp_path / FILE, READS)] == ["a", "b", "c"]
    assert core.reads == {}


async def test_uses_of_a_flush_that_is_cancelled_are_counted_once(core, tmp_path):
    begun, go = threading.Event(), threading.Event()

    def wait(_):
        begun.set()
        assert go.wait(DEADLINE_S)

    await tell(core, "Bo likes rum.")
    await dreams.run(core, LOCAL_USER, anima=None)
    core.uses[row_id(1, 1)] += 2
    with anyio.fail_after(DEADLINE_S):
        async with anyio.create_task_group() as writing, anyio.create_task_group() as flushing:
            writing.start_soon(core.database.write, wait)
            await anyio.to_thread.run_sync(begun.wait)
            flushing.start_soon(uses.flush, core)
            await anyio.wait_all_tasks_blocked()
            flushing.cancel_scope.cancel()
            go.set()
    await uses.flush(core)
    assert look(tmp_path / FILE, COUNTS) == [(row_id(1, 1), 2)]
    assert not core.uses


@pytest.mark.parametrize("error", [StorageError("The disk is full."), ZeroDivisionError()])
async def test_uses_that_could_not_be_written_wait_for_the_next_time(core, tmp_path, error):
    await tell(core, "Bo likes rum.")
    await dreams.run(core, LOCAL_USER, anima=None)
    core.uses[row_id(1, 1)] += 2
    with pytest.raises(type(error)):
        await uses.flush(replace(core, database=_Full(core.database, error)))
    core.uses[row_id(1, 1)] += 1
    await uses.flush(core)
    assert look(tmp_path / FILE, COUNTS) == [(row_id(1, 1), 3)]


class _Full:
    """A database on a full disk, or one that fails in another way."""

    def __init__(self, database, error=None):
        self._database = database
        self._error = error or StorageError("The disk is full.")

    def __getattr__(self, name):
        return getattr(self._database, name)

    async def write(self, *_, **__):
        raise self._error
