"""The memory in a database of this process.

Owns which service does what. Invariant: it decides nothing that services decide.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final, final
from uuid import UUID

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import (
    animas,
    curation,
    dreams,
    events,
    forgetting,
    grants,
    layers,
    packs,
    provenance,
    recall,
    redaction,
    usefulness,
)
from elephantasm_mcp.sdk.requests import AnimaUpdate, Listing
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
    Knowledge,
    Memory,
)
from elephantasm_mcp.types.views import (
    CurateReport,
    Curation,
    DreamReport,
    ForgetReport,
    ForgetRequest,
    Phase,
    RedactReport,
    Trace,
    UndoReport,
    Usefulness,
)


@final
class Embedded:
    """A `Backend` over an open app."""

    def __init__(self, app: App, *, background_jobs: bool) -> None:
        self._app: Final = app
        self._core: Final = app.core
        self._user: Final = app.user
        self._background_jobs: Final = background_jobs

    async def create_anima(self, request: AnimaCreate) -> Anima:
        """See `Backend`."""
        anima, _ = await animas.create(self._core, self._user, request)
        return anima

    async def animas(self) -> list[AnimaOverview]:
        """See `Backend`."""
        return await animas.overview(self._core, self._user)

    async def update_anima(self, anima: UUID | str, change: AnimaUpdate) -> Anima:
        """See `Backend`."""
        return await animas.update(
            self._core,
            self._user,
            anima,
            name=change.name,
            description=change.description,
            meta=change.meta,
            settings=change.settings,
        )

    async def delete_anima(self, anima: UUID | str) -> None:
        """See `Backend`."""
        await forgetting.delete_anima(self._core, self._user, anima)

    async def record(self, requests: Sequence[EventCreate]) -> list[Event]:
        """See `Backend`."""
        recorded = await events.record(self._core, self._user, requests)
        if self._background_jobs:
            self._app.worker.wake()
        return [one.event for one in recorded.events]

    async def inject(self, request: PackQuery, *, client: str) -> MemoryPack | None:
        """See `Backend`."""
        return await packs.compile_pack(
            self._core, self._user, request, patience_s=inf, client=client
        )

    async def search(self, request: SearchQuery) -> SearchHits:
        """See `Backend`."""
        return await recall.search(self._core, self._user, request, patience_s=inf)

    async def events(self, anima: AnimaRef, asked: Listing) -> list[Event]:
        """See `Backend`."""
        return await events.list_events(
            self._core,
            self._user,
            anima,
            session_id=asked.session_id,
            since=asked.since,
            until=asked.until,
            limit=asked.limit,
        )

    async def memories(self, anima: AnimaRef, asked: Listing) -> list[Memory]:
        """See `Backend`."""
        return await layers.memories(
            self._core, self._user, anima, state=asked.state, limit=asked.limit
        )

    async def knowledge(self, anima: AnimaRef, asked: Listing) -> list[Knowledge]:
        """See `Backend`."""
        return await layers.knowledge(
            self._core,
            self._user,
            anima,
            include_superseded=asked.include_superseded,
            limit=asked.limit,
        )

    async def identity(self, anima: AnimaRef) -> IdentityContext | None:
        """See `Backend`."""
        return await layers.identity(self._core, self._user, anima)

    async def dreams(self, anima: AnimaRef, asked: Listing) -> list[DreamReport]:
        """See `Backend`."""
        return await dreams.journal(self._core, self._user, anima=anima, limit=asked.limit)

    async def dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """See `Backend`."""
        return await dreams.run(self._core, self._user, anima=anima, phase=phase)

    async def plan_dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """See `Backend`."""
        from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

        return await plans.dry_run(self._core, self._user, anima=anima, phase=phase)

    async def complete_plan(self, plan: UUID | str, *, accept: Sequence[int]) -> DreamReport:
        """See `Backend`."""
        from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

        return await plans.complete(self._core, self._user, plan, accept=accept, actor="user")

    async def complete_order(
        self, order: str, *, proposals: Mapping[str, Any], client: str
    ) -> DreamReport:
        """See `Backend`."""
        return await dreams.complete(
            self._core, self._user, order, proposals=proposals, host=client
        )

    async def undo_dream(self, dream: str) -> UndoReport:
        """See `Backend`."""
        return await dreams.undo(self._core, self._user, dream)

    async def trace(self, row: str, request: PackQuery) -> Trace:
        """See `Backend`."""
        return await provenance.trace(
            self._core,
            self._user,
            row,
            anima=request.anima,
            query=request.query,
            patience_s=inf,
        )

    async def curate(self, request: Curation) -> CurateReport:
        """See `Backend`."""
        return await curation.curate(self._core, self._user, request)

    async def forget(self, request: ForgetRequest, *, dry_run: bool) -> ForgetReport:
        """See `Backend`."""
        if dry_run:
            return await forgetting.preview(self._core, self._user, request)
        return await forgetting.forget(self._core, self._user, request, confirmed=True)

    async def redact(self, anima: AnimaRef, *, dry_run: bool) -> RedactReport:
        """See `Backend`."""
        return await redaction.redact(self._core, self._user, anima, dry_run=dry_run)

    async def usefulness(self, anima: AnimaRef, *, days: int) -> Usefulness:
        """See `Backend`."""
        return await usefulness.judge(self._core, self._user, anima, days=days)

    async def grants(self, anima: AnimaRef) -> list[Grant]:
        """See `Backend`."""
        if anima is None:
            return await grants.list_all(self._core, self._user)
        return await grants.list_of(self._core, self._user, anima)

    async def grant(self, source: UUID | str, request: GrantRequest) -> Grant:
        """See `Backend`."""
        return await grants.add(self._core, self._user, source, request)

    async def revoke_grant(self, grant: str) -> Grant:
        """See `Backend`."""
        return await grants.revoke(self._core, self._user, grant)
