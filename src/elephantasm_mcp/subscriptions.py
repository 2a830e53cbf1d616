"""Subscriptions: who wants to hear of changes, and what changed.

Owns the sessions of 2025-era clients, the streams of 2026-era ones, and the watch over the database
that feeds both. Does not know what a resource contains. Invariant: of an anima only those hear who
see it, for as long as they are let in; and a session that is closed or does not read is forgotten,
so it delays the others by at most `SEND_S`, once.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final
from uuid import UUID

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    NotificationParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from starlette.requests import HTTPConnection

from elephantasm_mcp.access import CALLER, require
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.memory import animas, keys
from elephantasm_mcp.resources.uris import NO_SUCH_RESOURCE, anima_in, spellings, template_of
from elephantasm_mcp.store.animas import Mark
from elephantasm_mcp.types.callers import LOCAL_CALLER, Caller
from elephantasm_mcp.types.defaults import DEFAULT_ANIMA, read_default

POLL_S: Final = 1.0
SEND_S: Final = 1.0
"""A session that takes longer to accept a notification is forgotten."""
MAX_SESSIONS: Final = 4096
MAX_URIS: Final = 512
"""Subscriptions of one session."""
MAX_OF_USER: Final = 256
"""Sessions, and streams, of one user among several: nobody takes all that there are."""

RequestContext: TypeAlias = ServerRequestContext[Any, Any]
Listener: TypeAlias = Callable[[ServerEvent], None]
logger = logging.getLogger(__name__)


def caller_of(ctx: RequestContext) -> Caller | None:
    """Who sent the HTTP request that carried a message; None when no request did."""
    if not isinstance(ctx.request, HTTPConnection):
        return None
    found = ctx.request.scope.get("state", {}).get(CALLER)
    return found if isinstance(found, Caller) else None


def default_of(ctx: RequestContext) -> str | None:
    """The default anima of who sent that request, where a bridge says which."""
    if not isinstance(ctx.request, HTTPConnection):
        return None
    return read_default(ctx.request.headers.get(DEFAULT_ANIMA, ""))


@final
@dataclass(frozen=True, slots=True)
class Moved:
    """What changed since the last look: animas as they are, as they were, or both."""

    changed: Mapping[UUID, Mark]
    listed: Mapping[UUID, tuple[Mark, ...]]
    """What came, went or changed hands, with each mark that it has or had."""

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changed or self.listed)

    def uris_for(self, caller: Caller) -> Iterator[str]:
        """The URIs of what changed and a caller sees, in every spelling."""
        for id_, mark in self.changed.items():
            if caller.user.sees(id_, owner=mark.owner):
                yield from spellings(id_, mark.name, "pack")
                yield from spellings(id_, mark.name, "dreams")

    def lists_for(self, caller: Caller) -> bool:
        """Whether the list of what a caller sees has changed."""
        return any(
            caller.user.sees(id_, owner=mark.owner)
            for id_, marks in self.listed.items()
            for mark in marks
        )


def moved(before: Mapping[UUID, Mark], now: Mapping[UUID, Mark]) -> Moved:
    """What differs between two looks at all animas."""
    listed: dict[UUID, tuple[Mark, ...]] = {}
    for id_ in before.keys() | now.keys():
        was, is_ = before.get(id_), now.get(id_)
        if was is None or is_ is None or was.owner != is_.owner:
            listed[id_] = tuple(one for one in (was, is_) if one is not None)
    return Moved({id_: mark for id_, mark in now.items() if before.get(id_) != mark}, listed)


@final
@dataclass(frozen=True, slots=True)
class _Session:
    """A 2025-era session: who opened it, and what that one wants to hear of."""

    caller: Caller
    uris: set[str] = field(default_factory=set)


class Subscribers:
    """The open sessions of 2025-era clients, and which resources each wants to hear of."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._sessions: dict[Connection, _Session] = {}

    def __len__(self) -> int:
        """How many sessions are remembered."""
        return len(self._sessions)

    async def greet(self, ctx: RequestContext, params: NotificationParams) -> None:
        """Remember a session from its `notifications/initialized` on."""
        del params
        self._session(ctx)

    async def subscribe(self, ctx: RequestContext, params: SubscribeRequestParams) -> EmptyResult:
        """Serve `resources/subscribe`. The default anima may be one that its first use will make.

        Raises:
            MCPError: no such kind of resource, or too many subscriptions.
            ScopeError: the caller may not read it.
            NotFoundError: an unknown anima.
        """
        anima, template = anima_in(params.uri), template_of(params.uri)
        if anima is None or template is None:
            raise MCPError(INVALID_PARAMS, NO_SUCH_RESOURCE)
        require(self._app.caller, template)
        if anima != animas.as_asked(self._app.core).default_anima:
            await animas.resolve(self._app.core, self._app.user, anima)
        session = self._session(ctx)
        if session is None or len(session.uris) >= MAX_URIS:
            raise MCPError(
                INVALID_PARAMS,
                f"Too many subscriptions: at most {MAX_URIS} a session, {MAX_SESSIONS} sessions, "
                f"{MAX_OF_USER} of one user.",
            )
        session.uris.add(params.uri)
        return EmptyResult()

    async def unsubscribe(
        self, ctx: RequestContext, params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Serve `resources/unsubscribe`."""
        session = self._session(ctx)
        if session is not None:
            session.uris.discard(params.uri)
        return EmptyResult()

    async def send(self, what: Moved) -> None:
        """Tell every session what it wants to hear of this, and may."""
        let_in = await _let_in(self._app, (one.caller for one in self._sessions.values()))
        async with anyio.create_task_group() as sending:
            for connection, session in list(self._sessions.items()):
                if session.caller not in let_in:
                    self._sessions.pop(connection, None)
                    continue
                uris = sorted(session.uris.intersection(what.uris_for(session.caller)))
                list_changed = what.lists_for(session.caller)
                if uris or list_changed:
                    sending.start_soon(self._tell, connection, uris, list_changed)

    async def _tell(self, connection: Connection, uris: Iterable[str], list_changed: bool) -> None:  # noqa: FBT001 - start_soon passes by position
        with anyio.move_on_after(SEND_S) as sending:
            if list_changed:
                await connection.send_resource_list_changed()
            for uri in uris:
                await connection.send_resource_updated(uri)
        if sending.cancelled_caught:
            self._sessions.pop(connection, None)

    def _session(self, ctx: RequestContext) -> _Session | None:
        """The caller's session, made on first use; None when there are too many."""
        connection = ctx.session._connection  # noqa: SLF001 - the SDK has no public way to it
        if connection not in self._sessions and len(self._sessions) < MAX_SESSIONS:
            if _has_enough(self._app.caller, (one.caller for one in self._sessions.values())):
                return None
            self._sessions[connection] = _Session(self._app.caller)
            connection.exit_stack.callback(self._sessions.pop, connection, None)
        return self._sessions.get(connection)


@final
class Listeners:
    """The streams of 2026-era clients: the SDK's bus, which knows who opened each of them."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._listeners: dict[object, tuple[Caller, Listener]] = {}

    def require_room(self) -> None:
        """Let a caller pass who may open one more stream.

        Raises:
            MCPError: that one has too many.
        """
        if _has_enough(self._app.caller, (caller for caller, _ in self._listeners.values())):
            raise MCPError(INVALID_PARAMS, f"Too many streams: at most {MAX_OF_USER} of one user.")

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Remember a stream, in the name of who asks for it."""
        token = object()
        self._listeners[token] = self._app.caller, listener

        def unsubscribe() -> None:
            self._listeners.pop(token, None)

        return unsubscribe

    async def publish(self, event: ServerEvent) -> None:
        """Tell every stream of what is nobody's own; of an anima `send` alone tells."""
        if not isinstance(event, ResourceUpdated | ResourcesListChanged):
            for _, listener in list(self._listeners.values()):
                listener(event)

    async def send(self, what: Moved) -> None:
        """Tell every stream what it may hear of this; which of it it wants, the SDK knows."""
        let_in = await _let_in(self._app, (caller for caller, _ in self._listeners.values()))
        for token, (caller, listener) in list(self._listeners.items()):
            if caller not in let_in:
                self._listeners.pop(token, None)
                continue
            if what.lists_for(caller):
                listener(ResourcesListChanged())
            for uri in sorted(what.uris_for(caller)):
                listener(ResourceUpdated(uri))
        await anyio.lowlevel.checkpoint()


def _has_enough(caller: Caller, others: Iterable[Caller]) -> bool:
    """Whether a user has as many sessions or streams as one may; who is alone may have all."""
    if caller == LOCAL_CALLER:
        return False
    return sum(one.user.no == caller.user.no for one in others) >= MAX_OF_USER


async def _let_in(app: App, callers: Iterable[Caller]) -> frozenset[Caller]:
    """Those of these callers whose key or token still holds."""
    now = app.core.clock.now()
    asked = {one for one in callers if one.until is None or now < one.until}
    if app.guarded and LOCAL_CALLER in asked and await keys.any_made(app.core):
        asked.remove(LOCAL_CALLER)  # from before there was a key
    shown = {one.key for one in asked if one.key is not None}
    held = await keys.holding(app.core, shown) if shown else frozenset[UUID]()
    return frozenset(one for one in asked if one.key is None or one.key in held)


class Watcher:
    """Publishes what moved in the database, whichever process moved it."""

    def __init__(self, app: App, listeners: Listeners, subscribers: Subscribers) -> None:
        self._app = app
        self._listeners = listeners
        self._subscribers = subscribers
        self._nudged = anyio.Event()
        self._version = 0
        self._marks: dict[UUID, Mark] = {}

    def nudge(self) -> None:
        """Look now: this process has written."""
        self._nudged.set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the block runs. What changes from its first line on is published."""
        self._version = await self._app.core.database.data_version()
        self._marks = await animas.marks(self._app.core)
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch)
            yield
            group.cancel_scope.cancel()

    async def _watch(self) -> None:
        while True:
            with anyio.move_on_after(POLL_S):
                await self._nudged.wait()
            try:
                await self._look()
            except ElephantasmError as error:
                logger.warning("Changes cannot be watched at the moment: %s", error)
                await anyio.sleep(10 * POLL_S)

    async def _look(self) -> None:
        nudged = self._nudged.is_set()
        if nudged:
            self._nudged = anyio.Event()
        version = await self._app.core.database.data_version()
        if version == self._version and not nudged:
            return
        marks = await animas.marks(self._app.core)
        what = moved(self._marks, marks)
        if what:
            await self._listeners.send(what)
            await self._subscribers.send(what)
        self._version, self._marks = version, marks  # last: what fails before is looked at again
