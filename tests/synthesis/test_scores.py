"""What a sentence is worth."""

import pytest

from elephantasm_mcp.synthesis.scores import KEPT, TELLING, foreign_score, score

NAMES = frozenset({"ann"})


@pytest.mark.parametrize(
    "text",
    [
        "I moved to Bergen on 3 March 2023.",
        "My sister Nadia is a vet in Split.",
        "We decided to use PostgreSQL 16 for the ledger.",
        "I am allergic to hazelnuts.",
    ],
)
def test_what_can_be_looked_up_later_is_telling(text):
    assert score(text, names=NAMES) >= TELLING


@pytest.mark.parametrize(
    "text",
    [
        "Hey Ann!",
        "It's definitely been a wild ride!",
        "The motivated people around me gave me renewed energy.",
        "Oh, also... something massive happened since we last spoke.",
        "Wow Ann, that's stunning!",
        "I 100% agree, Ann.",
        "A lot's happened since we talked.",
        "Ann",
        "",
    ],
)
def test_reactions_and_feelings_are_not(text):
    assert score(text, names=NAMES) < TELLING


def test_an_answer_may_be_very_short():
    assert score("In Porto.", names=NAMES) == 0.0
    assert score("In Porto.", names=NAMES, bonus=0.9) >= KEPT


def test_what_is_not_english_is_judged_by_its_length():
    assert foreign_score("Ja, gut.") == 0.0
    assert foreign_score("Gestern habe ich in Bremen ein Fahrrad gekauft.") >= TELLING
