"""What stands behind a client: a database of this process, or a server.

Owns the list of what either does. Invariant: arguments were checked before; anything but an answer
is an `ElephantasmError`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

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


class Backend(Protocol):
    """See `AsyncElephantasm` for what each is. An anima that is None is the default one."""

    async def create_anima(self, request: AnimaCreate) -> Anima:
        """Make an anima, or find the one of that name."""
        ...

    async def animas(self) -> list[AnimaOverview]:
        """All of them."""
        ...

    async def update_anima(self, anima: UUID | str, change: AnimaUpdate) -> Anima:
        """Change what is given."""
        ...

    async def delete_anima(self, anima: UUID | str) -> None:
        """Remove it."""
        ...

    async def record(self, requests: Sequence[EventCreate]) -> list[Event]:
        """Record events, all or none; one row for each, in input order."""
        ...

    async def inject(self, request: PackQuery, *, client: str) -> MemoryPack | None:
        """Compile a pack for a kind of client."""
        ...

    async def search(self, request: SearchQuery) -> SearchHits:
        """Find rows."""
        ...

    async def events(self, anima: AnimaRef, asked: Listing) -> list[Event]:
        """List events."""
        ...

    async def memories(self, anima: AnimaRef, asked: Listing) -> list[Memory]:
        """List memories."""
        ...

    async def knowledge(self, anima: AnimaRef, asked: Listing) -> list[Knowledge]:
        """List knowledge."""
        ...

    async def identity(self, anima: AnimaRef) -> IdentityContext | None:
        """Read the identity."""
        ...

    async def dreams(self, anima: AnimaRef, asked: Listing) -> list[DreamReport]:
        """Read the journal."""
        ...

    async def dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """Dream."""
        ...

    async def plan_dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """Say what deep sleep would do."""
        ...

    async def complete_plan(self, plan: UUID | str, *, accept: Sequence[int]) -> DreamReport:
        """Do steps of a plan."""
        ...

    async def complete_order(
        self, order: str, *, proposals: Mapping[str, Any], client: str
    ) -> DreamReport:
        """Hand in proposals for a work order."""
        ...

    async def undo_dream(self, dream: str) -> UndoReport:
        """Take a dream back."""
        ...

    async def trace(self, row: str, request: PackQuery) -> Trace:
        """Trace a row, for the anima and the query of a request."""
        ...

    async def curate(self, request: Curation) -> CurateReport:
        """Put a row right."""
        ...

    async def forget(self, request: ForgetRequest, *, dry_run: bool) -> ForgetReport:
        """Erase, or say what would go."""
        ...

    async def redact(self, anima: AnimaRef, *, dry_run: bool) -> RedactReport:
        """Mask secrets, or say which."""
        ...

    async def usefulness(self, anima: AnimaRef, *, days: int) -> Usefulness:
        """Judge what packs show."""
        ...

    async def grants(self, anima: AnimaRef) -> list[Grant]:
        """Those of an anima and to it; None is all."""
        ...

    async def grant(self, source: UUID | str, request: GrantRequest) -> Grant:
        """Let another anima read of one."""
        ...

    async def revoke_grant(self, grant: str) -> Grant:
        """End a grant."""
        ...
