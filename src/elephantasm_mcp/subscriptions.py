"""Subscriptions: who wants to hear of changes, and what changed.

Owns the sessions of 2025-era clients and the watch over the database that feeds them and the
2026-era streams. Does not know what a resource contains. Invariant: a session that is closed or
does not read is forgotten, so it delays the others by at most `SEND_S`, once.
"""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from uuid import UUID

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, SubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    NotificationParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ElephantasmError, NotFoundError
from elephantasm_mcp.memory import animas
from elephantasm_mcp.resources.uris import NO_SUCH_RESOURCE, anima_in, spellings
from elephantasm_mcp.store.animas import Revisions

POLL_S: Final = 1.0
SEND_S: Final = 1.0
"""A session that takes longer to accept a notification is forgotten."""
MAX_SESSIONS: Final = 4096
MAX_URIS: Final = 512
"""Subscriptions of one session."""

RequestContext: TypeAlias = ServerRequestContext[Any, Any]
logger = logging.getLogger(__name__)


class Subscribers:
    """The open sessions of 2025-era clients, and which resources each wants to hear of."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._wanted: dict[Connection, set[str]] = {}

    def __len__(self) -> int:
        """How many sessions are remembered."""
        return len(self._wanted)

    async def greet(self, ctx: RequestContext, params: NotificationParams) -> None:
        """Remember a session from its `notifications/initialized` on."""
        del params
        self._wants(ctx)

    async def subscribe(self, ctx: RequestContext, params: SubscribeRequestParams) -> EmptyResult:
        """Serve `resources/subscribe`. The default anima may be one that its first use will make.

        Raises:
            MCPError: no such kind of resource, or too many subscriptions.
            NotFoundError: an unknown anima.
        """
        anima = anima_in(params.uri)
        if anima is None:
            raise MCPError(INVALID_PARAMS, NO_SUCH_RESOURCE)
        if anima != self._app.core.default_anima:
            await animas.resolve(self._app.core, self._app.user, anima)
        wanted = self._wants(ctx)
        if wanted is None or len(wanted) >= MAX_URIS:
            raise MCPError(
                INVALID_PARAMS,
                f"Too many subscriptions: at most {MAX_URIS} a session, {MAX_SESSIONS} sessions.",
            )
        wanted.add(params.uri)
        return EmptyResult()

    async def unsubscribe(
        self, ctx: RequestContext, params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Serve `resources/unsubscribe`."""
        wanted = self._wants(ctx)
        if wanted is not None:
            wanted.discard(params.uri)
        return EmptyResult()

    async def send(self, *, updated: frozenset[str], list_changed: bool) -> None:
        """Tell every session what it wants to hear of this."""
        async with anyio.create_task_group() as sending:
            for connection, wanted in list(self._wanted.items()):
                uris = sorted(wanted & updated)
                if uris or list_changed:
                    sending.start_soon(self._tell, connection, uris, list_changed)

    async def _tell(self, connection: Connection, uris: Iterable[str], list_changed: bool) -> None:  # noqa: FBT001 - start_soon passes by position
        with anyio.move_on_after(SEND_S) as sending:
            if list_changed:
                await connection.send_resource_list_changed()
            for uri in uris:
                await connection.send_resource_updated(uri)
        if sending.cancelled_caught:
            self._wanted.pop(connection, None)

    def _wants(self, ctx: RequestContext) -> set[str] | None:
        """The set of the caller's session, made on first use; None when there are too many."""
        connection = ctx.session._connection  # noqa: SLF001 - the SDK has no public way to it
        if connection not in self._wanted and len(self._wanted) < MAX_SESSIONS:
            self._wanted[connection] = set()
            connection.exit_stack.callback(self._wanted.pop, connection, None)
        return self._wanted.get(connection)


class Watcher:
    """Publishes what moved in the database, whichever process moved it."""

    def __init__(self, app: App, bus: SubscriptionBus, subscribers: Subscribers) -> None:
        self._app = app
        self._bus = bus
        self._subscribers = subscribers
        self._nudged = anyio.Event()
        self._version = 0
        self._revisions: dict[UUID, Revisions] = {}

    def nudge(self) -> None:
        """Look now: this process has written."""
        self._nudged.set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the block runs. What changes from its first line on is published."""
        self._version = await self._app.core.database.data_version()
        self._revisions = await animas.revisions(self._app.core)
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
        before, now = self._revisions, await animas.revisions(self._app.core)
        moved = [anima for anima, revision in now.items() if before.get(anima) != revision]
        if moved or now.keys() != before.keys():
            await self._publish(moved, list_changed=now.keys() != before.keys())
        self._version, self._revisions = version, now  # last: what fails before is looked at again

    async def _publish(self, moved: Iterable[UUID], *, list_changed: bool) -> None:
        uris = frozenset([uri for anima in moved for uri in await self._uris(anima)])
        if list_changed:
            await self._bus.publish(ResourcesListChanged())
        for uri in sorted(uris):
            await self._bus.publish(ResourceUpdated(uri))
        await self._subscribers.send(updated=uris, list_changed=list_changed)

    async def _uris(self, anima_id: UUID) -> list[str]:
        """The URIs of what changed with an anima, in every spelling."""
        try:
            anima = await animas.resolve(self._app.core, self._app.user, anima_id)
        except NotFoundError:
            return []
        return [
            *spellings(anima.id, anima.name, "pack"),
            *spellings(anima.id, anima.name, "dreams"),
        ]
