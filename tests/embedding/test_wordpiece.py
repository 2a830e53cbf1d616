"""Expected ids are those of the `tokenizers` library on the same vocabulary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.embedding.bundle import BUNDLED, read_vocabulary
from elephantasm_mcp.embedding.wordpiece import UNKNOWN, WordPiece

VOCABULARY = read_vocabulary(BUNDLED, "vocab.txt")
TOKENIZER = WordPiece(VOCABULARY)
NO_LIMIT = 10**6


def pieces(text):
    return [VOCABULARY[index] for index in TOKENIZER.cut(text, limit=NO_LIMIT)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("Hello, World!", [7592, 1010, 2088, 999]),
        ("unaffable", [14477, 20961, 3468]),
        ("don't", [2123, 1005, 1056]),
        ("$5.00 + 7%", [1002, 1019, 1012, 4002, 1009, 1021, 1003]),
        ("covid-19’s", [2522, 17258, 1011, 2539, 1521, 1055]),
        ("naïve café", [15743, 7668]),
        ("cafe\u0301", [7668]),
        ("İstanbul", [9960]),
        ("ﬁne", [1984, 2638]),
        ("日本語とEnglish", [1864, 1876, 1950, 1666, 13159, 13602]),
        ("한국어", [1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008]),
        ("tabs\tand\u3000blanks", [21628, 2015, 1998, 8744, 2015]),
        ("🎉 party", [100, 2283]),
    ],
)
def test_text_is_cut_as_bert_cuts_it(text, ids):
    assert TOKENIZER.cut(text, limit=NO_LIMIT) == ids


def test_a_final_sigma_is_a_plain_sigma():
    assert pieces("ΟΔΟΣ")[-1] == "##σ"


def test_a_mark_that_decomposes_into_punctuation_is_punctuation():
    assert pieces("a≮b") == ["a", "<", "b"]


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x85", "\u200d", "\ue000", "\ufffd"])
def test_control_format_and_private_characters_are_dropped(character):
    assert pieces(f"a{character}bc") == ["abc"]


def test_a_lone_surrogate_is_dropped():
    assert pieces("a\ud800bc") == ["abc"]


def test_special_tokens_in_a_text_are_plain_text():
    assert pieces("[SEP]") == ["[", "sep", "]"]


def test_a_word_of_a_hundred_letters_is_cut_and_a_longer_one_is_unknown():
    assert pieces("x" * 100)[:2] == ["xx", "##xx"]
    assert pieces("x" * 101) == [UNKNOWN]


def test_a_word_with_an_unknown_rest_is_unknown_as_a_whole():
    assert pieces("party☃ party") == [UNKNOWN, "party"]


@given(st.text(), st.integers(0, 50))
def test_a_limit_keeps_the_first_pieces(text, limit):
    assert TOKENIZER.cut(text, limit=limit) == TOKENIZER.cut(text, limit=NO_LIMIT)[:limit]


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)))
def test_chunks_between_blanks_are_cut_independently(chunks):
    assert pieces(" ".join(chunks)) == [piece for chunk in chunks for piece in pieces(chunk)]


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789.,!? ", max_size=80))
def test_ascii_pieces_joined_are_the_text_without_its_blanks(text):
    joined = "".join(piece.removeprefix("##") for piece in pieces(text))
    assert joined == text.replace(" ", "")
