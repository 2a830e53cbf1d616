"""Requests: bodies and queries that are not types of the SDK as they stand.

Owns their fields and rules; what they mean is the services'. Invariant: an unknown field is an
error, in a query as in a body.
"""

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import (
    EventCreate,
    GivenDatetime,
    KnowledgeType,
    Layer,
    MemoryState,
    PresetName,
    Request,
)
from elephantasm_mcp.types.views import CurateAction, Phase

AnimaPath = Annotated[str, Path(description="An anima by its id or name.", examples=["my-agent"])]
DreamPath = Annotated[str, Path(description="A dream by its handle or id.", examples=["d3"])]
GrantPath = Annotated[
    str,
    Path(description="A grant by its id.", examples=["0198c2f5-4e6f-7071-8c83-9e0f1a2b3c4d"]),
]
RowPath = Annotated[
    str, Path(description="An event, memory or knowledge by its handle or id.", examples=["m12"])
]
Session = Annotated[
    str | None, Field(max_length=255, description="A conversation.", examples=["chat-42"])
]
Moment = Annotated[GivenDatetime | None, Field(examples=["2026-03-02T10:30:00Z"])]
Id = Annotated[str | None, Field(min_length=1, max_length=64)]


class PageQuery(Request):
    """Which part of a list is asked for."""

    limit: int = Field(100, ge=1, le=1_000, description="How many rows at most.")
    cursor: str | None = Field(
        None, max_length=64, description="`X-Next-Cursor` of the page before."
    )

    def after(self) -> Cursor | None:
        """Where the page begins; None is the beginning.

        Raises:
            ValidationError: the cursor is none that a list gave.
        """
        return None if self.cursor is None else Cursor.parse(self.cursor)


class EventsQuery(PageQuery):
    """Which events are asked for."""

    anima_id: str | None = Field(
        None, max_length=255, description="An anima by id or name; without one the default one."
    )
    session_id: Session = None
    since: Moment = None
    until: Moment = None


class MemoriesQuery(PageQuery):
    """Which memories are asked for."""

    state: MemoryState | None = None


class KnowledgeQuery(PageQuery):
    """Which knowledge is asked for."""

    include_superseded: bool = False


class DreamsQuery(PageQuery):
    """Which dreams are asked for."""

    limit: int = Field(20, ge=1, le=100, description="How many dreams at most.")


class PackParameters(Request):
    """Which pack is asked for."""

    query: str | None = Field(None, description="What the pack is to answer.")
    preset: PresetName | None = None
    session_id: Session = None
    max_tokens: int | None = Field(None, ge=1, le=200_000)
    as_of: Moment = Field(None, description="The pack of that moment.")


class SearchParameters(Request):
    """What is searched for."""

    query: str = Field(description="Words, or a question.", examples=["allergies"])
    layers: list[Layer] = Field(["memory", "knowledge", "event"], min_length=1, max_length=3)
    session_id: Session = None
    since: Moment = None
    until: Moment = None
    include_archived: bool = False
    limit: int = Field(10, ge=1, le=200)


class TraceParameters(Request):
    """For which question a row's place in the pack is explained."""

    query: str | None = None


class EventBatch(Request):
    """Events that are recorded together, all or none."""

    events: list[EventCreate] = Field(max_length=1_000)


class DreamRequest(Request):
    """Which dream is asked for."""

    phase: Phase = "auto"
    dry_run: bool = False
    """Only say what deep sleep would do."""


class DreamCompletion(Request):
    """A work order with its proposals, or a plan with the numbers of its accepted steps."""

    work_order: Id = None
    proposals: dict[str, Any] | None = None
    plan: Id = None
    accept: list[int] | None = Field(None, max_length=1_000, examples=[[1]])


class CurateRequest(Request):
    """What is to become of one memory or piece of knowledge."""

    id: str = Field(min_length=1, max_length=64, examples=["m12"])
    """Its handle or id."""
    action: CurateAction
    content: str | None = Field(None, max_length=10_000)
    knowledge_type: KnowledgeType | None = None
    reason: str | None = Field(None, max_length=2_000)


class Forgetting(Request):
    """What is to be erased; without `confirm` or `dry_run` false nothing is."""

    ids: list[str] | None = Field(None, min_length=1, max_length=1_000, examples=[["e341", "m12"]])
    """Handles or ids."""
    session_id: str | None = Field(None, min_length=1, max_length=255)
    everything: bool = False
    confirm: str | None = Field(None, max_length=64)
    """The token of a dry run of the same."""
    dry_run: bool = True


class Redaction(Request):
    """Whether secrets are to be masked; without `dry_run` false nothing is."""

    dry_run: bool = True


class UsefulnessParameters(Request):
    """Over which time packs are looked at."""

    days: int = Field(90, ge=1, le=36_500, description="Unused is what none showed for so long.")
