"""Light sleep: what time does to memories, as arithmetic.

Owns recency, decay and the step from active to decaying to archived. Costs no tokens. Invariant:
nothing is destroyed, a pinned memory never moves, and at most a fifth of an anima's memories change
state in one run.
"""

from collections import Counter
from collections.abc import Mapping
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
from elephantasm_mcp.types.records import AnimaNo, MemoryState, RowId

OPERATION = ledger.FADE
DECAYING_ABOVE = 0.7
"""A memory that has decayed this far and matters little is deprioritised (design.md §2)."""
DECAYING_BELOW_IMPORTANCE = 0.3
ARCHIVED_ABOVE = 0.9
"""A decaying memory that nobody used for this long leaves recall."""
_COUNTED = {
    MemoryState.DECAYING: "decaying",
    MemoryState.ARCHIVED: "archived",
    MemoryState.ACTIVE: "revived",
}
LARGEST_SHARE = 0.2
"""Of the living memories, how many may change state in one run; at least one may."""


@dataclass(frozen=True, slots=True)
class _Move:
    """One memory that changes its state."""

    id: RowId
    state: MemoryState
    decay: float
    inputs: str


async def sleep_lightly(
    core: Core,
    anima_no: AnimaNo,
    run: Run,
    *,
    dream: RowId | None = None,
    job: Job | None = None,
    even_declined: bool = False,
) -> RowId | None:
    """Fold in the accesses, compute recency and decay, and move what faded or was used again.

    What a person took back is left alone until its inputs change, or with `even_declined`.
    Returns the dream that the changes stand in: `dream`, or a new one when there are any.

    Raises:
        LeaseLostError: `job` went to another worker.
    """
    return await core.database.write(
        _sleep,
        anima_no,
        run,
        dream=dream,
        job=job,
        even_declined=even_declined,
        now=core.clock.now(),
    )


def _sleep(
    tx: Tx,
    anima_no: AnimaNo,
    run: Run,
    *,
    dream: RowId | None,
    job: Job | None,
    even_declined: bool,
    now: datetime,
) -> RowId | None:
    if job is not None:
        jobs.check(tx, job)
    anima = animas.get(tx, anima_no)
    memories.fold_accesses(tx, anima, now=now)
    memories.set_derived_scores(
        tx,
        anima,
        reinforcement=scoring.REINFORCEMENT,
        longest_half_life_d=scoring.LONGEST_DECAY_HALF_LIFE_D,
        now=now,
    )
    animas.set_light_sleep(tx, anima_no, now=now)
    animas.touch(tx, anima_no)
    taken_back = dreams.declined(tx, anima)
    if even_declined:
        taken_back.clear()
    changes = [_change(tx, move, now=now) for move in _moves(tx, anima, taken_back)]
    if not changes:
        return dream
    dream = dream if dream is not None else ledger.open_dream(tx, anima, run, now=now)
    counts = Counter(_COUNTED[_state(change)] for change in changes)
    ledger.apply(tx, anima, dream, changes, counts=counts, now=now)
    return dream


def _moves(
    tx: Tx, anima: StoredAnima, taken_back: Mapping[tuple[str, RowId, str], str]
) -> list[_Move]:
    """What changes its state, the most decayed first, within the cap."""
    rows = memories.fading(
        tx,
        anima,
        decaying_above=DECAYING_ABOVE,
        archived_above=ARCHIVED_ABOVE,
        below_importance=DECAYING_BELOW_IMPORTANCE,
    )
    moves = [
        move
        for row in rows
        if (move := _move(row)) is not None
        and taken_back.get(("memory", move.id, OPERATION)) != move.inputs
    ]
    moves.sort(key=lambda move: (-move.decay, move.id))
    return moves[: max(1, int(memories.count_living(tx, anima) * LARGEST_SHARE))]


def _move(row: Row) -> _Move | None:
    """Neglect is counted from the last use, and from the making, not from what it tells of."""
    decay, state = row["decay_score"], MemoryState(row["state"])
    following = _following(state, decay=decay, importance=row["importance"])
    if following is state:
        return None
    inputs = f"{state}>{following} used={row['access_count']} importance={row['importance']!r}"
    return _Move(id=RowId(row["id"]), state=following, decay=decay, inputs=inputs)


def _following(state: MemoryState, *, decay: float, importance: float) -> MemoryState:
    """Where a memory stands after this night; what is used again comes back."""
    if state is MemoryState.DECAYING and decay > ARCHIVED_ABOVE:
        return MemoryState.ARCHIVED
    faded = decay > DECAYING_ABOVE and importance < DECAYING_BELOW_IMPORTANCE
    return MemoryState.DECAYING if faded else MemoryState.ACTIVE


def _change(tx: Tx, move: _Move, *, now: datetime) -> Change:
    before = memories.read_snapshot(tx, "memory", move.id)
    if before is None:
        raise LookupError(move.id)
    why = "Used again" if move.state is MemoryState.ACTIVE else "Not used for long"
    return Change(
        layer="memory",
        id=move.id,
        after=ledger.stamp({**before, "state": move.state.value}, now=now),
        operation=OPERATION,
        reasoning=f"{why}: decay {move.decay:.2f}, importance {before['importance']}.",
        inputs=move.inputs,
    )


def _state(change: Change) -> MemoryState:
    return MemoryState((change.after or {})["state"])
