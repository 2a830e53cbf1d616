"""All that a model reads of the server before it does anything, word for word."""

from pathlib import Path

import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.hooks.opening import OPENING, PROMPTS_ALONE, RECORDED
from elephantasm_mcp.server import INSTRUCTIONS
from speaking import connected

READ = Path(__file__).with_name("what_models_read.txt")
MOST_BYTES = 2048


async def what_models_read(app: App) -> str:
    """Instructions, tools and prompts, as one text."""
    async with connected(app) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
    parts = [f"# Instructions\n\n{INSTRUCTIONS.strip()}"]
    parts += [f"# Tool {one.name} ({one.title})\n\n{one.description}" for one in tools]
    for prompt in prompts:
        told = [f"- {one.name}: {one.description}" for one in prompt.arguments or []]
        head = f"# Prompt {prompt.name} ({prompt.title})\n\n{prompt.description}"
        parts.append("\n".join([head, *told]))
    return "\n\n".join(parts) + "\n"


async def test_models_read_what_was_last_looked_at(app: App):
    """After a change that is meant: read the difference, and put the text into the file."""
    assert await what_models_read(app) == READ.read_text(encoding="utf-8")


async def test_instructions_and_descriptions_are_small(app: App):
    async with connected(app) as client:
        listed = [*(await client.list_tools()).tools, *(await client.list_prompts()).prompts]
    assert len(INSTRUCTIONS.encode()) <= MOST_BYTES
    assert all(0 < len((one.description or "").encode()) <= MOST_BYTES for one in listed)


@pytest.mark.parametrize(
    "tool",
    [
        "get_memory_pack",
        "search_memory",
        "extract_event",
        "dream",
        "complete_dream",
        "curate_memory",
        "forget_memory",
        "trace_memory",
        "undo_dream",
    ],
)
def test_instructions_say_when_to_call_each_tool(tool: str):
    assert tool in INSTRUCTIONS


async def test_what_hooks_say_first_is_what_tools_wait_for(app: App):
    async with connected(app) as client:
        tools = {one.name: one.description or "" for one in (await client.list_tools()).tools}
    by_hooks = (OPENING, PROMPTS_ALONE)
    for text in (*by_hooks, INSTRUCTIONS, tools["get_memory_pack"], tools["extract_event"]):
        assert RECORDED in text


async def test_prompts_are_slash_commands_with_a_title_and_described_arguments(app: App):
    async with connected(app) as client:
        prompts = (await client.list_prompts()).prompts
    assert {one.name: [each.name for each in one.arguments or []] for one in prompts} == {
        "recall": ["anima", "query"],
        "about_me": ["anima"],
        "dream": ["anima"],
    }
    for prompt in prompts:
        assert prompt.title
        assert all(one.description and not one.required for one in prompt.arguments or [])


async def test_a_prompt_that_took_the_default_names_it_beside_its_text(app: App):
    async with connected(app) as client:
        taken = await client.get_prompt("recall")
        await client.call_tool("create_anima", {"name": "acme/app"})
        named = await client.get_prompt("recall", {"anima": "acme/app"})
    assert (taken.meta or {}).get("anima") == "default"
    assert "anima" not in (named.meta or {})
