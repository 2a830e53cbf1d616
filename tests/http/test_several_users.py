"""Several people on one server: sessions, notifications, the background task, no secret left."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import httpx2
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types import ResourceListChangedNotification, ResourceUpdatedNotification

from elephantasm_mcp import subscriptions
from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.memory import animas, events, keys
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.callers import Scope
from elephantasm_mcp.types.records import Anima, AnimaCreate, EventCreate
from scenes import look
from serving import JSON, ask, bearer, guarded_app, send, serving, streamable
from speaking import (
    DEADLINE_S,
    HANDSHAKE,
    MODERN,
    answer,
    command,
    environment,
    http_server,
    refusal,
    text_of,
)

HELLO = (
    '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": '
    '"2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}'
)
LIST = '{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}'


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: these tests wait for what the watcher sees."""
    monkeypatch.setattr(subscriptions, "POLL_S", 0.02)


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with guarded_app(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    async with serving(app) as served:
        yield served


async def key_of(app: App, user: str, **options: Any) -> str:
    name = f"{user} {len(await keys.list_all(app.core))}"
    return (await keys.create(app.core, name, user=user, **options))[1]


async def anima_of(app: App, user: str, name: str = "default") -> Anima:
    owner = await keys.user_of(app.core, user)
    return (await animas.create(app.core, owner, AnimaCreate(name=name)))[0]


async def write(app: App, user: str, anima: UUID, content: str = "Hello.") -> None:
    owner = await keys.user_of(app.core, user)
    await events.record(app.core, owner, [EventCreate(anima_id=anima, content=content)])


@asynccontextmanager
async def client_of(
    url: str, key: str, *, way: str = "http", era: str = HANDSHAKE
) -> AsyncIterator[tuple[Client, MemoryObjectReceiveStream[Any]]]:
    """A client that shows a key, and what it is notified of."""
    send, heard = anyio.create_memory_object_stream[Any](100)
    with send, heard:
        if way == "sse":
            reached = sse_client(f"{url}/sse", headers=bearer(key))
            async with Client(reached, mode=era, message_handler=send.send) as client:
                yield client, heard
        else:
            async with (
                streamable(url, key) as reached,
                Client(reached, mode=era, message_handler=send.send) as client,
            ):
                yield client, heard


async def subscribe(client: Client, uri: str) -> None:
    with pytest.warns(MCPDeprecationWarning):
        await client.subscribe_resource(uri)


WAYS = [("http", HANDSHAKE), ("http", MODERN), ("sse", HANDSHAKE)]


@pytest.mark.parametrize(("way", "era"), WAYS)
async def test_two_people_use_the_same_names_and_see_their_own(
    app: App, url: str, way: str, era: str
) -> None:
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    async with (
        client_of(url, ann, way=way, era=era) as (hers, _),
        client_of(url, bob, way=way, era=era) as (his, _),
    ):
        await answer(hers, "extract_event", content="My cat is called Minka.")
        await answer(his, "extract_event", content="My dog is called Rex.")
        for client, own, others in ((hers, "Minka", "Rex"), (his, "Rex", "Minka")):
            pack = text_of(await client.call_tool("get_memory_pack", {}))
            assert own in pack
            assert others not in pack
            found = await answer(client, "search_memory", query="cat dog called")
            assert others not in str(found)
            listed = await answer(client, "list_animas")
            assert [one["name"] for one in listed["animas"]] == ["default"]
            (resource,) = (await client.list_resources()).resources
            assert own in str(await client.read_resource(resource.uri))


@pytest.mark.parametrize(("way", "era"), WAYS)
async def test_what_a_scope_does_not_cover_is_a_clear_refusal(
    app: App, url: str, way: str, era: str
) -> None:
    key = await key_of(app, "ann", scopes=[Scope.READ])
    async with client_of(url, key, way=way, era=era) as (client, _):
        assert len((await client.list_tools()).tools) == 11
        said = await refusal(client, "extract_event", content="Hello.")
        assert said.startswith("This key may not do that: it needs the scope `write`.")
        with pytest.raises(MCPError, match="it needs the scope `write`"):
            await client.get_prompt("dream")


async def test_a_session_of_another_caller_does_not_exist(app: App, url: str) -> None:
    ann = await key_of(app, "ann")
    opened = await send(f"{url}/mcp", "POST", {**JSON, **bearer(ann)}, HELLO)
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    for other in (await key_of(app, "bob"), await key_of(app, "ann")):
        for method in ("POST", "GET", "DELETE"):
            got = await send(f"{url}/mcp", method, {**JSON, **bearer(other), **session}, LIST)
            unknown = {"Mcp-Session-Id": "0" * 32}
            absent = await send(f"{url}/mcp", method, {**JSON, **bearer(other), **unknown}, LIST)
            assert (got.status, got.text) == (absent.status, absent.text)
            assert got.status == 404
    own = await send(f"{url}/mcp", "POST", {**JSON, **bearer(ann), **session}, LIST)
    assert own.status == 200


async def test_nor_does_one_from_before_there_was_a_key(app: App, url: str) -> None:
    opened = await send(f"{url}/mcp", "POST", JSON, HELLO)
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    assert (await send(f"{url}/mcp", "POST", {**JSON, **session}, LIST)).status == 200
    key = await key_of(app, "local")
    assert (await send(f"{url}/mcp", "POST", {**JSON, **session}, LIST)).status == 401
    got = await send(f"{url}/mcp", "POST", {**JSON, **session, **bearer(key)}, LIST)
    assert got.status == 404


async def test_an_sse_session_of_another_caller_does_not_exist(app: App, url: str) -> None:
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    async with (
        httpx2.AsyncClient(timeout=DEADLINE_S) as client,
        client.stream("GET", f"{url}/sse", headers=bearer(ann)) as stream,
    ):
        lines = stream.aiter_lines()
        await anext(lines)
        path = (await anext(lines)).removeprefix("data: ")
        got = await send(f"{url}{path}", "POST", {**JSON, **bearer(bob)}, HELLO)
        absent = await send(
            f"{url}/messages/?session_id={'0' * 32}", "POST", {**JSON, **bearer(bob)}, HELLO
        )
        assert (got.status, got.text) == (absent.status, absent.text)
        assert got.status == 404
        own = await send(f"{url}{path}", "POST", {**JSON, **bearer(ann)}, HELLO)
        assert own.status == 202


@pytest.mark.parametrize("way", ["http", "sse"])
async def test_a_session_ends_with_its_key(app: App, url: str, way: str) -> None:
    ann = await key_of(app, "ann")
    with anyio.fail_after(DEADLINE_S):
        async with client_of(url, ann, way=way) as (client, _):
            await answer(client, "list_animas")
            await keys.revoke(app.core, "ann 0")
            refused = await ask(url, ann, "tools/call", name="list_animas", arguments={})
            assert refused.status == 401


# Who hears of what


async def next_of(heard: MemoryObjectReceiveStream[Any]) -> str:
    """The next notification: the URI, or that the list changed."""
    notice = await heard.receive()
    if isinstance(notice, ResourceListChangedNotification):
        return "list"
    assert isinstance(notice, ResourceUpdatedNotification)
    return str(notice.params.uri)


@pytest.mark.parametrize("way", ["http", "sse"])
async def test_2025_subscribers_hear_of_what_they_see_alone(app: App, way: str) -> None:
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    hers, his = await anima_of(app, "ann"), await anima_of(app, "bob")
    async with (
        serving(app) as url,
        client_of(url, ann, way=way) as (first, heard_first),
        client_of(url, bob, way=way) as (second, heard_second),
    ):
        for client in (first, second):
            await subscribe(client, "anima://default/pack")
        for client, other in ((first, his), (second, hers)):
            with pytest.raises(MCPError, match="There is no anima"):
                await subscribe(client, f"anima://{other.id}/pack")
        await write(app, "ann", hers.id)
        assert await next_of(heard_first) == "anima://default/pack"
        await anima_of(app, "ann", "more")
        assert await next_of(heard_first) == "list"
        await write(app, "bob", his.id)
        assert await next_of(heard_second) == "anima://default/pack"
        for heard in (heard_first, heard_second):
            with pytest.raises(anyio.WouldBlock):
                heard.receive_nowait()


async def test_2026_listeners_hear_of_what_they_see_alone(app: App) -> None:
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    hers, his = await anima_of(app, "ann"), await anima_of(app, "bob")
    wanted = [f"anima://{one}/pack" for one in (hers.id, his.id, "default")]
    async with (
        serving(app) as url,
        client_of(url, ann, era=MODERN) as (first, _),
        client_of(url, bob, era=MODERN) as (second, _),
        first.listen(resources_list_changed=True, resource_subscriptions=wanted) as to_first,
        second.listen(resources_list_changed=True, resource_subscriptions=wanted) as to_second,
    ):
        await write(app, "ann", hers.id)
        await anima_of(app, "ann", "more")
        await write(app, "bob", his.id)
        heard = [await anext(to_second) for _ in range(2)]
        assert set(heard) == {ResourceUpdated(uri) for uri in wanted[1:]}
        heard = [await anext(to_first) for _ in range(3)]
        assert set(heard) == {
            ResourceUpdated(wanted[0]),
            ResourceUpdated(wanted[2]),
            ResourcesListChanged(),
        }


async def test_a_key_for_certain_animas_hears_of_those_alone(app: App) -> None:
    own, other = await anima_of(app, "ann", "own"), await anima_of(app, "ann", "other")
    key = await key_of(app, "ann", only=["own"])
    async with serving(app) as url, client_of(url, key) as (client, heard):
        await subscribe(client, "anima://own/pack")
        with pytest.raises(MCPError, match="There is no anima"):
            await subscribe(client, "anima://other/pack")
        await write(app, "ann", other.id)
        await anima_of(app, "ann", "third")
        await write(app, "ann", own.id)
        assert await next_of(heard) == "anima://own/pack"


async def test_who_has_given_or_got_an_anima_hears_that_the_list_changed(app: App) -> None:
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    await anima_of(app, "ann", "house")
    async with (
        serving(app) as url,
        client_of(url, ann) as (_, heard_first),
        client_of(url, bob) as (_, heard_second),
    ):
        owner = await keys.user_of(app.core, "ann")
        await animas.give(app.core, owner, "house", owner="bob")
        assert await next_of(heard_first) == "list"
        assert await next_of(heard_second) == "list"


@pytest.mark.parametrize("ended", ["revoked", "expired"])
async def test_who_is_no_longer_let_in_hears_nothing_more(
    app: App, clock: FakeClock, ended: str
) -> None:
    anima = await anima_of(app, "ann")
    uri = f"anima://{anima.id}/pack"
    lost = await key_of(app, "ann", expires_at=clock.now() + timedelta(hours=1))
    kept = await key_of(app, "ann")
    async with (
        serving(app) as url,
        client_of(url, lost) as (old, heard_lost),
        client_of(url, lost, era=MODERN) as (modern, _),
        modern.listen(resource_subscriptions=[uri]) as to_lost,
        client_of(url, kept) as (still, heard_kept),
    ):
        for client in (old, still):
            await subscribe(client, uri)
        await write(app, "ann", anima.id)
        assert [await next_of(heard) for heard in (heard_lost, heard_kept)] == [uri, uri]
        assert await anext(to_lost) == ResourceUpdated(uri)
        if ended == "revoked":
            await keys.revoke(app.core, "ann 0")
        else:
            clock.move(timedelta(hours=1))
        await write(app, "ann", anima.id, "Still there?")
        assert await next_of(heard_kept) == uri
        await write(app, "ann", anima.id, "Yes.")
        assert await next_of(heard_kept) == uri
        with pytest.raises(anyio.WouldBlock):
            heard_lost.receive_nowait()


async def test_one_user_cannot_take_the_streams_and_sessions_of_all(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "MAX_OF_USER", 1)
    ann, bob = await key_of(app, "ann"), await key_of(app, "bob")
    uri = "anima://default/pack"
    async with (
        serving(app) as url,
        client_of(url, ann) as (first, _),
        client_of(url, ann) as (second, _),
    ):
        await subscribe(first, uri)
        with pytest.raises(MCPError, match="Too many subscriptions"):
            await subscribe(second, uri)
        async with client_of(url, bob) as (other, _):
            await subscribe(other, uri)
    async with (
        serving(app) as url,
        client_of(url, ann, era=MODERN) as (first, _),
        client_of(url, bob, era=MODERN) as (other, _),
        first.listen(resource_subscriptions=[uri]),
        other.listen(resource_subscriptions=[uri]),
    ):
        with pytest.raises(MCPError, match="Too many streams"):
            async with first.listen(resource_subscriptions=[uri]):
                pass


# One process


async def test_one_background_task_makes_memories_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite3"
    settings = load_settings(database=str(path), embedder="none")
    async with open_app(settings, guarded=True, background_jobs=True) as app:
        for user in ("ann", "bob", "local"):
            owner = await keys.user_of(app.core, user)
            told = [
                EventCreate(content=f"{user}'s order {number} is late.") for number in range(25)
            ]
            await events.record(app.core, owner, told)
        app.worker.wake()
        waiting = "SELECT DISTINCT anima_no FROM events WHERE state = 'pending'"
        with anyio.fail_after(DEADLINE_S):
            while look(path, waiting):
                await anyio.lowlevel.checkpoint()
    assert len(look(path, "SELECT DISTINCT id >> 32 FROM memories")) == 3


def run(database: Path, *arguments: str) -> str:
    """What a command of the program prints."""
    done = subprocess.run(
        [command()[0], "-m", "elephantasm_mcp", *arguments],
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    return done.stdout.strip()


def read_all(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("level", ["info", "debug"])
async def test_no_key_stands_in_the_database_the_log_or_an_error(
    tmp_path: Path, level: str
) -> None:
    database = tmp_path / "memory.sqlite3"
    key, gone = (run(database, "keys", "create", name) for name in ("kept", "gone"))
    run(database, "keys", "revoke", "gone")
    said: list[str] = []
    with http_server(database, ELEPHANTASM_LOG=level) as (process, url):
        async with client_of(url, key) as (client, _):
            shown = "gone" if level == "debug" else key  # which logs what clients say
            await answer(client, "extract_event", content=f"My key is {shown}.")
        for shown in (gone, f"{key}x", key):
            for path in ("/mcp", "/sse/x", f"/api/{shown}", f"/mcp?key={shown}"):
                got = await send(f"{url}{path}", "POST", {**JSON, **bearer(shown)}, f'"{shown}"')
                said += [got.text.replace(f"/api/{shown}", ""), str(got.headers)]
        process.terminate()
        _, log = process.communicate(timeout=DEADLINE_S)
    written = read_all(tmp_path)
    for secret in (key, gone):
        body = secret.removeprefix("sk_live_")[4:]
        assert body.encode() not in written
        assert body not in log
    assert gone not in " ".join(said)
