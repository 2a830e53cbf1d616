"""Taking events in: validation, mending, masking, deduplication, one write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, events
from elephantasm_mcp.memory.events import MAX_CONTENT_BYTES, MAX_META_BYTES
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.types.records import (
    LOCAL_USER,
    AnimaCreate,
    EventCreate,
    EventState,
    EventType,
    Trust,
)
from scenes import (
    FILE,
    HOUR,
    MINUTE,
    CrashError,
    add_user,
    check_counters,
    fragile,
    look,
    tell,
)

SECRET = "sk-ant-api03-" + "Zx9Qw3Er7Ty1Ui5Op2As6Df" * 3


def stored_text(tmp_path):
    """Every byte of the database's files, for finding what must not be there."""
    return b"".join(file.read_bytes() for file in sorted(tmp_path.glob(f"{FILE}*")))


async def test_an_event_is_acknowledged_as_it_stands_in_the_store(core):
    (told,) = await tell(
        core,
        "The cut-over is on Thursday.",
        event_type="message.out",
        role="assistant",
        author="Ava",
        summary="date",
        session_id="s1",
        meta={"b": [1, 2], "a": None},
        source_uri="file:///notes.md",
        dedupe_key="k1",
        importance_score=0.25,
        occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    )
    assert [told.event] == await events.list_events(core, LOCAL_USER, None)
    assert (told.event.handle, told.duplicate, told.repaired) == ("e1", False, False)


async def test_events_are_answered_in_input_order_and_listed_in_time_order(core, clock):
    now = clock.now()
    times = [now, now - 2 * HOUR, now - HOUR]
    requests = [
        EventCreate(content=f"Said at {time}", occurred_at=time, session_id="s") for time in times
    ]
    recorded = await events.record(core, LOCAL_USER, requests)
    assert [one.event.handle for one in recorded.events] == ["e1", "e2", "e3"]
    assert [one.event.occurred_at for one in recorded.events] == times
    listed = await events.list_events(core, LOCAL_USER, None)
    assert [event.handle for event in listed] == ["e2", "e3", "e1"]


async def test_events_are_listed_by_session_span_and_limit(core, clock):
    now = clock.now()
    for hours, session in ((3, "a"), (2, "b"), (1, "a")):
        await tell(core, f"{hours} hours ago", session_id=session, occurred_at=now - hours * HOUR)

    async def handles(**filters):
        found = await events.list_events(core, LOCAL_USER, None, **filters)
        return [event.handle for event in found]

    assert await handles(session_id="a") == ["e1", "e3"]
    assert await handles(since=now - 2 * HOUR) == ["e2", "e3"]
    assert await handles(until=now - 2 * HOUR) == ["e1", "e2"]
    assert await handles(limit=1) == ["e1"]


async def test_no_events_at_all_is_an_error(core):
    with pytest.raises(ValidationError) as caught:
        await events.record(core, LOCAL_USER, [])
    assert caught.value.field == "events"


# Deduplication


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
async def test_the_same_content_within_the_window_is_the_earlier_event(core, clock, seconds):
    (first,) = await tell(core, "Deploy is done.", author="Bo", session_id="s")
    moment = clock.now() + timedelta(seconds=seconds)
    (again,) = await tell(core, "Deploy is done.", author="Bo", session_id="s", occurred_at=moment)
    assert again.duplicate
    assert again.event == first.event


@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "system"},
        {"author": "Cy"},
        {"author": None},
        {"session_id": "t"},
        {"session_id": None},
        {"seconds": 301},
        {"seconds": -301},
        {"content": "Deploy is done!"},
    ],
)
async def test_what_differs_in_one_part_of_the_rule_is_a_new_event(core, clock, change):
    same = {"content": "Deploy is done.", "author": "Bo", "session_id": "s"}
    await events.record(core, LOCAL_USER, [EventCreate(**same)])
    moment = clock.now() + timedelta(seconds=change.pop("seconds", 0))
    other = EventCreate(**(same | change), occurred_at=moment)
    recorded = await events.record(core, LOCAL_USER, [other])
    assert not recorded.events[0].duplicate


