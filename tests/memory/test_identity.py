"""Identity: built from the agent's own words, versioned, undoable, never from outside."""

from dataclasses import replace

import pytest

from elephantasm_mcp.memory import animas, dreams, identity, layers
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.synthesis.fakes import AnsweringModel
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import MINUTE, look
from sleeping import sleep, told, verbatim

OWN = [
    "I prefer small commits with honest messages.",
    "I always write the test first, then the code.",
    "I like plain words better than jargon.",
    "I never guess at numbers that I can measure.",
    "I keep answers short unless asked for more.",
]


@pytest.fixture
def core(core):
    return verbatim(core)


async def replying(core, clock, count=20, own=OWN, **fields):
    """An agent that said so much, and what it said of itself."""
    texts = [*own, *[f"Done: step {n} of the plan `p{n}` is finished." for n in range(count)]]
    await told(core, clock, *texts[:count], apart=MINUTE, event_type="message.out", **fields)


async def current(core):
    anima = await animas.find(core, LOCAL_USER, None)
    return await core.database.read(identity.read, anima)


async def test_it_counts_and_quotes_once_there_is_enough(core, clock):
    await replying(core, clock)
    report = await sleep(core)
    assert report.counts["identity"] == 1
    found = await current(core)
    assert found.handle == "i1"
    assert estimate_tokens(found.prose) in range(70, 101)
    assert found.communication_style.startswith("Answers in about 10 words as a rule.")
    assert "“I always write the test first, then the code.”" in found.prose
    by_text = {one.text: one.evidence for one in found.statements}
    assert by_text["“I always write the test first, then the code.”"] == ("e2",)
    assert all(by_text.values())
    assert (await layers.identity(core, LOCAL_USER, None)).prose == found.prose


async def test_with_fewer_words_there_is_none(core, clock):
    await replying(core, clock, count=19)
    assert "identity" not in (await sleep(core)).counts
    assert await current(core) is None
    assert await layers.identity(core, LOCAL_USER, None) is None


async def test_what_came_from_outside_is_no_evidence(core, clock):
    await replying(core, clock, source_uri="https://example.org")
    await sleep(core)
    assert await current(core) is None


async def test_another_version_comes_with_other_evidence_and_undo_brings_the_last_one_back(
    core, clock
):
    await replying(core, clock)
    await sleep(core)
    assert "identity" not in (await sleep(core)).counts
    await told(core, clock, "I value silence over chatter.", event_type="message.out")
    report = await sleep(core)
    assert (await current(core)).handle == "i2"
    assert "I value silence over chatter." in (await current(core)).prose
    await dreams.undo(core, LOCAL_USER, report.handle)
    assert (await current(core)).handle == "i1"


async def test_a_model_builds_it_from_what_it_was_shown(core, clock):
    await replying(core, clock)
    prose = " ".join(["A careful builder who writes plain words and tests first."] * 5)
    assert estimate_tokens(prose) in range(70, 101)
    statement = {"text": "Prefers small commits.", "evidence": ["e1"]}
    built = {"kind": "identity", "personality_type": "craftsman", "prose": prose}
    model = AnsweringModel(lambda _: {"operations": [{**built, "statements": [statement]}]})
    report = await sleep(replace(core, model=model))
    assert "e1: I prefer small commits" in model.prompts[0].data
    (action,) = [one for one in report.actions if one.layer == "identity"]
    assert (action.handle, action.model, action.sources) == ("i1", model.name, ["e1"])
    assert (await current(core)).personality_type == "craftsman"
    await sleep(core)
    assert (await current(core)).handle == "i1", "rules do not replace what a model wrote"


async def test_a_model_may_not_rest_it_on_what_it_was_not_shown(core, clock, tmp_path):
    await replying(core, clock)
    prose = " ".join(["A careful builder who writes plain words and tests first."] * 5)
    statement = {"text": "Owns the world.", "evidence": ["e19"]}
    built = {"kind": "identity", "prose": prose, "statements": [statement]}
    await sleep(replace(core, model=AnsweringModel(lambda _: {"operations": [built]})))
    assert look(tmp_path / "memory.sqlite3", "SELECT count(*) FROM identities") == [(0,)]
