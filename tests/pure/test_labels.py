from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.labels import age_label, clock_time, counted, day, floor_hour, since_label

NOW = datetime(2026, 3, 15, 10, 0, tzinfo=UTC)
MOMENTS = st.integers(min_value=0, max_value=2_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, tz=UTC)
)


@pytest.mark.parametrize(
    ("days", "label"),
    [
        (-3, "today"),
        (0, "today"),
        (1, "yesterday"),
        (2, "2 days ago"),
        (6, "6 days ago"),
        (7, "1 week ago"),
        (13, "1 week ago"),
        (14, "2 weeks ago"),
        (27, "3 weeks ago"),
        (28, "1 month ago"),
        (58, "1 month ago"),
        (61, "2 months ago"),
        (364, "11 months ago"),
        (365, "1 year ago"),
        (730, "2 years ago"),
    ],
)
def test_age_goes_by_calendar_day(days: int, label: str) -> None:
    assert age_label(NOW - timedelta(days=days), now=NOW) == label


def test_a_month_is_a_full_calendar_month() -> None:
    then = datetime(2026, 1, 14, tzinfo=UTC)
    assert age_label(then, now=datetime(2026, 2, 13, tzinfo=UTC)) == "4 weeks ago"
    assert age_label(then, now=datetime(2026, 2, 14, tzinfo=UTC)) == "1 month ago"


def test_yesterday_may_be_a_minute_ago() -> None:
    now = datetime(2026, 3, 15, 0, 0, tzinfo=UTC)
    assert age_label(now - timedelta(minutes=1), now=now) == "yesterday"


def test_the_day_is_that_of_the_time_zone_of_now() -> None:
    then = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
    berlin = timezone(timedelta(hours=1))
    assert age_label(then, now=NOW) == "yesterday"
    assert age_label(then, now=NOW.astimezone(berlin)) == "today"


@given(MOMENTS, MOMENTS)
def test_no_label_is_negative_or_zero(then: datetime, now: datetime) -> None:
    for label in (age_label(then, now=now), since_label(then, now=now)):
        assert "-" not in label
        assert not label.startswith("0 ")


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (-500, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (1200, "20 minutes ago"),
        (3600, "1 hour ago"),
        (3 * 3600 + 100, "3 hours ago"),
        (86_399, "23 hours ago"),
        (86_400, "yesterday"),
        (5 * 86_400, "5 days ago"),
    ],
)
def test_time_since_is_finer_within_a_day(seconds: int, label: str) -> None:
    assert since_label(NOW - timedelta(seconds=seconds), now=NOW) == label


def test_the_clock_is_floored_to_the_hour() -> None:
    moment = datetime(2026, 3, 15, 10, 59, 59, 999, tzinfo=UTC)
    assert floor_hour(moment) == NOW


def test_days_and_times_read_as_english() -> None:
    moment = datetime(2023, 5, 7, 9, 5, tzinfo=UTC)
    assert (day(moment), clock_time(moment)) == ("7 May 2023", "09:05")


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "event", "1 event"),
        (0, "event", "0 events"),
        (1204, "memory", "1,204 memories"),
        (2, "day", "2 days"),
    ],
)
def test_numbers_stand_with_their_nouns(number: int, noun: str, text: str):
    assert counted(number, noun) == text


def test_a_noun_may_have_its_own_plural():
    assert counted(2, "piece of knowledge", "pieces of knowledge") == "2 pieces of knowledge"
