"""Merging in the store: all rows of one anima under numbers of another.

Owns renumbering: every table that names a row by its id, and the journal's snapshots. What may be
merged is decided in `memory/merging.py`. Invariant: a row of number n comes to stand at n plus the
last number that the other anima had given out, in every place that names it; so what the journal
says of it stays true, and no number is given out twice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from elephantasm_mcp.ports import Row, Tx, Value
from elephantasm_mcp.store import animas, search, segments, work_orders
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.store.values import from_json, to_json, to_micros
from elephantasm_mcp.types.records import Layer, RowId

Kind: TypeAlias = Literal["event", "memory", "knowledge", "conflict", "dream"]
_KINDS: Final[tuple[Kind, ...]] = ("event", "memory", "knowledge", "conflict", "dream")
_DERIVED: Final[tuple[Kind, ...]] = ("memory", "knowledge", "conflict")
_LETTERS: Final[Mapping[str, Kind]] = {kind[0]: kind for kind in _KINDS}
_HANDLE: Final = re.compile(r"(?<![\w:])([emkcd])([1-9][0-9]{0,9})(?!\w)")


@dataclass(frozen=True, slots=True)
class Joined:
    """An event, and the one of the other anima that says the same."""

    old: RowId
    new: RowId


@dataclass(frozen=True, slots=True)
class _Shift:
    """By how much numbers rise, and ids."""

    source: StoredAnima
    target: StoredAnima
    numbers: Mapping[str, int]
    """The last ones that the target had given out, by kind; those of the journal as `action`."""
    given: Mapping[str, int]
    """The same of the source."""
    joined: Mapping[RowId, RowId]
    """The events of the target that stand for those of the source."""

    def by(self, kind: Kind) -> int:
        """What an id of that kind rises by."""
        return id_range(self.target.anima_no)["low"] - self.bounds["low"] + self.numbers[kind]

    @property
    def bounds(self) -> dict[str, int]:
        """The ids of the source."""
        return id_range(self.source.anima_no)

    def row(self, kind: Kind, id_: RowId) -> RowId:
        """The id that a row has afterwards."""
        stands_for = self.joined.get(id_) if kind == "event" else None
        return stands_for or RowId(id_ + self.by(kind))

    def renamed(self, text: str) -> str:
        """A text of ours with the handles that its rows have afterwards."""
        return _HANDLE.sub(self._handle, text)

    def _handle(self, found: re.Match[str]) -> str:
        kind, number = _LETTERS[found[1]], int(found[2])
        if number > self.given[kind]:  # no row that there ever was
            return found[0]
        low = id_range(self.target.anima_no)["low"]
        return f"{found[1]}{self.row(kind, RowId(self.bounds['low'] + number)) - low}"


def repeated(tx: Tx, source: StoredAnima, target: StoredAnima) -> list[Joined]:
    """The events of one anima that repeat one of the other: by key, else by content."""
    bounds = id_range(source.anima_no)
    found = [
        Joined(RowId(old), RowId(new))
        for old, new in tx.tuples("repeated_by_key", into_no=target.anima_no, **bounds)
    ]
    window = timedelta(seconds=target.settings.dedupe_window_s) // timedelta(microseconds=1)
    for old, content_hash, occurred_at in tx.tuples("unkeyed_events", **bounds):
        row = tx.one(
            "event_by_content",
            content_hash=content_hash,
            occurred_at=occurred_at,
            since=occurred_at - window,
            until=occurred_at + window,
            **id_range(target.anima_no),
        )
        if row is not None:
            found.append(Joined(RowId(old), RowId(row["id"])))
    return found


def move(tx: Tx, source: StoredAnima, target: StoredAnima, *, now: datetime) -> list[Joined]:
    """Put all rows of one anima into another; returns the events that it had already.

    The source keeps its name, settings and counters; its identity goes, and the target's stays.
    """
    joined = repeated(tx, source, target)
    shift = _Shift(
        source=source,
        target=target,
        numbers=_numbers(tx, target),
        given=_numbers(tx, source),
        joined={one.old: one.new for one in joined},
    )
    tx.run("defer_references")
    _forget_identity(tx, shift)
    _join(tx, source, joined, now=now)
    gone = [(layer, _ids(tx, source, layer)) for layer in LAYERS]
    _move_vectors(tx, shift)
    _move_rows(tx, shift)
    _move_journal(tx, shift)
    for layer, ids in gone:
        for id_ in ids:
            search.note_change(tx, source.anima_no, layer, id_)
    taken = {name: count for name, count in shift.given.items() if name != "packs"}
    tx.run("take_merged_numbers", anima_no=target.anima_no, **taken)
    _renew_neighbours(tx, shift)
    _settle(tx, source, target, now=now)
    return joined


def _numbers(tx: Tx, anima: StoredAnima) -> dict[str, int]:
    row = tx.one("merge_numbers", anima_no=anima.anima_no)
    if row is None:
        raise LookupError(anima.anima_no)
    return dict(row)


def _ids(tx: Tx, anima: StoredAnima, layer: Layer) -> list[RowId]:
    return [RowId(id_) for (id_,) in tx.tuples(f"all_{layer}", **id_range(anima.anima_no))]


def _forget_identity(tx: Tx, shift: _Shift) -> None:
    """Who the agent was there is shown by what it said; deep sleep looks at that again here."""
    tx.run("erase_identities", **shift.bounds)
    tx.run("identity_actions", **shift.bounds)
    tx.run("identity_links", **shift.bounds)


def _join(tx: Tx, source: StoredAnima, joined: list[Joined], *, now: datetime) -> None:
    """Let events that the target has stand for those of the source.

    One that a dream of the target consumed stays consumed by that one alone.
    """
    for one in joined:
        if tx.run("join_event_state", old=one.old, new=one.new, now=to_micros(now)):
            tx.run("join_consumption", old=one.old, new=one.new)
        tx.run("join_links", old=one.old, new=one.new)
        search.forget_vectors(tx, source.anima_no, "event", one.old)
    gone = to_json([one.old for one in joined])
    tx.run("erase_consumption", ids=gone)
    tx.run("erase_unmade", ids=gone)
    tx.run("erase_event", ids=gone)


def _move_vectors(tx: Tx, shift: _Shift) -> None:
    """Vectors go with their rows; those of events only where each has the neighbour it had."""
    known = search.marks(tx, shift.target.anima_no)
    for layer, model in search.marks(tx, shift.source.anima_no):
        place = {"layer": layer, "model": model, **shift.bounds}
        if layer == "event" and shift.joined:
            tx.run("drop_vectors", **place)
        else:
            tx.run("move_vectors", by=shift.by(layer), **place)
        if (layer, model) not in known:
            search.mark(tx, shift.target.anima_no, layer, model, upto=0)
    tx.run("delete_marks", anima_no=shift.source.anima_no)


def _move_rows(tx: Tx, shift: _Shift) -> None:
    bounds, by = shift.bounds, shift.by
    tx.run("move_event", by=by("event"), **bounds)
    tx.run("move_memory", by=by("memory"), **bounds)
    tx.run("move_knowledge", by=by("knowledge"), memories=by("memory"), **bounds)
    tx.run(
        "move_conflicts",
        by=by("conflict"),
        memories=by("memory"),
        knowledge=by("knowledge"),
        **bounds,
    )
    packs = shift.numbers["packs"] - shift.given["packs"]
    for layer in _DERIVED:
        tx.run("move_links", layer=layer, by=by(layer), **bounds)
        tx.run("move_declined", layer=layer, by=by(layer), **bounds)
        tx.run("move_shown", layer=layer, by=by(layer), packs=packs, **bounds)
    for source_layer in LAYERS:
        place: dict[str, Value] = {"layer": source_layer, "by": by(source_layer), **bounds}
        tx.run("move_link_sources", **place)
        tx.run("move_tombstones", **place)
    tx.run("move_accesses", by=by("memory"), **bounds)
    tx.run("move_folded_uses", by=by("memory"), **bounds)
    tx.run("move_unmade", by=by("event"), **bounds)


def _move_journal(tx: Tx, shift: _Shift) -> None:
    bounds = shift.bounds
    actions = tx.all("actions_to_move", **bounds)
    tx.many("move_action", [_action(shift, action) for action in actions])
    tx.run(
        "move_dream_events",
        by=shift.by("dream"),
        events=shift.by("event"),
        first_event=bounds["low"],
        last_event=bounds["high"],
        **bounds,
    )
    for note in tx.all("dream_notes", **bounds):
        tx.run("annotate_dream", id=note["id"], note=shift.renamed(note["note"]))
    tx.run("move_dreams", by=shift.by("dream"), **bounds)
    tx.run(
        "move_calls",
        anima_no=shift.source.anima_no,
        into_no=shift.target.anima_no,
        by=shift.by("dream"),
    )


def _action(shift: _Shift, action: Row) -> dict[str, Value]:
    """A change as `move_action` takes it."""
    return {
        "dream_id": action["dream_id"],
        "position": action["position"],
        "new_dream": shift.row("dream", action["dream_id"]),
        "new_position": action["position"] + shift.numbers["action"],
        "new_row": shift.row(action["layer"], action["row_id"]),
        "before": _snapshot(shift, action["before"]),
        "after": _snapshot(shift, action["after"]),
        "sources": to_json([shift.renamed(one) for one in from_json(action["sources"])]),
        "reasoning": shift.renamed(action["reasoning"]),
    }


def _snapshot(shift: _Shift, text: str | None) -> str | None:
    """What the journal has of a row, under other numbers."""
    if text is None:
        return None
    snapshot: Snapshot = from_json(text)
    moved = {
        **snapshot,
        "links": [
            [layer, shift.row(layer, RowId(id_)), quote] for layer, id_, quote in snapshot["links"]
        ],
    }
    layer: Kind = snapshot.get("of_layer") or ("knowledge" if "type" in snapshot else "memory")
    named: dict[str, Kind] = {
        "superseded_by": layer,
        "memory_id": "memory",
        "first_id": layer,
        "second_id": layer,
        "kept_id": layer,
    }
    for name, kind in named.items():
        if snapshot.get(name) is not None:
            moved[name] = shift.row(kind, RowId(snapshot[name]))
    return to_json(moved)


def _renew_neighbours(tx: Tx, shift: _Shift) -> None:
    """Vectors of events were made with the one before them, which may be another one now."""
    bounds = id_range(shift.target.anima_no)
    boundary = bounds["low"] + shift.numbers["event"]
    for (id_,) in tx.tuples("between_others", boundary=boundary, **bounds):
        search.forget_vectors(tx, shift.target.anima_no, "event", RowId(id_))


def _settle(tx: Tx, source: StoredAnima, target: StoredAnima, *, now: datetime) -> None:
    """Drop what was kept of the source's rows, and count both anew."""
    segments.drop(tx, source.anima_no)
    work_orders.withdraw_all(tx, source.anima_no)
    tx.run("delete_orders", anima_no=source.anima_no)
    for anima in (source, target):
        tx.run("erase_plans", anima_no=anima.anima_no)
        tx.run("erase_reads", anima_no=anima.anima_no)
        tx.run("note_erasure", anima_no=anima.anima_no, now=to_micros(now))
        animas.recount_pending(tx, anima.anima_no)
