"""Every answer that took the default anima says which that is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult, TextContent

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.settings import load_settings
from speaking import answer, connected


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[App]:
    """A server that is started in a clone of acme/app whose file names what it may not."""
    root = tmp_path / "clone"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text('[remote "origin"]\nurl = git@github.com:acme/app.git\n')
    (root / ".elephantasm.toml").write_text('anima = "private"\n')
    settings = load_settings(database=str(tmp_path / "memory.sqlite3"), anima_id="project")
    async with open_app(settings) as first, connected(first) as client:
        await answer(client, "create_anima", name="private")
    async with open_app(settings, folder=root) as opened:
        yield opened


CALLS = [
    ("extract_event", {"content": "Hello."}),
    ("search_memory", {"query": "hazelnuts"}),
    ("trace_memory", {"handle": "k1"}),
    ("curate_memory", {"handle": "k1", "action": "pin"}),
    ("forget_memory", {"handles": ["e1"]}),
    ("dream", {}),
    ("undo_dream", {"dream": "d1"}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_a_tool_names_the_default_in_its_data_and_its_text(
    at_work: App, tool: str, arguments: dict[str, Any]
):
    async with connected(at_work) as client:
        await filled(client, anima="acme/app")
        taken = await client.call_tool(tool, arguments)
        assert (taken.structured_content or {})["anima"] == "acme/app"
        assert "animas trust NAME" in (taken.structured_content or {})["anima_note"]
        assert "acme/app" in texts(taken)


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_a_tool_that_was_told_which_says_nothing_of_a_default(
    at_work: App, tool: str, arguments: dict[str, Any]
):
    async with connected(at_work) as client:
        await filled(client, anima="work")
        told = await client.call_tool(tool, {**arguments, "anima": "work"})
        assert "anima_note" not in (told.structured_content or {})
        assert "acme/app" not in texts(told)


async def test_the_pack_stays_the_pack_and_nothing_else(at_work: App):
    async with connected(at_work) as client:
        await filled(client, anima="acme/app")
        taken = await client.call_tool("get_memory_pack", {})
        named = await client.call_tool("get_memory_pack", {"anima": "acme/app"})
    assert texts(taken) == texts(named)
    assert (taken.meta or {})["anima"] == "acme/app"
    assert "animas trust NAME" in (taken.meta or {})["anima_note"]
    assert "anima" not in (named.meta or {})


async def test_a_row_by_its_uuid_takes_no_default(at_work: App):
    async with connected(at_work) as client:
        await answer(client, "create_anima", name="work")
        made = await answer(client, "extract_event", content="Hello.", anima="work")
        traced = await answer(client, "trace_memory", handle=made["events"][0]["id"])
    assert "anima" not in traced


async def filled(client: Any, *, anima: str) -> None:
    await answer(client, "create_anima", name=anima)
    said = "I am allergic to hazelnuts."
    await answer(client, "extract_event", content=said, author="Mara", anima=anima)
    await answer(client, "dream", phase="synthesis", anima=anima)


def texts(result: CallToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, TextContent))
