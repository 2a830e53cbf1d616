"""The HTTP transport: MCP at `/mcp` and `/sse`, REST beside it, on one loopback port.

Owns the socket and the web server. The app and the watcher live outside connections and requests
and are opened once. Invariant: every request's Host and Origin are checked, and nothing but
loopback is bound.
"""

import ipaddress
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import uvicorn
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.errors import ServerError, ValidationError
from elephantasm_mcp.http.api import build_api
from elephantasm_mcp.server import ElephantasmServer, build_server
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.transports.bodies import SafeBodies
from elephantasm_mcp.transports.garbage import collect_garbage
from elephantasm_mcp.transports.leaving import SIGNALS, wait_for_signal

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
MESSAGES_PATH: Final = "/messages/"
MCP_PATHS: Final = ("/mcp", "/sse", MESSAGES_PATH)
SHUTDOWN_S: Final = 1


class WebServer(uvicorn.Server):
    """A uvicorn server that leaves signals to us and says where it listens."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: ours are in place."""
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets)
        for bound in sockets or []:
            host, port = bound.getsockname()[:2]
            where = f"http://{_bracketed(host)}:{port}"
            sys.stderr.write(f"Listening on {where}/sse and {where}/mcp\n")
            sys.stderr.flush()


class SseEndpoint:
    """The ASGI app behind `/sse`. The SDK's own ends each stream with a second response."""

    def __init__(
        self,
        server: ElephantasmServer,
        transport: SseServerTransport,
        security: TransportSecuritySettings,
    ) -> None:
        self._server = server
        self._transport = transport
        self._security = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client for as long as it keeps its stream open."""
        refusal = await self._security.validate_request(Request(scope, receive), is_post=False)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        async with self._transport.connect_sse(scope, receive, send) as (read, write):
            await self._server.serve(read, write)


async def serve_http(settings: Settings) -> None:
    """Serve both HTTP transports until a signal comes.

    Raises:
        ValidationError: the host is not a loopback address.
        ServerError: the port is taken.
        ElephantasmError: the app cannot be opened.
    """
    require_loopback(settings.host)
    with bind(settings.host, settings.port) as listener:
        async with open_app(settings, background_jobs=settings.background_jobs) as app:
            server = build_server(app)
            collect_garbage()
            async with server.watcher.watching():
                await _run(web_app(server, app), listener)


def require_loopback(host: str) -> None:
    """Refuse an address that other machines can reach.

    Raises:
        ValidationError: it is one.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValidationError(
            f"{host} is not a loopback address, and serving other machines needs API keys, which "
            "come in a later release.",
            field="host",
            hint="Use 127.0.0.1.",
        )


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to that address; port 0 takes a free one.

    Raises:
        ServerError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with its protocol named: else the event loop leaves out TCP_NODELAY, and answers take 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ServerError(
            f"Port {port} on {host} cannot be used; another program probably has it.",
            hint="Choose another with --port; 0 takes a free one.",
        ) from error
    return listener


class Surfaces:
    """MCP at its paths, and everything else at the others, as one ASGI app."""

    def __init__(self, mcp: ASGIApp, rest: ASGIApp, *, security: TransportSecuritySettings) -> None:
        self._mcp: Final = mcp
        self._rest: Final = rest
        self._security: Final = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the app's beginning and end."""
        if scope["type"] != "http" or scope["path"].startswith(MCP_PATHS):
            await self._mcp(scope, receive, send)
            return
        stranger = await self._security.validate_request(Request(scope, receive))
        await (stranger or self._rest)(scope, receive, send)


def web_app(server: ElephantasmServer, app: App) -> ASGIApp:
    """Everything that is served over HTTP."""
    extra = [host.strip() for host in app.settings.allowed_hosts.split(",") if host.strip()]
    hosts = [*LOOPBACK_NAMES, *extra]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[form for host in hosts for form in (host, f"{host}:*")],
        allowed_origins=[
            f"{scheme}://{form}"
            for scheme in ("http", "https")
            for host in hosts
            for form in (host, f"{host}:*")
        ],
    )
    streamable = server.streamable_http_app(transport_security=security)
    messages = SseServerTransport(MESSAGES_PATH, security_settings=security)
    mcp = Starlette(
        middleware=[Middleware(SafeBodies, security=security)],
        routes=[
            *streamable.routes,
            Route("/sse", endpoint=SseEndpoint(server, messages, security), methods=["GET"]),
            Mount(MESSAGES_PATH, app=messages.handle_post_message),
        ],
        lifespan=lambda _: server.session_manager.run(),
    )
    return Surfaces(mcp, build_api(app, written=server.watcher.nudge), security=security)


async def _run(app: ASGIApp, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    web_server = WebServer(config)
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_on_signal, web_server)
        await web_server.serve(sockets=[listener])
        group.cancel_scope.cancel()


async def _stop_on_signal(web_server: WebServer) -> None:
    await wait_for_signal()
    # The SSE library watches this method and cuts its streams, which would stay open otherwise;
    # uvicorn logs each of them as an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    web_server.handle_exit(SIGNALS[0], None)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
