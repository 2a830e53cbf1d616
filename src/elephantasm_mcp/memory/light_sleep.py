"""Light sleep: what time does to memories, as arithmetic.

Owns recency, decay and the step from active to decaying to archived, and saying beforehand what
that would be. Costs no tokens. Invariant: nothing is destroyed, a pinned memory never moves, and at
most a fifth of an anima's memories change state in one run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import ledger
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.pure import scoring
from elephantasm_mcp.store import animas, dreams, jobs, memories, plans
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.jobs import Job
from elephantasm_mcp.types.records import AnimaNo, MemoryState, RowId, handle_of

OPERATION = ledger.FADE
NOTHING_ACCEPTED = "Nothing of the plan was accepted."
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
_VERBS = {
    MemoryState.DECAYING: "decay",
    MemoryState.ARCHIVED: "archive",
    MemoryState.ACTIVE: "revive",
}
LARGEST_SHARE = 0.2
"""Of the living memories, how many may change state in one run; at least one may."""


@dataclass(frozen=True, slots=True)
class Move:
    """One memory that changes its state."""

    id: RowId
    state: MemoryState
    decay: float
    inputs: str
    """What decides it, but for time: its state, its uses and its importance."""
    importance: float

    @property
    def verb(self) -> str:
        """What happens to it."""
        return _VERBS[self.state]

    @property
    def reasoning(self) -> str:
        """Why."""
        why = "Used again" if self.state is MemoryState.ACTIVE else "Not used for long"
        return f"{why}: decay {self.decay:.2f}, importance {self.importance}."


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the moves of a plan, by their place in it."""

    dream: RowId
    done: list[int]
    refused: dict[int, str]


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
    moves = _within_cap(tx, anima, _moves(tx, anima, taken_back, now=now))
    if not moves:
        return dream
    dream = dream if dream is not None else ledger.open_dream(tx, anima, run, now=now)
    _move_all(tx, anima, dream, moves, now=now)
    return dream


def propose(tx: Tx, anima_no: AnimaNo, *, now: datetime) -> Sequence[Move]:
    """What light sleep would do now if a person asked for it; nothing is changed."""
    anima = animas.get(tx, anima_no)
    return _within_cap(tx, anima, _moves(tx, anima, {}, now=now))


def carry_out(
    tx: Tx, anima_no: AnimaNo, planned: Sequence[Move], run: Run, *, plan: UUID, now: datetime
) -> Moved:
    """Do these moves of a plan, and nothing else of light sleep; what is no longer so is refused.

    Raises:
        ConflictError: the plan was completed meanwhile.
    """
    anima = animas.get(tx, anima_no)
    today = {move.id: move for move in _moves(tx, anima, {}, now=now)}
    moved = Moved(ledger.open_dream(tx, anima, run, now=now), [], {})
    for place, move in enumerate(planned):
        current = today.get(move.id)
        if current is not None and current.inputs == move.inputs:
            moved.done.append(place)
        else:
            moved.refused[place] = f"{handle_of('memory', move.id)} changed meanwhile."
    _move_all(tx, anima, moved.dream, [today[planned[at].id] for at in moved.done], now=now)
    if not planned:
        dreams.annotate(tx, moved.dream, NOTHING_ACCEPTED)
    if (moved.done or not planned) and not plans.complete(tx, plan, now=now):
        raise ConflictError("This plan was completed meanwhile; nothing was changed.")
    return moved


def _move_all(
    tx: Tx, anima: StoredAnima, dream: RowId, moves: Sequence[Move], *, now: datetime
) -> None:
    changes = [_change(tx, move, now=now) for move in moves]
    counts = Counter(_COUNTED[move.state] for move in moves)
    ledger.apply(tx, anima, dream, changes, counts=counts, now=now)


def _moves(
    tx: Tx,
    anima: StoredAnima,
    taken_back: Mapping[tuple[str, RowId, str], str],
    *,
    now: datetime,
) -> list[Move]:
    """What changes its state, the most decayed first."""
    rows = memories.fading(
        tx,
        anima,
        decaying_above=DECAYING_ABOVE,
        archived_above=ARCHIVED_ABOVE,
        below_importance=DECAYING_BELOW_IMPORTANCE,
        reinforcement=scoring.REINFORCEMENT,
        longest_half_life_d=scoring.LONGEST_DECAY_HALF_LIFE_D,
        now=now,
    )
    moves = [
        move
        for row in rows
        if (move := _move(row)) is not None
        and taken_back.get(("memory", move.id, OPERATION)) != move.inputs
    ]
    return sorted(moves, key=lambda move: (-move.decay, move.id))


def _within_cap(tx: Tx, anima: StoredAnima, moves: Sequence[Move]) -> Sequence[Move]:
    return moves[: max(1, int(memories.count_living(tx, anima) * LARGEST_SHARE))]


def _move(row: Row) -> Move | None:
    """Neglect is counted from the last use, and from the making, not from what it tells of."""
    decay, state = row["decay_score"], MemoryState(row["state"])
    following = _following(state, decay=decay, importance=row["importance"])
    if following is state:
        return None
    inputs = f"{state}>{following} used={row['access_count']} importance={row['importance']!r}"
    return Move(
        id=RowId(row["id"]),
        state=following,
        decay=decay,
        inputs=inputs,
        importance=row["importance"],
    )


def _following(state: MemoryState, *, decay: float, importance: float) -> MemoryState:
    """Where a memory stands after this night; what is used again comes back."""
    if state is MemoryState.DECAYING and decay > ARCHIVED_ABOVE:
        return MemoryState.ARCHIVED
    faded = decay > DECAYING_ABOVE and importance < DECAYING_BELOW_IMPORTANCE
    return MemoryState.DECAYING if faded else MemoryState.ACTIVE


def _change(tx: Tx, move: Move, *, now: datetime) -> Change:
    before = memories.read_snapshot(tx, "memory", move.id)
    if before is None:
        raise LookupError(move.id)
    return Change(
        layer="memory",
        id=move.id,
        after=ledger.stamp({**before, "state": move.state.value}, now=now),
        operation=OPERATION,
        reasoning=move.reasoning,
        inputs=move.inputs,
    )
