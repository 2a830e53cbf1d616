"""Rows: what is written is read back exactly, inside one anima, with numbers used once."""

from dataclasses import replace
from datetime import UTC, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.store import animas, dreams, events, memories, search, values
from elephantasm_mcp.store.dreams import StoredAction, StoredDream
from elephantasm_mcp.store.events import NewEvent
from elephantasm_mcp.types.records import (
    LOCAL_USER,
    AnimaCreate,
    AnimaNo,
    EventState,
    MemoryState,
    RowId,
    Trust,
    row_id,
)

HOUR = timedelta(hours=1)


def new_event(number, now, **changes):
    event = NewEvent(
        uuid=UUID(int=1000 + number),
        event_type="message.in",
        role="user",
        author="Bo",
        summary=None,
        content=f"Content {number} with NUL-free 文字 🎉",
        occurred_at=now,
        session_id="s",
        meta='{"a":[1,null,"é"]}',
        source_uri=None,
        dedupe_key=None,
        content_hash=bytes([number]) * 16,
        importance=0.1,
        tokens=number,
        redactions=0,
        trust=Trust.TOLD,
    )
    return replace(event, **changes)


def memory_snapshot(number, now, **changes):
    micros = values.to_micros(now)
    return {
        "version": 1,
        "uuid": UUID(int=2000 + number).hex,
        "summary": f"Summary {number}\x00\n",
        "content": "内容",
        "importance": 0.1 + 0.2,
        "confidence": 1.0,
        "state": "active",
        "time_start": micros,
        "time_end": micros + number,
        "session_id": None,
        "meta": "{}",
        "provisional": 0,
        "synthesizer": "x",
        "pinned": 0,
        "trust": "told",
        "superseded_by": None,
        "created_at": micros,
        "updated_at": micros,
        "links": [
            ["event", row_id(AnimaNo(1), 1), "quote"],
            ["event", row_id(AnimaNo(1), 2), None],
        ],
    } | changes


def knowledge_snapshot(number, now, **changes):
    micros = values.to_micros(now)
    return {
        "version": 1,
        "uuid": UUID(int=3000 + number).hex,
        "type": "FACT",
        "content": f"Fact {number}",
        "confidence": 0.3,
        "valid_from": micros,
        "valid_until": None,
        "memory_id": None,
        "provisional": 1,
        "synthesizer": "x",
        "pinned": 0,
        "trust": "reported",
        "superseded_by": None,
        "archived": 0,
        "created_at": micros,
        "updated_at": micros,
        "links": [],
    } | changes


def a_dream(number, now, **changes):
    return replace(
        StoredDream(
            id=row_id(AnimaNo(1), number),
            uuid=UUID(int=4000 + number),
            phase="auto",
            actor="user",
            synthesizer="x",
            started_at=now,
            finished_at=now,
            counts={"events": 1},
            tokens=3,
            undoes=None,
            undone_by=None,
        ),
        **changes,
    )


# Animas


async def test_an_anima_is_read_back_as_it_was_added(database, anima, now):
    request = AnimaCreate(name="x", description="d", meta={"k": [1, {"z": None}]})
    made, created = await database.write(animas.add, LOCAL_USER, request, uuid=UUID(int=9), now=now)
    assert created
    assert made == await database.read(animas.get, made.anima_no)
    assert (made.anima.meta, made.anima.created_at) == ({"k": [1, {"z": None}]}, now)
    again, created = await database.write(
        animas.add, LOCAL_USER, AnimaCreate(name="x"), uuid=UUID(int=10), now=now
    )
    assert (again, created) == (made, False)
    assert await database.read(animas.list_for, LOCAL_USER) == [anima, made]


async def test_preparing_twice_keeps_the_first_secret(database, anima, now):
    kept = await database.write(animas.prepare, user=UUID(int=8), secret=b"other", now=now)
    assert kept == b"secret"
    assert (await database.read(animas.get, anima.anima_no)).anima.user_id == UUID(int=1)


async def test_an_unknown_anima_has_no_numbers(database):
    nobody = AnimaNo(77)
    for layer in ("memory", "knowledge", "dream"):
        with pytest.raises(LookupError):
            await database.write(animas.take_number, nobody, layer)
    with pytest.raises(LookupError):
        await database.read(animas.get, nobody)


async def test_an_unknown_anima_takes_no_events(database, anima, now):
    nobody = replace(anima, anima_no=AnimaNo(77))
    with pytest.raises(LookupError):
        await database.write(events.add, nobody, [new_event(1, now)], now=now)


