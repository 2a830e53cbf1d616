"""Echoes: what repeats a known line, and what is news though it sounds alike."""

from datetime import UTC, datetime, timedelta

import pytest

from elephantasm_mcp.pure.echoes import Known, without_packs

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LINES = (
    "Nadia is allergic to hazelnuts.",
    "Nadia's sister Mara lives in Oslo.",
    "Billing moves from MongoDB to PostgreSQL on 12 March.",
    "Bogdan does not sign contracts without a lawyer.",
    "The cat sleeps on the blue sofa in the kitchen.",
)
ECHOES = (
    "Nadia is allergic to hazelnuts.",
    "As I recall, Nadia is allergic to hazelnuts!",
    "You told me earlier that Nadia is allergic to hazelnuts",
    "Remember: hazelnuts — Nadia has an allergy, she is allergic to hazelnuts.",
    "Mara, Nadia's sister, lives in Oslo.",
    "Billing is moving from MongoDB to PostgreSQL on 12 March.",
    "Yes, I know that Bogdan does not sign contracts without a lawyer.",
    "Nadia is allergic to hazelnuts and her sister Mara lives in Oslo.",
    "The cat sleeps on that blue sofa in the kitchen.",
    "Nadia is allergic to hazelnuts; Mara, Nadia's sister, lives in Oslo.",
)
NEWS = (
    "Nadia is allergic to walnuts.",
    "Nadia is not allergic to hazelnuts.",
    "Nadia's sister Mara lives in Bergen.",
    "Billing moves from MongoDB to PostgreSQL on 19 March.",
    "Bogdan signs contracts with a lawyer.",
    "Is Nadia allergic to hazelnuts?",
    "The cat sleeps on the red chair in the garden.",
    "Oslo it is.",
    "I will look for a recipe without nuts.",
    "Nadia's sister Ines lives in Oslo.",
)


@pytest.fixture
def known():
    known = Known()
    for line in LINES:
        known.add(line, since=NOW)
    return known


@pytest.mark.parametrize("text", ECHOES)
def test_what_is_repeated_or_lightly_reworded_is_an_echo(known, text):
    assert known.without_echoes(text, at=NOW)[0] == ""


@pytest.mark.parametrize("text", NEWS)
def test_a_look_alike_with_something_of_its_own_is_news(known, text):
    assert known.without_echoes(text, at=NOW) == (text, 0)


def test_what_was_said_before_the_line_was_known_is_no_echo_of_it(known):
    text = "Nadia is allergic to hazelnuts."
    assert known.without_echoes(text, at=NOW - timedelta(seconds=1)) == (text, 0)


def test_news_beside_an_echo_stays_word_for_word(known):
    text = "Nadia is allergic to hazelnuts. So I ordered the lemon cake for Friday.\nIt is paid."
    left, found = known.without_echoes(text, at=NOW)
    assert found == 1
    assert left.strip() == "So I ordered the lemon cake for Friday.\nIt is paid."
    assert "So I ordered the lemon cake for Friday.\nIt is paid." in text


@pytest.mark.parametrize(
    "pack",
    [
        '<memory-pack key="a1">\n## Relevant Knowledge\n- [FACT] Tea is good (k3)\n</memory-pack>',
        '<memory-pack key="a1">\n- anything at all that was cut off',
        "## Relevant Knowledge\n- [FACT] Tea is good",
        "## Relevant Memories\n- [2 days ago] Tea was had",
        "- Drafting the plan (m14)",
        '- Nadia, 10:42: "Sign it." (e212, raw)',
        "Last interaction: 20 minutes ago, agreed on the date.",
    ],
)
def test_a_pack_that_was_copied_is_taken_out(pack):
    left, found = without_packs(f"Look:\n{pack}\nWhat now?")
    assert found >= 1
    assert "Tea" not in left
    assert left.startswith("Look:")


def test_lists_that_people_write_are_no_packs():
    text = "Shopping:\n- [ ] milk\n- [x] eggs (2)\n- tea (green)\n## Notes\nLast: nothing."
    assert without_packs(text) == (text, 0)
