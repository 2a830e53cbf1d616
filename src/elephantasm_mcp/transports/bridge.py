"""The bridge: a client on standard input and output, answered by a server elsewhere.

Owns the session at the server, and what the client is told while there is none. Understands as
little of the messages as it can: what the server serves is what the client gets, in its own era.
Invariant: each request of the client gets one answer, and a server that was lost is asked again
with the next.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, final

import anyio
from anyio.abc import TaskGroup
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.projects import PROJECT, project_of
from elephantasm_mcp.sdk.endpoint import Endpoint
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.transports.stdio import Wire, cancel_on_signal, converse
from elephantasm_mcp.transports.upstream import (
    SESSION,
    VERSION,
    SessionLostError,
    Upstream,
    fits_header,
)

HELLO: Final = "initialize"
GREETED: Final = "notifications/initialized"
CANCELLED: Final = "notifications/cancelled"
SUBSCRIBE: Final = "resources/subscribe"
UNSUBSCRIBE: Final = "resources/unsubscribe"
OURS: Final = "bridge-"
"""How the ids of our own requests begin."""
LEAST_SILENCE_S: Final = 20.0
"""A server of ours that lives says so every fifteen seconds."""
GOODBYE_S: Final = 0.2
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 4.0
"""Between attempts to hear what the server says unasked."""

Received: TypeAlias = SessionMessage | Exception
logger = logging.getLogger(__name__)


async def serve_bridge(settings: Settings, endpoint: Endpoint) -> None:
    """Serve the client on standard input and output until it leaves or a signal comes."""
    wire = Wire()
    async with anyio.create_task_group() as group:
        group.start_soon(cancel_on_signal, group.cancel_scope)
        upstream = Upstream(
            endpoint,
            silence_s=max(settings.timeout, LEAST_SILENCE_S),
            default=_default_of(settings),
        )
        await converse(Bridge(upstream).serve, wire)
        await upstream.close()
        group.cancel_scope.cancel()


def _default_of(settings: Settings) -> str | None:
    """The client's default anima; None when nothing is said of it, and it is the server's."""
    if settings.anima_id == PROJECT:
        return project_of(Path()).name
    named = settings.anima_id != Settings.model_fields["anima_id"].default
    return settings.anima_id if named else None


@final
@dataclass(frozen=True, slots=True)
class Session:
    """A handshake with the server; 2026-era clients need none."""

    id: str | None
    version: str

    @property
    def headers(self) -> dict[str, str]:
        """What shows that a request belongs to it."""
        given = {VERSION: self.version, SESSION: self.id}
        return {name: value for name, value in given.items() if value}


@final
class Bridge:
    """One client and its server."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream: Final = upstream
        self._shaking: Final = anyio.Lock()
        self._hello: JSONRPCRequest | None = None
        """The client's handshake, to be repeated when the session was lost."""
        self._session: Session | None = None
        self._subscribed: Final[dict[str, JSONRPCRequest]] = {}
        self._flying: Final[dict[RequestId, anyio.CancelScope]] = {}
        self._listening = False

    async def serve(self, read: ReadStream[Received], write: WriteStream[SessionMessage]) -> None:
        """Answer the client until it closes its end."""
        self._write = write
        async with read, write, anyio.create_task_group() as group:
            async for message in read:
                if isinstance(message, SessionMessage):
                    await self._take(message.message, group)
            group.cancel_scope.cancel()
        await self._end()

    async def _take(self, message: JSONRPCMessage, group: TaskGroup) -> None:
        """Begin with what the client sent; what has to keep its place is done at once."""
        if isinstance(message, JSONRPCRequest):
            group.start_soon(self._answer, message, self._scope_of(message))
        elif isinstance(message, JSONRPCNotification) and message.method == GREETED:
            await self._pass_on(message)
            if not self._listening:
                self._listening = True
                group.start_soon(self._listen)
        elif not self._cancels(message):
            group.start_soon(self._pass_on, message)

    def _scope_of(self, request: JSONRPCRequest) -> anyio.CancelScope:
        """What cancels a request; an earlier one of the same id is cancelled."""
        earlier = self._flying.get(request.id)
        if earlier is not None:
            earlier.cancel()
        scope = self._flying[request.id] = anyio.CancelScope()
        return scope

    def _cancels(self, message: JSONRPCMessage) -> bool:
        """Cancel what a 2026-era client wants cancelled: to the server, that is to hang up."""
        if self._session is not None or not isinstance(message, JSONRPCNotification):
            return False
        if message.method == CANCELLED:
            id_ = (message.params or {}).get("requestId")
            scope = self._flying.get(id_) if isinstance(id_, str | int) else None
            if scope is not None:
                scope.cancel()
        return True

    async def _answer(self, request: JSONRPCRequest, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await self._ask(request)
        except ElephantasmError as error:
            logger.warning("`%s` was not answered: %s", request.method, error)
            await self._tell(_failure(request, error))
        finally:
            if self._flying.get(request.id) is scope:
                del self._flying[request.id]

    async def _ask(self, request: JSONRPCRequest) -> None:
        """Have a request answered by the server.

        Raises:
            ElephantasmError: it was not.
        """
        version = _modern_version(request)
        if request.method == HELLO:
            async with self._shaking:
                self._hello = request
                await self._shake(request)
        elif version is not None:
            await self._upstream.send(request, _modern_headers(request, version), heard=self._tell)
        else:
            await self._ask_in_session(request)

    async def _ask_in_session(self, request: JSONRPCRequest) -> None:
        async def hear(message: JSONRPCMessage) -> None:
            if isinstance(message, JSONRPCResponse) and message.id == request.id:
                self._remember(request)  # before the client knows: the server may end right after
            await self._tell(message)

        session = await self._current()
        try:
            await self._upstream.send(request, session.headers, heard=hear)
        except SessionLostError:
            again = await self._renewed(session)
            await self._upstream.send(request, again.headers, heard=hear)

    def _remember(self, request: JSONRPCRequest) -> None:
        """Keep in mind what the client wants to hear of."""
        uri = (request.params or {}).get("uri")
        if request.method == SUBSCRIBE and isinstance(uri, str):
            self._subscribed[uri] = request
        elif request.method == UNSUBSCRIBE and isinstance(uri, str):
            self._subscribed.pop(uri, None)

    async def _pass_on(self, message: JSONRPCMessage) -> None:
        """Send what has no answer; nobody waits to hear that it failed."""
        session = self._session or Session(None, "")
        with suppress(SessionLostError):
            try:
                await self._upstream.send(message, session.headers, heard=self._tell)
            except ElephantasmError as error:
                logger.warning("A message did not reach the server: %s", error)

    async def _listen(self) -> None:
        """Hand on what the server says unasked, for ever; a lost one is looked for again."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                session = await self._current()
                try:
                    await self._upstream.listen(session.headers, heard=self._tell)
                except SessionLostError:
                    await self._renewed(session)
                    continue
                pause_s = FIRST_PAUSE_S
            except ElephantasmError as error:
                logger.info("The server cannot be heard at the moment: %s", error)
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _current(self) -> Session:
        """The session, made again if it was lost.

        Raises:
            ElephantasmError: it cannot be.
        """
        async with self._shaking:
            return self._session or await self._shake_again()

    async def _renewed(self, lost: Session) -> Session:
        """Another session than that one."""
        async with self._shaking:
            if self._session is lost:
                self._session = None
            return self._session or await self._shake_again()

    async def _shake_again(self) -> Session:
        """Repeat the client's handshake and its subscriptions, which it need not know of."""
        if self._hello is None:
            return Session(None, "")
        hello = self._hello.model_copy(update={"id": f"{OURS}0"})
        session = await self._shake(hello)
        for number, (uri, wanted) in enumerate(list(self._subscribed.items()), start=1):
            again = wanted.model_copy(update={"id": f"{OURS}{number}"})
            try:
                with suppress(SessionLostError):
                    await self._upstream.send(again, session.headers, heard=self._drop_answers)
            except ElephantasmError:
                self._session = None  # or nobody would subscribe again
                raise
            await self._tell(_notice("notifications/resources/updated", uri=uri))
        return session

    async def _shake(self, hello: JSONRPCRequest) -> Session:
        """Have a handshake; the server's answer reaches the client once the session stands."""
        said: list[JSONRPCMessage] = []

        async def hear(message: JSONRPCMessage) -> None:
            said.append(message)

        id_ = await self._upstream.send(hello, {}, heard=hear)
        ours = isinstance(hello.id, str) and hello.id.startswith(OURS)
        session = Session(id_, _agreed(said))
        if ours:
            greeted = JSONRPCNotification(jsonrpc="2.0", method=GREETED)
            with suppress(SessionLostError):
                await self._upstream.send(greeted, session.headers, heard=self._drop_answers)
        self._session = session
        for message in said:
            await (self._drop_answers if ours else self._tell)(message)
        return session

    async def _drop_answers(self, message: JSONRPCMessage) -> None:
        """Hand on what is not the answer to a request of ours."""
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            await self._tell(message)

    async def _tell(self, message: JSONRPCMessage) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._write.send(SessionMessage(message))

    async def _end(self) -> None:
        """Spare the server the wait for a client that is gone."""
        if self._session is not None and self._session.id is not None:
            with suppress(ElephantasmError, SessionLostError), anyio.move_on_after(GOODBYE_S):
                await self._upstream.end(self._session.headers)


def _modern_version(request: JSONRPCRequest) -> str | None:
    """The revision that a 2026-era request names, as all of them do."""
    meta = (request.params or {}).get("_meta")
    version = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
    return version if isinstance(version, str) and version in MODERN_PROTOCOL_VERSIONS else None


def _modern_headers(request: JSONRPCRequest, version: str) -> dict[str, str]:
    """What a 2026-era request says of itself outside its body."""
    headers = {VERSION: version, MCP_METHOD_HEADER: encode_header_value(request.method)}
    name = (request.params or {}).get(NAME_BEARING_METHODS.get(request.method, ""))
    if isinstance(name, str):
        headers[MCP_NAME_HEADER] = encode_header_value(name)
    return headers


def _agreed(said: list[JSONRPCMessage]) -> str:
    """The revision that the answer to a handshake names."""
    results = [one.result for one in said if isinstance(one, JSONRPCResponse)]
    version = results[0].get("protocolVersion") if results else None
    return version if isinstance(version, str) and fits_header(version) else ""


def _notice(method: str, **params: str) -> JSONRPCNotification:
    return JSONRPCNotification(jsonrpc="2.0", method=method, params=dict(params))


def _failure(request: JSONRPCRequest, error: ElephantasmError) -> JSONRPCMessage:
    """What the client is told instead of an answer: a tool's failure is for the model to read."""
    if request.method != "tools/call":
        said = ErrorData(code=INTERNAL_ERROR, message=error.explain())
        return JSONRPCError(jsonrpc="2.0", id=request.id, error=said)
    kind = {} if _modern_version(request) is None else {"resultType": "complete"}
    content = [{"type": "text", "text": error.explain()}]
    return JSONRPCResponse(
        jsonrpc="2.0", id=request.id, result={"content": content, "isError": True, **kind}
    )
