"""What counts as prose, where sentences end, and what they assert."""

import pytest

from elephantasm_mcp.synthesis.sentences import Sentence, assertions, sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


def asserted(text: str) -> list[str]:
    return [clause.text for clause in assertions(Sentence(0, text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I met Dr. Ross. She left.", ["I met Dr. Ross.", "She left."]),
        ("We use v2.3.1 here. Good.", ["We use v2.3.1 here.", "Good."]),
        ("I came at 5 p.m. and left.", ["I came at 5 p.m. and left."]),
        ("我买了车。他走了。", ["我买了车。", "他走了。"]),
        ("- I paid rent\n- I sold the car", ["I paid rent", "I sold the car"]),
        ("Look: (a photo of a dog)", ["Look:"]),
        ("I know that 3! equals 6.", ["I know that 3! equals 6."]),
        ("# Heading\nText here.", ["Text here."]),
        ("Before.\n~~~\ncode here.\n~~~\nAfter.", ["Before.", "After."]),
        ('{"error": "no such file", "code": 404}', []),
        ('  File "app.py", line 3, in main', []),
        ("def go(): pass", []),
        ("\ud800 broken text here.", []),
    ],
)
def test_prose_is_cut_into_sentences(text, expected):
    assert texts(text) == expected


def test_a_hard_wrapped_sentence_is_one_sentence():
    text = "I bought the kayak that we had seen in the harbour of Bristol\nin the summer of 2021."
    assert texts(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where do you live?", []),
        ("can you help me set up Flask", []),
        ("I use Flask, can you help me?", ["I use Flask"]),
        ("My dog is sick, what should I do?", ["My dog is sick"]),
        ("I live in Oslo.", ["I live in Oslo."]),
        ("You went there, right?", ["You went there"]),
    ],
)
def test_a_question_asserts_nothing_but_what_leads_to_it(text, expected):
    assert asserted(text) == expected


def test_a_long_sentence_is_cut_where_a_new_i_begins():
    text = (
        "I have set up the first version of the bird ledger with Django and DuckDB on my laptop,"
        " and I want to move it to the server of the club before the meeting in June"
    )
    first, second = assertions(Sentence(0, text))
    assert first.text.endswith("on my laptop")
    assert second.text.startswith("I want to move it")
    assert text[second.start :] == second.text


def test_a_parenthesis_in_a_sentence_does_not_end_it():
    text = "I'm sending it to some festivals and (hopefully) to a producer. I rest (shares a photo)"
    assert [one.text for one in sentences(text)] == [
        "I'm sending it to some festivals and (hopefully) to a producer.",
        "I rest",
    ]
