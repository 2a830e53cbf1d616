"""Calls of language models in the store, and the events that a model makes nothing of.

Owns their rows. Does not decide whether a call may be made. Invariant: what a call may take counts
against the day before it is made, so no two processes can spend the same tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.values import from_micros, to_micros
from elephantasm_mcp.types.records import AnimaNo, RowId


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is about to be made."""

    anima_no: AnimaNo
    dream: RowId | None
    purpose: str
    model: str
    tokens: int
    """The most that it may take."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What became of a call."""

    outcome: str
    """`ok` or `failed`."""
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    duration_s: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallSum:
    """What several calls came to."""

    calls: int
    failed: int
    tokens: int
    cost_usd: float | None
    """The sum of what is known; None when nothing is."""
    duration_s: float


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """What one model was asked, all animas together."""

    model: str
    last_at: datetime
    tokens_in: int
    tokens_out: int
    sum: CallSum


@dataclass(frozen=True, slots=True)
class LastCall:
    """How the last call of a model ended."""

    outcome: str
    error: str
    at: datetime


def reserve(
    tx: Tx, call: NewCall, *, budget_tokens: int, since: datetime, now: datetime
) -> int | None:
    """Note a call before it is made; None when the tokens since then leave no room for it."""
    row = tx.one(
        "reserve_call",
        anima_no=call.anima_no,
        dream_id=call.dream,
        purpose=call.purpose,
        model=call.model,
        tokens=call.tokens,
        budget=budget_tokens,
        since=to_micros(since),
        now=to_micros(now),
    )
    return row["call_no"] if row else None


def end(tx: Tx, call_no: int, ended: CallEnd) -> None:
    """Note what became of a call, and what it took in place of what it might have taken."""
    tx.run(
        "end_call",
        call_no=call_no,
        outcome=ended.outcome,
        tokens_in=ended.tokens_in,
        tokens_out=ended.tokens_out,
        cost_usd=ended.cost_usd,
        duration_us=round(1_000_000 * ended.duration_s),
        error=ended.error,
    )


def cancel(tx: Tx, call_no: int) -> None:
    """Note that a call was given up: what it took is not known, so its tokens stay set aside."""
    tx.run("cancel_call", call_no=call_no)


def attach(tx: Tx, call_nos: Iterable[int], dream: RowId) -> None:
    """Say for which dream calls were made."""
    for call_no in call_nos:
        tx.run("attach_call", call_no=call_no, dream_id=dream)


def tokens_since(tx: Tx, since: datetime) -> int:
    """What all calls since a moment took, or may still take."""
    row = tx.one("tokens_since", since=to_micros(since))
    return row["tokens"] if row else 0


def sum_of(tx: Tx, dream: RowId) -> CallSum:
    """What the calls of a dream came to."""
    row = tx.one("calls_of_dream", dream_id=dream) or {"calls": 0}
    if not row["calls"]:
        return CallSum(calls=0, failed=0, tokens=0, cost_usd=None, duration_s=0.0)
    return CallSum(
        calls=row["calls"],
        failed=row["failed"],
        tokens=row["tokens"],
        cost_usd=row["cost_usd"],
        duration_s=(row["duration_us"] or 0) / 1_000_000,
    )


def by_model(tx: Tx) -> list[ModelCalls]:
    """What each model was asked and took."""
    return [
        ModelCalls(
            model=row["model"],
            last_at=from_micros(row["last_at"]),
            tokens_in=row["tokens_in"],
            tokens_out=row["tokens_out"],
            sum=CallSum(
                calls=row["calls"],
                failed=row["failed"],
                tokens=row["tokens_in"] + row["tokens_out"],
                cost_usd=row["cost_usd"],
                duration_s=(row["duration_us"] or 0) / 1_000_000,
            ),
        )
        for row in tx.all("calls_by_model")
    ]


def last(tx: Tx, model: str) -> LastCall | None:
    """How the last call of a model ended; None before the first."""
    row = tx.one("last_call", model=model)
    return LastCall(row["outcome"], row["error"], from_micros(row["at"])) if row else None


def note_unmade(tx: Tx, events: Iterable[RowId], *, model: str, now: datetime) -> None:
    """Note that a model makes nothing of these events."""
    tx.many(
        "note_unmade",
        [{"event_id": event, "model": model, "now": to_micros(now)} for event in events],
    )


def unmade(tx: Tx, anima: StoredAnima, *, model: str) -> set[RowId]:
    """Events of which a model makes nothing."""
    rows = tx.tuples("unmade_events", model=model, **id_range(anima.anima_no))
    return {RowId(event) for (event,) in rows}


def animas_owed(tx: Tx, *, model: str) -> list[AnimaNo]:
    """Animas with provisional events that a model may still do better."""
    return [AnimaNo(anima_no) for (anima_no,) in tx.tuples("animas_owed", model=model)]
