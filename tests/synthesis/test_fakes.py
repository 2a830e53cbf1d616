"""The fakes do what the tests of the services rely on."""

import pytest

from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.synthesis.fakes import (
    NOT_A_QUOTE,
    UNKNOWN_EVENT,
    MaliciousSynthesizer,
    ScriptedSynthesizer,
)
from elephantasm_mcp.types.proposals import Proposals, SynthesisBatch


async def test_the_script_is_followed_in_order_and_then_silent(batch):
    some = (await MaliciousSynthesizer().synthesize(batch("Ann: Hi"))).model_copy()
    fake = ScriptedSynthesizer([some, ServerError("down")], name="x-2", provisional=True)
    assert (fake.name, fake.provisional) == ("x-2", True)
    one = batch("Ann: Hi")
    assert await fake.synthesize(one) == some
    with pytest.raises(ServerError, match="down"):
        await fake.synthesize(one)
    assert await fake.synthesize(one) == Proposals()
    assert fake.batches == [one, one, one]


async def test_the_malicious_one_lies_in_every_way(batch):
    fake = MaliciousSynthesizer()
    memories = (await fake.synthesize(batch("Ann: Hi"))).memories
    sources = [memory.sources[0] for memory in memories]
    assert [(s.event, s.quote) for s in sources] == [
        (UNKNOWN_EVENT, None),
        ("e1", ""),
        ("e1", NOT_A_QUOTE),
        ("e1", "Hi"),
        ("e1", "Hi"),
    ]
    assert memories[3].knowledge[0].sources[0].event == UNKNOWN_EVENT
    assert (fake.name, fake.provisional) == ("malicious-1", False)


async def test_the_malicious_one_needs_an_event_to_lie_about():
    with pytest.raises(ServerError, match="no events"):
        await MaliciousSynthesizer().synthesize(SynthesisBatch(anima="a", events=()))
