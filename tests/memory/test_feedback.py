"""The feedback guard: what a pack said and an agent repeats is kept, and is no new evidence."""

from dataclasses import replace

import pytest

from elephantasm_mcp.memory import curation, dreams, events, layers, packs
from elephantasm_mcp.synthesis.fakes import ScriptedSynthesizer
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, EventType
from elephantasm_mcp.types.views import Curation
from scenes import FILE, HOUR, EachEvent, check_consumption, tell

FACTS = (
    "Nadia is allergic to hazelnuts.",
    "Mara lives in Oslo with two cats.",
    "The billing moves to PostgreSQL in March.",
)
WAYS = (
    "{0} {1} {2}",
    "As I recall: {0}\nYou also told me: {1}\n{2}",
    "Noted earlier — {0} And yes, {1} I remember that {2}",
    "{pack}",
    "{fenced}",
)


async def everything(core):
    """What memories and knowledge there are, what they say and how sure they are."""
    rows = [
        *await layers.memories(core, LOCAL_USER, None),
        *await layers.knowledge(core, LOCAL_USER, None),
    ]
    return [(row.handle, row.content, row.confidence) for row in rows]


async def dream(core):
    return await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")


@pytest.fixture
async def core(core):
    core = replace(core, synthesizer=EachEvent())
    await tell(core, *FACTS, author="Nadia", session_id="s")
    await dream(core)
    return core


async def test_after_50_rounds_of_repeating_the_pack_each_fact_stands_once(core, clock, tmp_path):
    before = await everything(core)
    for number in range(50):
        clock.move(HOUR)
        pack = await packs.compile_pack(core, LOCAL_USER, PackQuery())
        said = WAYS[number % len(WAYS)].format(
            *FACTS, pack=pack.as_prompt(), fenced=packs.fence(core, pack)
        )
        await tell(core, said, event_type=EventType.MESSAGE_OUT, session_id="s")
        assert (await dream(core)).counts.get("echoes", 0) == 1
    assert await everything(core) == before
    assert len(await events.list_events(core, LOCAL_USER, None)) == len(FACTS) + 50
    check_consumption(tmp_path / FILE)


async def test_what_an_agent_adds_is_news(core, clock):
    clock.move(HOUR)
    said = f"{FACTS[0]} So I ordered the lemon cake."
    await tell(core, said, event_type=EventType.MESSAGE_OUT)
    await dream(core)
    (*_, last) = await layers.memories(core, LOCAL_USER, None)
    assert "lemon cake" in last.content
    assert "hazelnuts" not in last.content


async def test_a_person_who_says_it_again_is_heard(core, clock):
    clock.move(HOUR)
    await tell(core, FACTS[0], author="Nadia", session_id="later")
    assert (await dream(core)).counts["memories"] == 1


async def test_a_pack_in_a_persons_message_is_not_heard(core, clock):
    clock.move(HOUR)
    pack = await packs.compile_pack(core, LOCAL_USER, PackQuery())
    await tell(core, f"What do you make of this?\n{packs.fence(core, pack)}")
    await dream(core)
    (*_, last) = await layers.memories(core, LOCAL_USER, None)
    assert "What do you make of this?" in last.content
    assert "hazelnuts" not in last.content


async def test_what_was_archived_does_not_come_back_by_being_repeated(core, clock):
    for handle in ("m1", "k1"):
        await curation.curate(core, LOCAL_USER, Curation(handle=handle, action="archive"))
    before = await everything(core)
    clock.move(HOUR)
    await tell(core, FACTS[0], event_type=EventType.MESSAGE_OUT)
    await dream(core)
    assert await everything(core) == before


async def test_what_was_said_before_it_was_known_is_evidence(core):
    await tell(core, "The ferry leaves at nine from pier four.", event_type=EventType.MESSAGE_OUT)
    synthesizer = ScriptedSynthesizer()
    await dream(replace(core, synthesizer=synthesizer))
    (batch,) = synthesizer.batches
    assert [event.text for event in batch.events] == ["The ferry leaves at nine from pier four."]
