"""Upstream: MCP messages to a server over streamable HTTP, and what it sends back.

Owns one exchange: a message out, its answers in. Does not know sessions. Invariant: a request that
was sent was answered by the server, or an `ElephantasmError` says why not.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias, final

import httpx2
from mcp_types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from elephantasm_mcp.sdk.connection import CONNECT_S, KEEP_S, no_answer, nonsense, refusal
from elephantasm_mcp.sdk.endpoint import Endpoint
from elephantasm_mcp.types.defaults import DEFAULT_ANIMA, as_header

Heard: TypeAlias = Callable[[JSONRPCMessage], Awaitable[None]]
"""What is done with a message of the server."""

SESSION: Final = "mcp-session-id"
VERSION: Final = "mcp-protocol-version"
CONNECTIONS: Final = 256
"""Calls and open streams at a time."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
ACCEPT: Final = {"Accept": "application/json, text/event-stream"}


def fits_header(text: str) -> bool:
    """Whether what a server said can be sent back to it."""
    return text.isascii() and text.isprintable()


class SessionLostError(Exception):
    """The server does not know the session; it did nothing."""


@final
class Upstream:
    """An open web client for the MCP side of a server. It belongs to one event loop."""

    def __init__(self, endpoint: Endpoint, *, silence_s: float, default: str | None = None) -> None:
        """`silence_s` is how long a server may say nothing while an answer is due.

        `default` is the client's default anima; None leaves that to the server.
        """
        named = {} if default is None else {DEFAULT_ANIMA: as_header(default)}
        self._endpoint: Final = endpoint
        self._url: Final = f"{endpoint.url}/mcp"
        self._client: Final = httpx2.AsyncClient(
            headers={**ACCEPT, **endpoint.headers, **named},
            timeout=httpx2.Timeout(silence_s, connect=min(CONNECT_S, silence_s)),
            limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEP_S),
            follow_redirects=False,
            trust_env=not endpoint.loopback,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(
        self, message: JSONRPCMessage, headers: dict[str, str], *, heard: Heard
    ) -> str | None:
        """Post a message and hand on all that comes back; the result is the session, if new.

        Raises:
            SessionLostError: see there.
            ElephantasmError: the server refused it, or cannot be reached.
        """
        content = message.model_dump_json(by_alias=True, exclude_unset=True)
        typed = {**headers, "Content-Type": "application/json"}
        request = self._client.build_request("POST", self._url, content=content, headers=typed)
        answered = not isinstance(message, JSONRPCRequest)

        async def hear(said: JSONRPCMessage) -> None:
            nonlocal answered
            if isinstance(said, JSONRPCResponse | JSONRPCError):
                if answered or not isinstance(message, JSONRPCRequest):
                    return
                said, answered = said.model_copy(update={"id": message.id}), True
            await heard(said)

        session = await self._exchange(request, hear)
        if not answered:
            raise no_answer(self._endpoint, EOFError())
        return session

    async def listen(self, headers: dict[str, str], *, heard: Heard) -> None:
        """Hand on what the server says unasked, until it ends that.

        Raises:
            SessionLostError: see there.
            ElephantasmError: the server refused it, or cannot be reached.
        """

        async def hear(said: JSONRPCMessage) -> None:
            if isinstance(said, JSONRPCNotification | JSONRPCRequest):
                await heard(said)

        request = self._client.build_request("GET", self._url, headers=headers)
        await self._exchange(request, hear)

    async def end(self, headers: dict[str, str]) -> None:
        """Tell the server that a session is over.

        Raises:
            SessionLostError: it is already.
            ElephantasmError: the server refused it, or cannot be reached.
        """

        async def hear(said: JSONRPCMessage) -> None:
            del said

        await self._exchange(self._client.build_request("DELETE", self._url, headers=headers), hear)

    async def _exchange(self, request: httpx2.Request, hear: Heard) -> str | None:
        try:
            response = await self._client.send(request, stream=True)
            try:
                await self._hear(response, hear)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise no_answer(self._endpoint, error) from None
        session = response.headers.get(SESSION)
        return session if session and fits_header(session) else None

    async def _hear(self, response: httpx2.Response, hear: Heard) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.is_success and kind == "text/event-stream":
            async for event in httpx2.EventSource(response, max_event_size=MAX_MESSAGE_BYTES):
                if event.data:
                    await hear(self._parse(event.data))
            return
        content = await self._read(response)
        if response.is_success:
            if content and response.status_code != HTTPStatus.ACCEPTED:
                await hear(self._parse(content))
            return
        if response.status_code == HTTPStatus.NOT_FOUND and SESSION in response.request.headers:
            raise SessionLostError
        try:
            said = jsonrpc_message_adapter.validate_json(content, by_name=False)
        except ValidationError:
            raise refusal(self._endpoint, response, content) from None
        await hear(said)

    async def _read(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_MESSAGE_BYTES:
                raise nonsense(self._endpoint)
        return bytes(content)

    def _parse(self, text: str | bytes) -> JSONRPCMessage:
        try:
            return jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValidationError:
            raise nonsense(self._endpoint) from None
