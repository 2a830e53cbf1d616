"""Grounding: what is kept of an answer, what is put right, and what is said of the rest."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory.grounding import MOST_ITEMS, MOST_MEMORIES, Shown, ground
from elephantasm_mcp.pure.redaction import redact
from elephantasm_mcp.types.screening import screen

TEA = "I like  green TEA,\n but not yesterday's. Straße 7."
SHOWN = {
    "e1": Shown(TEA, said_on=date(2026, 3, 2)),
    "e2": Shown("Yes.", said_on=date(2026, 3, 5)),
}


def source(quote=TEA, event="e1"):
    return {"event": event, "quote": quote}


def memory(*sources, **changed):
    return {
        "summary": "Tea.",
        "content": "Tea, tea.",
        "importance": 0.5,
        "confidence": 0.5,
        "sources": list(sources) or [source()],
    } | changed


def fact(*sources, **changed):
    given = {"type": "FACT", "content": "Tea is good.", "confidence": 1}
    return given | {"sources": list(sources) or [source()]} | changed


def judge(*memories, must_quote=True, mask=lambda text: (text, 0)):
    return ground(screen({"memories": list(memories)}), SHOWN, must_quote=must_quote, mask=mask)


def quotes(grounded):
    return [one.quote for kept in grounded.kept for one in kept.memory.sources]


def reasons(grounded):
    return {one.place: one.reason for one in grounded.refused}


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("green TEA", "green TEA"),
        ("Green tea, but", "green TEA,\n but"),
        ("  i LIKE green\ttea  ", "I like  green TEA"),
        ("STRASSE 7.", "Straße 7."),
    ],
)
def test_a_quote_stands_in_its_event_but_for_white_space_and_case(said, stored):
    grounded = judge(memory(source(said)))
    assert quotes(grounded) == [stored]
    assert stored in TEA


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (source("black tea"), "does not stand in e1"),
        (source("I like … TEA"), "does not stand in e1"),
        (source("Yes."), "does not stand in e1"),
        (source(""), "quotes no words of e1"),
        (source(" . "), "quotes no words of e1"),
        (source(None), "quotes no words of e1"),
        (source(event="e3"), "'e3' is none of the events"),
        (source(event="m1"), "'m1' is none of the events"),
    ],
)
def test_what_does_not_bear_a_memory_is_no_source_of_it(wrong, reason):
    assert reason in reasons(judge(memory(wrong)))[0]
    assert quotes(judge(memory(wrong, source("TEA")))) == ["TEA"]


def test_an_event_without_a_letter_is_quoted_as_a_whole():
    shown = {"e1": Shown("👍 …", said_on=date(2026, 3, 2))}

    def kept(quote):
        given = screen({"memories": [memory(source(quote))]})
        return ground(given, shown, must_quote=True, mask=lambda text: (text, 0)).kept

    assert len(kept("👍 …")) == 1
    assert kept("…") == []


def test_only_a_synthesizer_of_ours_may_do_without_a_quote():
    assert judge(memory(source(None))).kept == []
    assert quotes(judge(memory(source(None)), must_quote=False)) == [None]


def test_knowledge_needs_sources_of_its_own():
    grounded = judge(memory(knowledge=[fact(source("nothing")), fact(), fact(type="RUMOUR"), 7]))
    (kept,) = grounded.kept
    assert [item.content for item in kept.memory.knowledge] == ["Tea is good."]
    assert [one.place for one in kept.dropped] == [0, 2, 3]
    assert "does not stand in e1" in kept.dropped[0].reason
    assert "FACT" in kept.dropped[1].reason


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"importance": 1.2}, "importance"),
        ({"importance": None}, "importance"),
        ({"summary": ""}, "summary"),
        ({"sources": []}, "sources"),
        ({"sources": ["e1"]}, "sources"),
        ({"content": 7}, "content"),
    ],
)
def test_a_proposal_of_another_shape_is_named_and_the_others_are_kept(changed, named):
    grounded = judge(memory(**changed), memory())
    assert [kept.place for kept in grounded.kept] == [1]
    assert f"`{named}" in reasons(grounded)[0]
    assert "memories[0]" in reasons(grounded)[0]


def test_a_refused_proposal_says_which_events_it_names():
    wrong = memory(source("nothing"), source("no", event="e2"), source(event="e9"))
    (refused,) = judge(wrong).refused
    assert refused.cites == {"e1", "e2", "e9"}
    (refused,) = judge({"sources": [source(), 7, {"event": 7}]}).refused
    assert refused.cites == {"e1"}


def test_fields_that_nobody_asked_for_are_passed_over():
    wrong = {"source": {"event": "e1", "quote": "TEA", "page": 7}, "delete": ["m1"]}
    grounded = judge(memory(wrong["source"], delete=["m1"], knowledge=[fact(rank=1)]))
    assert len(grounded.kept[0].memory.knowledge) == 1


def test_the_same_is_kept_once_and_no_more_than_an_answer_may_hold():
    grounded = judge(memory(), memory())
    assert list(reasons(grounded)) == [1]
    many = judge(*(memory(summary=f"Tea {number}.") for number in range(100)))
    assert len(many.kept) == MOST_MEMORIES + len(SHOWN)
    assert len(many.kept) + len(many.refused) == 100
    (rich,) = judge(memory(knowledge=[fact()] * (MOST_ITEMS + 5))).kept
    assert (len(rich.memory.knowledge), len(rich.dropped)) == (MOST_ITEMS, 5)


def test_relative_dates_are_made_absolute_where_they_were_said_on_one_day():
    said = {"summary": "Tea yesterday.", "content": "A cup two days ago."}
    (kept,) = judge(memory(**said, knowledge=[fact(content="Tea was had yesterday.")])).kept
    assert kept.memory.summary == "Tea yesterday [1 March 2026]."
    assert kept.memory.content == "A cup two days ago [28 February 2026]."
    assert kept.memory.knowledge[0].content == "Tea was had yesterday [1 March 2026]."
    (kept,) = judge(memory(source(), source("Yes.", event="e2"), **said)).kept
    assert kept.memory.summary == "Tea yesterday."


def test_secrets_are_masked_as_in_events():
    key = "AKIA" + "IOSFODNN7EXAMPLQ"
    (kept,) = judge(memory(summary=f"The key is {key}."), mask=redact).kept
    assert key not in kept.memory.summary
    (kept,) = judge(memory(summary=f"The key is {key}.")).kept
    assert key in kept.memory.summary


@pytest.mark.parametrize("answer", [None, 7, "tea", {}, {"memories": {}}, '{"memories": 1}'])
def test_an_answer_that_is_no_list_of_proposals_is_an_error(answer):
    with pytest.raises(ValidationError, match="memories") as caught:
        screen(answer)
    assert caught.value.field == "proposals"


def test_an_answer_may_be_a_list_or_json_text():
    assert len(screen([memory()]).candidates) == 1
    assert screen('{"memories": []}').candidates == []


@given(st.text(max_size=40), st.text(max_size=12))
@example("", " ")
def test_what_a_quote_is_found_as_stands_in_the_event(text, quote):
    found = Shown(text, said_on=date(2026, 1, 1)).find(quote)
    if found is not None:
        assert found in text
        assert "".join(quote.casefold().split()) in "".join(found.casefold().split())


@given(st.data())
def test_a_part_of_an_event_is_always_found(data):
    text = data.draw(st.text(min_size=1, max_size=40))
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    assert Shown(text, said_on=date(2026, 1, 1)).find(part) == part
