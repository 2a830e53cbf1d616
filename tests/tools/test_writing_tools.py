"""The tools that write, but for `extract_event`, through a client."""

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
        "anima",
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


async def test_a_curation_shows_before_and_after_and_is_taken_back(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        await answer(client, "dream")
        report = await answer(
            client,
            "curate_memory",
            handle="k1",
            action="correct",
            content="Walnuts, not hazelnuts.",
        )
        undone = await answer(client, "undo_dream", dream=report["dream"])
    assert "hazelnuts" in report["before"]["content"]
    assert report["after"]["content"] == "Walnuts, not hazelnuts."
    assert report["related"] == ["m1"]
    assert undone["restored"] == ["k1"]


async def test_an_event_is_not_curated_and_the_refusal_says_what_to_do(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        said = await refusal(client, "curate_memory", handle="e1", action="archive")
        bad = await refusal(client, "curate_memory", handle="m1", action="improve")
    assert "forget_memory" in said
    assert bad.startswith("`action` of `curate_memory` must be one of `correct`, `pin`, ")


async def test_forgetting_takes_two_calls_and_leaves_a_receipt(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        await answer(client, "dream")
        shown = await answer(client, "forget_memory", handles=["e1"])
        hits = await answer(client, "search_memory", query="hazelnuts")
        receipt = await answer(client, "forget_memory", handles=["e1"], confirm=shown["confirm"])
        after = await answer(client, "search_memory", query="hazelnuts")
        gone = await refusal(client, "trace_memory", handle="e1")
    assert (shown["erased"], receipt["erased"]) == (False, True)
    assert shown["counts"]["events"] == 1
    assert shown["counts"]["memories"] == receipt["counts"]["memories"] == 1
    assert hits["hits"]
    assert after["hits"] == []
    assert "e1 was forgotten on" in gone


async def test_a_wrong_token_erases_nothing(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        said = await refusal(client, "forget_memory", handles=["e1"], confirm="7fffffff-00")
        hits = await answer(client, "search_memory", query="hazelnuts")
    assert "Nothing was erased" in said
    assert hits["hits"]


async def test_settings_of_an_anima_are_given_when_it_is_made(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "create_anima", name="work", settings={"event_types": ["message.in"]})
        recorded = await answer(
            client, "extract_event", content="{}", event_type="tool.call", anima="work"
        )
        said = await refusal(client, "create_anima", name="other", settings={"treshold": 5})
    (event,) = recorded["events"]
    assert (event["handle"], event["stored"]) == (None, False)
    assert event["note"] == (
        "Not kept: this anima's setting `event_types` has no tool.call, only message.in."
    )
    assert "Did you mean `threshold`?" in said
