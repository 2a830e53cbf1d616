"""Who hears of changes, and when."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_PARAMS,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    ResourceListChangedNotification,
    ResourceUpdatedNotification,
)

from elephantasm_mcp import subscriptions
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory import animas, events, grants
from elephantasm_mcp.ports import Database
from elephantasm_mcp.server import build_server
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.records import Anima, AnimaCreate, EventCreate
from speaking import DEADLINE_S, HANDSHAKE, MODERN, answer, connected


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: these tests wait for what the watcher sees."""
    monkeypatch.setattr(subscriptions, "POLL_S", 0.02)


@asynccontextmanager
async def listening(
    app: App,
) -> AsyncIterator[tuple[Client, MemoryObjectReceiveStream[Any]]]:
    """A 2025-era client with what it is notified of."""
    send, receive = anyio.create_memory_object_stream[Any](100)
    with send, receive:
        async with connected(app, message_handler=send.send) as client:
            yield client, receive


async def subscribe(client: Client, uri: str) -> None:
    with pytest.warns(MCPDeprecationWarning):
        await client.subscribe_resource(uri)


async def unsubscribe(client: Client, uri: str) -> None:
    with pytest.warns(MCPDeprecationWarning):
        await client.unsubscribe_resource(uri)


async def anima_of(app: App, name: str = "work") -> Anima:
    anima, _ = await animas.create(app.core, app.user, AnimaCreate(name=name))
    return anima


async def write(app: App, anima: Anima, content: str = "Hello.") -> None:
    """Write past the server, as the background task or another process would."""
    await events.record(app.core, app.user, [EventCreate(anima_id=anima.id, content=content)])


@pytest.mark.parametrize("view", ["pack", "dreams"])
async def test_a_2025_subscriber_hears_of_a_change(app: App, view: str) -> None:
    anima = await anima_of(app)
    uri = f"anima://{anima.id}/{view}"
    async with listening(app) as (client, heard):
        await subscribe(client, uri)
        await write(app, anima)
        notice = await heard.receive()
    assert isinstance(notice, ResourceUpdatedNotification)
    assert notice.params.uri == uri


async def test_a_subscriber_by_name_hears_in_its_own_spelling(app: App) -> None:
    anima = await anima_of(app, "my project")
    async with listening(app) as (client, heard):
        await subscribe(client, "anima://my%20project/pack")
        await write(app, anima)
        notice = await heard.receive()
    assert notice.params.uri == "anima://my%20project/pack"


async def test_nobody_hears_of_other_animas_or_after_unsubscribing(app: App) -> None:
    mine, others = await anima_of(app, "mine"), await anima_of(app, "others")
    async with listening(app) as (client, heard):
        await subscribe(client, f"anima://{mine.id}/pack")
        await subscribe(client, f"anima://{others.id}/pack")
        await unsubscribe(client, f"anima://{others.id}/pack")
        await write(app, others)
        await write(app, mine)
        notice = await heard.receive()
        assert notice.params.uri == f"anima://{mine.id}/pack"
        with pytest.raises(anyio.WouldBlock):
            heard.receive_nowait()


async def test_a_new_anima_changes_the_list(app: App) -> None:
    async with listening(app) as (client, heard):
        await answer(client, "create_anima", name="work")
        assert isinstance(await heard.receive(), ResourceListChangedNotification)


async def test_only_resources_of_animas_can_be_subscribed_to(app: App) -> None:
    async with listening(app) as (client, _):
        with pytest.raises(MCPError, match="There is no such resource") as refused:
            await subscribe(client, "file:///etc/passwd")
    assert refused.value.code == INVALID_PARAMS


async def test_subscriptions_of_a_session_are_bounded(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "MAX_URIS", 2)
    await anima_of(app, "a")
    async with listening(app) as (client, _):
        await subscribe(client, "anima://a/pack")
        await subscribe(client, "anima://a/dreams")
        with pytest.raises(MCPError, match="Too many subscriptions: at most 2 a session"):
            await subscribe(client, "anima://a/identity")


@pytest.mark.parametrize("unknown", ["wrok", "0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d"])
async def test_an_unknown_anima_cannot_be_subscribed_to(app: App, unknown: str) -> None:
    await anima_of(app, "work")
    async with listening(app) as (client, _):
        with pytest.raises(
            MCPError, match=f"There is no anima '{unknown}'.*Known: work"
        ) as refused:
            await subscribe(client, f"anima://{unknown}/pack")
    assert refused.value.code == INVALID_PARAMS


