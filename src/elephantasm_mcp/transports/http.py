"""The HTTP transport: MCP at `/mcp` and `/sse`, REST beside it, in one process.

Owns the socket, the web server and who stands where in it. The app and the watcher live outside
connections and requests and are opened once. Invariant: the guard stands before everything, and
what other machines reach is bound only where it lets nobody in without a key or token.
"""

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import uvicorn
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from elephantasm_mcp.app import App, database_path, open_app, token_issuer
from elephantasm_mcp.errors import ServerError, ValidationError
from elephantasm_mcp.http.api import build_api
from elephantasm_mcp.http.guard import Guard
from elephantasm_mcp.http.hosts import LOOPBACK_NAMES, Hosts, hosts_of, is_loopback
from elephantasm_mcp.http.metadata import metadata_routes
from elephantasm_mcp.http.tokens import Tokens
from elephantasm_mcp.memory import keys
from elephantasm_mcp.server import ElephantasmServer, build_server
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.transports.bodies import SafeBodies
from elephantasm_mcp.transports.garbage import collect_garbage
from elephantasm_mcp.transports.leaving import SIGNALS, wait_for_signal

MCP_PATH: Final = "/mcp"
MESSAGES_PATH: Final = "/messages/"
SHUTDOWN_S: Final = 1
PROXIES: Final = ("127.0.0.1", "::1")

logger = logging.getLogger(__name__)


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
    """Serve everything over HTTP until a signal comes.

    Raises:
        ValidationError: a setting is wrong, or other machines would be let in without a key.
        ServerError: the port is taken.
        ElephantasmError: the app cannot be opened.
    """
    issuer = token_issuer(settings)
    open_to_all = issuer is None and not is_loopback(settings.host)
    if open_to_all and not database_path(settings).exists():
        raise _needs_a_key(settings.host)
    with bind(settings.host, settings.port) as listener:
        async with open_app(
            settings, background_jobs=settings.background_jobs, guarded=True
        ) as app:
            if open_to_all and not await keys.any_made(app.core):
                raise _needs_a_key(settings.host)
            _warn_of_no_names(settings)
            server = build_server(app)
            collect_garbage()
            async with server.watcher.watching():
                await _run(web_app(server, app), listener)


def _warn_of_no_names(settings: Settings) -> None:
    """Say so where others reach the server by names under which it does not answer."""
    names = hosts_of(settings).names
    if not is_loopback(settings.host) and len(names) == len(LOOPBACK_NAMES):
        logger.warning(
            "Only requests for %s are answered. Name the hosts that others ask for in "
            "ELEPHANTASM_ALLOWED_HOSTS.",
            ", ".join(names),
        )


def _needs_a_key(host: str) -> ValidationError:
    return ValidationError(
        f"{host} is not a loopback address: whoever reaches it could read and change everything.",
        field="host",
        hint="Make an API key first (`elephantasm-mcp keys create NAME --user USER`), or set "
        "ELEPHANTASM_JWKS_URL, ELEPHANTASM_JWT_ISSUER and ELEPHANTASM_JWT_AUDIENCE, or use "
        "127.0.0.1.",
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


def web_app(server: ElephantasmServer, app: App) -> ASGIApp:
    """All that one process answers, behind the guard."""
    issuer, hosts = token_issuer(app.settings), hosts_of(app.settings)
    rest = build_api(app, written=server.watcher.nudge)
    inner = Starlette(
        routes=[*_mcp_routes(server, hosts), *metadata_routes(issuer), Mount("/", app=rest)],
        lifespan=lambda _: server.session_manager.run(),
    )
    tokens = None if issuer is None else Tokens(issuer, app.core.clock)
    return Guard(inner, app, hosts=hosts, tokens=tokens)


def _mcp_routes(server: ElephantasmServer, hosts: Hosts) -> list[BaseRoute]:
    """Both transports of MCP over one server."""
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[form for host in hosts.names for form in (host, f"{host}:*")],
        allowed_origins=[
            f"{scheme}://{form}"
            for scheme in ("http", "https")
            for host in hosts.names
            for form in (host, f"{host}:*")
        ],
    )
    server.streamable_http_app(transport_security=security)  # makes the session manager
    streamable = StreamableHTTPASGIApp(server.session_manager)
    messages = SseServerTransport(MESSAGES_PATH, security_settings=security)
    sse = SseEndpoint(server, messages, security)
    return [
        Route(MCP_PATH, endpoint=SafeBodies(streamable, security=security)),
        Route("/sse", endpoint=sse, methods=["GET"]),
        Mount(MESSAGES_PATH, app=SafeBodies(messages.handle_post_message, security=security)),
    ]


async def _run(app: ASGIApp, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        # a proxy on this machine says who asks, and whether by TLS; nobody else is believed
        forwarded_allow_ips=list(PROXIES),
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
