"""Making: the changes that an operation comes to, row by row.

Owns what each kind does to its rows. Checks nothing, writes nothing: the ledger does. Invariant: no
row is removed; what gives way points to what took its place, which has all its sources.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from elephantasm_mcp.memory import ledger
from elephantasm_mcp.memory.inputs import Row, RowKey, key
from elephantasm_mcp.memory.ledger import Change
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.scoring import confidence_together
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import to_json, to_micros
from elephantasm_mcp.types.operations import (
    Archive,
    Conflict,
    Identity,
    Merge,
    Operation,
    Part,
    Reclassify,
    Refine,
    Retire,
    Split,
    Supersede,
)
from elephantasm_mcp.types.records import JournalLayer, MemoryState, RowId, Trust


@dataclass(frozen=True, slots=True)
class Made:
    """The changes of one operation."""

    changes: list[Change]
    became: tuple[RowKey, ...]
    """Where to look for what its rows said; nothing for what was put away."""


@dataclass(frozen=True, slots=True)
class Making:
    """One operation on its way."""

    tx: Tx
    anima: StoredAnima
    rows: Mapping[str, Row]
    inputs: str
    """Digest of what decided it."""
    synthesizer: str
    model: str
    uuids: Iterator[UUID]
    now: datetime

    def make(self, operation: Operation) -> Made:
        """The changes that an operation, which was checked, comes to."""
        match operation:
            case Merge():
                return self._merge(operation)
            case Split():
                return self._split(operation)
            case Refine():
                return self._refine(operation)
            case Supersede():
                return self._supersede(operation)
            case Conflict():
                return self._conflict(operation)
            case Identity():
                return self._identity(operation)
            case Archive() | Retire() | Reclassify():
                return self._one(operation)
            case _:
                assert_never(operation)

    def _merge(self, operation: Merge) -> Made:
        keep, others = self.rows[operation.keep], [self.rows[each] for each in operation.others]
        merged = _merged(keep, others)
        if operation.text:
            merged |= _worded(keep, operation.text, operation.content)
            merged["synthesizer"] = self.synthesizer
        handles = [keep.handle, *operation.others]
        changes = [self._change(keep, merged, operation, sources=handles)]
        changes += [
            self._change(one, {"superseded_by": keep.id}, operation, sources=[keep.handle])
            for one in others
        ]
        return Made(changes, (key(keep),))

    def _split(self, operation: Split) -> Made:
        target = self.rows[operation.target]
        parts = [self._part(target, part, operation) for part in operation.parts]
        gone = self._change(target, {"superseded_by": parts[0].id}, operation)
        return Made([*parts, gone], tuple(("memory", part.id) for part in parts))

    def _part(self, target: Row, part: Part, operation: Split) -> Change:
        named = {self.rows[handle].id for handle in part.sources}
        links = [link for link in target.snapshot["links"] if not named or link[1] in named]
        row: Snapshot = {
            **target.snapshot,
            **_worded(target, part.text, part.content or part.text),
            "links": links,
            "synthesizer": self.synthesizer,
        }
        return self._creation("memory", row, operation, sources=[target.handle])

    def _refine(self, operation: Refine) -> Made:
        target = self.rows[operation.target]
        worded = _worded(target, operation.text, operation.content)
        change = self._change(target, worded | {"synthesizer": self.synthesizer}, operation)
        return Made([change], (key(target),))

    def _supersede(self, operation: Supersede) -> Made:
        older, newer = self.rows[operation.older], self.rows[operation.newer]
        since = newer.snapshot["valid_from"] or newer.snapshot["created_at"]
        ended = {"valid_until": since, "superseded_by": newer.id}
        return Made([self._change(older, ended, operation, sources=[newer.handle])], (key(newer),))

    def _one(self, operation: Archive | Retire | Reclassify) -> Made:
        target = self.rows[operation.target]
        changed: Snapshot = {"archived": 1}
        if isinstance(operation, Reclassify):
            changed = {"type": operation.knowledge_type.value}
        elif isinstance(operation, Retire):
            changed = {"archived": 1, "valid_until": to_micros(self.now)}
        elif target.layer == "memory":
            changed = {"state": MemoryState.ARCHIVED.value}
        return Made([self._change(target, changed, operation)], ())

    def _conflict(self, operation: Conflict) -> Made:
        pair = [self.rows[operation.first], self.rows[operation.second]]
        row: Snapshot = {
            "of_layer": pair[0].layer,
            "first_id": pair[0].id,
            "second_id": pair[1].id,
            "question": to_line(operation.question),
            "state": "open",
            "kept_id": None,
            "links": [[one.layer, one.id, None] for one in pair],
        }
        handles = [one.handle for one in pair]
        return Made([self._creation("conflict", row, operation, sources=handles)], ())

    def _identity(self, operation: Identity) -> Made:
        evidence = list(self.rows.values())
        row: Snapshot = {
            "personality_type": to_line(operation.personality_type) or None,
            "communication_style": to_line(operation.communication_style) or None,
            "self_reflection": _reflection(operation.self_reflection),
            "prose": to_line(operation.prose),
            "statements": to_json([one.model_dump() for one in operation.statements]),
            "synthesizer": self.synthesizer,
            "links": [[one.layer, one.id, None] for one in evidence],
        }
        handles = [one.handle for one in evidence]
        return Made([self._creation("identity", row, operation, sources=handles)], ())

    def _change(
        self,
        row: Row,
        changed: Snapshot,
        operation: Operation,
        *,
        sources: Sequence[str] = (),
    ) -> Change:
        after = ledger.stamp({**row.snapshot, **changed}, now=self.now)
        layer, id_ = key(row)
        return self._as_change(layer, id_, after, operation, sources=sources)

    def _creation(
        self, layer: JournalLayer, row: Snapshot, operation: Operation, *, sources: Sequence[str]
    ) -> Change:
        now = to_micros(self.now)
        id_ = animas.take_number(self.tx, self.anima.anima_no, layer)
        after = {
            **row,
            "uuid": next(self.uuids).hex,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        return self._as_change(layer, id_, after, operation, sources=sources)

    def _as_change(
        self,
        layer: JournalLayer,
        id_: RowId,
        after: Snapshot,
        operation: Operation,
        *,
        sources: Sequence[str],
    ) -> Change:
        return Change(
            layer=layer,
            id=id_,
            after=after,
            operation=operation.kind,
            sources=list(sources),
            reasoning=operation.reasoning,
            inputs=self.inputs,
            model=self.model,
        )


def _merged(keep: Row, others: Sequence[Row]) -> Snapshot:
    """What a row has of others that say the same: their sources, their time, their support."""
    rows = [keep.snapshot, *(one.snapshot for one in others)]
    merged: Snapshot = {
        "links": _joined(row["links"] for row in rows),
        "confidence": _confidence(rows),
        "provisional": int(all(row["provisional"] for row in rows)),
        "trust": Trust.TOLD.value
        if all(row["trust"] == Trust.TOLD for row in rows)
        else Trust.REPORTED.value,
    }
    if keep.layer == "memory":
        return merged | {
            "time_start": min(row["time_start"] for row in rows),
            "time_end": max(row["time_end"] for row in rows),
            "importance": max(row["importance"] for row in rows),
        }
    since = [row["valid_from"] for row in rows if row["valid_from"] is not None]
    return merged | {"valid_from": min(since, default=None)}


def _joined(links: Iterable[list[list[object]]]) -> list[list[object]]:
    """All links, each once."""
    return [list(one) for one in dict.fromkeys(tuple(link) for each in links for link in each)]


def _confidence(rows: Sequence[Snapshot]) -> float:
    """How sure it is what all of these rows say."""
    return confidence_together(
        (frozenset(id_ for layer, id_, _ in row["links"] if layer == "event"), row["confidence"])
        for row in rows
    )


def _worded(row: Row, text: str, content: str) -> Snapshot:
    """Other words for a row; a memory without a fuller text keeps the one it has."""
    if row.layer == "knowledge":
        return {"content": to_line(text)}
    return {"summary": to_line(text), "content": content or row.snapshot["content"]}


def _reflection(text: str) -> str | None:
    return to_json({"text": to_line(text)}) if text.strip() else None
