"""The ledger: the only writer of memories, knowledge, identity and conflicts.

Owns applying changes with their audit, and taking them back. Every change is an action of a dream:
who, what stood there before and after, made of what, and why. Invariant: undoing a dream right
after it leaves every memory, knowledge item and link byte for byte as it was (derived values, the
search index among them, are rebuilt), and its events held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, dreams, events, memories, search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.dreams import StoredAction, StoredDream
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.records import EventState, JournalLayer, RowId, handle_of

UNDO = "undo"
"""The phase of a dream that takes another one back."""
CURATION = "curate"
"""The phase of a dream that is a person's hand."""
MERGE = "merge"
"""The phase of the entry that notes what came from another anima."""
PERSON = "person"
"""The synthesizer of a row whose words or kind a person set."""
FADE = "fade"
"""What light sleep does to states: it may move what a person corrected as well."""
_A_PERSONS: Mapping[JournalLayer, tuple[str, ...]] = {
    "memory": ("summary", "content", "superseded_by", "synthesizer", "state"),
    "knowledge": ("content", "type", "superseded_by", "valid_until", "synthesizer", "archived"),
}
"""The columns of a row that stand once a person corrected it."""
_RECALLED: Mapping[JournalLayer, tuple[str, ...]] = {
    "memory": ("summary", "content", "session_id", "time_start", "time_end"),
    "knowledge": ("content", "memory_id", "valid_from"),
}
"""The columns of a row that recall reads; it reads no other layer."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row as it shall be; `after` None removes it."""

    layer: JournalLayer
    id: RowId
    after: Snapshot | None
    operation: str
    """What is done, as a verb: `synthesize`, `decay`, …."""
    sources: list[str] = field(default_factory=list)
    """Handles of what the change is made of."""
    reasoning: str = ""
    inputs: str = ""
    """Digest of what decided it; empty when it may be proposed again at any time."""
    model: str = ""
    """The language model that proposed it; empty when none did."""
    tokens: int = 0
    """Its share of what that took."""


