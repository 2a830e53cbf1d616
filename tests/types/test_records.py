"""Records: ids that pack and unpack, handles, times in UTC, frozen models."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.types import records
from elephantasm_mcp.types.records import (
    Anima,
    AnimaCreate,
    AnimaNo,
    EventCreate,
    handle_of,
    parse_handle,
    parse_uuid,
    row_id,
    unpack_row_id,
)

ANIMAS = st.integers(1, 2**31 - 1).map(AnimaNo)
NUMBERS = st.integers(1, 2**32 - 1)
KINDS = st.sampled_from(["event", "memory", "knowledge", "dream"])


@given(ANIMAS, NUMBERS)
def test_a_row_id_gives_back_what_it_was_packed_of(anima_no, number):
    packed = row_id(anima_no, number)
    assert unpack_row_id(packed) == (anima_no, number)
    assert 0 < packed < 2**63


@given(ANIMAS, NUMBERS, KINDS)
def test_a_handle_gives_back_its_letter_and_number(anima_no, number, kind):
    assert parse_handle(handle_of(kind, row_id(anima_no, number))) == (kind[0], number)


@given(st.text())
def test_whatever_is_parsed_as_a_handle_stays_in_its_anima(text):
    parsed = parse_handle(text)
    assert parsed is None or (parsed[0] in "emkd" and 0 < parsed[1] < 2**32)


@pytest.mark.parametrize(
    "text",
    ["", "e", "e0", "e01", "x1", "e-1", "e1 2", "e4294967296", "e9999999999", "e1e1", "ｅ1", "e１"],
)
def test_what_is_no_handle_is_none(text):
    assert parse_handle(text) is None


@pytest.mark.parametrize("text", [" E12 ", "e12\n"])
def test_case_and_blanks_do_not_matter_in_a_handle(text):
    assert parse_handle(text) == ("e", 12)


def test_a_uuid_is_read_in_any_of_its_forms():
    uuid = UUID(int=7)
    for text in (str(uuid), str(uuid).upper(), uuid.hex, uuid.urn, f"{{{uuid}}}"):
        assert parse_uuid(text) == uuid
    for text in ("", "e1", "x" * 36, "\ud800"):
        assert parse_uuid(text) is None


def test_times_are_utc_whatever_zone_they_come_in():
    east = timezone(timedelta(hours=5))
    for moment in (datetime(2026, 1, 1, 5, tzinfo=east), datetime(2026, 1, 1)):  # noqa: DTZ001
        event = EventCreate(content="x", occurred_at=moment)
        assert event.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert event.occurred_at.tzinfo is UTC


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_end_of_time_is_refused_as_a_value(text):
    with pytest.raises(pydantic.ValidationError) as caught:
        EventCreate(content="x", occurred_at=text)
    assert caught.value.errors()[0]["loc"] == ("occurred_at",)


@pytest.mark.parametrize(
    "fields",
    [
        {"content": ""},
        {"content": "x", "role": "r" * 65},
        {"content": "x", "author": "a" * 256},
        {"content": "x", "session_id": "s" * 256},
        {"content": "x", "dedupe_key": ""},
        {"content": "x", "importance_score": 1.01},
        {"content": "x", "importance_score": float("nan")},
        {"content": "x", "importance_score": True},
        {"content": "x", "occurred_at": 1_700_000_000},
        {"content": "x", "occurred_at": 1_700_000_000.5},
        {"content": "x", "occurred_at": "1700000000"},
        {"content": "x", "occurred_at": " 2026 "},
        {"content": "x", "event_type": "shout"},
        {"content": "x", "trust": "told"},
        {},
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(fields):
    with pytest.raises(pydantic.ValidationError):
        EventCreate(**fields)


def test_records_cannot_be_changed():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    anima = Anima(id=UUID(int=1), name="x", created_at=moment, updated_at=moment)
    for one, field in ((anima, "name"), (AnimaCreate(name="x"), "name")):
        with pytest.raises(pydantic.ValidationError):
            setattr(one, field, "y")


def test_every_setting_of_an_anima_has_its_documented_default():
    assert records.AnimaSettings().model_dump() == {
        "time_weight": 1.0,
        "event_weight": 0.5,
        "token_weight": 0.0003,
        "threshold": 10.0,
        "dream_interval_h": 12.0,
        "recency_half_life_h": 168.0,
        "decay_half_life_d": 30.0,
        "dedupe_window_s": 300,
        "session_gap_min": 30,
        "event_types": tuple(records.EventType),
        "never_store": (),
        "preset": "conversational",
        "max_tokens": 4000,
        "timezone": "UTC",
        "instructions": "",
    }