async def test_an_empty_session_is_another_than_none(core):
    (first,) = await tell(core, "Hello there.", session_id="")
    (second,) = await tell(core, "Hello there.")
    assert first.event.session_id is None
    assert second.duplicate


async def test_the_window_belongs_to_what_happened_not_to_when_it_was_told(core, clock):
    moment = clock.now() - 5 * HOUR
    await tell(core, "Deploy is done.", occurred_at=moment)
    clock.move(HOUR)
    (late,) = await tell(core, "Deploy is done.", occurred_at=moment)
    (fresh,) = await tell(core, "Deploy is done.")
    assert late.duplicate
    assert not fresh.duplicate


async def test_a_key_replaces_the_rule_in_both_directions(core, clock):
    (keyed,) = await tell(core, "Deploy is done.", dedupe_key="k")
    (without,) = await tell(core, "Deploy is done.")
    (other_key,) = await tell(core, "Deploy is done.", dedupe_key="l")
    clock.move(timedelta(days=400))
    (same_key,) = await tell(core, "Something else entirely.", dedupe_key="k")
    assert not without.duplicate
    assert not other_key.duplicate
    assert same_key.duplicate
    assert same_key.event == keyed.event


async def test_events_of_one_call_are_compared_with_each_other(core):
    told = await tell(core, "Twice.", "Twice.", "Once.", session_id="s")
    assert [(one.event.handle, one.duplicate) for one in told] == [
        ("e1", False),
        ("e1", True),
        ("e2", False),
    ]


async def test_a_key_and_a_content_of_one_anima_mean_nothing_in_another(core):
    for name in ("one", "two"):
        await animas.create(core, LOCAL_USER, AnimaCreate(name=name))
        told = await tell(core, "Same.", anima_id=name)
        told += await tell(core, "Keyed.", anima_id=name, dedupe_key="k")
        assert not any(one.duplicate for one in told)


# Secrets


async def test_a_secret_is_masked_before_it_is_stored(core, tmp_path):
    (told,) = await tell(
        core,
        f"My key is {SECRET}, keep it.",
        summary=f"the key {SECRET}",
        meta={"env": {"KEY": SECRET}, "list": [SECRET], "password": "correct-horse-42"},
        source_uri=f"https://example.org/?api_key={SECRET}",
    )
    assert told.redactions >= 2
    assert told.event.redactions == told.redactions
    stored = stored_text(tmp_path)
    assert SECRET.encode() not in stored
    assert b"correct-horse-42" not in stored
    assert b"keep it" in stored


async def test_what_is_no_string_stays_as_it_is_in_meta(core):
    (told,) = await tell(core, "x", meta={"n": 1, "f": 0.5, "yes": True, "no": None, "s": "t"})
    assert told.event.meta == {"n": 1, "f": 0.5, "yes": True, "no": None, "s": "t"}


async def test_masking_can_be_switched_off(core):
    (told,) = await tell(replace(core, redact=False), SECRET, meta={"key": SECRET})
    assert (told.event.content, told.event.meta, told.redactions) == (SECRET, {"key": SECRET}, 0)


# Broken input


async def test_broken_characters_are_mended_and_reported(core):
    (told,) = await tell(core, "a\x00b\ufeffc\r\nd")
    assert (told.event.content, told.repaired) == ("abc\nd", True)


async def test_a_broken_author_is_mended_and_reported(core):
    (told,) = await tell(core, "Hello.", author=" Bo\x00 ")
    assert (told.event.author, told.repaired) == ("Bo", True)


@pytest.mark.parametrize("masks", [True, False])
async def test_no_control_character_reaches_any_field(core, masks):
    broken = "a\x00b"
    (told,) = await tell(
        replace(core, redact=masks),
        "Hello.",
        role=broken,
        summary=broken,
        session_id=broken,
        source_uri=broken,
        dedupe_key=broken,
    )
    event = told.event
    assert {event.role, event.summary, event.session_id, event.source_uri, event.dedupe_key} == {
        "ab"
    }