@dataclass(frozen=True, slots=True)
class Run:
    """Who runs a dream, and when it began."""

    uuid: UUID
    phase: str
    actor: str
    started_at: datetime
    synthesizer: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did."""

    dream: StoredDream
    removed: list[str]
    restored: list[str]
    held: list[str]
    forgotten: list[str]
    """What it could not put back: it was erased meanwhile."""


def open_dream(tx: Tx, anima: StoredAnima, run: Run, *, now: datetime) -> RowId:
    """Begin a dream in the journal, as yet without actions."""
    id_ = animas.take_number(tx, anima.anima_no, "dream")
    dreams.add(tx, _dream(id_, run, now=now))
    animas.touch(tx, anima.anima_no)
    return id_


def apply(
    tx: Tx,
    anima: StoredAnima,
    dream: RowId,
    changes: Sequence[Change],
    *,
    counts: Mapping[str, int],
    now: datetime,
    tokens: int = 0,
) -> None:
    """Make the changes, each with its action, and add `counts` to the dream's.

    Raises:
        ConflictError: the dream was undone while it was still running, or would overwrite what a
            person corrected.
    """
    current = dreams.get(tx, dream)
    known = dict(current.counts) if current else {}
    merged = {key: known.get(key, 0) + counts.get(key, 0) for key in known.keys() | counts.keys()}
    if not dreams.extend(tx, dream, counts=merged, tokens=tokens, finished_at=now):
        raise ConflictError(f"{handle_of('dream', dream)} was undone while it was still running.")
    by_person = current is not None and current.phase == CURATION
    for change in changes:
        dreams.add_action(tx, dream, _perform(tx, anima, change, by_person=by_person))
    animas.touch(tx, anima.anima_no)


def is_corrected(snapshot: Snapshot) -> bool:
    """Whether a person set the words or the kind of this row: no dream changes them."""
    return snapshot.get("synthesizer") == PERSON


def consume(
    tx: Tx,
    anima: StoredAnima,
    dream: RowId,
    states: Mapping[RowId, EventState],
    *,
    state: EventState,
    now: datetime,
) -> None:
    """Move events on; `states` is what the dream saw.

    Raises:
        ConflictError: one of them was consumed, given back or forgotten meanwhile.
    """
    for event, before in states.items():
        if not events.set_state(tx, event, before=before, state=state, now=now):
            raise ConflictError(
                f"{_what_happened(tx, anima, event)} meanwhile; nothing was stored.",
                hint="Run `dream` again: it goes by what is there now.",
            )
        dreams.add_event(tx, dream, event, before)
    animas.recount_pending(tx, anima.anima_no)


def undo(tx: Tx, anima: StoredAnima, dream: StoredDream, run: Run, *, now: datetime) -> Undone:
    """Take a dream back: rows as they were before it, its events held.

    Raises:
        ConflictError: it was undone already, is itself an undo, or a later dream changed one of
            its rows; the message names that dream.
    """
    dream = dreams.get(tx, dream.id) or dream  # as it is now: another undo may have been faster
    _check_undoable(tx, dream)
    id_ = animas.take_number(tx, anima.anima_no, "dream")
    actions = dreams.actions_of(tx, dream.id)
    held, forgotten = _hold_events(tx, anima, dream, now=now)
    forgotten += [handle_of(a.layer, a.row_id) for a in actions if a.forgotten]
    taken_back = [action for action in reversed(actions) if not action.forgotten]
    removed = [handle_of(a.layer, a.row_id) for a in taken_back if a.before is None]
    restored = [handle_of(a.layer, a.row_id) for a in taken_back if a.before is not None]
    counts = {"removed": len(removed), "restored": len(restored), "events_held": len(held)}
    undoing = _dream(id_, run, now=now, undoes=dream.id, counts=counts)
    dreams.add(tx, undoing)
    for action in taken_back:
        _take_back(tx, anima, id_, action)
    dreams.mark_undone(tx, dream.id, by=id_)
    animas.touch(tx, anima.anima_no)
    return Undone(dream=undoing, removed=removed, restored=restored, held=held, forgotten=forgotten)


def _what_happened(tx: Tx, anima: StoredAnima, id_: RowId) -> str:
    """What became of an event that is no longer what a dream saw."""
    handle, event = handle_of("event", id_), events.get(tx, anima, id_)
    if event is None:
        return f"{handle} was forgotten"
    if event.event.state in (EventState.PENDING, EventState.HELD):
        return f"{handle} was given back"
    made = [dream for _, _, dream in dreams.history(tx, "event", id_) if dream.undone_by is None]
    by = f" by {made[-1].handle}" if made else ""
    return f"{handle} was made into memories{by}"


def stamp(snapshot: Snapshot, *, now: datetime) -> Snapshot:
    """The snapshot as the next version of its row."""
    return {**snapshot, "version": snapshot["version"] + 1, "updated_at": to_micros(now)}


def _dream(
    id_: RowId,
    run: Run,
    *,
    now: datetime,
    undoes: RowId | None = None,
    counts: dict[str, int] | None = None,
) -> StoredDream:
    return StoredDream(
        id=id_,
        uuid=run.uuid,
        phase=run.phase,
        actor=run.actor,
        synthesizer=run.synthesizer,
        started_at=run.started_at,
        finished_at=now,
        counts=counts or {},
        tokens=0,
        undoes=undoes,
        undone_by=None,
    )


def _perform(tx: Tx, anima: StoredAnima, change: Change, *, by_person: bool) -> StoredAction:
    before = memories.read_snapshot(tx, change.layer, change.id)
    if before is not None and not by_person:
        _respect_person(before, change)
    _replace(tx, anima, change.layer, change.id, before=before, after=change.after)
    kind = "create" if before is None else "delete" if change.after is None else "update"
    return StoredAction(
        kind=kind,
        layer=change.layer,
        row_id=change.id,
        before=before,
        after=change.after,
        sources=change.sources,
        reasoning=change.reasoning,
        operation=change.operation,
        inputs=change.inputs,
        model=change.model,
        tokens=change.tokens,
    )


def _respect_person(before: Snapshot, change: Change) -> None:
    """Let no dream overwrite a correction; what only fades is not overwritten.

    Raises:
        ConflictError: it would.
    """
    if not is_corrected(before):
        return
    after = change.after
    kept = [
        name for name in _A_PERSONS[change.layer] if change.operation != FADE or name != "state"
    ]
    if after is None or any(before[name] != after[name] for name in kept):
        row = handle_of(change.layer, change.id)
        raise ConflictError(
            f"{row} was corrected by a person; a dream does not change it.",
            hint=f"`curate_memory` changes {row}.",
        )


def _replace(
    tx: Tx,
    anima: StoredAnima,
    layer: JournalLayer,
    id_: RowId,
    *,
    before: Snapshot | None,
    after: Snapshot | None,
) -> None:
    """Write a row, and forget its vectors when it reads differently."""
    if before is not None and not _reads_same(layer, before, after):
        _forget_vectors(tx, anima, layer, id_)
    memories.write_snapshot(tx, layer, id_, after)


def _forget_vectors(tx: Tx, anima: StoredAnima, layer: JournalLayer, id_: RowId) -> None:
    if layer in ("memory", "knowledge"):  # the others have none
        search.forget_vectors(tx, anima.anima_no, layer, id_)


def _reads_same(layer: JournalLayer, before: Snapshot, after: Snapshot | None) -> bool:
    """Whether recall sees the same row."""
    names = _RECALLED.get(layer, ())
    return after is not None and all(before[name] == after[name] for name in names)


def _check_undoable(tx: Tx, dream: StoredDream) -> None:
    if dream.phase == MERGE:
        raise ConflictError(
            f"{dream.handle} notes what came from another anima; that cannot be undone.",
            hint="`forget_memory` and `curate_memory` take single rows away.",
        )
    if dream.undoes is not None:
        raise ConflictError(
            f"{dream.handle} is itself an undo and cannot be undone.",
            hint="Run `dream` to make memories of the events that it holds.",
        )
    if dream.undone_by is not None:
        raise ConflictError(
            f"{dream.handle} was already undone by {handle_of('dream', dream.undone_by)}."
        )
    for later, row in dreams.later_on_same_rows(tx, dream.id):
        name = handle_of("dream", later)
        what = f"changed {row}" if row else "used the same events"
        raise ConflictError(
            f"{dream.handle} cannot be undone: {name} {what} after it.", hint=f"Undo {name} first."
        )


def _hold_events(
    tx: Tx, anima: StoredAnima, dream: StoredDream, *, now: datetime
) -> tuple[list[str], list[str]]:
    """Give the dream's events back; returns those, and those that were forgotten meanwhile."""
    held: list[str] = []
    consumed = dreams.events_of(tx, dream.id)
    for event in events.get_many(tx, anima, consumed):
        events.set_state(tx, event.id, before=event.event.state, state=EventState.HELD, now=now)
        held.append(event.event.handle)
    animas.recount_pending(tx, anima.anima_no)
    known = set(held)
    return held, [one for id_ in consumed if (one := handle_of("event", id_)) not in known]


def _take_back(tx: Tx, anima: StoredAnima, undo_dream: RowId, action: StoredAction) -> None:
    current = memories.read_snapshot(tx, action.layer, action.row_id)
    _replace(tx, anima, action.layer, action.row_id, before=current, after=action.before)
    if current is None:  # a row that comes back stands before others
        _forget_vectors(tx, anima, action.layer, action.row_id)
    if current != action.after:
        row = handle_of(action.layer, action.row_id)
        raise ConflictError(f"{row} is not what the dream left; nothing was changed.")
    if action.inputs:
        dreams.decline(
            tx, action.layer, action.row_id, operation=action.operation, inputs=action.inputs
        )
    kind = {"create": "delete", "delete": "create"}.get(action.kind, "update")
    dreams.add_action(
        tx,
        undo_dream,
        StoredAction(
            kind=kind,
            layer=action.layer,
            row_id=action.row_id,
            before=action.after,
            after=action.before,
            sources=action.sources,
            reasoning="Taken back.",
            operation=UNDO,
        ),
    )
