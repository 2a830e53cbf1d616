"""The journal in the store: dreams, their actions, and the events they consumed.

Owns those rows. `memory/ledger.py` decides what is written. Invariant: an action is added in
the transaction that makes its change and is never changed afterwards; a dream grows while its run
lasts, and then only gets the mark that a later dream took it back.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.animas import StoredAnima, anima_of, id_range
from elephantasm_mcp.store.events import NO_LIMIT
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import from_json, from_micros, to_json, to_micros, to_uuid
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import (
    EventState,
    JournalLayer,
    Layer,
    RowId,
    handle_of,
    row_id,
)


@dataclass(frozen=True, slots=True)
class StoredDream:
    """One run in the journal."""

    id: RowId
    uuid: UUID
    phase: str
    actor: str
    synthesizer: str
    started_at: datetime
    finished_at: datetime
    counts: dict[str, int]
    tokens: int
    undoes: RowId | None
    undone_by: RowId | None
    note: str = ""
    """What it has to say of itself: that it was rolled back, or that a model failed."""

    @property
    def handle(self) -> str:
        """`d` and its number."""
        return handle_of("dream", self.id)


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One change of a run."""

    kind: str
    layer: JournalLayer
    row_id: RowId
    before: Snapshot | None
    after: Snapshot | None
    sources: list[str]
    """Handles of what the change was made of."""
    reasoning: str
    operation: str
    inputs: str = ""
    """Digest of what decided it; an undone operation is not repeated on the same inputs."""
    model: str = ""
    """Who proposed it, when that was a model of another kind than the dream's synthesizer."""
    tokens: int = 0
    """Its share of what the call that proposed it took."""
    forgotten: bool = False
    """Its words were erased: it says only that it was, and cannot be taken back."""


def add(tx: Tx, dream: StoredDream) -> None:
    """Write a run, as yet without actions."""
    tx.run(
        "add_dream",
        id=dream.id,
        uuid=dream.uuid.bytes,
        phase=dream.phase,
        actor=dream.actor,
        synthesizer=dream.synthesizer,
        started_at=to_micros(dream.started_at),
        finished_at=to_micros(dream.finished_at),
        counts=to_json(dream.counts),
        tokens=dream.tokens,
        undoes=dream.undoes,
    )


def extend(
    tx: Tx, dream: RowId, *, counts: dict[str, int], tokens: int, finished_at: datetime
) -> bool:
    """Bring a run up to date that still goes on; False when it was undone meanwhile."""
    changed = tx.run(
        "extend_dream",
        id=dream,
        counts=to_json(counts),
        tokens=tokens,
        finished_at=to_micros(finished_at),
    )
    return changed > 0


def add_action(tx: Tx, dream: RowId, action: StoredAction) -> None:
    """Write one change of a run, behind all that the anima's journal has."""
    row = tx.one("take_action_number", anima_no=anima_of(dream))
    if row is None:
        raise LookupError(dream)
    tx.run(
        "add_dream_action",
        dream_id=dream,
        position=row["last"],
        kind=action.kind,
        layer=action.layer,
        row_id=action.row_id,
        before=_maybe_json(action.before),
        after=_maybe_json(action.after),
        sources=to_json(action.sources),
        reasoning=action.reasoning,
        operation=action.operation,
        inputs=action.inputs,
        model=action.model,
        tokens=action.tokens,
    )


def add_event(tx: Tx, dream: RowId, event: RowId, before: EventState) -> None:
    """Note that a run consumed an event."""
    tx.run("add_dream_event", dream_id=dream, event_id=event, before=before)


def get(tx: Tx, id_: RowId) -> StoredDream | None:
    """One run by row id."""
    row = tx.one("dream_by_id", id=id_)
    return _stored(row) if row else None


def find(tx: Tx, uuid: UUID) -> StoredDream | None:
    """One run by public id, whoever owns it."""
    row = tx.one("dream_by_uuid", uuid=uuid.bytes)
    return _stored(row) if row else None


def list_for(
    tx: Tx, anima: StoredAnima, *, after: Cursor | None = None, limit: int = NO_LIMIT
) -> list[StoredDream]:
    """The journal of an anima, newest first."""
    ids = id_range(anima.anima_no)
    if after is not None:
        ids["high"] = row_id(anima.anima_no, after.number) - 1
    rows = tx.all("list_dreams", limit=limit, **ids)
    return [_stored(row) for row in rows]


