"""How a server process ends while it has its hands full."""

import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
from loading import HELLO, Server, serving
from wholeness import assert_whole

from speaking import DEADLINE_S, http_server

LEAVING_S = 5
"""The promise is one second; a busy machine gets more before a test calls it broken."""
IMPORT = 1500
"""Events that wait when the process has to go: seconds of indexing and synthesis."""
EXCHANGE = 50
JSON_OR_STREAM = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


@pytest.mark.parametrize("cause", [signal.SIGTERM, signal.SIGINT, None])
@pytest.mark.parametrize("work", ["embedding", "synthesis"])
async def test_a_big_import_does_not_keep_the_process_alive(
    database: Path, work: str, cause: signal.Signals | None
) -> None:
    embedder = "auto" if work == "embedding" else "none"
    async with serving(database, ELEPHANTASM_EMBEDDER=embedder) as server:
        async with anyio.create_task_group() as group:
            for first in range(0, IMPORT, EXCHANGE):
                group.start_soon(_import, server, first)
        if work == "synthesis":
            await _until_memories_appear(server)
        with anyio.fail_after(LEAVING_S):
            if cause is None:
                assert await server.leave() == 0
            else:
                server.process.send_signal(cause)
                assert await server.process.wait() == 0
    assert server.said == b""
    async with serving(database) as server:
        (anima,) = (await server.call("list_animas")).result["animas"]
    assert anima["events"] == IMPORT
    await assert_whole(database)


async def _until_memories_appear(server: Server) -> None:
    with anyio.fail_after(DEADLINE_S):
        while not (await server.call("list_animas")).result["animas"][0]["memories"]:
            pass


async def _import(server: Server, first: int) -> None:
    events = [
        {"content": f"Nadia is allergic to nut {n}. We meet in Berlin.", "session_id": f"s{n // 9}"}
        for n in range(first, first + EXCHANGE)
    ]
    assert not (await server.call("extract_event", events=events)).refused


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_of_streamable_http_does_not_keep_the_process_alive(
    database: Path, number: signal.Signals
) -> None:
    with http_server(database) as (process, url), _stream(url) as stream:
        assert stream.status == 200
        process.send_signal(number)
        _, said = process.communicate(timeout=LEAVING_S)
    assert (process.returncode, said) == (0, "")


@contextmanager
def _stream(url: str) -> Iterator[http.client.HTTPResponse]:
    """The stream on which a client of the 2025 era hears notifications."""
    first = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE_S)
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO}
    first.request("POST", "/mcp", body=json.dumps(hello), headers=JSON_OR_STREAM)
    answer = first.getresponse()
    answer.read()
    second = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE_S)
    session = {"Mcp-Session-Id": answer.headers["mcp-session-id"]}
    second.request("GET", "/mcp", headers={**session, "Accept": "text/event-stream"})
    try:
        yield second.getresponse()
    finally:
        first.close()
        second.close()
