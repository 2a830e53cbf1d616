"""Relative dates in English, resolved against the day on which they were said.

Owns which expressions are certain and how a date is written. Leaves out what depends on a guess
("last summer", "next Friday" said on a Monday). Invariant: `annotate` only ever inserts bracketed
dates; taking them out gives the text back.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from elephantasm_mcp.pure.labels import MONTHS

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMERALS: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_NUMBERS: Final = {word: number for number, word in enumerate(_NUMERALS, start=1)} | {
    "a": 1,
    "an": 1,
    "a couple of": 2,
    "a couple": 2,
}
_MAX_AGO: Final = {"day": 3660, "week": 520, "weekend": 100, "month": 1200, "year": 300}
_SATURDAY: Final = 5

_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_RELATIVE: Final = re.compile(
    r"\b(?:(?P<day>the day before yesterday|the day after tomorrow|yesterday|tomorrow|today|tonight"
    r"|last night|this (?:morning|afternoon|evening))"
    r"|(?P<which>last|next|this) (?P<unit>week|month|year|weekend|"
    + "|".join(_WEEKDAYS)
    + r"|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)"
    r"|(?P<count>\d{1,4}|a couple of|a couple|" + "|".join(_NUMERALS) + r"|an?)"
    r" (?P<span>day|weekend|week|month|year)s? ago)\b(?P<tail>['’]s\b)?",
    re.IGNORECASE,
)
_BLOCKED_BEFORE: Final = re.compile(
    r"(?:\b(?:like(?: just| only| it was)*|the|past|over|half|and|than|almost|over|about|nearly"
    r"|or)|[\d.,\-–])\s?$",
    re.IGNORECASE,
)
_BLOCKED_AFTER: Final = re.compile(
    r"\s?[\[(]|\s(?:of|or so)\b|[-–]\w|,? (?:\w+ )?\d", re.IGNORECASE
)


def written(day: date) -> str:
    """`7 May 2023`, the same in every locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def has_year(text: str) -> bool:
    """Whether a year stands in it, so that its time is known."""
    return bool(_YEAR.search(text))


def annotate(text: str, *, said_on: date) -> str:
    """`text` with dates behind its certain relative expressions: "yesterday [7 May 2023]"."""
    parts: list[str] = []
    done = 0
    for match in _RELATIVE.finditer(text):
        label = _label(match, said_on=said_on)
        if label and not _is_blocked(text, match):
            parts += [text[done : match.end()], f" [{label}]"]
            done = match.end()
    return "".join([*parts, text[done:]])


def _is_blocked(text: str, match: re.Match[str]) -> bool:
    """Whether the neighbours change the meaning: "the last week of May", "today [Monday]"."""
    if match["day"] and match["day"].lower().startswith("the "):
        before = ""
    else:
        before = text[max(0, match.start() - 16) : match.start()]
    after = text[match.end() : match.end() + 12]
    modern = bool(match["tail"]) and (match["day"] or "").lower() == "today"
    return bool(_BLOCKED_BEFORE.search(before) or _BLOCKED_AFTER.match(after)) or modern


def _label(match: re.Match[str], *, said_on: date) -> str | None:
    try:
        if match["day"]:
            return _day(match["day"].lower(), said_on)
        if match["which"]:
            return _unit(match["which"].lower(), match["unit"].lower(), said_on)
        return _ago(match["count"].lower(), match["span"].lower(), said_on)
    except (OverflowError, ValueError):
        return None


def _day(words: str, said_on: date) -> str:
    offsets = {
        "the day before yesterday": -2,
        "yesterday": -1,
        "last night": -1,
        "tomorrow": 1,
        "the day after tomorrow": 2,
    }
    return written(said_on + timedelta(days=offsets.get(words, 0)))


def _unit(which: str, unit: str, said_on: date) -> str | None:
    if unit not in _UNITS:
        return _weekday(which, _SHORT_WEEKDAYS.index(unit[:3]), said_on)
    step = {"last": -1, "this": 0, "next": 1}[which]
    return _UNITS[unit](step, said_on)


def _week(step: int, said_on: date) -> str:
    monday = said_on - timedelta(days=said_on.weekday()) + timedelta(weeks=step)
    return f"week of {written(monday)}"


def _month(step: int, said_on: date) -> str:
    number = said_on.year * 12 + said_on.month - 1 + step
    return f"{MONTHS[number % 12]} {number // 12}"


def _year(step: int, said_on: date) -> str:
    return str(said_on.year + step)


def _weekend(step: int, said_on: date) -> str | None:
    """None for what may mean either: "next" said before a weekend, "last" said in one."""
    in_weekend = said_on.weekday() >= _SATURDAY
    if (step == 1 and not in_weekend) or (step == -1 and in_weekend):
        return None
    saturday = said_on - timedelta(days=said_on.weekday() - _SATURDAY) + timedelta(weeks=step)
    return f"weekend of {written(saturday)}"


_UNITS: Final[dict[str, Callable[[int, date], str | None]]] = {
    "week": _week,
    "month": _month,
    "year": _year,
    "weekend": _weekend,
}


def _weekday(which: str, weekday: int, said_on: date) -> str | None:
    """The date where all readings agree.

    None for "next Friday" said on a Monday, "last Friday" said on a Saturday, "this Monday" said
    on a Wednesday.
    """
    ahead = (weekday - said_on.weekday()) % 7
    behind = 7 - ahead
    same_week = weekday > said_on.weekday()
    if which == "last":
        return written(said_on - timedelta(days=behind)) if behind > 1 else None
    if which == "this":
        return written(said_on + timedelta(days=ahead)) if same_week else None
    return None if same_week else written(said_on + timedelta(days=ahead or 7))


def _ago(count: str, span: str, said_on: date) -> str | None:
    number = int(count) if count.isdigit() else _NUMBERS[count]
    if number > _MAX_AGO[span]:
        return None
    vague = "c. " if count.startswith("a couple") else ""
    match span:
        case "day":
            return vague + written(said_on - timedelta(days=number))
        case "week":
            return f"c. {written(said_on - timedelta(weeks=number))}"
        case "weekend":
            saturday = said_on - timedelta(days=(said_on.weekday() - _SATURDAY) % 7)
            return f"c. {written(saturday - timedelta(weeks=number - 1))}"
        case "month":
            return f"c. {_month(-number, said_on)}"
        case _:
            return f"c. {said_on.year - number}"
