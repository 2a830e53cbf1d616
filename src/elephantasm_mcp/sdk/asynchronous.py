"""The client for coroutines.

Owns when the database or the connection opens and closes, and the deadline of each call. Arguments
are checked in `requests`; what is done is a backend's: `embedded` or `remote`. Invariant: whatever
a caller hands in, only an `ElephantasmError` comes out.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import anyio
from typing_extensions import Unpack

from elephantasm_mcp.errors import ServerError, ValidationError
from elephantasm_mcp.projects import PROJECT, project_of
from elephantasm_mcp.sdk.backend import Backend
from elephantasm_mcp.sdk.endpoint import Endpoint, parse_endpoint
from elephantasm_mcp.sdk.requests import (
    LAYERS,
    TIMEOUT_S,
    AnimaUpdate,
    Batch,
    EventFields,
    Listing,
    Meta,
    Moment,
    anima_ref,
    closed_error,
    make_request,
    parse_phase,
    parse_preset,
    plain,
    plain_object,
    read_settings,
    required_anima,
)
from elephantasm_mcp.types.grants import Grant, GrantRequest
from elephantasm_mcp.types.reading import (
    AnimaRef,
    IdentityContext,
    MemoryPack,
    PackQuery,
    SearchHits,
    SearchQuery,
)
from elephantasm_mcp.types.records import (
    Anima,
    AnimaCreate,
    AnimaOverview,
    Event,
    EventCreate,
    EventType,
    Knowledge,
    KnowledgeType,
    Layer,
    Memory,
    MemoryState,
)
from elephantasm_mcp.types.views import (
    CurateReport,
    Curation,
    DreamReport,
    ForgetReport,
    ForgetRequest,
    RedactReport,
    Trace,
    UndoReport,
    Usefulness,
)


class AsyncElephantasm:
    """A memory in a local database or on a server, for coroutines. It belongs to one event loop.

    Best used as `async with AsyncElephantasm(...) as memory`. Without it, the first call opens the
    database and `close` closes it; background jobs need the block, which owns their task.

    With an `endpoint`, or ELEPHANTASM_ENDPOINT, the memory is on that server, and `api_key`, or
    ELEPHANTASM_API_KEY, shows who asks. Else, or where a `database` is named, it is in that file;
    without one ELEPHANTASM_DATABASE, else the default file.

    `anima_id` is the default anima, an id or a name, made on first use. `timeout` bounds each call,
    in seconds, but for `dream` and `complete_dream`: a dream over much takes what it takes, and
    each question that it asks a language model is given up after two minutes. For a database alone:
    `background_jobs` makes memories in the background, and `settings` are the settings' names
    without prefix (`llm=`, `embedder=`, …).

    Wherever a method takes an `anima_id`, it is an id or a name, and None is the default anima.
    Every method may raise:
        ValidationError: an argument breaks a rule; the message names it, the rule and an example.
        NotFoundError: an unknown anima, row or dream.
        NotBuiltError: promised for a later release.
        AuthenticationError: the server does not know the key; `ScopeError`: it is not for this.
        RateLimitError: the server has been asked too often; `retry_after` is in seconds.
        ServerError: the call, unless it dreams, took longer than `timeout`; or the server cannot be
            reached.
        StorageError: the database cannot be used, or the client is closed.
    """

    def __init__(
        self,
        api_key: str | None = None,
        anima_id: AnimaRef = None,
        endpoint: str | None = None,
        database: str | os.PathLike[str] | None = None,
        timeout: float = TIMEOUT_S,
        *,
        background_jobs: bool = False,
        **settings: object,
    ) -> None:
        self._settings: Final = read_settings(
            settings,
            api_key=api_key,
            anima_id=anima_ref(anima_id, call=type(self).__name__),
            endpoint=endpoint,
            database=database,
            timeout=timeout,
            background_jobs=background_jobs,
        )
        self._server: Final = parse_endpoint(self._settings)
        self.client = "sdk"
        """Who reads: a pack tells each client what changed since it last read one."""
        self.folder: Path | None = None
        """Where one works, for the default anima `project`; None: the folder of this process. To be
        set before the first call."""
        self._background_jobs: Final = background_jobs
        self._opening: Final = anyio.Lock()
        self._stack: Final = AsyncExitStack()
        self._backend: Backend | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what is open. May be called twice; no other call works afterwards."""
        async with self._opening:
            self._closed = True
            await self._stack.aclose()

    async def create_anima(
        self,
        name: str,
        description: str | None = None,
        meta: Meta | None = None,
        settings: Meta | None = None,
    ) -> Anima:
        """Make an anima; an existing one of that name is returned unchanged.

        `settings` are those of the anima (contract §5), such as `{"threshold": 5}`.
        """
        request = make_request(
            AnimaCreate,
            "create_anima",
            name=name,
            description=description,
            meta=meta,
            settings=settings,
        )
        async with self._call("create_anima") as backend:
            return await backend.create_anima(request)

    async def animas(self) -> list[AnimaOverview]:
        """All animas with what they hold, oldest first."""
        async with self._call("animas") as backend:
            return await backend.animas()

    async def update_anima(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        *,
        name: str | None = None,
        description: str | None = None,
        meta: Meta | None = None,
        settings: Meta | None = None,
    ) -> Anima:
        """Change what is given of an anima, and of its settings; None leaves it as it is.

        Raises:
            ConflictError: another anima has that name.
        """
        anima = required_anima(id, call="update_anima")
        change = make_request(
            AnimaUpdate,
            "update_anima",
            name=name,
            description=description,
            meta=meta,
            settings=settings,
        )
        async with self._call("update_anima") as backend:
            return await backend.update_anima(anima, change)

    async def delete_anima(self, id: UUID | str) -> None:  # noqa: A002 - the contract's name
        """Remove an anima with all it holds, for good: no byte of it is left in the files."""
        anima = required_anima(id, call="delete_anima")
        async with self._call("delete_anima") as backend:
            await backend.delete_anima(anima)

    async def extract(
        self,
        event_type: EventType | str,
        content: str,
        *,
        anima_id: AnimaRef = None,
        session_id: str | None = None,
        role: str | None = None,
        author: str | None = None,
        occurred_at: Moment | None = None,
        summary: str | None = None,
        meta: Meta | None = None,
        source_uri: str | None = None,
        importance_score: float | None = None,
        dedupe_key: str | None = None,
    ) -> Event:
        """Record what was said or done; one that repeats an earlier event yields that one.

        One of a type that the anima does not keep is acknowledged without a `handle`; its `note`
        says so.
        """
        request = make_request(
            EventCreate,
            "extract",
            anima_id=anima_ref(anima_id, call="extract"),
            event_type=event_type,
            content=content,
            session_id=session_id,
            role=role,
            author=author,
            occurred_at=occurred_at,
            summary=summary,
            meta=meta,
            source_uri=source_uri,
            importance_score=importance_score,
            dedupe_key=dedupe_key,
        )
        (event,) = await self._record([request], call="extract")
        return event

    async def ingest(
        self,
        *,
        content: str,
        event_type: EventType | str = EventType.MESSAGE_IN,
        anima_id: AnimaRef = None,
        **fields: Unpack[EventFields],
    ) -> Event:
        """`extract` by another name."""
        return await self.extract(event_type, content, anima_id=anima_id, **fields)

    async def extract_many(self, events: Sequence[EventCreate]) -> list[Event]:
        """Record several events, all or none; the answer has one for each, in input order."""
        if not events:
            return []
        batch = make_request(Batch, "extract_many", events=list(events))
        requests = [one.model_copy(update={"meta": plain(one.meta)}) for one in batch.events]
        return await self._record(requests, call="extract_many")

    async def inject(
        self,
        anima_id: AnimaRef = None,
        query: str | None = None,
        preset: str | None = None,
        *,
        session_id: str | None = None,
        max_tokens: int | None = None,
        as_of: Moment | None = None,
    ) -> MemoryPack | None:
        """The context of an anima, compiled for a prompt; None when it has no events yet.

        `as_of` gives the pack of a past moment, with what was recorded and known by then.
        """
        request = make_request(
            PackQuery,
            "inject",
            anima=anima_ref(anima_id, call="inject"),
            query=query,
            preset=parse_preset(preset),
            session_id=session_id,
            max_tokens=max_tokens,
            as_of=as_of,
        )
        async with self._call("inject") as backend:
            return await backend.inject(request, client=self.client)

    async def search(
        self,
        query: str,
        *,
        anima_id: AnimaRef = None,
        layers: Sequence[Layer] = LAYERS,
        session_id: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        include_archived: bool = False,
        limit: int = 10,
    ) -> SearchHits:
        """The rows that answer a query, best first, with `mode` and `weak`."""
        request = make_request(
            SearchQuery,
            "search",
            query=query,
            anima=anima_ref(anima_id, call="search"),
            layers=layers,
            session_id=session_id,
            since=since,
            until=until,
            include_archived=include_archived,
            limit=limit,
        )
        async with self._call("search") as backend:
            return await backend.search(request)

    async def events(
        self,
        anima_id: AnimaRef = None,
        *,
        session_id: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """Events, oldest first; all of them without a limit."""
        anima = anima_ref(anima_id, call="events")
        asked = make_request(
            Listing, "events", session_id=session_id, since=since, until=until, limit=limit
        )
        async with self._call("events") as backend:
            return await backend.events(anima, asked)

    async def memories(
        self,
        anima_id: AnimaRef = None,
        *,
        state: MemoryState | str | None = None,
        limit: int | None = None,
    ) -> list[Memory]:
        """Memories that nothing superseded, oldest first; all of them without a limit."""
        anima = anima_ref(anima_id, call="memories")
        asked = make_request(Listing, "memories", state=state, limit=limit)
        async with self._call("memories") as backend:
            return await backend.memories(anima, asked)

    async def knowledge(
        self,
        anima_id: AnimaRef = None,
        *,
        include_superseded: bool = False,
        limit: int | None = None,
    ) -> list[Knowledge]:
        """What is known, oldest first; all of it without a limit."""
        anima = anima_ref(anima_id, call="knowledge")
        asked = make_request(
            Listing, "knowledge", include_superseded=include_superseded, limit=limit
        )
        async with self._call("knowledge") as backend:
            return await backend.knowledge(anima, asked)

    async def identity(self, anima_id: AnimaRef = None) -> IdentityContext | None:
        """Who the agent is; None as long as nothing is known of it."""
        anima = anima_ref(anima_id, call="identity")
        async with self._call("identity") as backend:
            return await backend.identity(anima)

    async def dreams(
        self, anima_id: AnimaRef = None, *, limit: int | None = None
    ) -> list[DreamReport]:
        """The journal with all actions, newest first; all of it without a limit."""
        anima = anima_ref(anima_id, call="dreams")
        asked = make_request(Listing, "dreams", limit=limit)
        async with self._call("dreams") as backend:
            return await backend.dreams(anima, asked)

    async def dream(
        self,
        anima_id: AnimaRef = None,
        phase: str = "auto",
        dry_run: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
    ) -> DreamReport:
        """Make memories of what waits, let fade what is old, put in order; returns when it is done.

        `phase` is `auto` (what is due), `synthesis`, `light` or `deep`. With `dry_run` deep (or
        light) sleep only says what it would do, as `plan` of the report. The report's `notes` say
        what went otherwise than asked; its `work_order` has events that `complete_dream` can
        better.
        """
        anima, asked = anima_ref(anima_id, call="dream"), parse_phase(phase)
        async with self._dreaming("dream") as backend:
            if dry_run:
                return await backend.plan_dream(anima, phase=asked)
            return await backend.dream(anima, phase=asked)

    async def complete_dream(
        self,
        plan_or_work_order: UUID | str,
        accept: Sequence[int] | None = None,
        proposals: Meta | None = None,
    ) -> DreamReport:
        """Hand in `proposals` for the work order of a dream report, or `accept` steps of its plan.

        What is sound is stored or done, what is not is named in the report's `rejected`.

        Raises:
            ConflictError: the order or the plan has expired or was completed.
            ValidationError: both were given, or neither.
        """
        if accept is not None and proposals is not None:
            raise ValidationError(
                "`complete_dream` takes `proposals` for a work order or `accept` for a plan,"
                " not both.",
                field="accept",
                hint="Nothing was done; call it once for each.",
            )
        if accept is not None:
            async with self._dreaming("complete_dream") as backend:
                return await backend.complete_plan(plan_or_work_order, accept=accept)
        if proposals is None:
            raise ValidationError(
                "`complete_dream` needs `proposals` for a work order, or `accept` for a plan.",
                field="proposals",
                hint='Example: complete_dream(order.id, proposals={"memories": []}).',
            )
        async with self._dreaming("complete_dream") as backend:
            return await backend.complete_order(
                str(plan_or_work_order), proposals=plain_object(proposals), client=self.client
            )

    async def undo_dream(self, dream_id: UUID | str) -> UndoReport:
        """Take a dream back, by its id or, in the default anima, its handle.

        Raises:
            ConflictError: a later dream stands on the same rows.
        """
        async with self._call("undo_dream") as backend:
            return await backend.undo_dream(str(dream_id))

    async def trace(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        *,
        anima_id: AnimaRef = None,
        query: str | None = None,
    ) -> Trace:
        """Where a row, by id or handle, comes from, what became of it, and who changed it.

        `standing` says why it is, or is not, in the pack: for `query`, or without one.
        """
        request = make_request(
            PackQuery, "trace", anima=anima_ref(anima_id, call="trace"), query=query
        )
        async with self._call("trace") as backend:
            return await backend.trace(str(id), request)

    async def curate(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        action: str,
        *,
        anima_id: AnimaRef = None,
        content: str | None = None,
        knowledge_type: KnowledgeType | str | None = None,
        reason: str | None = None,
    ) -> CurateReport:
        """Put one memory or piece of knowledge right; the report has it before and after.

        `action` is `correct` (with `content`), `pin`, `unpin`, `archive`, `restore` or
        `reclassify` (with `knowledge_type`). No dream overwrites a correction; `undo_dream` takes
        it back.

        Raises:
            ConflictError: there is nothing to change, or something superseded the row.
        """
        request = make_request(
            Curation,
            "curate",
            handle=str(id),
            action=action,
            anima=anima_ref(anima_id, call="curate"),
            content=content,
            knowledge_type=knowledge_type,
            reason=reason,
        )
        async with self._call("curate") as backend:
            return await backend.curate(request)

    async def forget(
        self,
        *,
        anima_id: AnimaRef = None,
        ids: Sequence[UUID | str] | None = None,
        session_id: str | None = None,
        everything: bool = False,
        dry_run: bool = True,
    ) -> ForgetReport:
        """Erase rows, a session or everything, with what was made of it alone; for good.

        With `dry_run` nothing is changed, and the report says what would go. Otherwise it is the
        receipt: `unreached` names where the words may still stand.
        """
        request = make_request(
            ForgetRequest,
            "forget",
            anima=anima_ref(anima_id, call="forget"),
            handles=None if ids is None else [str(one) for one in ids],
            session_id=session_id,
            everything=everything,
        )
        async with self._call("forget") as backend:
            return await backend.forget(request, dry_run=dry_run)

    async def redact(
        self,
        *,
        anima_id: AnimaRef = None,
        dry_run: bool = True,
    ) -> RedactReport:
        """Mask secrets, and what the anima never stores, in all that is stored of it; for good.

        With `dry_run` nothing is changed, and the report says what would be masked.
        """
        anima = anima_ref(anima_id, call="redact")
        async with self._call("redact") as backend:
            return await backend.redact(anima, dry_run=dry_run)

    async def grants(self, anima_id: AnimaRef = None) -> list[Grant]:
        """Which animas may read of which, those that ended as well, oldest first.

        Of one anima and to it; without an `anima_id` of all.
        """
        anima = anima_ref(anima_id, call="grants")
        async with self._call("grants") as backend:
            return await backend.grants(anima)

    async def grant(
        self,
        source: UUID | str,
        to: UUID | str,
        *,
        to_user: str | None = None,
        knowledge: bool = True,
        memories: bool = False,
    ) -> Grant:
        """Let the anima `to` read of `source`: its knowledge, its memories, or both.

        `to_user` says whose `to` is if not yours; it is an id then. Events are never read so.

        Raises:
            ConflictError: `to` reads of too many others.
        """
        owner = required_anima(source, call="grant")
        request = make_request(
            GrantRequest, "grant", to=to, to_user=to_user, knowledge=knowledge, memories=memories
        )
        async with self._call("grant") as backend:
            return await backend.grant(owner, request)

    async def revoke_grant(self, id: UUID | str) -> Grant:  # noqa: A002 - as other calls
        """End a grant, as the owner of either anima: the next read does without it.

        Raises:
            ConflictError: it has ended, and another one took its place.
        """
        async with self._call("revoke_grant") as backend:
            return await backend.revoke_grant(str(id))

    async def usefulness(self, anima_id: AnimaRef = None, *, days: int = 90) -> Usefulness:
        """What no pack showed for so many days, and what stands in nearly every one."""
        anima = anima_ref(anima_id, call="usefulness")
        asked = make_request(Listing, "usefulness", days=days)
        async with self._call("usefulness") as backend:
            return await backend.usefulness(anima, days=asked.days)

    async def _record(self, requests: Sequence[EventCreate], *, call: str) -> list[Event]:
        async with self._call(call) as backend:
            return await backend.record(requests)

    @asynccontextmanager
    async def _call(self, name: str) -> AsyncIterator[Backend]:
        """The open backend, for at most `timeout` seconds."""
        with anyio.move_on_after(self._settings.timeout) as scope:
            if self._backend is None and self._background_jobs:
                raise ValidationError(
                    "A client with background jobs is used in `async with AsyncElephantasm(…)`.",
                    field="background_jobs",
                )
            yield await self._open()
        if scope.cancelled_caught:
            raise ServerError(
                f"`{name}` was given up after {self._settings.timeout:g} seconds; "
                "what it was to write may have been written.",
                hint="Try again, or give it longer with `timeout`.",
            )

    @asynccontextmanager
    async def _dreaming(self, name: str) -> AsyncIterator[Backend]:
        """The open backend, for as long as a dream takes: questions to a model have a deadline."""
        async with self._call(name) as backend:
            pass
        yield backend

    async def _open(self) -> Backend:
        async with self._opening:
            if self._closed:
                raise closed_error()
            if self._backend is None:
                server = self._server
                self._backend = await (self._embed() if server is None else self._reach(server))
            return self._backend

    async def _embed(self) -> Backend:
        """Open the database."""
        from elephantasm_mcp.app import open_app  # the engine: not for a client of a server
        from elephantasm_mcp.sdk.embedded import Embedded

        jobs = True if self._background_jobs else None
        opening = open_app(self._settings, background_jobs=jobs, folder=self.folder)
        app = await self._stack.enter_async_context(opening)
        return Embedded(app, background_jobs=self._background_jobs)

    async def _reach(self, server: Endpoint) -> Backend:
        """Make ready to ask the server; nothing is sent yet."""
        from elephantasm_mcp.sdk.connection import Connection  # a web client: not for a database
        from elephantasm_mcp.sdk.remote import Remote

        connection = Connection(server)
        self._stack.push_async_callback(connection.close)
        named = self._settings.anima_id
        project = project_of(self.folder or Path()) if named == PROJECT else None
        return Remote(connection, default=named, project=project)
