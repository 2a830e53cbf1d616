"""Operations: what deep sleep, a plan or a person's answer does to an anima.

Owns when an operation may be done, and doing it; `rules` says what it must keep, `making` what it
changes, the ledger alone writes. Invariant: a row is changed only when it lives, was shown to the
proposer, still is what it was then, and no other operation of the run changed it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from elephantasm_mcp.memory import inputs, ledger
from elephantasm_mcp.memory.inputs import Row, RowKey
from elephantasm_mcp.memory.making import Making
from elephantasm_mcp.memory.rules import broken_rule
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import dreams
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.types.operations import (
    MOST_PARTS,
    Conflict,
    Identity,
    Merge,
    Operation,
    Supersede,
    handles_of,
)
from elephantasm_mcp.types.records import JournalLayer, RowId

LARGEST_SHARE: Final = 0.2
"""Of the living rows of a layer, how many one run may change; one pair it always may."""
ALWAYS: Final = 2
_COUNTED: Final = {
    "merge": "merged",
    "split": "split",
    "refine": "refined",
    "archive": "archived",
    "supersede": "superseded",
    "reclassify": "reclassified",
    "retire": "retired",
    "conflict": "conflicts",
    "identity": "identity",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A proposed operation, with what its rows were when it was proposed."""

    operation: Operation
    inputs: Mapping[str, str]
    """The digest of each row that the proposer was shown and the operation names, by handle."""
    model: str = ""
    tokens: int = 0

    @property
    def digest(self) -> str:
        """All that decided it, as one."""
        shown = [
            f"{handle}={self.inputs.get(handle, '')}"
            for handle in sorted(set(handles_of(self.operation)))
        ]
        return blake2b(" ".join(shown).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was carried out."""

    planned: Planned
    touched: tuple[RowKey, ...]
    """The rows that stood there and read or stand differently now."""
    became: tuple[RowKey, ...]
    """Where to look for what they said; nothing for what was put away."""


@dataclass(slots=True)
class Progress:
    """What a run has done so far, and may do."""

    allowed: Mapping[DerivedLayer, int]
    changed: set[RowKey] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def fits(self, touched: Sequence[RowKey]) -> bool:
        """Whether these rows may be changed as well."""
        for layer, allowed in self.allowed.items():
            before = sum(1 for each, _ in self.changed if each == layer)
            more = sum(1 for each, _ in touched if each == layer)
            if more and before + more > allowed and not (before == 0 and more <= ALWAYS):
                return False
        return True


def allowance(*, memories: int, knowledge: int) -> dict[DerivedLayer, int]:
    """How many rows of each layer one run may change, of so many living ones."""
    return {
        "memory": max(1, int(memories * LARGEST_SHARE)),
        "knowledge": max(1, int(knowledge * LARGEST_SHARE)),
    }


def check(tx: Tx, anima: StoredAnima, planned: Planned, progress: Progress) -> dict[str, Row] | str:
    """The rows of an operation that may be done now, by handle; or why it may not."""
    operation, rows = planned.operation, dict[str, Row]()
    for handle in handles_of(operation):
        if handle not in planned.inputs:
            return f"{handle} was not shown."
        row = inputs.find(tx, anima, handle)
        if row is None or not inputs.lives(row):
            return f"{handle} is no longer there."
        if inputs.digest(row) != planned.inputs[handle]:
            return f"{handle} changed meanwhile."
        rows[handle] = row
    if isinstance(operation, Merge) and len(rows) <= len(operation.others):
        return "It names a row twice."
    return broken_rule(tx, anima, operation, rows) or _taken(operation, rows, progress) or rows


def touched_by(operation: Operation, rows: Mapping[str, Row]) -> tuple[RowKey, ...]:
    """The rows that an operation changes; not those that it rests on."""
    match operation:
        case Merge():
            named = [operation.keep, *operation.others]
        case Supersede():
            named = [operation.older]
        case Conflict() | Identity():
            return ()
        case _:
            named = [operation.target]
    return tuple(inputs.key(rows[handle]) for handle in named)


def carry_out(
    tx: Tx,
    anima: StoredAnima,
    dream: RowId,
    planned: Planned,
    progress: Progress,
    *,
    synthesizer: str,
    uuids: Iterator[UUID],
    now: datetime,
) -> Done | str:
    """Do one operation, an action a row; or say why it may not be done.

    Raises:
        ConflictError: the dream was undone while it was still running.
    """
    rows = check(tx, anima, planned, progress)
    if isinstance(rows, str):
        return rows
    made = Making(
        tx=tx,
        anima=anima,
        rows=rows,
        inputs=planned.digest,
        synthesizer=planned.model or synthesizer,
        model=planned.model,
        uuids=uuids,
        now=now,
    ).make(planned.operation)
    counts = {_COUNTED[planned.operation.kind]: _size(planned.operation)}
    first, *rest = made.changes  # the first bears the cost of all
    changes = [replace(first, tokens=planned.tokens), *rest]
    ledger.apply(tx, anima, dream, changes, counts=counts, now=now)
    touched = touched_by(planned.operation, rows)
    progress.changed.update(touched)
    progress.counts.update(counts)
    return Done(planned=planned, touched=touched, became=made.became)


def uuids_needed(operation: Operation) -> int:
    """How many new rows it may make, at most."""
    return MOST_PARTS if operation.kind == "split" else 1


def is_declined(
    tx: Tx,
    anima: StoredAnima,
    planned: Planned,
    declined: Mapping[tuple[str, RowId, str], str],
) -> bool:
    """Whether a person took it back, or a rehearsal failed, on the same inputs."""
    kind, digest = planned.operation.kind, planned.digest
    if kind in ("conflict", "identity"):  # the row that it made has gone with its number
        return any(each == kind and inputs == digest for (_, _, each), inputs in declined.items())
    keys = _keys(tx, anima, planned)
    return any(declined.get((layer, id_, kind)) == digest for layer, id_ in keys)


def decline(tx: Tx, anima: StoredAnima, planned: Planned) -> None:
    """Remember not to do it again on the same inputs."""
    kind = planned.operation.kind
    for layer, id_ in _keys(tx, anima, planned):
        dreams.decline(tx, layer, id_, operation=kind, inputs=planned.digest)


def _keys(tx: Tx, anima: StoredAnima, planned: Planned) -> list[tuple[JournalLayer, RowId]]:
    rows = (inputs.find(tx, anima, handle) for handle in handles_of(planned.operation))
    return [inputs.key(row) for row in rows if row is not None and row.layer != "event"]


def _taken(operation: Operation, rows: Mapping[str, Row], progress: Progress) -> str:
    touched = touched_by(operation, rows)
    taken = [row.handle for row in rows.values() if (row.layer, row.id) in progress.changed]
    if taken:
        return f"{taken[0]} is changed by another operation of this run."
    if not progress.fits(touched):
        return "It is beyond what one run may change: a fifth of the rows."
    return ""


def _size(operation: Operation) -> int:
    return len(operation.others) if isinstance(operation, Merge) else 1
