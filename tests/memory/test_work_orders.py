"""Work orders: what a connected agent is asked, and what becomes of what it hands back."""

from dataclasses import replace
from uuid import UUID

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, dreams, forgetting, redaction, synthesis
from elephantasm_mcp.memory.drafting import Draft
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.memory.work_orders import ORDER_TOKENS
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import animas as animas_store
from elephantasm_mcp.synthesis.fakes import ScriptedSynthesizer
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from elephantasm_mcp.types.views import ForgetRequest
from scenes import (
    DAY,
    FILE,
    HOUR,
    EachEvent,
    add_user,
    check_counters,
    derived_rows,
    fragile,
    look,
    propose,
    tamper,
    tell,
)

TEA = ("Nadia prefers tea.", "e1", "Nadia likes tea.")
RUM = ("Bo prefers rum.", "e2", "Bo likes rum.")


@pytest.fixture
def core(core):
    """The core with an agent as its language model."""
    return replace(core, host="Do your best.", synthesizer=EachEvent(provisional=True))


@pytest.fixture
async def order(core):
    """The work order of two events, e1 and e2, that have m1, k1 and m2, k2 provisionally."""
    await tell(core, "Nadia likes tea.", "Bo likes rum.", session_id="s")
    return (await dream(core)).work_order


def written(*memories):
    return {
        "memories": [
            propose(summary, event, quote=quote, facts=[f"So it is: {quote}"]).model_dump()
            for summary, event, quote in memories
        ]
    }


async def dream(core, *, anima: AnimaRef = None):
    return await dreams.run(core, LOCAL_USER, anima=anima, phase="synthesis")


async def complete(core, order, *memories, user=LOCAL_USER, proposals=None):
    given = written(*memories) if proposals is None else proposals
    return await dreams.complete(core, user, str(order.id), proposals=given, host="test")


async def forget(core, *handles):
    request = ForgetRequest(handles=handles)
    return await forgetting.forget(core, LOCAL_USER, request, confirmed=True)


def living(tmp_path):
    return look(tmp_path / FILE, "SELECT summary FROM memories WHERE superseded_by IS NULL")


def states(tmp_path):
    return [one for (one,) in look(tmp_path / FILE, "SELECT state FROM events ORDER BY id")]


# What is asked


async def test_an_order_shows_what_was_made_provisionally(core, order):
    assert [one.handle for one in order.events] == ["e1", "e2"]
    first = order.events[0]
    assert (first.type, first.author, first.text) == ("message.in", "User", "Nadia likes tea.")
    assert first.when == core.clock.now()
    assert (order.anima, order.remaining, order.instructions) == ("default", 0, "Do your best.")
    assert order.expires_at == core.clock.now() + DAY
    assert set(order.schema_["properties"]) == {"memories"}
    assert "schema" in order.model_dump()


@pytest.mark.usefixtures("order")
async def test_nothing_waits_for_the_agent(tmp_path):
    assert states(tmp_path) == ["provisional", "provisional"]
    assert living(tmp_path) == [("Heard: Nadia likes tea.",), ("Heard: Bo likes rum.",)]


async def test_an_anima_has_one_open_order(core, order):
    await tell(core, "Cy likes gin.")
    again = (await dream(core)).work_order
    assert again == order.model_copy(update={"remaining": 1})


async def test_there_is_no_order_without_work_and_without_an_agent(core):
    assert (await dream(core)).work_order is None
    await tell(core, "Nadia likes tea.")
    assert (await dream(replace(core, host=None))).work_order is None
    assert (await dream(core)).work_order is not None


async def test_orders_of_animas_have_nothing_to_do_with_each_other(core, order):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    assert (await dream(core, anima="other")).work_order is None
    await tell(core, "Cy likes gin.", anima_id="other")
    other = (await dream(core, anima="other")).work_order
    assert [one.text for one in other.events] == ["Cy likes gin."]
    assert other.id != order.id


