"""`get_memory_pack` and the pack as a resource: what is beside the text, and packs of the past."""

from dataclasses import replace
from datetime import timedelta

import pytest
from mcp_types import Implementation

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import uses
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.wording import NOTHING_THEN, SOME_CLIENT
from speaking import ERAS, answer, connected, refusal, text_of


async def test_beside_an_empty_pack_nothing_came_or_went(app: App) -> None:
    async with connected(app) as client:
        result = await client.call_tool("get_memory_pack", {})
    expected = {"hash": None, "tokens": 0, "added": [], "removed": [], "anima": "default"}
    assert result.meta == expected


async def test_beside_the_pack_stands_what_came_and_went_since_the_last_read(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        first = await client.call_tool("get_memory_pack", {})
        again = await client.call_tool("get_memory_pack", {})
        await answer(client, "dream")
        last = await client.call_tool("get_memory_pack", {})
    assert first.meta is not None
    assert again.meta is not None
    assert last.meta is not None
    assert (first.meta["added"], first.meta["removed"]) == (["e1"], [])
    assert text_of(first) == text_of(again)
    assert (again.meta["added"], again.meta["removed"]) == ([], [])
    assert last.meta["removed"] == ["e1"]
    assert "m1" in last.meta["added"]


async def test_a_read_of_the_resource_counts_and_one_with_a_query_does_not(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        asked = await client.call_tool("get_memory_pack", {"query": "hazelnuts"})
        await client.read_resource("anima://default/pack")
        result = await client.call_tool("get_memory_pack", {})
    assert asked.meta is not None
    assert result.meta is not None
    assert asked.meta["hash"]
    assert (asked.meta["added"], asked.meta["removed"]) == ([], [])
    assert (result.meta["added"], result.meta["removed"]) == ([], [])


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_reads_under_the_name_that_it_gave(app: App, era: str) -> None:
    me = Implementation(name="an\neditor", version="1")
    async with connected(app, era=era, client_info=me) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        await client.call_tool("get_memory_pack", {})
        assert [reader.client for reader in app.core.reads] == ["an editor"]
        await uses.flush(app.core)
        result = await client.call_tool("get_memory_pack", {})
    assert result.meta is not None
    assert result.meta["added"] == []


async def test_a_client_without_a_name_is_some_client(app: App) -> None:
    async with connected(app, client_info=Implementation(name=" ", version="1")) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        await client.call_tool("get_memory_pack", {})
    assert [reader.client for reader in app.core.reads] == [SOME_CLIENT]


async def test_a_pack_of_the_past_is_the_pack_that_was_given(app: App) -> None:
    """With the models that users have."""
    clock = FakeClock()
    question = {"query": "which nuts are dangerous?"}
    async with connected(replace(app, core=replace(app.core, clock=clock))) as client:
        for said in ("Nadia is allergic to hazelnuts.", "Bo plays the violin in Lisbon."):
            await answer(client, "extract_event", content=said, session_id="s")
        moment = clock.now().isoformat()
        given = await client.call_tool("get_memory_pack", question)
        clock.move(timedelta(days=2))
        await answer(client, "extract_event", content="Nadia eats walnuts.", session_id="s")
        await answer(client, "dream")
        then = await client.call_tool("get_memory_pack", {**question, "as_of": moment})
        before = await client.call_tool("get_memory_pack", {"as_of": "2020-01-01T00:00:00Z"})
    assert "hazelnuts" in text_of(given)
    assert text_of(then) == text_of(given)
    assert then.meta == given.meta
    assert text_of(before) == NOTHING_THEN


async def test_a_time_in_the_future_or_none_at_all_is_refused(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        future = (app.core.clock.now() + timedelta(days=1)).isoformat()
        assert "at most now" in await refusal(client, "get_memory_pack", as_of=future)
        assert "`as_of`" in await refusal(client, "get_memory_pack", as_of="yesterday")
