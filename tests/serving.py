"""How tests serve HTTP in their own process, with a clock of their own, and ask as somebody."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import uvicorn
from mcp.client.streamable_http import streamable_http_client

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.server import build_server
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.transports.http import PROXIES, WebServer, bind, web_app
from speaking import DEADLINE_S, MODERN

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def guarded_app(path: Path, clock: FakeClock, **settings: Any) -> AsyncIterator[App]:
    """The app as the HTTP server opens it, without the background task, on a clock that stands."""
    chosen = load_settings(database=str(path / "memory.sqlite3"), embedder="none", **settings)
    async with open_app(chosen, guarded=True) as opened:
        yield replace(opened, core=replace(opened.core, clock=clock))


@asynccontextmanager
async def serving(app: App, *, deadline_s: float = DEADLINE_S) -> AsyncIterator[str]:
    """A server over `app` on a free port; its base URL."""
    server = build_server(app)
    with bind("127.0.0.1", 0) as listener, anyio.fail_after(deadline_s):
        config = uvicorn.Config(
            web_app(server, app),
            log_config=None,
            ws="none",
            timeout_graceful_shutdown=1,
            forwarded_allow_ips=list(PROXIES),
        )
        web = WebServer(config)
        async with server.watcher.watching(), anyio.create_task_group() as group:
            group.start_soon(partial(web.serve, sockets=[listener]))
            while not web.started:
                await anyio.lowlevel.checkpoint()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            web.should_exit = True


def bearer(key: str | None) -> dict[str, str]:
    """The header that shows a key; none without one."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: httpx2.Headers

    @property
    def is_error(self) -> bool:
        """Whether it is a refusal, in whichever way the surface refuses."""
        body = json.loads(self.text)
        return self.status >= 400 or "error" in body or bool(body["result"].get("isError"))


async def ask(url: str, key: str | None, method: str, **params: Any) -> Answer:
    """Post one message to `/mcp` as a client of the 2026 era does."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        **JSON,
        **bearer(key),
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
        "Mcp-Name": str(params.get("name") or params.get("uri")),
    }
    return await send(f"{url}/mcp", "POST", headers, json.dumps(message))


async def send(url: str, method: str, headers: dict[str, str], body: str = "") -> Answer:
    """One request, and what it is answered with."""
    async with httpx2.AsyncClient(timeout=DEADLINE_S, verify=False) as client:
        got = await client.request(method, url, headers=headers, content=body)
        text = got.text
        if got.headers.get("content-type", "").startswith("text/event-stream"):
            text = [line for line in text.splitlines() if line.startswith("data: ")][-1][6:]
        return Answer(got.status_code, text, got.headers)


@asynccontextmanager
async def streamable(url: str, key: str | None) -> AsyncIterator[Any]:
    """What the SDK's client connects to, as the holder of a key."""
    async with httpx2.AsyncClient(headers=bearer(key), timeout=DEADLINE_S) as client:
        yield streamable_http_client(f"{url}/mcp", http_client=client)
