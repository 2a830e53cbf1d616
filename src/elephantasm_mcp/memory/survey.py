"""Survey: what deep sleep looks at, read once.

Owns the rows of an anima as rules and models are shown them. Decides nothing. Invariant: only what
lives is surveyed; what was superseded or archived is not touched again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, conflicts, dreams, identities, search
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.conflicts import StoredConflict
from elephantasm_mcp.store.identities import StoredIdentity
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.types.records import AnimaNo, RowId, Trust, handle_of

if TYPE_CHECKING:
    from elephantasm_mcp.pure.vectors import Int8Matrix

WEAK_CONFIDENCE = 0.4
"""Below it a row is weak (design.md §2)."""
SHORT_CHARS = 20
"""A line below it is weak where it matters little; a character beyond ASCII counts as three."""
WEAK_IMPORTANCE = 0.5


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A living memory or knowledge item."""

    layer: DerivedLayer
    id: RowId
    handle: str
    text: str
    """The line: a memory's summary, or what knowledge says."""
    content: str
    """The fuller text of a memory; of knowledge the line again."""
    confidence: float
    importance: float
    """Of knowledge 1: it was worth knowing."""
    pinned: bool
    trust: Trust
    at: int
    """When it was said, in microseconds: a memory's end, the beginning of knowledge's validity."""
    kind: str
    """The type of knowledge; empty for a memory."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that one night may work on."""

    anima: StoredAnima
    memories: list[SurveyRow]
    knowledge: list[SurveyRow]
    declined: Mapping[tuple[str, RowId, str], str]
    conflicts: list[StoredConflict]
    identity: StoredIdentity | None

    @property
    def rows(self) -> Iterable[SurveyRow]:
        """Memories, then knowledge."""
        yield from self.memories
        yield from self.knowledge


def take(tx: Tx, anima_no: AnimaNo) -> Survey:
    """Read what lives."""
    anima = animas.get(tx, anima_no)
    bounds = id_range(anima_no)
    memories = [
        SurveyRow(
            layer="memory",
            id=RowId(id_),
            handle=handle_of("memory", RowId(id_)),
            text=summary,
            content=content,
            confidence=confidence,
            importance=importance,
            pinned=bool(pinned),
            trust=Trust(trust),
            at=at,
            kind="",
        )
        for id_, summary, content, confidence, importance, pinned, trust, at, _ in tx.tuples(
            "survey_memories", **bounds
        )
    ]
    knowledge = [
        SurveyRow(
            layer="knowledge",
            id=RowId(id_),
            handle=handle_of("knowledge", RowId(id_)),
            text=content,
            content=content,
            confidence=confidence,
            importance=1.0,
            pinned=bool(pinned),
            trust=Trust(trust),
            at=at,
            kind=kind,
        )
        for id_, content, kind, confidence, pinned, trust, at in tx.tuples(
            "survey_knowledge", **bounds
        )
    ]
    return Survey(
        anima=anima,
        memories=memories,
        knowledge=knowledge,
        declined=dreams.declined(tx, anima),
        conflicts=conflicts.list_for(tx, anima),
        identity=identities.current(tx, anima),
    )


def vectors(
    tx: Tx, anima_no: AnimaNo, layer: DerivedLayer, model: str, dimensions: int
) -> tuple[list[int], Int8Matrix]:
    """The stored vectors of a layer, in id order, with their rows' ids."""
    from elephantasm_mcp.pure.vectors import from_blob  # numpy: not at start-up

    found = list(search.vectors_after(tx, anima_no, layer, model, after=0))
    stored = from_blob(b"".join(blob for _, blob in found), dimensions=dimensions)
    return [id_ for id_, _ in found], stored


def is_weak(row: SurveyRow) -> bool:
    """Whether a row says too little, or too unsurely, to be kept in recall."""
    short = row.importance < WEAK_IMPORTANCE and _length(row.text) < SHORT_CHARS
    return short or row.confidence < WEAK_CONFIDENCE


def _length(text: str) -> int:
    return sum(1 if char.isascii() else 3 for char in text)
