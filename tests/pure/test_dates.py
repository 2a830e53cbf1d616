"""Relative dates are resolved where they are certain, and only there."""

from datetime import date

import pytest

from elephantasm_mcp.pure.dates import annotate, written

MONDAY = date(2023, 5, 8)
SATURDAY = date(2023, 5, 13)


@pytest.mark.parametrize(
    ("words", "dated"),
    [
        ("yesterday", "7 May 2023"),
        ("the day before yesterday", "6 May 2023"),
        ("tonight", "8 May 2023"),
        ("last night", "7 May 2023"),
        ("tomorrow", "9 May 2023"),
        ("last week", "week of 1 May 2023"),
        ("next month", "June 2023"),
        ("last month", "April 2023"),
        ("last year", "2022"),
        ("last Tuesday", "2 May 2023"),
        ("last Fri", "5 May 2023"),
        ("this Friday", "12 May 2023"),
        ("this weekend", "weekend of 13 May 2023"),
        ("last weekend", "weekend of 6 May 2023"),
        ("two weekends ago", "c. 29 April 2023"),
        ("3 days ago", "5 May 2023"),
        ("two weeks ago", "c. 24 April 2023"),
        ("five months ago", "c. December 2022"),
        ("a year ago", "c. 2022"),
    ],
)
def test_a_certain_expression_gets_its_date(words, dated):
    assert annotate(f"We met {words}, I believe.", said_on=MONDAY) == (
        f"We met {words} [{dated}], I believe."
    )


@pytest.mark.parametrize(
    "text",
    [
        "See you next Friday.",
        "It was the last week of April.",
        "It feels like yesterday.",
        "In today's world it is hard.",
        "A few days ago it rained.",
        "It was 99999 years ago.",
        "We met 5000 years ago.",
        "I slept over the last month.",
        "Last summer was hot.",
    ],
)
def test_what_depends_on_a_guess_stays_as_it_is(text):
    assert annotate(text, said_on=MONDAY) == text


def test_last_friday_said_on_a_saturday_may_mean_either():
    assert annotate("last Friday", said_on=SATURDAY) == "last Friday"


def test_the_first_year_has_no_yesterday():
    assert annotate("yesterday", said_on=date.min) == "yesterday"


def test_dates_are_written_in_full():
    assert written(date(2023, 5, 7)) == "7 May 2023"
