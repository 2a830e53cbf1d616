"""What a synthesizer is given and what it may propose (contract §1, "Host mode").

Owns the one shape that extractive, LLM and host synthesizers share. Invariant: a proposal names
its sources by event handle and never by row id, so it can only cite what it was shown.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from elephantasm_mcp.types.records import KnowledgeType, Request, Score, Trust


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One event as a synthesizer sees it. `author` is already resolved to a readable name."""

    handle: str
    event_type: str
    role: str
    author: str
    text: str
    occurred_at: datetime
    session_id: str | None = None
    importance: float | None = None
    trust: Trust = Trust.TOLD


@dataclass(frozen=True, slots=True)
class SynthesisBatch:
    """Events of one session, oldest first, to be made into memories in one go."""

    anima: str
    events: tuple[SourceEvent, ...]
    instructions: str = ""
    """What the owner of the anima asks of whoever makes memories."""


def _with_quote(schema: dict[str, Any]) -> None:
    """Show a quote as something that must be given: only a synthesizer of ours may do without."""
    schema["properties"]["quote"] = {"type": "string"}
    schema["required"] = ["event", "quote"]


def with_wishes(instructions: str, wishes: str) -> str:
    """Instructions of ours, and after them what the owner of the anima asks for."""
    if not wishes.strip():
        return instructions
    return f"{instructions}\n\nThe owner of this memory also asks:\n\n{wishes.strip()}"


class SourceQuote(Request):
    """Where a statement stands: the event, and its words there when they were taken verbatim."""

    model_config = ConfigDict(json_schema_extra=_with_quote)

    event: str
    quote: str | None = None


class KnowledgeProposal(Request):
    """One typed statement that holds beyond the episode it was said in."""

    type: KnowledgeType
    content: str = Field(min_length=1, max_length=1000)
    confidence: Score
    sources: list[SourceQuote] = Field(min_length=1)


class MemoryProposal(Request):
    """One memory: `summary` is its line in a pack, `content` the fuller text."""

    summary: str = Field(min_length=1, max_length=2000)
    content: str = Field(min_length=1, max_length=20000)
    importance: Score
    confidence: Score
    sources: list[SourceQuote] = Field(min_length=1)
    knowledge: list[KnowledgeProposal] = Field(default_factory=list)


class Proposals(Request):
    """All that one synthesis proposes; no memories is a valid answer (small talk)."""

    memories: list[MemoryProposal] = Field(default_factory=list)