@pytest.mark.parametrize("content", ["\x00", " \n\t ", "\ufeff"])
async def test_content_of_which_nothing_is_left_is_refused(core, content):
    with pytest.raises(ValidationError) as caught:
        await tell(core, content)
    assert caught.value.field == "content"


async def test_an_author_of_blanks_is_none(core):
    (told,) = await tell(core, "Hello.", author="  ")
    assert told.event.author is None


async def test_the_longest_content_is_kept_and_one_byte_more_is_refused(core):
    (told,) = await tell(core, "é" * (MAX_CONTENT_BYTES // 2))
    assert len(told.event.content.encode()) == MAX_CONTENT_BYTES
    with pytest.raises(ValidationError) as caught:
        await tell(core, "é" * (MAX_CONTENT_BYTES // 2) + "x")
    assert caught.value.field == "content"


@pytest.mark.parametrize(
    "meta",
    [
        {"long": "x" * MAX_META_BYTES},
        {"when": datetime(2026, 1, 1, tzinfo=UTC)},
        {"not": {1, 2}},
        {"nan": float("nan")},
        {"mixed": {1: 1, "a": 2}},
    ],
)
async def test_meta_that_is_too_large_or_no_json_is_refused(core, meta):
    with pytest.raises(ValidationError) as caught:
        await tell(core, "Hello.", meta=meta)
    assert caught.value.field == "meta"


async def test_meta_that_is_nested_too_deeply_is_refused(core):
    deep = []
    for _ in range(5000):
        deep = [deep]
    request = EventCreate(content="Hello.").model_copy(update={"meta": {"deep": deep}})
    with pytest.raises(ValidationError) as caught:
        await events.record(core, LOCAL_USER, [request])
    assert caught.value.field == "meta"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1899, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2200, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
async def test_a_time_outside_1900_to_2200_is_refused(core, moment):
    with pytest.raises(ValidationError) as caught:
        await tell(core, "Hello.", occurred_at=moment)
    assert caught.value.field == "occurred_at"


@pytest.mark.parametrize("year", [1900, 2200])
async def test_the_first_and_last_moment_are_kept_exactly(core, year):
    moment = datetime(year, 1, 1, tzinfo=UTC)
    (told,) = await tell(core, "Hello.", occurred_at=moment)
    assert told.event.occurred_at == moment


async def test_a_refused_event_keeps_the_whole_call_out(core, tmp_path):
    good = EventCreate(content="Good.")
    for bad in (EventCreate(content=" "), EventCreate(content="x", anima_id="nobody")):
        with pytest.raises((ValidationError, NotFoundError)):
            await events.record(core, LOCAL_USER, [good, bad])
    assert look(tmp_path / FILE, "SELECT count(*) FROM events") == [(0,)]


@pytest.mark.parametrize("statement", range(9))
async def test_a_write_that_breaks_stores_none_of_its_events(core, tmp_path, statement):
    await tell(core, "Before.")
    broken, database = fragile(core)
    database.break_at = statement
    requests = [EventCreate(content=f"Number {n}.") for n in range(3)]
    with pytest.raises(CrashError):
        await events.record(broken, LOCAL_USER, requests)
    assert look(tmp_path / FILE, "SELECT content FROM events") == [("Before.",)]
    check_counters(tmp_path / FILE)
    recorded = await events.record(broken, LOCAL_USER, requests)
    assert [one.event.handle for one in recorded.events] == ["e2", "e3", "e4"]


# Trust, roles, states


@pytest.mark.parametrize(
    ("fields", "trust"),
    [
        ({}, Trust.TOLD),
        ({"event_type": "message.out"}, Trust.TOLD),
        ({"event_type": "tool.call"}, Trust.TOLD),
        ({"event_type": "system"}, Trust.TOLD),
        ({"event_type": "tool.result"}, Trust.REPORTED),
        ({"event_type": "tool.result", "role": "user"}, Trust.REPORTED),
        ({"role": "tool"}, Trust.REPORTED),
        ({"role": "Tool "}, Trust.REPORTED),
        ({"source_uri": "https://example.org"}, Trust.REPORTED),
        ({"meta": {"trust": "told"}, "source_uri": "x"}, Trust.REPORTED),
    ],
)
async def test_trust_comes_from_type_role_and_source(core, fields, trust):
    (told,) = await tell(core, "The sky is green.", **fields)
    assert told.event.trust is trust


@pytest.mark.parametrize(
    ("event_type", "role"),
    list(zip(EventType, ["user", "assistant", "assistant", "tool", "system"], strict=True)),
)
async def test_a_role_follows_from_the_type_unless_it_is_given(core, event_type, role):
    (told,) = await tell(core, "x", event_type=event_type)
    assert (told.event.role, told.event.state) == (role, EventState.PENDING)
    (told,) = await tell(core, "y", event_type=event_type, role="critic")
    assert told.event.role == "critic"


async def test_one_call_may_reach_several_animas_by_id_and_name(core, tmp_path):
    one, _ = await animas.create(core, LOCAL_USER, AnimaCreate(name="one"))
    two, _ = await animas.create(core, LOCAL_USER, AnimaCreate(name="two"))
    requests = [
        EventCreate(content=content, anima_id=anima)
        for content, anima in (
            ("A", "one"),
            ("B", two.id),
            ("C", str(one.id)),
            ("D", None),
            ("C", "one"),
        )
    ]
    recorded = await events.record(core, LOCAL_USER, requests)
    default = await animas.resolve(core, LOCAL_USER, None)
    assert [(e.event.anima_id, e.event.handle, e.duplicate) for e in recorded.events] == [
        (one.id, "e1", False),
        (two.id, "e1", False),
        (one.id, "e2", False),
        (default.id, "e1", False),
        (one.id, "e2", True),
    ]
    assert recorded.accumulation.pending_events == 2
    check_counters(tmp_path / FILE)


async def test_an_anima_of_another_user_takes_no_events(core, tmp_path):
    other = add_user(tmp_path / FILE)
    theirs, _ = await animas.create(core, other, AnimaCreate(name="theirs"))
    for ref in ("theirs", theirs.id, str(theirs.id)):
        with pytest.raises(NotFoundError):
            await tell(core, "Hello.", anima_id=ref)
    assert look(tmp_path / FILE, "SELECT count(*) FROM events") == [(0,)]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.sampled_from([None, "s", "t"]), st.integers(0, 900))))
async def test_whatever_is_told_is_kept_once_and_counted(core, tmp_path, clock, told):
    path = tmp_path / FILE
    (before,) = look(path, "SELECT count(*) FROM events")
    new = 0
    for text, session, seconds in told:
        moment = clock.now() + timedelta(seconds=seconds)
        if not text.strip():
            continue
        try:
            (one,) = await tell(core, text, session_id=session, occurred_at=moment)
        except ValidationError:
            continue
        new += not one.duplicate
        assert one.event.content
        assert look(path, "SELECT tokens FROM events WHERE uuid = ?", one.event.id.bytes) == [
            (estimate_tokens(one.event.content),)
        ]
    assert look(path, "SELECT count(*) FROM events") == [(before[0] + new,)]
    check_counters(path)


async def test_the_clock_stands_behind_an_event_without_a_time(core, clock):
    clock.move(7 * MINUTE)
    (told,) = await tell(core, "Now.")
    assert told.event.occurred_at == told.event.created_at == clock.now()


@pytest.mark.parametrize("field", ["author", "role", "session_id", "source_uri", "dedupe_key"])
async def test_a_secret_in_a_short_field_is_masked_too(core, field):
    secret = "ghp_" + "a1" * 18
    event = EventCreate(content="Tea is good.", **{field: secret})
    (recorded,) = (await events.record(core, LOCAL_USER, [event])).events
    assert secret not in recorded.event.model_dump_json()
    assert recorded.redactions == 1