async def test_an_order_is_bounded_and_begins_with_the_oldest(core):
    now = core.clock.now()
    for number in range(5):
        text = f"{number} " + "word " * 2500
        await tell(core, text, session_id="s", occurred_at=now - number * HOUR)
    order = (await dream(core)).work_order
    assert [one.text[0] for one in order.events] == ["4", "3"]
    assert order.remaining == 3


async def test_an_event_that_is_too_long_for_any_order_is_shown_in_part(core):
    await tell(core, "word " * 30_000)
    (event,) = (await dream(core)).work_order.events
    assert ORDER_TOKENS * 0.9 < estimate_tokens(event.text) <= ORDER_TOKENS


# What is handed in


async def test_what_is_sound_replaces_what_was_provisional(core, order, tmp_path):
    report = await complete(core, order, TEA, RUM)
    assert [(one.index, one.handle, one.dropped) for one in report.accepted] == [
        (0, "m3", []),
        (1, "m4", []),
    ]
    assert report.rejected == []
    assert report.counts == {"events": 2, "memories": 2, "knowledge": 2, "superseded": 4}
    assert report.synthesizer == "host:test"
    assert living(tmp_path) == [(TEA[0],), (RUM[0],)]
    assert states(tmp_path) == ["settled", "settled"]
    assert look(tmp_path / FILE, "SELECT provisional, synthesizer FROM memories WHERE id & 4") == [
        (0, "host:test")
    ]
    assert (await dream(core)).work_order is None
    check_counters(tmp_path / FILE)


async def test_events_of_rejected_proposals_alone_stay_provisional(core, order, tmp_path):
    report = await complete(core, order, TEA, ("Bo hates rum.", "e2", "Bo hates rum."))
    assert [one.index for one in report.accepted] == [0]
    (rejected,) = report.rejected
    assert rejected.index == 1
    assert "does not stand in e2" in rejected.reason
    assert states(tmp_path) == ["settled", "provisional"]
    assert living(tmp_path) == [("Heard: Bo likes rum.",), (TEA[0],)]
    assert report.notes == ["1 event left: `dream` gives the next work order."]
    following = (await dream(core)).work_order
    assert [one.handle for one in following.events] == ["e2"]
    assert following.id != order.id


async def test_events_that_nobody_cites_are_settled(core, order, tmp_path):
    await complete(core, order, TEA)
    assert states(tmp_path) == ["settled", "settled"]
    assert look(tmp_path / FILE, "SELECT state FROM memories WHERE id & 255 = 2") == [("archived",)]