async def test_numbers_ascend_by_layer_and_anima(database, anima, second):
    for expected in (1, 2):
        for layer in ("memory", "knowledge", "dream"):
            for one in (anima, second):
                taken = await database.write(animas.take_number, one.anima_no, layer)
                assert taken == row_id(one.anima_no, expected)
                assert animas.anima_of(taken) == one.anima_no


async def test_a_number_that_was_rolled_back_may_be_given_again(database, anima):
    def fail(tx):
        animas.take_number(tx, anima.anima_no, "memory")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fail)
    taken = await database.write(animas.take_number, anima.anima_no, "memory")
    assert taken == row_id(anima.anima_no, 1)


# Events


async def test_an_event_is_what_was_said_when_it_was_added(database, anima, now):
    new = [new_event(1, now), new_event(2, now - HOUR, dedupe_key="k", importance=None)]
    ids, recounted = await database.write(events.add, anima, new, now=now)
    for id_, event in zip(ids, new, strict=True):
        stored = await database.read(events.get, anima, id_)
        assert stored == events.added(anima, id_, event, now=now)
    assert await database.read(events.get, anima, RowId(5)) is None
    counted = await database.read(animas.get, anima.anima_no)
    assert (recounted.pending_events, recounted.pending_tokens) == (2, 3)
    assert (counted.pending_events, counted.pending_tokens) == (2, 3)
    assert (counted.pending_since, counted.last_event_at) == (now, now)


async def test_the_last_event_is_the_latest_that_was_told_so_far(database, anima, now):
    for number, moment in enumerate((now - HOUR, now + HOUR, now), start=1):
        await database.write(events.add, anima, [new_event(number, moment)], now=now)
    found = await database.read(events.last, anima, until=now)
    assert found.event.handle == "e3"
    assert await database.read(events.last, anima, until=now - 2 * HOUR) is None
    assert (await database.read(animas.get, anima.anima_no)).last_event_at == now + HOUR


async def test_the_nearest_of_equal_events_is_the_one_that_is_repeated(database, anima, now):
    same = {"content_hash": b"=" * 16}
    moments = [
        now - timedelta(seconds=200),
        now - timedelta(seconds=10),
        now + timedelta(seconds=250),
    ]
    for number, moment in enumerate(moments, start=1):
        await database.write(events.add, anima, [new_event(number, moment, **same)], now=now)
    found = await database.read(events.find_duplicate, anima, new_event(9, now, **same))
    assert found.event.handle == "e2"


async def test_duplicates_stay_inside_an_anima(database, anima, second, now):
    keyed = new_event(1, now, dedupe_key="k")
    await database.write(events.add, anima, [keyed, new_event(2, now)], now=now)
    for event in (replace(keyed, uuid=UUID(int=5)), new_event(2, now)):
        assert await database.read(events.find_duplicate, anima, event) is not None
        assert await database.read(events.find_duplicate, second, event) is None


async def test_a_state_moves_only_from_where_the_caller_saw_it(database, anima, now):
    (id_,), _ = await database.write(events.add, anima, [new_event(1, now)], now=now)

    async def move(before, state):
        return await database.write(events.set_state, id_, before=before, state=state, now=now)

    assert not await move(EventState.HELD, EventState.SETTLED)
    assert await move(EventState.PENDING, EventState.SETTLED)
    assert not await move(EventState.PENDING, EventState.SETTLED)
    await database.write(animas.recount_pending, anima.anima_no)
    counted = await database.read(animas.get, anima.anima_no)
    assert (counted.pending_events, counted.pending_tokens, counted.pending_since) == (0, 0, None)


async def test_events_of_a_state_come_in_time_order_and_of_one_anima(database, anima, second, now):
    moments = [now, now - HOUR, now]
    for number, moment in enumerate(moments, start=1):
        await database.write(events.add, anima, [new_event(number, moment)], now=now)
    await database.write(events.add, second, [new_event(7, now)], now=now)
    found = await database.read(events.in_state, anima, EventState.PENDING)
    assert [one.event.handle for one in found] == ["e2", "e1", "e3"]
    assert await database.read(events.in_state, anima, EventState.HELD) == []


