"""Versions of the identity, in the store.

Owns reading them; they are written as snapshots, by `memory/ledger.py` alone. Invariant: what
holds is the version of the highest number; an undo removes it, and the one before holds again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.values import from_json, from_micros
from elephantasm_mcp.types.records import RowId, handle_of


@dataclass(frozen=True, slots=True)
class IdentityEvidence:
    """One statement with the handles of what shows it."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """One version of who the agent is."""

    id: RowId
    personality_type: str | None
    communication_style: str | None
    self_reflection: dict[str, Any] | None
    prose: str
    statements: tuple[IdentityEvidence, ...]
    synthesizer: str
    created_at: datetime

    @property
    def handle(self) -> str:
        """`i` and its number."""
        return handle_of("identity", self.id)


def current(tx: Tx, anima: StoredAnima) -> StoredIdentity | None:
    """The version that holds; None as long as there is none."""
    row = tx.one("current_identity", **id_range(anima.anima_no))
    return _stored(row) if row else None


def own_words(tx: Tx, anima: StoredAnima, *, limit: int) -> list[tuple[RowId, str]]:
    """The latest replies of the agent, oldest first; never what came from outside."""
    rows = tx.tuples("own_words", limit=limit, **id_range(anima.anima_no))
    return [(RowId(id_), content) for id_, content in reversed(rows)]


def _stored(row: Row) -> StoredIdentity:
    reflection: dict[str, Any] | None = (
        None if row["self_reflection"] is None else from_json(row["self_reflection"])
    )
    return StoredIdentity(
        id=RowId(row["id"]),
        personality_type=row["personality_type"],
        communication_style=row["communication_style"],
        self_reflection=reflection,
        prose=row["prose"],
        statements=tuple(
            IdentityEvidence(one["text"], tuple(one["evidence"]))
            for one in from_json(row["statements"])
        ),
        synthesizer=row["synthesizer"],
        created_at=from_micros(row["created_at"]),
    )
