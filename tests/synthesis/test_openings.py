"""What only opens a sentence."""

import pytest

from elephantasm_mcp.synthesis.openings import is_name, opening_length

NAMES = frozenset({"melanie", "carl"})


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Yeah Mel, actually I sold it.", "I sold it."),
        ("Hey Carl! By the way, I sold it.", "I sold it."),
        ("So I sold it.", "I sold it."),
        ("No dogs live here.", "No dogs live here."),
        ("No, dogs live here.", "dogs live here."),
        ("Thanks for the tip.", "Thanks for the tip."),
        ("Paris, I love you.", "Paris, I love you."),
    ],
)
def test_an_opening_ends_where_the_sentence_begins_to_say_something(text, rest):
    assert text[opening_length(text, names=NAMES) :] == rest


@pytest.mark.parametrize(
    ("word", "named"), [("mel", True), ("carl", True), ("me", False), ("call", False), ("", False)]
)
def test_a_short_form_is_a_name_but_a_common_word_is_none(word, named):
    assert is_name(word, names=NAMES) is named
