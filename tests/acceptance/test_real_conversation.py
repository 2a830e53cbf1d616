"""A real conversation, end to end: imported by one process, remembered by the server of another."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

CONVERSATION = "conv-42"
QUERY = "What games does Nate play?"
DEADLINE_S = 100


@dataclass(frozen=True)
class Conversation:
    """What was said, turn by turn, and the database that it was imported into."""

    database: Path
    texts: list[str]


@pytest.fixture
def conversation(shared: Path, tmp_path: Path) -> Conversation:
    """A conversation of two people over months, imported by the program itself."""
    file = shared / "bench" / "locomo-dev.json"
    database = tmp_path / "memory.sqlite3"
    program = [sys.executable, "-m", "elephantasm_mcp", "--database", str(database)]
    done = subprocess.run(
        [*program, "import", "bench", str(file), "--only", CONVERSATION, "--json"],
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    )
    found = json.loads(file.read_text())["conversations"]
    texts = [turn["text"] for one in found if one["id"] == CONVERSATION for turn in one["turns"]]
    assert json.loads(done.stdout)["stored"] == len(texts) > 600
    return Conversation(database, texts)


@pytest.fixture
async def client(conversation: Conversation) -> AsyncIterator[Client]:
    """A client of a server process on that database."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "elephantasm_mcp", "--database", str(conversation.database)],
        env={
            "ENABLE_BACKGROUND_JOBS": "false",
            "XDG_CONFIG_HOME": str(conversation.database.parent),
        },
    )
    with anyio.fail_after(DEADLINE_S):
        async with Client(server) as connected:
            yield connected


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, {"anima": CONVERSATION, **arguments})
    assert not result.is_error, result.content
    return result.structured_content or {}


async def read_pack(client: Client, **arguments: Any) -> str:
    result = await client.call_tool("get_memory_pack", {"anima": CONVERSATION, **arguments})
    assert not result.is_error, result.content
    assert result.meta is not None
    assert 0 < result.meta["tokens"] <= 4000
    return "".join(getattr(block, "text", "") for block in result.content)


async def test_a_conversation_is_dreamt_of_found_packed_and_traced_to_its_words(
    client: Client, conversation: Conversation
):
    dream = await call(client, "dream")
    assert dream["counts"]["events"] == len(conversation.texts)
    memories = [one["handle"] for one in dream["actions"] if one["layer"] == "memory"]
    assert len(memories) >= 20

    found = await call(client, "search_memory", query=QUERY)
    assert not found["hits"][0]["weak"]

    pack = await read_pack(client)
    assert "## Relevant Knowledge" in pack
    assert "## Relevant Memories" in pack
    about = await read_pack(client, query=QUERY)
    assert "game" in about
    assert about != pack

    quotes = [await traced_quotes(client, handle, conversation.texts) for handle in memories]
    assert all(quotes)


async def traced_quotes(client: Client, handle: str, texts: list[str]) -> int:
    """Follow a memory to its turns: each quote stands in its event, each event in the file."""
    trace = await call(client, "trace_memory", handle=handle)
    number = 0
    for source in trace["sources"]:
        assert source["content"] == texts[int(source["handle"].removeprefix("e")) - 1]
        for quote in source["quotes"]:
            assert quote in source["content"]
            number += 1
    return number
