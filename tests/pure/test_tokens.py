import math

from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.tokens import estimate_tokens

PIECES = st.text(st.sampled_from("aB1?,\n \té東。😀") | st.characters(exclude_categories=("Cs",)))


def test_the_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0


def test_the_formula_counts_each_class_once() -> None:
    # 4 words, 17 letters, 2 capitalised, 2 digits, 3 marks, 1 newline, 1 run of blanks
    text = "Hello,  World 42!\nfine days?"
    expected = 4 * 0.541 + 18 * 0.205 + 2 * 0.893 + 2 * 0.626 + 3 * 1.086 + 0.532 + 0.565
    assert estimate_tokens(text) == math.ceil(expected)


def test_cjk_and_other_characters_are_not_punctuation() -> None:
    assert estimate_tokens("東京" * 50) == math.ceil(100 * 1.136)
    assert estimate_tokens("é" * 100) == math.ceil(156.9)
    assert estimate_tokens("?" * 100) == math.ceil(108.6)
    assert estimate_tokens("?é" * 50) == math.ceil(50 * (1.086 + 1.569))


def test_single_blanks_are_free() -> None:
    assert estimate_tokens(" ") == 0
    assert estimate_tokens("a b") == estimate_tokens("a\tb") == math.ceil(2 * (0.541 + 0.205))


@given(PIECES, PIECES)
def test_appending_never_lowers_the_estimate(a: str, b: str) -> None:
    assert estimate_tokens(a) <= estimate_tokens(a + b)


@given(PIECES, PIECES)
def test_a_whole_costs_at_most_its_parts_and_one(a: str, b: str) -> None:
    assert estimate_tokens(a + b) <= estimate_tokens(a) + estimate_tokens(b) + 1


@given(st.lists(PIECES, max_size=8))
def test_joined_lines_cost_at_most_the_lines_and_their_newlines(lines: list[str]) -> None:
    newlines = math.ceil(0.532 * max(len(lines) - 1, 0))
    assert estimate_tokens("\n".join(lines)) <= sum(map(estimate_tokens, lines)) + newlines