async def test_the_default_anima_may_be_subscribed_to_before_its_first_use(app: App) -> None:
    async with listening(app) as (client, heard):
        await subscribe(client, "anima://default/pack")
        await answer(client, "extract_event", content="Hello.")
        assert isinstance(await heard.receive(), ResourceListChangedNotification)
        notice = await heard.receive()
    assert notice.params.uri == "anima://default/pack"


async def test_a_2026_listener_hears_of_changes_and_of_new_animas(app: App) -> None:
    anima = await anima_of(app)
    uri = f"anima://{anima.id}/pack"
    async with (
        connected(app, era=MODERN) as client,
        client.listen(resources_list_changed=True, resource_subscriptions=[uri]) as changes,
    ):
        await write(app, anima)
        assert await anext(changes) == ResourceUpdated(uri)
        await anima_of(app, "other")
        assert await anext(changes) == ResourcesListChanged()


async def test_a_session_that_does_not_read_is_forgotten(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "SEND_S", 0.05)
    anima = await anima_of(app)
    uri = f"anima://{anima.id}/pack"
    server = build_server(app)
    to_server, inbox = anyio.create_memory_object_stream[SessionMessage | Exception](10)
    outbox, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    heard_send, heard = anyio.create_memory_object_stream[Any](100)
    with to_server, inbox, outbox, from_server, heard_send, heard, anyio.fail_after(DEADLINE_S):
        async with (
            server.watcher.watching(),
            Client(server, mode=HANDSHAKE, message_handler=heard_send.send) as quick,
            anyio.create_task_group() as group,
        ):
            group.start_soon(server.serve, inbox, outbox)
            for message in shake_hands_and_subscribe(uri):
                await to_server.send(SessionMessage(message))
            await from_server.receive()
            await from_server.receive()
            await subscribe(quick, uri)
            assert len(server.subscribers) == 2
            for n in range(2):
                await write(app, anima, f"Hello {n}.")
                assert (await heard.receive()).params.uri == uri
            assert len(server.subscribers) == 1
            group.cancel_scope.cancel()


def shake_hands_and_subscribe(uri: str) -> list[JSONRPCMessage]:
    """What a 2025-era client writes before it stops reading."""
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "stuck", "version": "1"},
    }
    return [
        JSONRPCRequest(jsonrpc="2.0", id=1, method="initialize", params=hello),
        JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized"),
        JSONRPCRequest(jsonrpc="2.0", id=2, method="resources/subscribe", params={"uri": uri}),
    ]


async def test_a_closed_session_is_forgotten(app: App) -> None:
    server = build_server(app)
    with anyio.fail_after(DEADLINE_S):
        async with Client(server, mode=HANDSHAKE) as client:
            await subscribe(client, "anima://default/pack")
            assert len(server.subscribers) == 1
        assert len(server.subscribers) == 0


async def test_the_watch_outlives_a_failing_store(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    anima = await anima_of(app)
    uri = f"anima://{anima.id}/pack"
    flaky = FlakyDatabase(app.core.database, failures=2)
    async with listening(replace(app, core=replace(app.core, database=flaky))) as (client, heard):
        await subscribe(client, uri)
        await flaky.recovered.wait()
        await write(app, anima)
        assert (await heard.receive()).params.uri == uri
    assert "Changes cannot be watched at the moment: It is busy." in caplog.messages


class FlakyDatabase:
    """A database whose version cannot be read a few times, after the first."""

    def __init__(self, database: Database, *, failures: int) -> None:
        self.read = database.read
        self.recovered = anyio.Event()
        self._database = database
        self._failures = failures
        self._asked = 0

    async def data_version(self) -> int:
        self._asked += 1
        if 1 < self._asked <= 1 + self._failures:
            raise StorageError("It is busy.")
        if self._asked > 1:
            self.recovered.set()
        return await self._database.data_version()


async def test_a_reader_hears_of_a_change_of_what_it_may_read(app: App) -> None:
    source, reader = await anima_of(app, "house-rules"), await anima_of(app, "coder")
    uri = f"anima://{reader.id}/pack"
    async with listening(app) as (client, heard):
        await subscribe(client, uri)
        given = await grants.add(app.core, app.user, source.id, GrantRequest(to="coder"))
        assert (await heard.receive()).params.uri == uri
        await write(app, source)
        assert (await heard.receive()).params.uri == uri
        await grants.revoke(app.core, app.user, given.id)
        assert (await heard.receive()).params.uri == uri
        await write(app, source, "Another thing.")
        await write(app, reader)
        assert (await heard.receive()).params.uri == uri