async def test_neighbours_are_of_the_same_session_and_in_time_order(database, anima, now):
    told = [("s", 0), ("t", 1), ("s", 2), ("s", 2), (None, 3), (None, 4)]
    for number, (session, minutes) in enumerate(told, start=1):
        moment = now + timedelta(minutes=minutes)
        await database.write(
            events.add, anima, [new_event(number, moment, session_id=session)], now=now
        )

    async def near(number):
        event = await database.read(events.get, anima, row_id(anima.anima_no, number))
        found = await database.read(events.neighbours, anima, event)
        return [one and one.event.handle for one in found]

    assert [await near(number) for number in range(1, 7)] == [
        [None, "e3"],
        [None, None],
        ["e1", "e4"],
        ["e3", None],
        [None, "e6"],
        ["e5", None],
    ]


async def test_a_session_reaches_back_to_its_first_pause(database, anima, now):
    for number, minutes in enumerate((100, 60, 31, 0), start=1):
        moment = now - timedelta(minutes=minutes)
        await database.write(events.add, anima, [new_event(number, moment)], now=now)

    async def start(gap):
        return await database.read(
            events.session_start, anima, "s", until=now, gap=timedelta(minutes=gap)
        )

    assert now - await start(30) == timedelta(0)
    assert now - await start(31) == timedelta(minutes=60)
    assert now - await start(40) == timedelta(minutes=100)
    assert (await database.read(events.session_start, anima, "none", until=now, gap=HOUR)) is None


# Memories and knowledge


@pytest.mark.parametrize(
    ("layer", "snapshot"), [("memory", memory_snapshot), ("knowledge", knowledge_snapshot)]
)
async def test_a_snapshot_is_read_back_as_it_was_written(database, anima, now, layer, snapshot):
    id_ = row_id(anima.anima_no, 1)
    assert await database.read(memories.read_snapshot, layer, id_) is None
    for version in (1, 2):
        written = snapshot(1, now, version=version)
        await database.write(memories.write_snapshot, layer, id_, written)
        assert await database.read(memories.read_snapshot, layer, id_) == written
    uuid = UUID(hex=written["uuid"])
    assert await database.read(memories.id_by_uuid, layer, uuid) == id_
    await database.write(memories.write_snapshot, layer, id_, None)
    assert await database.read(memories.read_snapshot, layer, id_) is None
    assert await database.read(memories.id_by_uuid, layer, uuid) is None
    assert await database.read(memories.links_of, layer, id_) == []


async def test_what_is_read_is_what_checking_it_would_give(database, anima, now):
    event = new_event(1, now, importance=1)
    await database.write(events.add, anima, [event], now=now)
    id_ = row_id(anima.anima_no, 1)
    memory = memory_snapshot(1, now, confidence=1, importance=0)
    await database.write(memories.write_snapshot, "memory", id_, memory)
    knowledge = knowledge_snapshot(1, now, confidence=1, memory_id=id_, superseded_by=id_)
    await database.write(memories.write_snapshot, "knowledge", id_, knowledge)
    read = [
        (await database.read(animas.get, anima.anima_no)).anima,
        (await database.read(events.get, anima, id_)).event,
        (await database.read(memories.get_memory, anima, id_)).memory,
        (await database.read(memories.get_knowledge, anima, id_)).knowledge,
    ]
    for row in read:
        checked = type(row).model_validate(row.model_dump())
        assert repr(row) == repr(checked)
        assert row.model_dump_json() == checked.model_dump_json()
        assert type(row).model_fields.keys() - row.model_fields_set <= {"note"}


async def test_writing_a_snapshot_keeps_the_uses(database, anima, now):
    id_ = row_id(anima.anima_no, 1)
    await database.write(memories.write_snapshot, "memory", id_, memory_snapshot(1, now))
    await database.write(memories.add_accesses, {id_: 2}, now=now)
    await database.write(memories.add_accesses, {id_: 1}, now=now - HOUR)
    await database.write(memories.fold_accesses, anima, now=now)
    await database.write(memories.write_snapshot, "memory", id_, memory_snapshot(1, now, version=2))
    found = await database.read(memories.get_memory, anima, id_)
    assert (found.access_count, found.last_accessed_at, found.memory.version) == (3, now, 2)


async def test_uses_are_folded_into_one_anima_only(database, anima, second, now):
    for one in (anima, second):
        id_ = row_id(one.anima_no, 1)
        snapshot = memory_snapshot(one.anima_no, now, links=[])
        await database.write(memories.write_snapshot, "memory", id_, snapshot)
        await database.write(memories.add_accesses, {id_: 1}, now=now)
    await database.write(memories.fold_accesses, anima, now=now)
    await database.write(memories.fold_accesses, anima, now=now)
    uses = [
        (await database.read(memories.get_memory, one, row_id(one.anima_no, 1))).access_count
        for one in (anima, second)
    ]
    assert uses == [1, 0]