async def test_no_proposals_take_nothing_away_that_was_made(core, order, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await complete(core, order)
    assert report.accepted == report.rejected == []
    assert "what was made of these events before stands" in report.notes[0]
    assert states(tmp_path) == ["provisional", "provisional"]
    assert derived_rows(tmp_path / FILE) == before
    assert (await dream(core)).work_order.id == order.id


async def test_no_proposals_for_what_nobody_made_anything_of_say_that_it_was_small_talk(
    core, tmp_path
):
    core = replace(core, synthesizer=ScriptedSynthesizer(provisional=True))
    await tell(core, "Hello!", "Hi!", session_id="s")
    report = await complete(core, (await dream(core)).work_order)
    assert report.notes == []
    assert states(tmp_path) == ["settled", "settled"]


async def test_when_nothing_is_accepted_the_order_stays_open(core, order, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await complete(core, order, ("No.", "e9", "No."), ("Nor this.", "e1", "Nor this."))
    assert [one.index for one in report.rejected] == [0, 1]
    assert (report.handle, report.state, report.counts) == ("", "refused", {})
    assert "stays open" in report.notes[0]
    assert derived_rows(tmp_path / FILE) == before
    assert [one.handle for one in await dreams.journal(core, LOCAL_USER)] == ["d1"]
    assert (await dream(core)).work_order == order
    await complete(core, order, TEA, RUM)


async def test_bad_knowledge_of_a_sound_memory_is_dropped_and_named(core, order, tmp_path):
    (memory,) = written(TEA)["memories"]
    memory["knowledge"][0]["sources"][0]["quote"] = "Nadia owns a tea shop."
    report = await complete(core, order, proposals={"memories": [memory]})
    (accepted,) = report.accepted
    assert [one.index for one in accepted.dropped] == [0]
    assert look(tmp_path / FILE, "SELECT count(*) FROM knowledge WHERE provisional = 0") == [(0,)]


@pytest.mark.parametrize(
    ("event", "quote", "reason"),
    [
        ("e3", "Cy likes gin.", "none of the events"),
        ("e1", None, "quotes no words"),
        ("m1", "Heard", "none of the events"),
    ],
)
async def test_only_events_of_the_order_can_be_cited(core, order, event, quote, reason):
    await tell(core, "Cy likes gin.")
    report = await complete(core, order, ("Cy.", event, quote), TEA)
    assert reason in report.rejected[0].reason
    assert [one.index for one in report.accepted] == [1]


async def test_a_row_that_was_pinned_meanwhile_is_kept_and_named(core, order, tmp_path):
    tamper(tmp_path / FILE, "UPDATE memories SET pinned = 1 WHERE id & 255 = 1")
    report = await complete(core, order, TEA, RUM)
    assert report.notes == [
        "m1 was kept as it is, because it was pinned, corrected or merged meanwhile."
    ]
    assert ("Heard: Nadia likes tea.",) in living(tmp_path)


@pytest.mark.parametrize("proposals", [None, 7, {}, {"memories": None}, "tea"])
async def test_what_is_no_proposals_at_all_is_an_error(core, order, tmp_path, proposals):
    with pytest.raises(ValidationError):
        await dreams.complete(core, LOCAL_USER, str(order.id), proposals=proposals, host="test")
    assert states(tmp_path) == ["provisional", "provisional"]


# Orders that are not to be completed


async def test_an_order_is_completed_once(core, order):
    report = await complete(core, order, TEA)
    with pytest.raises(ConflictError, match=f"already completed by {report.handle}"):
        await complete(core, order, RUM)


def meanwhile(core, action, *arguments):
    """A core over a database in which something else happens just before the next write."""
    broken, database = fragile(core)
    write, todo = database.write, [action]

    async def write_later(fn, /, *args, **kwargs):
        while todo:
            await todo.pop()(*arguments)
        return await write(fn, *args, **kwargs)

    database.write = write_later
    return broken


async def test_the_slower_of_two_is_told_that_somebody_completed_the_order(core, order):
    slower = meanwhile(core, complete, core, order, TEA, RUM)
    with pytest.raises(ConflictError, match="This work order was already completed by d2"):
        await complete(slower, order, RUM)


async def test_who_is_late_is_told_that_the_events_were_forgotten(core, order):
    slower = meanwhile(core, forget, core, "e1")
    with pytest.raises(ConflictError, match="order was withdrawn"):
        await complete(slower, order, RUM)


async def test_forgetting_another_event_leaves_the_order_open(core, order):
    await tell(core, "Cy likes gin.", session_id="s9")
    await forget(core, "e3")
    report = await complete(core, order, TEA, RUM)
    assert [one.handle for one in report.accepted] == ["m3", "m4"]


@pytest.mark.parametrize("fields", [{"handles": ("e1",)}, {"everything": True}])
async def test_an_order_is_withdrawn_when_one_of_its_events_is_forgotten(core, order, fields):
    request = ForgetRequest(**fields)
    await forgetting.forget(core, LOCAL_USER, request, confirmed=True)
    with pytest.raises(ConflictError, match="words that it shows were forgotten"):
        await complete(core, order, RUM)
    following = (await dream(core)).work_order
    shown = [] if following is None else [one.handle for one in following.events]
    assert shown == ([] if request.everything else ["e2"])


async def test_an_order_is_withdrawn_when_words_are_masked(core, order):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    await tell(replace(core, redact=False), f"The key is {secret}.")
    await redaction.redact(core, LOCAL_USER, anima=None)
    with pytest.raises(ConflictError, match="forgotten or masked"):
        await complete(core, order, TEA)


async def test_who_is_late_is_told_which_dream_made_memories_of_the_events(core, order):
    model = ScriptedSynthesizer([Proposals(memories=[propose("Tea.", "e1")])])

    async def rework():
        owed = await core.database.read(all_owed)
        draft = Draft(await model.synthesize(None), synthesizer="test-1", provisional=False)
        started = Run(core.ids.uuid(), "synthesis", "worker", core.clock.now())
        await core.database.write(
            synthesis.commit,
            1,
            owed,
            draft,
            run=started,
            dream=None,
            uuids=synthesis.uuids_for(core, draft),
            job=None,
            now=core.clock.now(),
        )

    def all_owed(tx):
        anima = animas_store.get(tx, 1)
        return synthesis.owed(tx, anima, include_held=False)

    slower = meanwhile(core, rework)
    with pytest.raises(ConflictError, match="e1 was made into memories by d2 meanwhile"):
        await complete(slower, order, TEA)


async def test_an_order_expires_after_a_day_and_the_next_dream_gives_another(core, order):
    core.clock.move(DAY)
    with pytest.raises(ConflictError, match="expired"):
        await complete(core, order, TEA)
    following = (await dream(core)).work_order
    assert following.id != order.id
    assert [one.handle for one in following.events] == ["e1", "e2"]


async def test_nobody_completes_the_order_of_somebody_else(core, order, tmp_path):
    other = add_user(tmp_path / FILE)
    with pytest.raises(NotFoundError):
        await complete(core, order, TEA, user=other)
    await complete(core, order, TEA)


@pytest.mark.parametrize("name", ["d1", "", str(UUID(int=7))])
async def test_an_order_that_does_not_exist_is_not_found(core, name):
    with pytest.raises(NotFoundError, match="no such work order"):
        await dreams.complete(core, LOCAL_USER, name, proposals={"memories": []}, host="test")


async def test_what_was_settled_meanwhile_is_in_the_order_no_more(core, order, tmp_path):
    tamper(tmp_path / FILE, "UPDATE events SET state = 'settled' WHERE id & 255 = 2")
    again = (await dream(core)).work_order
    assert [one.handle for one in again.events] == ["e1"]
    report = await complete(core, order, TEA, RUM)
    assert [one.index for one in report.rejected] == [1]


# Undo


async def test_an_undone_completion_gives_all_back_and_is_asked_for_again(core, order, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await complete(core, order, TEA, RUM)
    undone = await dreams.undo(core, LOCAL_USER, report.handle)
    assert derived_rows(tmp_path / FILE) == before
    assert undone.events_held == ["e1", "e2"]
    again = await dream(core)
    assert again.counts == {}
    assert [one.handle for one in again.work_order.events] == ["e1", "e2"]
    await complete(core, again.work_order, TEA, RUM)
    assert states(tmp_path) == ["settled", "settled"]
    check_counters(tmp_path / FILE)


async def test_what_is_held_and_told_of_no_more_becomes_a_memory_with_the_next_dream(
    core, tmp_path
):
    await tell(core, "Nadia likes tea.", "Bo likes rum.", session_id="s")
    both = Proposals(memories=[propose("Nadia likes tea, Bo likes rum.", "e1", "e2")])
    scripted = replace(core, synthesizer=ScriptedSynthesizer([both], provisional=True))
    order = (await dream(scripted)).work_order
    report = await complete(core, order, TEA)
    await forget(core, "e1")
    undone = await dreams.undo(core, LOCAL_USER, report.handle)
    assert undone.events_held == ["e2"]
    assert living(tmp_path) == []
    again = await dream(core)
    assert living(tmp_path) == [("Heard: Bo likes rum.",)]
    assert [one.handle for one in again.work_order.events] == ["e2"]
    assert again.work_order.remaining == 0
    assert (await dream(core)).counts == {}
