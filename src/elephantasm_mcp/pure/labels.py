"""When something was and how many there are, in words.

Owns labels of age and the English form of days, times and counts. Reads no clock: `now` is an
argument. Every moment is aware; calendar days are those of `now`'s time zone, UTC wherever an anima
has none.
Invariant: no label speaks of the future; what lies ahead is "today" or "just now".
"""

from datetime import datetime
from typing import Final

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def age_label(then: datetime, *, now: datetime) -> str:
    """How long ago by calendar day: "today", "3 days ago", "1 week ago", "2 years ago".

    Months and years are full calendar ones: 31 January is "4 weeks ago" on 28 February.
    """
    then = then.astimezone(now.tzinfo)
    days = (now.date() - then.date()).days
    months = (now.year - then.year) * 12 + now.month - then.month - (now.day < then.day)
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    if months > 0:
        return _ago(months // 12, "year") if months >= 12 else _ago(months, "month")
    return _ago(days // 7, "week") if days >= 7 else _ago(days, "day")


def since_label(then: datetime, *, now: datetime) -> str:
    """How long ago to the minute within 24 hours ("20 minutes ago"), then as `age_label`."""
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return _ago(int(seconds // 60), "minute")
    if seconds < 86_400:
        return _ago(int(seconds // 3600), "hour")
    return age_label(then, now=now)


def floor_hour(now: datetime) -> datetime:
    """The beginning of the hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def day(moment: datetime) -> str:
    """The day in the moment's own time zone: "7 May 2023", whatever the locale."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def clock_time(moment: datetime) -> str:
    """The time of day in the moment's own time zone: "10:42"."""
    return f"{moment.hour:02}:{moment.minute:02}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 event", "1,204 events", "2 memories".

    `plural` is for nouns that form it in another place: "pieces of knowledge".
    """
    if number == 1:
        return f"1 {noun}"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {plural or ending}"


def _ago(number: int, unit: str) -> str:
    return f"{counted(number, unit)} ago"