async def test_lists_of_memories_leave_out_what_is_not_theirs(database, anima, second, now):
    changes = [
        {"importance": 0.2},
        {"importance": 0.9},
        {"importance": 0.1, "pinned": 1},
        {"state": "archived"},
        {"superseded_by": row_id(anima.anima_no, 1)},
        {"state": "decaying", "importance": 0.3},
    ]
    for number, change in enumerate(changes, start=1):
        snapshot = memory_snapshot(number, now, links=[], **change)
        id_ = row_id(anima.anima_no, number)
        await database.write(memories.write_snapshot, "memory", id_, snapshot)
    other = memory_snapshot(9, now, links=[])
    await database.write(memories.write_snapshot, "memory", row_id(second.anima_no, 1), other)

    async def handles(function, **options):
        return [one.memory.handle for one in await database.read(function, anima, **options)]

    assert await handles(memories.list_memories) == ["m1", "m2", "m3", "m4", "m6"]
    assert await handles(memories.list_memories, state=MemoryState.ARCHIVED) == ["m4"]
    assert await handles(memories.list_memories, limit=2) == ["m1", "m2"]
    assert await handles(memories.latest_memories, limit=9) == ["m6", "m3", "m2", "m1"]
    assert await handles(memories.important_memories, limit=9) == ["m3", "m2", "m6", "m1"]
    span = {"since": now - HOUR, "until": now + HOUR}
    assert await handles(memories.session_memories, session_id=None, **span) == [
        "m6",
        "m3",
        "m2",
        "m1",
    ]
    assert await handles(memories.session_memories, session_id="x", **span) == []
    assert await database.read(search.hidden, anima.anima_no) == [
        ("memory", row_id(anima.anima_no, 4)),
        ("memory", row_id(anima.anima_no, 5)),
    ]
    assert await database.read(memories.count_living, anima) == 4


async def test_lists_of_knowledge_leave_out_what_no_longer_holds(database, anima, now):
    memory = row_id(anima.anima_no, 1)
    await database.write(
        memories.write_snapshot, "memory", memory, memory_snapshot(1, now, links=[])
    )
    changes = [
        {"confidence": 0.2, "memory_id": memory},
        {"confidence": 0.9},
        {"superseded_by": row_id(anima.anima_no, 2)},
        {"archived": 1},
    ]
    for number, change in enumerate(changes, start=1):
        id_ = row_id(anima.anima_no, number)
        snapshot = knowledge_snapshot(number, now, **change)
        await database.write(memories.write_snapshot, "knowledge", id_, snapshot)

    async def handles(function, *arguments, **options):
        found = await database.read(function, anima, *arguments, **options)
        return [one.knowledge.handle for one in found]

    assert await handles(memories.list_knowledge) == ["k1", "k2", "k4"]
    assert await handles(memories.list_knowledge, include_superseded=True, limit=3) == [
        "k1",
        "k2",
        "k3",
    ]
    assert await handles(memories.current_knowledge, limit=9) == ["k2", "k1"]
    assert await handles(memories.knowledge_of, memory) == ["k1"]
    third = await database.read(memories.get_knowledge, anima, row_id(anima.anima_no, 3))
    assert third.knowledge.superseded_by == UUID(int=3002)
    first = await database.read(memories.get_knowledge, anima, row_id(anima.anima_no, 1))
    assert first.knowledge.memory_id == UUID(int=2001)
    assert await database.read(memories.get_knowledge, anima, row_id(anima.anima_no, 9)) is None
    assert await database.read(search.hidden, anima.anima_no) == [
        ("knowledge", row_id(anima.anima_no, 3)),
        ("knowledge", row_id(anima.anima_no, 4)),
    ]


async def test_sources_are_named_by_their_events_ids(database, anima, now):
    await database.write(events.add, anima, [new_event(1, now), new_event(2, now)], now=now)
    first, second = row_id(anima.anima_no, 1), row_id(anima.anima_no, 2)
    links = [
        ["event", second, "a"],
        ["event", second, "b"],
        ["event", first, None],
        ["event", row_id(anima.anima_no, 9), None],
        ["memory", first, None],
    ]
    await database.write(
        memories.write_snapshot, "memory", first, memory_snapshot(1, now, links=links)
    )
    found = await database.read(memories.get_memory, anima, first)
    assert found.memory.source_ids == [UUID(int=1002), UUID(int=1001)]
    assert await database.read(memories.links_to, "event", second) == [("memory", first)]


