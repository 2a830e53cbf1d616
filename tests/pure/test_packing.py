"""Packing: within the budget, nothing left out that fits, each line once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.packing import FULL, Line, Section, choose, cost_of, render, tokens_of

A, B = "## First", "## Second"
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200
)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["- ", "- [today] ", "- [FACT] "]), WORDS, st.sampled_from(["", "raw"])
    ),
    max_size=25,
)


def line(number, text, *, prefix="- ", mark="", letter="m"):
    return Line(prefix=prefix, text=text, handle=f"{letter}{number}", mark=mark)


def lines_of(found, *, letter="m"):
    return [
        line(number, text, prefix=prefix, mark=mark, letter=letter)
        for number, (prefix, text, mark) in enumerate(found, start=1)
    ]


def section(title, share, lines, *, scores=None, firm=None):
    """All lines firm, and those of each section the better the earlier, if not told."""
    return Section(
        title=title,
        share=share,
        lines=lines,
        costs=[cost_of(one) for one in lines],
        scores=scores or [-place for place in range(len(lines))],
        firm=firm or [True] * len(lines),
    )


def cost(chosen, fixed=()):
    return tokens_of("\n\n".join([render(chosen, last_line="", with_handles=True), *fixed]))


def distinct(count, *, words=8):
    """Lines that do not repeat each other."""
    return [
        line(n, " ".join(f"w{n}x{place}" for place in range(words))) for n in range(1, count + 1)
    ]


def test_a_line_ends_with_its_handle_and_mark():
    one = line(12, "Tea.", mark="raw")
    assert one.render(with_handles=True) == "- Tea. (m12, raw)"
    assert one.render(with_handles=False) == "- Tea. (raw)"
    assert replace(one, mark="").render(with_handles=False) == "- Tea."


def test_empty_sections_are_left_out_and_the_last_line_stands_alone():
    lines = {A: [line(1, "Tea."), line(2, "Rum.")], B: []}
    assert render(lines, last_line="End.", with_handles=False) == "## First\n- Tea.\n- Rum.\n\nEnd."
    assert render({A: []}, last_line="", with_handles=False) == ""


@given(LINES, LINES, st.integers(0, 1500), st.sampled_from([(), ("Last interaction: now.",)]))
def test_no_lines_whatever_are_longer_than_the_budget(first, second, budget, fixed):
    sections = [
        section(A, 0.5, lines_of(first)),
        section(B, 0.5, lines_of(second, letter="k")),
    ]
    chosen = choose(sections, fixed=fixed, budget_tokens=budget)
    if any(chosen.values()):
        assert cost(chosen, fixed) <= budget
    for given_lines in sections:
        handles = [one.handle for one in given_lines.lines]
        places = [handles.index(one.handle) for one in chosen[given_lines.title]]
        assert places == sorted(set(places))


@pytest.mark.parametrize("budget", [200, 250, 333, 1000, 5000])
def test_the_budget_is_full_while_lines_are_left(budget):
    sections = [section(A, 1.0, distinct(400))]
    chosen = choose(sections, fixed=(), budget_tokens=budget)
    assert cost(chosen) >= 0.9 * budget


def test_a_share_binds_only_where_sections_compete():
    few, many = (
        distinct(3),
        [replace(one, handle=one.handle.replace("m", "k")) for one in distinct(80)],
    )
    many = [replace(one, text=one.text.replace("w", "v")) for one in many]
    competing = [
        section(A, 0.3, many),
        section(B, 0.7, [replace(o, text=o.text + " z") for o in distinct(80)]),
    ]
    chosen = choose(competing, fixed=(), budget_tokens=1000)
    assert cost({A: chosen[A]}) == pytest.approx(300, abs=40)
    alone = choose([section(A, 0.3, many), section(B, 0.7, few)], fixed=(), budget_tokens=1000)
    assert len(alone[B]) == 3
    assert cost(alone) >= 900


def renamed(lines):
    """Lines of other words and handles."""
    return [
        replace(one, handle=one.handle.replace("m", "k"), text=one.text.replace("w", "v"))
        for one in lines
    ]


def test_what_the_shares_leave_goes_to_the_best_lines_of_any_section():
    first, second = distinct(60), renamed(distinct(60))
    sections = [
        section(A, 0.1, first, scores=[0.1] * 60),
        section(B, 0.1, second, scores=[0.9] * 60),
    ]
    chosen = choose(sections, fixed=(), budget_tokens=1000)
    assert cost({A: chosen[A]}) == pytest.approx(100, abs=40)
    assert cost({B: chosen[B]}) >= 700
    assert cost(chosen) <= 1000


def test_a_line_that_is_not_firm_has_no_part_in_the_share_of_its_section():
    first, second = distinct(60), renamed(distinct(60))
    sections = [
        section(A, 0.5, first, scores=[0.1] * 60, firm=[True] + [False] * 59),
        section(B, 0.5, second, scores=[0.9] * 60),
    ]
    chosen = choose(sections, fixed=(), budget_tokens=1000)
    assert len(chosen[A]) <= 2, "the firm one, and one that fills what no other would"
    alone = choose(sections[:1], fixed=(), budget_tokens=1000)
    assert len(alone[A]) > 20


def test_a_line_that_does_not_fit_leaves_room_for_one_that_does():
    long, short = line(1, "word " * 300), line(2, "Tea is good.")
    chosen = choose([section(A, 1.0, [long, short])], fixed=(), budget_tokens=40)
    assert short in chosen[A]


def test_a_long_line_is_cut_where_nothing_else_fills_the_budget():
    long = line(1, "Nadia said that " + "very " * 500 + "good")
    chosen = choose([section(A, 1.0, [long])], fixed=(), budget_tokens=200)
    (cut,) = chosen[A]
    assert (cut.handle, cut.prefix) == ("m1", "- ")
    assert cut.text.startswith("Nadia said that very")
    assert cut.text.endswith("…")
    assert cost(chosen) >= 0.9 * 200


def test_a_quotation_that_is_cut_stays_closed():
    long = line(1, 'Bo: "' + "word " * 500 + '"')
    chosen = choose([section(A, 1.0, [long])], fixed=(), budget_tokens=100)
    assert chosen[A][0].text.endswith('…"')


def test_a_line_is_not_cut_to_a_stub():
    long = line(1, "word " * 500)
    assert choose([section(A, 1.0, [long])], fixed=(), budget_tokens=12) == {A: []}
    assert 0.9 < FULL < 1


def test_what_repeats_a_chosen_line_is_left_out_in_any_section():
    sections = [
        section(A, 0.5, [line(1, "Nadia likes green tea.")]),
        section(B, 0.5, [line(1, "nadia likes Green Tea!", letter="k"), line(2, "Bo likes rum.")]),
    ]
    chosen = choose(sections, fixed=(), budget_tokens=500)
    assert [one.handle for one in chosen[B]] == ["m2"]


def test_two_sections_may_use_one_handle_for_different_lines():
    sections = [
        section(A, 0.5, [line(1, "Tea is good.")]),
        section(B, 0.5, [line(1, "Rum is bad.")]),
    ]
    chosen = choose(sections, fixed=(), budget_tokens=500)
    assert [one.text for one in chosen[A] + chosen[B]] == ["Tea is good.", "Rum is bad."]