def actions_of(tx: Tx, dream: RowId) -> list[StoredAction]:
    """The changes of a run, in order."""
    return [_action(row) for row in tx.all("actions_of_dream", dream_id=dream)]


def events_of(tx: Tx, dream: RowId) -> list[RowId]:
    """The events that a run consumed."""
    return [RowId(event) for event, _ in tx.tuples("events_of_dream", dream_id=dream)]


def history(tx: Tx, layer: Layer, id_: RowId) -> list[tuple[str, str, StoredDream]]:
    """Kind, reasoning and run of every change of a row, or of an event's consumption."""
    if layer == "event":
        rows = tx.all("dreams_of_event", event_id=id_)
        return [("consume", "", _stored(row)) for row in rows]
    rows = tx.all("actions_on_row", layer=layer, row_id=id_)
    return [(row["kind"], row["reasoning"], _stored(row)) for row in rows]


def operations_on(tx: Tx, layer: JournalLayer, id_: RowId) -> set[str]:
    """What was done to a row by runs that stand."""
    return {operation for (operation,) in tx.tuples("operations_on", layer=layer, row_id=id_)}


def wordings_of(tx: Tx, knowledge: RowId) -> list[str]:
    """What a piece of knowledge said at any time, as far as the journal still has it."""
    return [text for (text,) in tx.tuples("wordings_of", row_id=knowledge)]


def consumed(tx: Tx, events: Iterable[RowId]) -> set[RowId]:
    """Those of these events that a run consumed which stands."""
    rows = tx.tuples("consumed_events", ids=json.dumps(list(events)))
    return {RowId(event) for (event,) in rows}


def later_on_same_rows(tx: Tx, dream: RowId) -> list[tuple[RowId, str]]:
    """Runs after this one that still stand on one of its rows: the run, and the row's handle."""
    on_rows = [
        (RowId(later), handle_of(layer, RowId(row)))
        for later, layer, row in tx.tuples("later_actions", dream_id=dream)
    ]
    consumers = [(RowId(later), "") for (later,) in tx.tuples("later_consumers", dream_id=dream)]
    return on_rows + consumers


def annotate(tx: Tx, dream: RowId, note: str) -> None:
    """Let a run say something of itself."""
    tx.run("annotate_dream", id=dream, note=note)


def mark_undone(tx: Tx, dream: RowId, *, by: RowId) -> bool:
    """Note that a run was taken back; False when it already was."""
    return tx.run("mark_undone", id=dream, undone_by=by) > 0


def decline(tx: Tx, layer: JournalLayer, id_: RowId, *, operation: str, inputs: str) -> None:
    """Remember that a person took an operation back, and on which inputs."""
    tx.run("decline", layer=layer, row_id=id_, operation=operation, inputs=inputs)


def declined(tx: Tx, anima: StoredAnima) -> dict[tuple[str, RowId, str], str]:
    """The inputs on which each operation (layer, row, operation) was taken back."""
    rows = tx.tuples("declined_operations", **id_range(anima.anima_no))
    return {(layer, RowId(row), operation): inputs for layer, row, operation, inputs in rows}


def _maybe_json(snapshot: Snapshot | None) -> str | None:
    return None if snapshot is None else to_json(snapshot)


def _stored(row: Row) -> StoredDream:
    return StoredDream(
        id=RowId(row["id"]),
        uuid=to_uuid(row["uuid"]),
        phase=row["phase"],
        actor=row["actor"],
        synthesizer=row["synthesizer"],
        started_at=from_micros(row["started_at"]),
        finished_at=from_micros(row["finished_at"]),
        counts=from_json(row["counts"]),
        tokens=row["tokens"],
        undoes=row["undoes"],
        undone_by=row["undone_by"],
        note=row["note"],
    )


def _action(row: Row) -> StoredAction:
    before: Any = row["before"]
    after: Any = row["after"]
    return StoredAction(
        kind=row["kind"],
        layer=row["layer"],
        row_id=RowId(row["row_id"]),
        before=None if before is None else from_json(before),
        after=None if after is None else from_json(after),
        sources=from_json(row["sources"]),
        reasoning=row["reasoning"],
        operation=row["operation"],
        inputs=row["inputs"],
        model=row["model"],
        tokens=row["tokens"],
        forgotten=bool(row["forgotten"]),
    )
