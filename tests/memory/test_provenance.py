"""Provenance: down to the sources, up to what was made, and why the pack has it or not."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, candidates, dreams, packs, provenance
from elephantasm_mcp.synthesis.extractive import ExtractiveSynthesizer
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, AnimaNo, row_id
from scenes import DAY, FILE, EachEvent, look, propose, tamper, tell

ARCHIVED = "Not in the pack: it is archived. A search that includes archived rows finds it."


class Vague:
    """A synthesizer whose memories say less than their events."""

    name = "vague-1"
    provisional = False

    async def synthesize(self, batch):
        return Proposals(
            memories=[
                propose("The spare key hangs behind the door.", event.handle)
                for event in batch.events
            ]
        )


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


async def trace(core, handle, **options):
    return await provenance.trace(core, LOCAL_USER, handle, **options)


def drawers(first, last):
    """Lines that are long, and do not repeat each other."""
    return [
        f"Step {n} of {n * 7919 % 1000} is in drawer {n * 31}, " + "as I said, " * 20
        for n in range(first, last)
    ]


OLD = "An old thing: " + "1.2.3.4.5.6.7.8.9.0." * 40


async def tell_much(core, clock, *, count=120):
    """More than a pack holds, and last an old and long event."""
    await tell(core, *drawers(0, count), session_id="s", occurred_at=clock.now() - 2 * DAY)
    await tell(core, OLD, session_id="t", occurred_at=clock.now() - 900 * DAY)


@pytest.fixture
async def told(core):
    await tell(core, "Nadia likes tea.", author="Bo", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    return core


async def test_a_memory_leads_to_its_events_and_to_its_knowledge(told):
    found = await trace(told, "m1")
    (source,) = found.sources
    assert (source.handle, source.author, source.session_id) == ("e1", "Bo", "s")
    assert (source.content, source.quotes) == ("Nadia likes tea.", ["Nadia likes tea."])
    assert [(one.handle, one.layer, one.state) for one in found.derived] == [
        ("k1", "knowledge", "current")
    ]
    (action,) = found.history
    assert (action.dream, action.kind, action.phase, action.undone) == (
        "d1",
        "create",
        "auto",
        False,
    )
    assert (found.state, found.synthesizer) == ("active", "each-1")


async def test_an_event_leads_to_what_was_made_of_it(told):
    found = await trace(told, "e1")
    assert sorted(one.handle for one in found.derived) == ["k1", "m1"]
    assert [(one.dream, one.kind) for one in found.history] == [("d1", "consume")]
    assert found.state == "settled"


async def test_knowledge_leads_to_its_events(told):
    found = await trace(told, "k1")
    assert [one.handle for one in found.sources] == ["e1"]
    assert found.state == "current"


async def test_the_history_of_an_event_keeps_what_was_undone(told):
    await dreams.undo(told, LOCAL_USER, "d1")
    await dreams.run(told, LOCAL_USER, anima=None)
    found = await trace(told, "e1")
    assert [(one.dream, one.undone) for one in found.history] == [("d1", True), ("d3", False)]
    with pytest.raises(NotFoundError):
        await trace(told, "m1")


async def test_a_row_is_found_by_handle_in_any_case_and_by_id_in_any_anima(told):
    await animas.create(told, LOCAL_USER, AnimaCreate(name="other"))
    found = await trace(told, " M1 ")
    assert await trace(told, str(found.id), anima="other") == found
    with pytest.raises(NotFoundError):
        await trace(told, "m1", anima="other")


@pytest.mark.parametrize("handle", ["", "x1", "d1", "m0", "m-1", "m1.5", "m4294967296", "\ud800"])
async def test_what_is_no_handle_is_refused(told, handle):
    with pytest.raises(ValidationError) as caught:
        await trace(told, handle)
    assert caught.value.field == "handle"


@pytest.mark.parametrize("handle", ["e9", "m9", "k9", "m4294967295", str(UUID(int=7))])
async def test_an_unknown_handle_is_an_error(told, handle):
    with pytest.raises(NotFoundError):
        await trace(told, handle)


# Why it is in the pack, or not


async def test_a_row_says_where_it_stands_in_the_pack(told, clock):
    assert (await trace(told, "m1")).pack_reason == (
        "In the pack: line 1 of Current Session (recency), rank 1 of 1."
    )
    clock.move(DAY)
    found = await trace(told, "m1")
    assert found.pack_reason == (
        "In the pack: line 1 of Relevant Memories (high importance), rank 1 of 1. What speaks for"
        " it: how recent it is, how lately it was made or used and its importance."
    )
    stands = found.standing
    assert (stands.verdict, stands.section, stands.line, stands.rank, stands.of) == (
        "in the pack",
        "Relevant Memories",
        1,
        1,
        1,
    )
    assert sum(stands.breakdown.values()) == pytest.approx(stands.score)
    found = await trace(told, "k1")
    assert found.pack_reason.startswith("In the pack: line 1 of Relevant Knowledge (high imp")
    assert found.in_pack


async def test_a_row_says_what_it_has_in_common_with_the_query(told, clock):
    clock.move(DAY)
    found = await trace(told, "k1", query="Which teas does Nadia like?")
    assert found.in_pack
    assert "It has “teas”, “nadia” and “like” in common with the query." in found.pack_reason
    assert found.standing.query == "Which teas does Nadia like?"
    assert found.standing.mode == "lexical + hash-64:1"


async def test_a_query_without_a_word_is_none(told):
    with_it, without = await trace(told, "k1", query="?!"), await trace(told, "k1")
    assert with_it.standing.model_dump(exclude={"query"}) == without.standing.model_dump(
        exclude={"query"}
    )


@pytest.mark.parametrize("query", [None, "What does Nadia like?"])
@pytest.mark.parametrize(
    ("handle", "change", "reason"),
    [
        ("m1", "UPDATE memories SET state = 'archived'", ARCHIVED),
        ("k1", "UPDATE knowledge SET archived = 1", ARCHIVED),
    ],
)
async def test_a_row_that_is_archived_says_so(told, tmp_path, handle, change, reason, query):
    tamper(tmp_path / FILE, change)
    found = await trace(told, handle, query=query)
    assert (found.in_pack, found.pack_reason) == (False, reason)
    assert found.standing.verdict == "archived"


@pytest.mark.parametrize("query", [None, "What does Nadia drink?"])
@pytest.mark.parametrize(
    ("letter", "section", "change"),
    [
        ("m", "Memories", "UPDATE memories SET superseded_by = ? WHERE id = ?"),
        ("k", "Knowledge", "UPDATE knowledge SET superseded_by = ? WHERE id = ?"),
    ],
)
async def test_a_row_that_is_superseded_says_by_what(
    told, tmp_path, clock, letter, section, change, query
):
    await tell(told, "Nadia would rather drink coffee.", "Nadia drinks cocoa now.", session_id="t")
    await dreams.run(told, LOCAL_USER, anima=None)
    clock.move(DAY)
    ids = [row_id(AnimaNo(1), number) for number in (1, 2, 3)]
    for old, new in pairwise(ids):
        tamper(tmp_path / FILE, change, new, old)
    found = await trace(told, f"{letter}1", query=query)
    assert found.pack_reason.startswith(
        f"Not in the pack: superseded by {letter}2, and that by {letter}3. {letter}3 is "
    )
    assert query or found.pack_reason.endswith(f"is line 1 of Relevant {section}.")
    assert (found.standing.verdict, found.standing.superseded_by) == ("superseded", f"{letter}2")


async def test_what_superseded_a_row_may_have_gone(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE memories SET superseded_by = 9")
    assert (await trace(told, "m1")).pack_reason == (
        "Not in the pack: superseded by m9. m9 is not in the pack either."
    )


async def test_rows_that_supersede_each_other_come_to_an_end(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE knowledge SET superseded_by = id, valid_until = 5")
    assert [one.state for one in (await trace(told, "m1")).derived] == ["superseded"]
    assert (await trace(told, "k1")).pack_reason == (
        "Not in the pack: superseded by k1. k1 is not in the pack either."
    )


async def test_a_raw_event_says_that_it_is_in_the_session(told):
    await tell(told, "Bo likes rum.", session_id="s")
    found = await trace(told, "e2")
    assert found.pack_reason.startswith(
        "In the pack as a raw event: line 2 of Current Session (recency), rank "
    )
    assert found.standing.section == "Current Session"


async def test_an_event_is_told_by_what_was_made_of_it(told):
    found = await trace(told, "e1")
    assert found.pack_reason == (
        "Not in the pack: without a query, what was made of it speaks for it:"
        " k1 (line 1 of Relevant Knowledge) and m1 (line 1 of Current Session)."
    )
    assert found.standing.told_by == ["k1", "m1"]


async def test_an_event_of_which_all_has_gone_says_so(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE knowledge SET archived = 1")
    tamper(tmp_path / FILE, "UPDATE memories SET superseded_by = id")
    assert (await trace(told, "e1")).pack_reason == (
        "Not in the pack: what was made of it is superseded or archived. A query can still find it."
    )


async def test_small_talk_says_that_nothing_was_made_of_it(core):
    await tell(core, "Hello there, how are you?")
    await dreams.run(replace(core, synthesizer=ExtractiveSynthesizer()), LOCAL_USER, anima=None)
    found = await trace(core, "e1")
    assert found.standing.verdict == "made into nothing"
    assert "taken for small talk" in found.pack_reason


async def test_a_row_that_the_budget_cut_says_at_which_rank(core, clock):
    await tell_much(core, clock)
    found = await trace(core, "e121")
    assert found.pack_reason == (
        "Not in the pack: cut by the budget of 4,000 tokens at rank 121 of 121 in Relevant"
        " Memories."
    )
    assert (found.standing.rank, found.standing.of, found.standing.line) == (121, 121, None)
    assert found.standing.verdict == "cut by the budget"
    assert 0 < found.standing.score < 1
    in_it = [(await trace(core, f"e{n}")).in_pack for n in range(1, 121)]
    assert 0 < sum(in_it) < 120


async def test_a_line_that_shorter_ones_overtook_says_so(core, clock):
    when = {"session_id": "s", "occurred_at": clock.now() - 2 * DAY}
    await tell(core, *drawers(0, 25), **when, importance_score=0.9)
    await tell(core, OLD, **when, importance_score=0.8)
    await tell(core, *drawers(25, 80), **when, importance_score=0.1)
    found = await trace(core, "e26")
    assert "at rank 26 of 81" in found.pack_reason
    assert found.pack_reason.endswith("Shorter lines of lower rank still fitted.")


async def test_a_decaying_memory_says_that_it_counts_less(core, clock, tmp_path):
    await tell_much(core, clock)
    await dreams.run(core, LOCAL_USER, anima=None)
    tamper(tmp_path / FILE, "UPDATE memories SET state = 'decaying' WHERE summary LIKE '%An old%'")
    (id_,) = [
        id_ & 0xFFFFFFFF
        for (id_,) in look(tmp_path / FILE, "SELECT id FROM memories WHERE state = 'decaying'")
    ]
    found = await trace(core, f"m{id_}")
    assert found.pack_reason.endswith("It is decaying, and so counts less.")


@pytest.mark.parametrize("query", [None, "hairy legs of the spider in the cellar"])
async def test_a_line_that_repeats_another_names_it(core, clock, query):
    said = "The spider in the cellar has eight long and hairy legs and a web of silver silk"
    await tell(core, f"{said}.", f"Well, {said}!", session_id="s")
    clock.move(DAY)
    found = [(await trace(core, handle, query=query)).standing for handle in ("e1", "e2")]
    (one,) = [stands for stands in found if stands.line]
    (other,) = [stands for stands in found if not stands.line]
    assert one.verdict == "in the pack"
    assert other.verdict == "repeats another"
    assert other.duplicate_of in {"e1", "e2"}
    assert other.text == (
        f"Not in the pack: it says nearly the same as {other.duplicate_of},"
        " line 1 of Relevant Memories."
    )


async def test_a_row_below_the_relevance_floor_names_both(told, clock):
    await tell(told, "The harbour tax on timber is nine crowns.", session_id="t")
    await tell(told, "Tea is in the pot on the stove, and timber is in the shed.", session_id="u")
    clock.move(DAY)
    found = await trace(told, "k1", query="the harbour tax on timber is nine crowns")
    stands = found.standing
    assert stands.verdict == "below the floor"
    assert stands.relevance < stands.floor
    assert stands.rank <= stands.of
    assert found.pack_reason == (
        f"Not in the pack: the query found it at rank {stands.rank} of {stands.of}, but its"
        f" relevance to the query, {int(stands.relevance * 1000) / 1000:.3f}, is below the floor"
        f" of {stands.floor}."
    )


async def test_a_query_that_nothing_answers_says_so(told, clock):
    clock.move(DAY)
    found = await trace(told, "m1", query="What is the harbour tax on a load of timber in Denmark?")
    assert ", like that of all others, is below the floor of " in found.pack_reason


async def test_a_memory_whose_source_answers_better_names_it(core, clock):
    core = replace(core, synthesizer=Vague())
    await tell(core, "The spare key hangs behind the green door.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    clock.move(DAY)
    found = await trace(core, "m1", query="spare key hangs behind the green door")
    assert found.pack_reason == (
        "Not in the pack: e1, which it was made of, answers the query better and competes in its"
        " place: line 1 of Relevant Memories."
    )
    assert (found.standing.verdict, found.standing.told_by) == ("told by its source", ["e1"])


async def test_a_row_that_the_query_did_not_find_says_what_they_share(core, clock):
    core = replace(core, sentences=None)
    ships = [f"The ship {n} called at the harbour for timber." for n in range(120)]
    harbour = "Somewhere, " + "once upon a time, " * 20 + "there was a harbour."
    await tell(core, "Nadia likes tea.", harbour, *ships, session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    clock.move(DAY)
    query = "Which ship called at the harbour for timber?"
    assert (await trace(core, "e1", query=query)).pack_reason == (
        "Not in the pack: the query did not find it: they have no word in common."
    )
    found = await trace(core, "e2", query=query)
    assert found.standing.verdict == "not found"
    assert found.pack_reason == (
        "Not in the pack: the query did not find it: it has “harbour” in common with it, but others"
        " match better."
    )


async def test_no_meaning_found_it_either(core, clock):
    ships = [f"The ship {n} called at the harbour for timber." for n in range(120)]
    await tell(core, "Nadia likes tea.", *ships, session_id="s")
    clock.move(DAY)
    await dreams.run(core, LOCAL_USER, anima=None)
    found = await trace(core, "e1", query="ship harbour timber")
    assert found.pack_reason.endswith("no word in common, and others are nearer in meaning.")


async def test_what_hundreds_outrank_says_so(core, clock):
    core = replace(core, sentences=None)
    await tell(core, "Nadia likes tea.", *(f"Number {n}." for n in range(400)))
    clock.move(DAY)
    found = await trace(core, "e1")
    assert found.standing.verdict == "outranked"
    assert found.pack_reason == (
        "Not in the pack: not among the 400 of its kind that matter most or came last."
    )


async def test_what_a_query_found_beyond_what_a_pack_reaches_says_so(core, clock, monkeypatch):
    monkeypatch.setattr(candidates, "AMPLE", 0.02)
    await tell(core, *(f"The cellar {n} has spiders." for n in range(6)), session_id="s")
    clock.move(DAY)
    found = [(await trace(core, f"e{n}", query="cellar spiders")).standing for n in range(1, 7)]
    assert sorted((one.rank, one.verdict) for one in found if not one.line) == [
        (4, "outranked"),
        (5, "outranked"),
        (6, "outranked"),
    ]
    beyond = next(one for one in found if one.rank == 6)
    assert beyond.text == (
        "Not in the pack: the query found it at rank 6 of 6, further down than 4,000 tokens reach."
    )


async def test_an_event_names_what_repeats_the_memory_that_was_made_of_it(core, clock):
    said = "The spider in the cellar has eight long and hairy legs and a web of silver silk"
    await tell(core, f"{said}, where it waits for flies that never come.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None)
    clock.move(DAY)
    assert (await trace(core, "e1")).pack_reason == (
        "Not in the pack: without a query, what was made of it speaks for it: k1 (line 1 of"
        " Relevant Knowledge) and m1 (left out because k1 says nearly the same)."
    )


async def test_an_anima_without_events_has_no_pack(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE animas SET last_event_at = NULL")
    found = await trace(told, "m1")
    assert (found.in_pack, found.standing.verdict) == (False, "no pack")


async def test_a_trace_counts_as_no_use_and_as_no_read(told):
    before = deepcopy(told.reads)
    await trace(told, "m1")
    await trace(told, "m1", query="tea")
    assert not told.uses
    assert told.reads == before


@pytest.mark.parametrize("query", [None, "drawer 31"])
async def test_every_row_is_in_the_pack_exactly_when_its_trace_says_so(core, clock, query):
    await tell_much(core, clock, count=40)
    await dreams.run(core, LOCAL_USER, anima=None)
    await tell(core, "Step 99 is in drawer 31 as well.", session_id="s")
    pack = await packs.compile_pack(core, LOCAL_USER, PackQuery(query=query))
    lines = {
        one.handle for one in [*pack.session_memories, *pack.knowledge, *pack.long_term_memories]
    }
    handles = [f"{letter}{n}" for letter in "emk" for n in range(1, 42)]
    traced = {handle: await trace(core, handle, query=query) for handle in handles}
    assert {handle for handle, found in traced.items() if found.in_pack} == lines & set(handles)
    for found in traced.values():
        assert found.pack_reason.startswith("In the pack" if found.in_pack else "Not in the pack: ")
        assert found.in_pack == (found.standing.verdict == "in the pack")


async def test_an_anima_without_events_still_tells_that_there_is_no_such_row(core):
    with pytest.raises(NotFoundError):
        await trace(core, "e1")


async def test_a_trace_for_a_query_that_finds_nothing_names_the_models_that_looked(core):
    await tell(core, "Nadia drinks tea.")
    lexical = replace(core, sentences=None, words=None)
    trace = await provenance.trace(lexical, LOCAL_USER, "e1", query="zeppelins")
    assert trace.standing.mode == "lexical"
    found = await packs.compile_pack(lexical, LOCAL_USER, PackQuery(query="zeppelins"))
    assert found.layers.mode == "lexical"