# The journal


async def test_a_dream_and_its_actions_are_read_back_in_order(database, anima, now):
    dream = a_dream(1, now)
    await database.write(dreams.add, dream)
    actions = [
        StoredAction(
            kind="create",
            layer="memory",
            row_id=row_id(anima.anima_no, number),
            before=None,
            after=memory_snapshot(number, now),
            sources=["e1"],
            reasoning="why",
            operation="make",
            inputs="in",
        )
        for number in (2, 1)
    ]
    for action in actions:
        await database.write(dreams.add_action, dream.id, action)
    assert await database.read(dreams.get, dream.id) == dream
    assert await database.read(dreams.find, dream.uuid) == dream
    assert await database.read(dreams.find, UUID(int=1)) is None
    assert await database.read(dreams.get, RowId(3)) is None
    assert await database.read(dreams.actions_of, dream.id) == actions
    (entry,) = await database.read(dreams.history, "memory", row_id(anima.anima_no, 1))
    assert entry == ("create", "why", dream)


async def test_a_dream_grows_until_it_is_undone(database, anima, now):
    await database.write(dreams.add, a_dream(1, now))
    dream = row_id(anima.anima_no, 1)
    later = now + HOUR
    grow = {"counts": {"events": 2}, "tokens": 4, "finished_at": later}
    assert await database.write(dreams.extend, dream, **grow)
    found = await database.read(dreams.get, dream)
    assert (found.counts, found.tokens, found.finished_at) == ({"events": 2}, 7, later)
    by = row_id(anima.anima_no, 2)
    assert await database.write(dreams.mark_undone, dream, by=by)
    assert not await database.write(dreams.mark_undone, dream, by=by)
    assert not await database.write(dreams.extend, dream, **grow)


async def test_what_was_taken_back_is_kept_by_row_and_operation(database, anima, second):
    id_ = row_id(anima.anima_no, 1)
    for inputs in ("old", "new"):
        await database.write(dreams.decline, "memory", id_, operation="fade", inputs=inputs)
    await database.write(
        dreams.decline, "memory", row_id(second.anima_no, 1), operation="fade", inputs="x"
    )
    assert await database.read(dreams.declined, anima) == {("memory", id_, "fade"): "new"}


# The index


def vectors(rows, *, start=1.0):
    return np.arange(start, start + rows * 4, dtype=np.float32).reshape(rows, 4)


async def stored(database, anima, model="m", *, after=-1):
    found = await database.read(search.vectors_after, anima.anima_no, "event", model, after=after)
    return [(id_ & 255, np.frombuffer(blob, np.int8).tolist()) for id_, blob in found]


async def test_what_recall_reads_of_a_row_is_of_one_anima_and_above_an_id(
    database, anima, second, now
):
    for one, number in ((anima, 1), (anima, 2), (second, 3)):
        await database.write(events.add, one, [new_event(number, now)], now=now)
        id_ = row_id(one.anima_no, number)
        made = memory_snapshot(number, now, links=[], session_id="s")
        await database.write(memories.write_snapshot, "memory", id_, made)
        fact = knowledge_snapshot(number, now, memory_id=id_)
        await database.write(memories.write_snapshot, "knowledge", id_, fact)
    micros, first = values.to_micros(now), row_id(anima.anima_no, 1)

    async def rows(layer, after):
        found = await database.read(search.rows_after, anima.anima_no, layer, after=after)
        return [(id_ & 255, *rest) for id_, *rest in found]

    assert await rows("event", first) == [
        (2, "Content 2 with NUL-free 文字 🎉", "Bo", "user", "s", micros)
    ]
    assert await rows("memory", first) == [(2, "Summary 2\x00\n", "内容", "s", micros, micros + 2)]
    assert await rows("knowledge", first) == [(2, "Fact 2", "s", micros)]
    for layer in search.LAYERS:
        assert [id_ for id_, *_ in await rows(layer, -1)] == [1, 2]


