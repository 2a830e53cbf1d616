"""Every tool, resource and notification, in both protocol eras, over every transport."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import ResourceUpdatedNotification, TextResourceContents

from speaking import (
    DEADLINE_S,
    HANDSHAKE,
    MODERN,
    answer,
    environment,
    http_server,
    stdio_parameters,
    text_of,
)

WAYS = [
    pytest.param("stdio", HANDSHAKE, id="stdio-2025"),
    pytest.param("stdio", MODERN, id="stdio-2026"),
    pytest.param("http", HANDSHAKE, id="http-2025"),
    pytest.param("http", MODERN, id="http-2026"),
    pytest.param("sse", HANDSHAKE, id="sse-2025"),
]
WRITE_FROM_OUTSIDE = """
import anyio
from elephantasm_mcp.app import open_app
from elephantasm_mcp.memory import events
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.records import EventCreate

async def main():
    async with open_app(load_settings()) as app:
        await events.record(app.core, app.user, [EventCreate(content="From outside.")])

anyio.run(main)
"""


@asynccontextmanager
async def client_of(
    database: Path, *, transport: str, era: str, **options: Any
) -> AsyncIterator[Client]:
    """A client of a server process on `database`."""
    with anyio.fail_after(DEADLINE_S):
        if transport == "stdio":
            async with Client(stdio_parameters(database), mode=era, **options) as client:
                yield client
            return
        with http_server(database) as (_, url):
            server = f"{url}/mcp" if transport == "http" else sse_client(f"{url}/sse")
            async with Client(server, mode=era, **options) as client:
                yield client


@pytest.mark.parametrize(("transport", "era"), WAYS)
async def test_a_conversation_is_remembered_traced_and_taken_back(
    tmp_path: Path, transport: str, era: str
) -> None:
    database = tmp_path / "memory.sqlite3"
    async with client_of(database, transport=transport, era=era) as client:
        assert client.protocol_version.startswith("2026" if era == MODERN else "2025")
        assert len((await client.list_tools()).tools) == 11
        assert (await answer(client, "create_anima", name="work"))["created"] is True
        said = await answer(
            client,
            "extract_event",
            anima="work",
            session_id="chat-1",
            events=[
                {"content": "I am allergic to hazelnuts.", "author": "Nadia"},
                {"content": "Noted: no hazelnuts.", "event_type": "message.out"},
            ],
        )
        assert [line["handle"] for line in said["events"]] == ["e1", "e2"]
        found = await answer(client, "search_memory", query="hazelnuts", anima="work")
        assert {hit["handle"] for hit in found["hits"]} >= {"e1"}
        report = await answer(client, "dream", anima="work", phase="synthesis")
        assert report["counts"]
        trace = await answer(client, "trace_memory", handle="m1", anima="work")
        assert "e1" in {source["handle"] for source in trace["sources"]}
        pack = text_of(await client.call_tool("get_memory_pack", {"anima": "work"}))
        assert pack.startswith('<memory-pack key="')
        assert "hazelnuts" in pack
        undone = await answer(client, "undo_dream", dream=report["dream"], anima="work")
        assert undone["dream"] == report["dream"]
        listed = await answer(client, "list_animas")
        assert [anima["name"] for anima in listed["animas"]] == ["work"]


@pytest.mark.parametrize(("transport", "era"), WAYS)
async def test_resources_and_prompts_are_served(tmp_path: Path, transport: str, era: str) -> None:
    database = tmp_path / "memory.sqlite3"
    async with client_of(database, transport=transport, era=era) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        (resource,) = (await client.list_resources()).resources
        (pack,) = (await client.read_resource(resource.uri)).contents
        assert isinstance(pack, TextResourceContents)
        assert "hazelnuts" in pack.text
        for view in ("identity", "dreams"):
            assert (await client.read_resource(f"anima://default/{view}")).contents
        for prompt in ("recall", "about_me"):
            assert (await client.get_prompt(prompt)).messages


@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
async def test_a_2025_subscriber_hears_what_another_process_wrote(
    tmp_path: Path, transport: str
) -> None:
    database = tmp_path / "memory.sqlite3"
    send, heard = anyio.create_memory_object_stream[Any](100)
    with send, heard:
        async with client_of(
            database, transport=transport, era=HANDSHAKE, message_handler=send.send
        ) as client:
            await answer(client, "create_anima", name="default")
            with pytest.warns(MCPDeprecationWarning):
                await client.subscribe_resource("anima://default/pack")
            await write_from_outside(database)
            async for notice in heard:
                if isinstance(notice, ResourceUpdatedNotification):
                    break
            assert notice.params.uri == "anima://default/pack"
            assert "From outside." in text_of(await client.call_tool("get_memory_pack", {}))


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_2026_listener_hears_what_another_process_wrote(
    tmp_path: Path, transport: str
) -> None:
    database = tmp_path / "memory.sqlite3"
    async with client_of(database, transport=transport, era=MODERN) as client:
        made = await answer(client, "create_anima", name="default")
        uri = f"anima://{made['id']}/pack"
        async with client.listen(resource_subscriptions=[uri]) as changes:
            await write_from_outside(database)
            assert await anext(changes) == ResourceUpdated(uri)


async def write_from_outside(database: Path) -> None:
    """Record an event in a process of its own."""
    await anyio.run_process(
        [sys.executable, "-c", WRITE_FROM_OUTSIDE],
        env=environment(database),
        stderr=subprocess.DEVNULL,
    )
