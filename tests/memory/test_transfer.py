"""Importing events from files, through the formats to the store."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.errors import NotFoundError, StorageError, ValidationError
from elephantasm_mcp.memory import animas, events, forgetting
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.formats.bench import bench_events, read_bench
from elephantasm_mcp.memory.formats.items import Candidate, Item, Rejected
from elephantasm_mcp.memory.formats.jsonl import MAX_LINE_BYTES, read_jsonl
from elephantasm_mcp.memory.formats.parts import Part
from elephantasm_mcp.memory.transfer import BATCH_EVENTS, MAX_REPORTED, ImportReport, take_in
from elephantasm_mcp.store.sqlite.database import SqliteDatabase
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, Event, EventType
from elephantasm_mcp.types.views import ForgetRequest

BENCH = {
    "conversations": [
        {
            "id": "c1",
            "speakers": ["user", "assistant"],
            "turns": [
                {
                    "id": "1",
                    "session": "1",
                    "author": "user",
                    "time": "2026-03-02T10:00:00Z",
                    "text": "Hello.",
                },
                {
                    "id": "2",
                    "session": "1",
                    "author": "assistant",
                    "time": "2026-03-02T10:00:30Z",
                    "text": "Hi.",
                },
                {
                    "id": "3",
                    "session": "2",
                    "author": "Mara",
                    "time": "2026-03-03T10:00:00Z",
                    "text": "I am Mara.",
                },
            ],
            "questions": [],
        },
        {"id": "c2", "turns": []},
    ]
}


def lines(*objects: Any) -> bytes:
    return b"".join(
        one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in objects
    )


def part(data: bytes) -> Part:
    return Part("events.jsonl", BytesIO(data))


def read(*objects: Any) -> list[Item]:
    return list(read_jsonl(part(lines(*objects))))


def only_rejected(*objects: Any) -> Rejected:
    (item,) = read(*objects)
    assert isinstance(item, Rejected)
    return item


def bench() -> bytes:
    return json.dumps(BENCH).encode()


async def import_all(core: Core, items: Iterable[Item], anima: str | None = None) -> ImportReport:
    return await take_in(core, LOCAL_USER, items, anima=anima)


async def stored(core: Core, anima: str | None = None) -> list[Event]:
    return await events.list_events(core, LOCAL_USER, anima)


def test_a_line_has_the_fields_of_an_event():
    (item,) = read(
        {
            "content": "I moved to Porto.",
            "event_type": "message.out",
            "anima": "home",
            "role": "user",
            "author": "Mara",
            "session_id": "s",
            "occurred_at": "2026-03-02T10:30:00Z",
            "importance_score": 0.5,
            "meta": {"channel": "email"},
            "source_uri": "https://example.org",
            "dedupe_key": "k",
        }
    )
    assert isinstance(item, Candidate)
    assert item.request.anima_id == "home"
    assert item.request.event_type is EventType.MESSAGE_OUT
    assert item.request.meta == {"channel": "email"}


async def test_a_line_without_an_anima_goes_to_the_given_one(core: Core):
    items = read({"content": "a", "anima": "own"}, {"content": "b"})
    report = await import_all(core, items, "given")
    assert report.animas == {"own": 1, "given": 1}


def test_blank_lines_count_but_are_passed_over():
    items = read({"content": "a"}, b"\n", b"  \r\n", {"content": "b"})
    assert [one.place for one in items] == ["line 1", "line 4"]


def test_the_last_line_needs_no_newline():
    assert len(list(read_jsonl(part(b'{"content": "a"}')))) == 1


def test_positions_end_at_the_size_of_the_file():
    data = lines({"content": "a"}, b"nonsense\n", {"content": "b"})
    assert [one.position for one in read_jsonl(part(data))][-1] == len(data)


def test_broken_utf8_and_lone_surrogates_are_mended():
    broken, escaped = read(b'{"content": "caf\xe9"}\n', b'{"content": "a\\ud800b"}\n')
    assert isinstance(broken, Candidate)
    assert isinstance(escaped, Candidate)
    assert broken.request.content == "caf\ufffd"
    assert escaped.request.content == "a\ufffdb"


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert isinstance(read(b'\xef\xbb\xbf{"content": "a"}\n')[0], Candidate)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense\n", "not JSON"),
        (b'{"importance_score": NaN, "content": "a"}\n', "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"[1]\n", "no JSON object"),
        (b'{"conten": "a"}\n', "Did you mean `content`?"),
        (b'{"author": "Mara"}\n', "`content` of `event` is missing"),
        (b'{"content": "a", "anima": 7}\n', "`anima` must be a name or an id"),
        (b'{"content": "a", "importance_score": 7}\n', "a number from 0 to 1"),
        (b'{"content": "a", "importance_score": true}\n', "a number from 0 to 1"),
        (b'{"content": "a", "occurred_at": 1772447400}\n', "a date and time in ISO 8601"),
        (b'{"content": "a", "occurred_at": "1772447400"}\n', "a date and time in ISO 8601"),
        (b'{"content": "a", "event_type": "shout"}\n', "`message.in`"),
    ],
)
def test_a_bad_line_is_named_with_its_rule(line: bytes, said: str):
    rejected = only_rejected(line)
    assert rejected.place == "line 1"
    assert said in rejected.reason


def test_a_line_without_an_end_is_passed_over_unread():
    too_long, after = read(b"x" * (2 * MAX_LINE_BYTES + 7) + b"\n", {"content": "after"})
    assert isinstance(too_long, Rejected)
    assert "longer than" in too_long.reason
    assert after.place == "line 2"


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes):
    for item in read_jsonl(part(data)):
        assert 0 < item.position <= len(data)


async def test_good_lines_are_stored_though_others_are_bad(core: Core):
    report = await import_all(
        core,
        read(
            {"content": "first"},
            b"nonsense\n",
            {"content": "   "},
            {"content": "old", "occurred_at": "1700-01-01T00:00:00Z"},
            {"content": "last"},
        ),
    )
    assert (report.stored, report.rejected) == (2, 3)
    assert [one.place for one in report.first_rejected] == ["line 2", "line 3", "line 4"]
    assert [one.content for one in await stored(core)] == ["first", "last"]


async def test_only_the_first_bad_lines_are_kept_in_full(core: Core):
    report = await import_all(core, read(*[b"nonsense\n"] * (MAX_REPORTED + 3)))
    assert report.rejected == MAX_REPORTED + 3
    assert len(report.first_rejected) == MAX_REPORTED


async def test_a_second_import_of_keyed_lines_adds_nothing(core: Core):
    items = read({"content": "a", "dedupe_key": "1"}, {"content": "b", "dedupe_key": "2"})
    await import_all(core, items)
    report = await import_all(core, items)
    assert (report.stored, report.duplicates) == (0, 2)
    assert len(await stored(core)) == 2


async def test_a_missing_anima_is_made_and_named(core: Core):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="known"))
    report = await import_all(
        core, read({"content": "a", "anima": "known"}, {"content": "b", "anima": "new"})
    )
    assert report.created == ["new"]
    assert report.animas == {"known": 1, "new": 1}


async def test_an_unknown_id_is_not_made_an_anima(core: Core):
    unknown = "0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d"
    report = await import_all(core, read({"content": "a", "anima": unknown}, {"content": "b"}))
    assert (report.stored, report.rejected) == (1, 1)
    assert unknown in report.first_rejected[0].reason


async def test_a_name_that_no_anima_can_have_is_a_bad_line(core: Core):
    report = await import_all(
        core, read({"content": "a", "anima": "x" * 300}, {"content": "b", "anima": " "})
    )
    assert report.rejected == 2


async def test_progress_is_told_after_each_batch(core: Core):
    told: list[int] = []
    data = lines(*({"content": f"event {number}"} for number in range(BATCH_EVENTS + 1)))
    report = await take_in(core, LOCAL_USER, read_jsonl(part(data)), on_progress=told.append)
    assert report.stored == BATCH_EVENTS + 1
    assert len(told) == 2
    assert told[-1] == len(data)


async def test_what_was_stored_before_an_interruption_stays_and_is_reported(core: Core):
    def interrupted() -> Iterable[Item]:
        yield from read(*({"content": f"event {number}"} for number in range(BATCH_EVENTS)))
        raise KeyboardInterrupt

    report = ImportReport()
    with pytest.raises(KeyboardInterrupt):
        await take_in(core, LOCAL_USER, interrupted(), report=report)
    assert len(await stored(core)) == report.stored == BATCH_EVENTS


async def test_a_failing_database_is_an_error_and_not_a_bad_line(core: Core):
    assert isinstance(core.database, SqliteDatabase)
    await core.database.close()
    with pytest.raises(StorageError):
        await import_all(core, read({"content": "a"}))


async def test_a_conversation_becomes_an_anima_of_its_name(core: Core):
    report = await import_all(core, bench_events(read_bench(bench())))
    assert report.created == ["c1"]
    first, second, third = await stored(core, "c1")
    assert (first.event_type, first.role, first.author) == ("message.in", "user", None)
    assert (second.event_type, second.role, second.author) == ("message.out", "assistant", None)
    assert (third.event_type, third.author, third.session_id) == ("message.in", "Mara", "2")
    assert (third.meta, third.dedupe_key) == ({"turn": "3"}, "3")


async def test_a_second_import_of_a_conversation_adds_nothing(core: Core):
    await import_all(core, bench_events(read_bench(bench())))
    report = await import_all(core, bench_events(read_bench(bench())))
    assert (report.stored, report.duplicates) == (0, 3)


def test_an_anima_may_be_given_for_a_conversation():
    (item, *_) = bench_events(read_bench(bench(), only="c1"), anima="mine")
    assert isinstance(item, Candidate)
    assert item.request.anima_id == "mine"


def test_an_unknown_conversation_is_an_error_that_lists_the_known_ones():
    with pytest.raises(NotFoundError) as error:
        read_bench(bench(), only="c3")
    assert "c1, c2" in error.value.hint


@pytest.mark.parametrize("text", [b"nonsense", b"[]", b'{"conversations": [{"id": 1}]}', b"\xff"])
def test_another_form_is_a_plain_error(text: bytes):
    with pytest.raises(ValidationError) as error:
        read_bench(text)
    assert "pydantic" not in error.value.explain()


async def test_an_import_leaves_out_what_was_forgotten(core: Core):
    found = list(bench_events(read_bench(bench())))
    await take_in(core, LOCAL_USER, found)
    request = ForgetRequest(handles=("e2",), anima="c1")
    await forgetting.forget(core, LOCAL_USER, request, confirmed=True)
    for dry_run in (True, False):
        report = await take_in(core, LOCAL_USER, found, dry_run=dry_run)
        assert (report.stored, report.duplicates) == (0, 2)
        assert report.left_out == {"forgotten before": 1}
    left = await events.list_events(core, LOCAL_USER, "c1")
    assert [one.content for one in left] == ["Hello.", "I am Mara."]
