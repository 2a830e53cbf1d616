"""Plans in the store: what dry runs proposed, until it is accepted or a day has gone.

Owns their rows; what stands in them is for `memory/plans.py`. Invariant: a plan is completed once.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.values import (
    from_json,
    from_micros,
    maybe_time,
    to_json,
    to_micros,
    to_uuid,
)
from elephantasm_mcp.types.records import AnimaNo


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One dry run's operations, as JSON."""

    uuid: UUID
    anima_no: AnimaNo
    phase: str
    synthesizer: str
    tokens: int
    calls: tuple[int, ...]
    """The calls of a language model that it took, by number."""
    operations: str
    created_at: datetime
    expires_at: datetime
    completed_at: datetime | None = None


def add(tx: Tx, plan: StoredPlan) -> None:
    """Keep a plan, and drop those of its anima that expired."""
    drop(tx, plan.anima_no, expired_by=plan.created_at)
    tx.run(
        "add_plan",
        uuid=plan.uuid.bytes,
        anima_no=plan.anima_no,
        phase=plan.phase,
        synthesizer=plan.synthesizer,
        tokens=plan.tokens,
        calls=to_json(plan.calls),
        operations=plan.operations,
        created_at=to_micros(plan.created_at),
        expires_at=to_micros(plan.expires_at),
    )


def find(tx: Tx, uuid: UUID) -> StoredPlan | None:
    """One plan, whoever owns it."""
    row = tx.one("plan_by_uuid", uuid=uuid.bytes)
    if row is None:
        return None
    return StoredPlan(
        uuid=to_uuid(row["uuid"]),
        anima_no=AnimaNo(row["anima_no"]),
        phase=row["phase"],
        synthesizer=row["synthesizer"],
        tokens=row["tokens"],
        calls=tuple(from_json(row["calls"])),
        operations=row["operations"],
        created_at=from_micros(row["created_at"]),
        expires_at=from_micros(row["expires_at"]),
        completed_at=maybe_time(row["completed_at"]),
    )


def complete(tx: Tx, uuid: UUID, *, now: datetime) -> bool:
    """Note that a plan was answered; False when it already was."""
    return tx.run("complete_plan", uuid=uuid.bytes, now=to_micros(now)) > 0


def drop(tx: Tx, anima_no: AnimaNo, *, expired_by: datetime) -> None:
    """Forget the plans of an anima that are out of date by then: they hold remembered text."""
    tx.run("drop_plans", anima_no=anima_no, by=to_micros(expired_by))
