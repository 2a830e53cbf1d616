"""What is read: searches with their hits, packs with their lines.

Owns the requests and answers of reading alone, which is all that a hook needs: making a model takes
half a millisecond. Invariant: a view names rows by handle and UUID together, so that it reads well
and still means one row in any database.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from elephantasm_mcp.types.grants import Origin
from elephantasm_mcp.types.records import (
    GivenDatetime,
    KnowledgeType,
    Layer,
    PresetName,
    Record,
    Request,
    UtcDatetime,
)

DEFAULT_MAX_TOKENS = 4000
Reason = Literal["recency", "semantic match", "high importance", "hybrid", "pinned"]
AnimaRef = UUID | str | None
"""An anima by id or exact name; None is the default one."""


# Searching


class SearchQuery(Request):
    """What is asked of `search_memory`."""

    model_config = ConfigDict(defer_build=True)

    query: str
    anima: AnimaRef = None
    layers: tuple[Layer, ...] = Field(("memory", "knowledge", "event"), min_length=1)
    session_id: str | None = None
    since: GivenDatetime | None = None
    until: GivenDatetime | None = None
    include_archived: bool = False
    limit: int = Field(10, ge=1, le=200)


class SearchHit(Record):
    """One row that was found, and why."""

    id: UUID
    handle: str
    layer: Layer
    text: str
    author: str | None = None
    """Who said it, when it is an event."""
    event_type: str | None = None
    """What kind of interaction it is then."""
    score: float
    reason: Reason
    breakdown: dict[str, float]
    similarity: float | None = None
    occurred_at: UtcDatetime | None = None
    session_id: str | None = None
    source_ids: list[UUID] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)
    """Handles of the source events; for an event its own."""
    weak: bool = False
    """Below the relevance floor: ranked, but not believed to answer the query."""
    origin: Origin | None = None
    """Where it comes from, when it is another anima's, read by a grant; its session and its sources
    are not shown then."""


class SearchHits(list[SearchHit]):
    """The hits, best first, with the models in use (`mode`) and whether all are `weak`."""

    def __init__(self, hits: list[SearchHit], *, mode: str) -> None:
        super().__init__(hits)
        self.mode = mode
        self.weak = all(hit.weak for hit in hits)


# Packs


class PackQuery(Request):
    """What is asked of `get_memory_pack`."""

    model_config = ConfigDict(defer_build=True)

    anima: AnimaRef = None
    query: str | None = None
    session_id: str | None = None
    max_tokens: int | None = Field(None, ge=1, le=200_000)
    """None is what the anima's settings say, as with `preset`."""
    preset: PresetName | None = None
    as_of: GivenDatetime | None = None
    """The pack of that moment; None is now."""


class ScoredMemory(Record):
    """A line of the session or long-term section; a raw event has `handle` e… and `raw`."""

    id: UUID
    handle: str
    summary: str | None = None
    score: float
    reason: str | None = None
    breakdown: dict[str, float]
    similarity: float | None = None
    origin: Origin | None = None
    """Where it comes from, when it is another anima's, read by a grant."""
    raw: bool = False


class ScoredKnowledge(Record):
    """A line of the knowledge section."""

    id: UUID
    handle: str
    content: str
    type: KnowledgeType
    score: float
    reason: str | None = None
    breakdown: dict[str, float] = Field(default_factory=dict)
    similarity: float | None = None
    origin: Origin | None = None


class TemporalContext(Record):
    """How long ago the last interaction was, and what it was about."""

    last_event_at: UtcDatetime
    hours_ago: float
    memory_summary: str | None = None
    formatted: str


class IdentityContext(Record):
    """Who the agent is, as deep sleep built it."""

    personality_type: str | None = None
    communication_style: str | None = None
    self_reflection: dict[str, Any] | None = None
    prose: str | None = None


class PackLine(Record):
    """A line of a pack by its handle."""

    handle: str
    text: str
    """Empty for a line that has gone and was another anima's: its words are not kept."""


class PackChanges(Record):
    """What changed since the same client last read the pack of the anima without a query."""

    since: str | None = None
    """The hash that it read then; None before its first time, when all lines are added."""
    added: list[PackLine]
    removed: list[PackLine]
    """Lines that have gone, as they read. One that was reworded is here and in `added`."""


class PackContent(Record):
    """All layers of a pack, and its text without handles."""

    context: str
    identity: IdentityContext | None = None
    session_memories: list[ScoredMemory]
    knowledge: list[ScoredKnowledge]
    long_term_memories: list[ScoredMemory]
    temporal_context: TemporalContext | None = None
    hash: str
    mode: str
    """The models that ranked it; part of what determines its bytes."""
    annotated: str
    """The text with each line's handle, as MCP clients see it inside the fence."""
    changes: PackChanges | None = None
    """None with a query, and in a pack of the past: those are not compared."""


class MemoryPack(Record):
    """The compiled context of one anima."""

    id: UUID
    anima_id: UUID
    query: str | None = None
    preset_name: str | None = None
    session_memory_count: int
    knowledge_count: int
    long_term_memory_count: int
    has_identity: bool
    token_count: int
    max_tokens: int
    content: dict[str, Any]
    compiled_at: UtcDatetime
    created_at: UtcDatetime

    def as_prompt(self) -> str:
        """The markdown, ready to stand in a system prompt."""
        return str(self.content["context"])

    asPrompt = as_prompt  # noqa: N815 - the public client's spelling

    @property
    def layers(self) -> PackContent:
        """`content`, typed."""
        return PackContent.model_validate(self.content)

    @property
    def identity(self) -> IdentityContext | None:
        """Who the agent is, or None."""
        return self.layers.identity

    @property
    def session_memories(self) -> list[ScoredMemory]:
        """The lines of the current session."""
        return self.layers.session_memories

    @property
    def knowledge(self) -> list[ScoredKnowledge]:
        """The lines of relevant knowledge."""
        return self.layers.knowledge

    @property
    def long_term_memories(self) -> list[ScoredMemory]:
        """The lines of relevant memories."""
        return self.layers.long_term_memories

    @property
    def temporal_context(self) -> TemporalContext | None:
        """The last interaction, or None."""
        return self.layers.temporal_context