async def test_vectors_are_kept_by_model_inside_an_anima(database, anima, second, now):
    for one, start in ((anima, 1.0), (second, 9.0)):
        await database.write(events.add, one, [new_event(one.anima_no, now)], now=now)
        ids = [row_id(one.anima_no, 1)]
        for model in ("m", "n"):
            made = vectors(1, start=start)
            await database.write(search.put_vectors, "event", model, ids, made)
    assert await stored(database, anima) == [(1, [32, 64, 95, 127])]
    assert await stored(database, anima, after=row_id(anima.anima_no, 1)) == []
    for model in ("m", "n"):
        await database.write(search.mark, anima.anima_no, "event", model, upto=1)
    await database.write(search.forget_vectors, anima.anima_no, "event", row_id(anima.anima_no, 1))
    assert await stored(database, anima) == await stored(database, anima, "n") == []
    assert len(await stored(database, second)) == 1
    marks = await database.read(search.marks, anima.anima_no)
    assert marks == {("event", "m"): 0, ("event", "n"): 0}


async def test_what_has_no_vector_is_found_above_the_mark_alone(database, anima, now):
    added = [new_event(number, now) for number in range(1, 6)]
    ids, _ = await database.write(events.add, anima, added, now=now)
    await database.write(search.put_vectors, "event", "m", [ids[3]], vectors(1))
    await database.write(search.mark, anima.anima_no, "event", "m", upto=1)
    anima = await database.read(animas.get, anima.anima_no)

    async def missing(model, limit=9):
        found = await database.read(search.without_vector, anima, "event", model, limit=limit)
        return [id_ & 255 for id_ in found]

    assert await missing("m") == [2, 3, 5]
    assert await missing("m", limit=2) == [2, 3]
    assert await missing("n") == [1, 2, 3, 4, 5]
    assert await database.read(search.unindexed, anima, ["m", "n"]) == 5
    assert await database.read(search.unindexed, anima, ["m"]) == 3
    assert await database.read(search.unindexed, anima, []) == 0
    assert await database.read(search.behind, ["m"]) == [anima.anima_no]
    await database.write(search.mark, anima.anima_no, "event", "m", upto=5)
    assert await missing("m") == []
    assert await database.read(search.behind, ["m"]) == []
    assert await database.read(search.behind, ["m", "n"]) == [anima.anima_no]


@pytest.mark.parametrize("layer", search.LAYERS)
async def test_an_anima_is_behind_while_any_layer_is(database, anima, now, layer):
    match layer:
        case "event":
            await database.write(events.add, anima, [new_event(1, now)], now=now)
        case _:
            await database.write(animas.take_number, anima.anima_no, layer)
    assert await database.read(search.behind, ["m"]) == [anima.anima_no]
    await database.write(search.mark, anima.anima_no, layer, "m", upto=1)
    assert await database.read(search.behind, ["m"]) == []


async def test_the_epoch_moves_when_a_vector_goes_and_not_when_one_is_added(database, anima, now):
    added = [new_event(number, now) for number in range(1, 6)]
    (first, second, *_, last), _ = await database.write(events.add, anima, added, now=now)

    async def epoch():
        return (await database.read(animas.get, anima.anima_no)).vector_epoch

    for model, id_ in (("m", second), ("m", last), ("n", first), ("m", first)):
        await database.write(search.put_vectors, "event", model, [id_], vectors(1))
    assert await epoch() == 0
    await database.write(search.mark, anima.anima_no, "event", "m", upto=5)
    await database.write(search.forget_vectors, anima.anima_no, "event", last)
    assert await epoch() == 1


async def test_a_vector_is_never_replaced(database, anima, now):
    (id_, *_), _ = await database.write(events.add, anima, [new_event(1, now)], now=now)
    for start in (1.0, 9.0):
        await database.write(search.put_vectors, "event", "m", [id_], vectors(1, start=start))
    assert await stored(database, anima) == [(1, [32, 64, 95, 127])]


# Values

MOMENTS = st.integers(-2_208_988_800_000_000, 7_258_118_400_000_000).map(values.from_micros)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(MOMENTS)
def test_a_moment_is_kept_to_the_microsecond(moment):
    assert values.from_micros(values.to_micros(moment)) == moment
    assert moment.tzinfo is UTC


@given(JSON)
def test_json_is_read_back_and_equal_values_are_written_equally(value):
    text = values.to_json(value)
    assert values.from_json(text) == value
    assert values.to_json(values.from_json(text)) == text


def test_nothing_passes_as_nothing():
    assert values.maybe_micros(None) is None
    assert values.maybe_time(None) is None
