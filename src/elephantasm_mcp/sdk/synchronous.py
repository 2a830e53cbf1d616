"""The client for plain code.

Owns which thread its calls run on. Each method is the one of `AsyncElephantasm`. Invariant: a
process only uses a client that it opened itself. A forked child cannot: SQLite's locks are copied
into it as if they were held, and what it wrote would be lost when its parent closes the file.
"""

import os
import weakref
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Concatenate, Final, ParamSpec, Self, TypeVar
from uuid import UUID

from typing_extensions import Unpack

from elephantasm_mcp.sdk.asynchronous import AsyncElephantasm
from elephantasm_mcp.sdk.loop_thread import LoopThread
from elephantasm_mcp.sdk.requests import (
    LAYERS,
    TIMEOUT_S,
    EventFields,
    Meta,
    Moment,
    closed_error,
    forked_error,
)
from elephantasm_mcp.types.grants import Grant
from elephantasm_mcp.types.reading import AnimaRef, IdentityContext, MemoryPack, SearchHits
from elephantasm_mcp.types.records import (
    Anima,
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
    DreamReport,
    ForgetReport,
    RedactReport,
    Trace,
    UndoReport,
    Usefulness,
)

P = ParamSpec("P")
T = TypeVar("T")


class Elephantasm:
    """`AsyncElephantasm` for plain code: the same arguments, methods, types and errors.

    Opens its database at once; a server is asked only when a method needs it. Safe from several
    threads and inside a running event loop; a forked child is refused. A context manager; one that
    nobody closes is closed when it is collected or when the interpreter exits.
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
        memory = AsyncElephantasm(
            api_key,
            anima_id,
            endpoint,
            database,
            timeout,
            background_jobs=background_jobs,
            **settings,
        )
        self._pid: Final = os.getpid()
        self._closed = False
        self._loop: Final = LoopThread(memory)
        weakref.finalize(self, _release, self._loop, self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open. May be called twice; no other call works afterwards."""
        self._closed = True
        self._loop.close()

    def create_anima(
        self,
        name: str,
        description: str | None = None,
        meta: Meta | None = None,
        settings: Meta | None = None,
    ) -> Anima:
        """See `AsyncElephantasm.create_anima`."""
        return self._run(AsyncElephantasm.create_anima, name, description, meta, settings)

    def animas(self) -> list[AnimaOverview]:
        """See `AsyncElephantasm.animas`."""
        return self._run(AsyncElephantasm.animas)

    def update_anima(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        *,
        name: str | None = None,
        description: str | None = None,
        meta: Meta | None = None,
        settings: Meta | None = None,
    ) -> Anima:
        """See `AsyncElephantasm.update_anima`."""
        return self._run(
            AsyncElephantasm.update_anima,
            id,
            name=name,
            description=description,
            meta=meta,
            settings=settings,
        )

    def delete_anima(self, id: UUID | str) -> None:  # noqa: A002 - the contract's name
        """See `AsyncElephantasm.delete_anima`."""
        return self._run(AsyncElephantasm.delete_anima, id)

    def extract(
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
        """See `AsyncElephantasm.extract`."""
        return self._run(
            AsyncElephantasm.extract,
            event_type,
            content,
            anima_id=anima_id,
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

    def ingest(
        self,
        *,
        content: str,
        event_type: EventType | str = EventType.MESSAGE_IN,
        anima_id: AnimaRef = None,
        **fields: Unpack[EventFields],
    ) -> Event:
        """`extract` by another name."""
        return self.extract(event_type, content, anima_id=anima_id, **fields)

    def extract_many(self, events: Sequence[EventCreate]) -> list[Event]:
        """See `AsyncElephantasm.extract_many`."""
        return self._run(AsyncElephantasm.extract_many, events)

    def inject(
        self,
        anima_id: AnimaRef = None,
        query: str | None = None,
        preset: str | None = None,
        *,
        session_id: str | None = None,
        max_tokens: int | None = None,
        as_of: Moment | None = None,
    ) -> MemoryPack | None:
        """See `AsyncElephantasm.inject`."""
        return self._run(
            AsyncElephantasm.inject,
            anima_id,
            query,
            preset,
            session_id=session_id,
            max_tokens=max_tokens,
            as_of=as_of,
        )

    def search(
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
        """See `AsyncElephantasm.search`."""
        return self._run(
            AsyncElephantasm.search,
            query,
            anima_id=anima_id,
            layers=layers,
            session_id=session_id,
            since=since,
            until=until,
            include_archived=include_archived,
            limit=limit,
        )

    def events(
        self,
        anima_id: AnimaRef = None,
        *,
        session_id: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """See `AsyncElephantasm.events`."""
        return self._run(
            AsyncElephantasm.events,
            anima_id,
            session_id=session_id,
            since=since,
            until=until,
            limit=limit,
        )

    def memories(
        self,
        anima_id: AnimaRef = None,
        *,
        state: MemoryState | str | None = None,
        limit: int | None = None,
    ) -> list[Memory]:
        """See `AsyncElephantasm.memories`."""
        return self._run(AsyncElephantasm.memories, anima_id, state=state, limit=limit)

    def knowledge(
        self,
        anima_id: AnimaRef = None,
        *,
        include_superseded: bool = False,
        limit: int | None = None,
    ) -> list[Knowledge]:
        """See `AsyncElephantasm.knowledge`."""
        return self._run(
            AsyncElephantasm.knowledge,
            anima_id,
            include_superseded=include_superseded,
            limit=limit,
        )

    def identity(self, anima_id: AnimaRef = None) -> IdentityContext | None:
        """See `AsyncElephantasm.identity`."""
        return self._run(AsyncElephantasm.identity, anima_id)

    def dreams(self, anima_id: AnimaRef = None, *, limit: int | None = None) -> list[DreamReport]:
        """See `AsyncElephantasm.dreams`."""
        return self._run(AsyncElephantasm.dreams, anima_id, limit=limit)

    def dream(
        self,
        anima_id: AnimaRef = None,
        phase: str = "auto",
        dry_run: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
    ) -> DreamReport:
        """See `AsyncElephantasm.dream`."""
        return self._run(AsyncElephantasm.dream, anima_id, phase, dry_run)

    def complete_dream(
        self,
        plan_or_work_order: UUID | str,
        accept: Sequence[int] | None = None,
        proposals: Meta | None = None,
    ) -> DreamReport:
        """See `AsyncElephantasm.complete_dream`."""
        return self._run(AsyncElephantasm.complete_dream, plan_or_work_order, accept, proposals)

    def undo_dream(self, dream_id: UUID | str) -> UndoReport:
        """See `AsyncElephantasm.undo_dream`."""
        return self._run(AsyncElephantasm.undo_dream, dream_id)

    def trace(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        *,
        anima_id: AnimaRef = None,
        query: str | None = None,
    ) -> Trace:
        """See `AsyncElephantasm.trace`."""
        return self._run(AsyncElephantasm.trace, id, anima_id=anima_id, query=query)

    def curate(
        self,
        id: UUID | str,  # noqa: A002 - the contract's name
        action: str,
        *,
        anima_id: AnimaRef = None,
        content: str | None = None,
        knowledge_type: KnowledgeType | str | None = None,
        reason: str | None = None,
    ) -> CurateReport:
        """See `AsyncElephantasm.curate`."""
        return self._run(
            AsyncElephantasm.curate,
            id,
            action,
            anima_id=anima_id,
            content=content,
            knowledge_type=knowledge_type,
            reason=reason,
        )

    def forget(
        self,
        *,
        anima_id: AnimaRef = None,
        ids: Sequence[UUID | str] | None = None,
        session_id: str | None = None,
        everything: bool = False,
        dry_run: bool = True,
    ) -> ForgetReport:
        """See `AsyncElephantasm.forget`."""
        return self._run(
            AsyncElephantasm.forget,
            anima_id=anima_id,
            ids=ids,
            session_id=session_id,
            everything=everything,
            dry_run=dry_run,
        )

    def redact(self, *, anima_id: AnimaRef = None, dry_run: bool = True) -> RedactReport:
        """See `AsyncElephantasm.redact`."""
        return self._run(AsyncElephantasm.redact, anima_id=anima_id, dry_run=dry_run)

    def grants(self, anima_id: AnimaRef = None) -> list[Grant]:
        """See `AsyncElephantasm.grants`."""
        return self._run(AsyncElephantasm.grants, anima_id)

    def grant(
        self,
        source: UUID | str,
        to: UUID | str,
        *,
        to_user: str | None = None,
        knowledge: bool = True,
        memories: bool = False,
    ) -> Grant:
        """See `AsyncElephantasm.grant`."""
        return self._run(
            AsyncElephantasm.grant,
            source,
            to,
            to_user=to_user,
            knowledge=knowledge,
            memories=memories,
        )

    def revoke_grant(self, id: UUID | str) -> Grant:  # noqa: A002 - as other calls
        """See `AsyncElephantasm.revoke_grant`."""
        return self._run(AsyncElephantasm.revoke_grant, id)

    def usefulness(self, anima_id: AnimaRef = None, *, days: int = 90) -> Usefulness:
        """See `AsyncElephantasm.usefulness`."""
        return self._run(AsyncElephantasm.usefulness, anima_id, days=days)

    def _run(
        self,
        method: Callable[Concatenate[AsyncElephantasm, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self._thread().call(method, *args, **kwargs)

    def _thread(self) -> LoopThread:
        if os.getpid() != self._pid:
            raise forked_error()
        if self._closed:
            raise closed_error()
        return self._loop


def _release(loop: LoopThread, pid: int) -> None:
    """End the client without waiting: nobody has it any more."""
    if os.getpid() == pid:
        loop.ask_to_end()
