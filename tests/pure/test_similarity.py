from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.similarity import near_duplicate, nearest
from elephantasm_mcp.pure.text import terms

TERMS = st.lists(st.sampled_from(["nadia", "like", "cake", "not", "7", "blue", "tea", "run"]))


def alike(a: str, b: str) -> bool:
    return near_duplicate(terms(a), terms(b))


def test_the_same_words_in_another_order_and_form_are_a_duplicate() -> None:
    assert alike("Nadia moved the billing to PostgreSQL", "billing: Nadia moves to the PostgreSQL")


def test_one_word_more_or_less_is_a_duplicate() -> None:
    assert alike(
        "Nadia is allergic to hazelnuts and avoids them",
        "Nadia is very allergic to hazelnuts and avoids them",
    )


def test_most_of_a_longer_line_is_a_duplicate() -> None:
    assert alike(
        "billing moves from MongoDB to PostgreSQL in May",
        "as agreed billing moves from MongoDB to PostgreSQL in early May",
    )


def test_a_line_that_says_much_more_is_no_duplicate() -> None:
    assert not alike("Nadia lives in Lisbon", "Nadia lives in Lisbon with Bogdan and two old cats")


def test_another_number_is_no_duplicate() -> None:
    assert not alike(
        "Sign-off of the billing plan is due on 5 May",
        "Sign-off of the billing plan is due on 6 May",
    )


def test_a_negation_is_no_duplicate() -> None:
    assert not alike(
        "Nadia does want the new billing plan to start now",
        "Nadia does not want the new billing plan to start now",
    )


@given(TERMS, TERMS)
def test_likeness_is_symmetric_and_holds_for_itself(a: list[str], b: list[str]) -> None:
    assert near_duplicate(a, a)
    assert near_duplicate(a, b) == near_duplicate(b, a)


def test_the_nearest_name_is_found_in_any_case() -> None:
    options = ["max_tokens", "session_id", "query"]
    assert nearest("maxTokens", options) == "max_tokens"
    assert nearest("SESSION", options) == "session_id"
    assert nearest("zebra", options) is None
    assert nearest("query", []) is None
