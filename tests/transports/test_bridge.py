"""The bridge: a stdio process that answers with a server's tools, as processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.message import SessionMessage
from mcp_types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    ResourceUpdatedNotification,
)

from elephantasm_mcp.sdk.endpoint import Endpoint
from elephantasm_mcp.transports.bridge import Bridge
from elephantasm_mcp.transports.upstream import Upstream
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
from strangers import Strange, strange

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


@pytest.mark.parametrize("era", ERAS)
async def test_the_default_anima_is_that_of_the_project_at_the_client(
    tmp_path: Path, era: str
) -> None:
    root = tmp_path / "clone"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text('[remote "origin"]\nurl = git@github.com:acme/app.git\n')
    with http_server(tmp_path / "memory.sqlite3") as (_, url), anyio.fail_after(DEADLINE_S):
        own = {"ELEPHANTASM_ENDPOINT": url, "ELEPHANTASM_ANIMA_ID": "project"}
        parameters = stdio_parameters(tmp_path / "own.sqlite3", **own)
        parameters = parameters.model_copy(update={"cwd": root})
        async with Client(parameters, mode=era) as client:
            said = await answer(client, "extract_event", content="I am allergic to hazelnuts.")
            assert said["anima"] == "acme/app"
            (one,) = (await answer(client, "list_animas"))["animas"]
            assert (one["name"], one["default"]) == ("acme/app", True)
            assert "hazelnuts" in text_of(await client.call_tool("get_memory_pack", {}))
        async with Client(f"{url}/mcp", mode=era) as direct:
            await answer(direct, "extract_event", content="Hello.")
            listed = (await answer(direct, "list_animas"))["animas"]
            assert [(one["name"], one["default"]) for one in listed] == [
                ("acme/app", False),
                ("default", True),
            ]


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


# Servers that misbehave, and what passes through

HELLO = JSONRPCRequest(jsonrpc="2.0", id=0, method="initialize", params={"protocolVersion": "x"})
AGREED = (
    200,
    {"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "2025-11-25"}},
    ("Content-Type", "application/json"),
    ("Mcp-Session-Id", "s1"),
)
CALL = JSONRPCRequest(jsonrpc="2.0", id=7, method="tools/call", params={"name": "dream"})
LIST = JSONRPCRequest(jsonrpc="2.0", id=7, method="tools/list")


class Talk:
    """The client's end of a bridge in this process."""

    def __init__(
        self,
        to_bridge: MemoryObjectSendStream[SessionMessage | Exception],
        from_bridge: MemoryObjectReceiveStream[SessionMessage],
    ) -> None:
        self._to = to_bridge
        self._from = from_bridge

    async def send(self, message: JSONRPCMessage) -> None:
        await self._to.send(SessionMessage(message))

    async def hear(self) -> JSONRPCMessage:
        return (await self._from.receive()).message

    async def ask(self, message: JSONRPCMessage) -> JSONRPCMessage:
        await self.send(message)
        return await self.hear()


@asynccontextmanager
async def talking(server: Strange) -> AsyncIterator[Talk]:
    endpoint = Endpoint(server.url, urlsplit(server.url).netloc, loopback=True, key=KEY)
    upstream = Upstream(endpoint, silence_s=DEADLINE_S)
    to_bridge, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, from_bridge = anyio.create_memory_object_stream[SessionMessage](0)
    with anyio.fail_after(DEADLINE_S):
        async with from_bridge, anyio.create_task_group() as group:
            group.start_soon(Bridge(upstream).serve, read, write)
            async with to_bridge:
                yield Talk(to_bridge, from_bridge)
            server.left.set()
        await upstream.close()


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (
            (401, {"detail": f"No such key {KEY}.", "code": "unauthenticated"}),
            "ELEPHANTASM_API_KEY",
        ),
        ((403, {"detail": "This key may only read.", "code": "forbidden"}), "may only read"),
        ((429, {"detail": "Too many requests."}), "Too many requests"),
        ((502, b"<html>nginx</html>"), "answered 502"),
        ((200, b"<html>A login page</html>"), "makes no sense"),
        ((202, b""), "broke off"),
        ("break", "broke off"),
        ((307, b"", ("Location", "https://example.org/mcp")), "ELEPHANTASM_ENDPOINT"),
    ],
)
async def test_what_goes_wrong_is_said_in_a_sentence(reply: Any, says: str) -> None:
    with strange(reply) as server:
        async with talking(server) as talk:
            answered = await talk.ask(CALL)
            assert isinstance(answered, JSONRPCResponse)
            assert (answered.id, answered.result["isError"]) == (7, True)
            (block,) = answered.result["content"]
            refused = await talk.ask(LIST)
            assert isinstance(refused, JSONRPCError)
            for text in (block["text"], refused.error.message):
                assert says in text
                assert KEY not in text
                assert "nginx" not in text


async def test_what_is_said_on_the_way_comes_first() -> None:
    progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}'
    result = '{"jsonrpc":"2.0","id":7,"result":{"content":[]}}'
    body = f": ping\n\ndata: {progress}\n\ndata: {result}\n\n".encode()
    with strange(AGREED, (200, body, ("Content-Type", "text/event-stream"))) as server:
        async with talking(server) as talk:
            assert isinstance(await talk.ask(HELLO), JSONRPCResponse)
            first = await talk.ask(CALL)
            assert isinstance(first, JSONRPCNotification)
            assert first.method == "notifications/progress"
            assert isinstance(await talk.hear(), JSONRPCResponse)


async def test_a_cancelled_request_is_cancelled_there() -> None:
    cancel = JSONRPCNotification(
        jsonrpc="2.0", method="notifications/cancelled", params={"requestId": 7}
    )
    with strange(AGREED, "hang", (202, b"")) as server:
        async with talking(server) as talk:
            await talk.ask(HELLO)
            await talk.send(CALL)
            while len(server.bodies) < 2:
                await anyio.lowlevel.checkpoint()
            await talk.send(cancel)
            while len(server.bodies) < 3:
                await anyio.lowlevel.checkpoint()
            assert b"notifications/cancelled" in server.bodies[2]


async def test_a_session_that_the_server_forgot_is_made_again() -> None:
    done = (
        200,
        {"jsonrpc": "2.0", "id": 7, "result": {"tools": []}},
        ("Content-Type", "application/json"),
    )
    gone = (404, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Gone"}})
    with strange(AGREED, gone, AGREED, (202, b""), done) as server:
        async with talking(server) as talk:
            await talk.ask(HELLO)
            listed = await talk.ask(LIST)
            assert isinstance(listed, JSONRPCResponse)
            assert (listed.id, listed.result) == (7, {"tools": []})
            assert [b'"initialize"' in body for body in server.bodies[:3]] == [True, False, True]
            assert b"notifications/initialized" in server.bodies[3]
