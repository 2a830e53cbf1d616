"""The bridge: a stdio process that answers with a server's tools, as processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types import ResourceUpdatedNotification

from speaking import (
    DEADLINE_S,
    ERAS,
    HANDSHAKE,
    MODERN,
    answer,
    http_server,
    refusal,
    stdio_parameters,
    text_of,
)

KEY = "sk_live_a-key-that-nobody-may-see"


@asynccontextmanager
async def bridged(folder: Path, url: str, *, era: str, **options: Any) -> AsyncIterator[Client]:
    """A client of a bridge to the server there; its own database must stay unmade."""
    with anyio.fail_after(DEADLINE_S):
        own = folder / "own.sqlite3"
        parameters = stdio_parameters(own, ELEPHANTASM_ENDPOINT=url, ELEPHANTASM_API_KEY=KEY)
        async with Client(parameters, mode=era, **options) as client:
            yield client
        assert not own.exists()


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


@pytest.mark.parametrize("era", ERAS)
async def test_what_the_server_serves_is_what_the_client_gets(tmp_path: Path, era: str) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        async with (
            Client(f"{url}/mcp", mode=era) as direct,
            bridged(tmp_path, url, era=era) as client,
        ):
            assert client.protocol_version == direct.protocol_version
            assert client.instructions == direct.instructions
            assert client.server_capabilities == direct.server_capabilities
            assert await client.list_tools() == await direct.list_tools()
            assert await client.list_prompts() == await direct.list_prompts()
            templates = await client.list_resource_templates()
            assert templates == await direct.list_resource_templates()


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_said_here_is_remembered_there(tmp_path: Path, era: str) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        async with bridged(tmp_path, url, era=era) as client:
            said = await answer(client, "extract_event", content="I am allergic to hazelnuts ☕.")
            assert [line["handle"] for line in said["events"]] == ["e1"]
            assert "hazelnuts ☕" in text_of(await client.call_tool("get_memory_pack", {}))
            (resource,) = (await client.list_resources()).resources
            assert (await client.read_resource(resource.uri)).contents
            assert (await client.get_prompt("recall")).messages
            assert "no anima" in await refusal(client, "get_memory_pack", anima="nobody")
            with pytest.raises(MCPError, match="here is no anima"):
                await client.read_resource("anima://nobody/pack")
        async with Client(f"{url}/mcp", mode=era) as direct:
            assert "hazelnuts" in text_of(await direct.call_tool("get_memory_pack", {}))


async def test_a_2025_subscriber_hears_of_changes(tmp_path: Path) -> None:
    send, heard = anyio.create_memory_object_stream[Any](100)
    with send, heard, http_server(tmp_path / "memory.sqlite3") as (_, url):
        async with (
            bridged(tmp_path, url, era=HANDSHAKE, message_handler=send.send) as client,
            Client(f"{url}/mcp") as other,
        ):
            await subscribe(client)
            await answer(other, "extract_event", content="From outside.")
            assert await next_update(heard) == "anima://default/pack"


async def test_a_2026_listener_hears_of_changes(tmp_path: Path) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        async with bridged(tmp_path, url, era=MODERN) as client, Client(f"{url}/mcp") as other:
            made = await answer(client, "create_anima", name="default")
            uri = f"anima://{made['id']}/pack"
            async with client.listen(resource_subscriptions=[uri]) as changes:
                await answer(other, "extract_event", content="From outside.")
                assert await anext(changes) == ResourceUpdated(uri)


@pytest.mark.parametrize("era", ERAS)
async def test_a_lost_server_is_a_clear_error_and_is_found_again(tmp_path: Path, era: str) -> None:
    database = tmp_path / "memory.sqlite3"
    with http_server(database) as (process, url):
        async with bridged(tmp_path, url, era=era) as client:
            await answer(client, "extract_event", content="Before.")
            process.kill()
            process.wait()
            host = urlsplit(url).netloc
            for _ in range(2):
                said = await refusal(client, "get_memory_pack")
                assert f"The memory server at {host} cannot be reached." in said
                assert "ELEPHANTASM_ENDPOINT" in said
                assert KEY not in said
            with pytest.raises(MCPError, match="cannot be reached"):
                await client.list_resources()
            with http_server(database, port=port_of(url)):
                assert "Before." in text_of(await client.call_tool("get_memory_pack", {}))
                await answer(client, "extract_event", content="After.")


async def test_subscriptions_outlive_the_server(tmp_path: Path) -> None:
    database = tmp_path / "memory.sqlite3"
    send, heard = anyio.create_memory_object_stream[Any](100)
    with send, heard, http_server(database) as (process, url):
        async with bridged(tmp_path, url, era=HANDSHAKE, message_handler=send.send) as client:
            await subscribe(client)
            process.kill()
            process.wait()
            with http_server(database, port=port_of(url)):
                assert await next_update(heard) == "anima://default/pack"
                async with Client(f"{url}/mcp") as other:
                    await answer(other, "extract_event", content="From outside.")
                assert await next_update(heard) == "anima://default/pack"


async def subscribe(client: Client) -> None:
    await answer(client, "create_anima", name="default")
    with pytest.warns(MCPDeprecationWarning):
        await client.subscribe_resource("anima://default/pack")


async def next_update(heard: Any) -> str:
    """The resource that changed next."""
    async for notice in heard:
        if isinstance(notice, ResourceUpdatedNotification):
            return notice.params.uri
    raise AssertionError("the client is gone")
