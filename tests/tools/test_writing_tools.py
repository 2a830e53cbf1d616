"""`create_anima`, `dream` and `undo_dream` through a client."""

from elephantasm_mcp.app import App
from speaking import answer, connected, refusal, text_of


async def test_an_existing_name_gives_that_anima_unchanged(app: App) -> None:
    async with connected(app) as client:
        made = await answer(client, "create_anima", name="work")
        again = await answer(client, "create_anima", name="work", description="other")
    assert made["created"] is True
    assert again == {**made, "created": False}


async def test_animas_share_nothing(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "create_anima", name="work")
        await answer(client, "extract_event", content="Nadia likes hazelnuts.", anima="work")
        result = await client.call_tool("search_memory", {"query": "hazelnuts"})
    assert (result.structured_content or {})["hits"] == []


async def test_a_dream_lists_each_change(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        report = await answer(client, "dream")
    assert set(report) == {
        "dream",
        "phase",
        "synthesizer",
        "counts",
        "tokens",
        "note",
        "plan",
        "actions",
        "work_order",
    }
    assert any("hazelnuts" in action["text"] for action in report["actions"])
    assert all(action["sources"] == ["e1"] for action in report["actions"])


async def test_an_undone_dream_leaves_no_memory_behind(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        report = await answer(client, "dream", phase="synthesis")
        undone = await client.call_tool("undo_dream", {"dream": report["dream"]})
        (default,) = (await answer(client, "list_animas"))["animas"]
    assert text_of(undone)
    assert (undone.structured_content or {})["dream"] == report["dream"]
    assert default["memories"] == 0


async def test_an_unknown_dream_is_refused_plainly(app: App) -> None:
    async with connected(app) as client:
        assert "d99" in await refusal(client, "undo_dream", dream="d99")
