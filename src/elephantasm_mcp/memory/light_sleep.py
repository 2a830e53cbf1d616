"""Light sleep: what time does to memories, as arithmetic.

Owns recency, decay and the step from active to decaying to archived. Costs no tokens. Invariant:
nothing is destroyed, a pinned memory never moves, and at most a fifth of an anima's memories change
state in one run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from elephantasm_mcp.memory import ledger
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.pure import scoring
from elephantasm_mcp.store import animas, dreams, jobs, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.jobs import Job
from elephantasm_mcp.store.values import from_micros
from elephantasm_mcp.types.records import AnimaNo, MemoryState, RowId

OPERATION = "fade"
DECAYING_ABOVE = 0.7
"""A memory that has decayed this far and matters little is deprioritised (design.md §2)."""
DECAYING_BELOW_IMPORTANCE = 0.3
ARCHIVED_ABOVE = 0.9
"""A decaying memory that nobody used for this long leaves recall."""
LARGEST_SHARE = 0.2
"""Of the living memories, how many may change state in one run; at least one may."""


@dataclass(frozen=True, slots=True)
class _Fade:
    """One memory that moves on."""

    id: RowId
    state: MemoryState
    decay: float
    inputs: str


async def sleep_lightly(
    core: Core, anima_no: AnimaNo, run: Run, *, dream: RowId | None = None, job: Job | None = None
) -> RowId | None:
    """Fold in the accesses, compute recency and decay, and move on what has faded.

    Returns the dream that the changes stand in: `dream`, or a new one when there are any.

    Raises:
        LeaseLostError: `job` went to another worker.
    """
    return await core.database.write(
        _sleep, anima_no, run, dream=dream, job=job, now=core.clock.now()
    )


def _sleep(
    tx: Tx, anima_no: AnimaNo, run: Run, *, dream: RowId | None, job: Job | None, now: datetime
) -> RowId | None:
    if job is not None:
        jobs.check(tx, job)
    anima = animas.get(tx, anima_no)
    memories.fold_accesses(tx, anima)
    rows = memories.light_sleep_rows(tx, anima)
    for row in rows:
        memories.set_derived_scores(
            tx,
            RowId(row["id"]),
            recency=scoring.recency(
                now - from_micros(row["time_end"]), half_life_h=anima.settings.recency_half_life_h
            ),
            decay=_decay(anima, row, now=now),
        )
    animas.set_light_sleep(tx, anima_no, now=now)
    animas.touch(tx, anima_no)
    changes = [_change(tx, fade, now=now) for fade in _fading(tx, anima, rows, now=now)]
    if not changes:
        return dream
    dream = dream if dream is not None else ledger.open_dream(tx, anima, run, now=now)
    counts = {
        "decaying": sum(_state(change) == MemoryState.DECAYING for change in changes),
        "archived": sum(_state(change) == MemoryState.ARCHIVED for change in changes),
    }
    ledger.apply(tx, anima, dream, changes, counts=counts, now=now)
    return dream


def _fading(tx: Tx, anima: StoredAnima, rows: Sequence[Row], *, now: datetime) -> list[_Fade]:
    """What moves on, the most decayed first, within the cap and without what was taken back."""
    taken_back = dreams.declined(tx, anima)
    fades = [
        fade
        for row in rows
        if (fade := _fade(anima, row, now=now)) is not None
        and taken_back.get(("memory", fade.id, OPERATION)) != fade.inputs
    ]
    fades.sort(key=lambda fade: (-fade.decay, fade.id))
    return fades[: max(1, int(len(rows) * LARGEST_SHARE))]


def _fade(anima: StoredAnima, row: Row, *, now: datetime) -> _Fade | None:
    decay = _decay(anima, row, now=now)
    state = MemoryState(row["state"])
    if row["pinned"]:
        return None
    if state is MemoryState.ACTIVE:
        unimportant = row["importance"] < DECAYING_BELOW_IMPORTANCE
        following = MemoryState.DECAYING if decay > DECAYING_ABOVE and unimportant else None
    else:
        following = MemoryState.ARCHIVED if decay > ARCHIVED_ABOVE else None
    if following is None:
        return None
    inputs = f"{state}>{following} used={row['access_count']} importance={row['importance']!r}"
    return _Fade(id=RowId(row["id"]), state=following, decay=decay, inputs=inputs)


def _decay(anima: StoredAnima, row: Row, *, now: datetime) -> float:
    """Neglect is counted from the last use, and from the making, not from what it tells of."""
    last = row["last_accessed_at"] or row["created_at"]
    return scoring.decay(
        now - from_micros(last),
        accesses=row["access_count"],
        half_life_d=anima.settings.decay_half_life_d,
    )


def _change(tx: Tx, fade: _Fade, *, now: datetime) -> Change:
    before = memories.read_snapshot(tx, "memory", fade.id)
    if before is None:
        raise LookupError(fade.id)
    return Change(
        layer="memory",
        id=fade.id,
        after=ledger.stamp({**before, "state": fade.state.value}, now=now),
        operation=OPERATION,
        reasoning=f"Not used for long: decay {fade.decay:.2f}, importance {before['importance']}.",
        inputs=fade.inputs,
    )


def _state(change: Change) -> str | None:
    return None if change.after is None else change.after["state"]
