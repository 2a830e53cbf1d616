"""Erasure in the store: rows that go for good, and every other place that has their words.

Owns all statements that remove words: of rows, links, vectors, the journal's snapshots, what
clients saw. What shall go is decided in `memory/forgetting.py`. Invariant: of what went, ids,
kinds, times and digests of keys stay (tombstones), and a snapshot that stays names no row that
went; so replaying the journal still gives the rows.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import grants, memories, search, segments, trust, work_orders
from elephantasm_mcp.store import support as supports
from elephantasm_mcp.store.animas import StoredAnima, id_range, recount_pending
from elephantasm_mcp.store.events import key_digest
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.store.support import Support
from elephantasm_mcp.store.values import from_json, maybe_time, to_json, to_micros
from elephantasm_mcp.types.records import AnimaNo, JournalLayer, Layer, RowId, handle_of

Rows: TypeAlias = Mapping[Layer, frozenset[RowId]]
"""Rows of one anima by layer."""
Carries: TypeAlias = Callable[[Snapshot], bool]
"""Whether a row as it was, without its links to what goes, still says what was said there."""
_REFERENCE = re.compile(r'\["(event|memory|knowledge)",(\d+),|"(memory_id|superseded_by)":(\d+)')
_DERIVED: tuple[DerivedLayer, ...] = ("memory", "knowledge")


@dataclass(frozen=True, slots=True)
class JournalAction:
    """One change in the journal, with what it still says."""

    dream: RowId
    position: int
    layer: JournalLayer
    row_id: RowId
    before: str | None
    after: str | None
    sources: str
    reasoning: str


def rows_of_session(tx: Tx, anima: StoredAnima, session_id: str) -> list[RowId]:
    """The events of a session."""
    found = tx.tuples("events_of_session", anima_no=anima.anima_no, session_id=session_id)
    return [RowId(id_) for (id_,) in found]


def all_rows(tx: Tx, anima: StoredAnima, layer: Layer) -> frozenset[RowId]:
    """Every row of a layer."""
    found = tx.tuples(f"all_{layer}", **id_range(anima.anima_no))
    return frozenset(RowId(id_) for (id_,) in found)


def made_of(tx: Tx, rows: Rows) -> set[tuple[DerivedLayer, RowId]]:
    """What was made of any of these rows, and what was extracted from their memories."""
    found: set[tuple[DerivedLayer, RowId]] = set()
    for layer, ids in rows.items():
        linked = tx.tuples("made_of", source_layer=layer, ids=_json(ids))
        found |= {(derived, RowId(id_)) for derived, id_ in linked}
    for id_ in knowledge_in(tx, rows["memory"]):
        found.add(("knowledge", id_))
    return found


def knowledge_in(tx: Tx, memory_ids: Iterable[RowId]) -> list[RowId]:
    """What was extracted from some memories."""
    return [RowId(id_) for (id_,) in tx.tuples("knowledge_in", ids=_json(memory_ids))]


def forgotten_at(tx: Tx, layer: Layer, id_: RowId) -> datetime | None:
    """Since when a row is forgotten; None when it never was."""
    row = tx.one("tombstone", layer=layer, id=id_)
    return maybe_time(row["at"]) if row else None


def erased_at(tx: Tx, anima_no: AnimaNo) -> datetime | None:
    """When rows of an anima were erased last.

    Raises:
        LookupError: there is no such anima any more.
    """
    row = tx.one("erased_at", anima_no=anima_no)
    if row is None:
        raise LookupError(anima_no)
    return maybe_time(row["erased_at"])


def erase(tx: Tx, anima: StoredAnima, rows: Rows, *, carries: Carries, now: datetime) -> None:
    """Remove these rows, and what is left of them anywhere else in the database.

    Rows that stay lose their links to them, and what followed from these alone; a snapshot that
    `carries` their words is erased too.
    """
    touched = _touched(tx, anima, rows)
    support = supports.before(tx, touched, gone=rows["event"])
    _let_go(tx, touched, rows, support)
    for layer, ids in rows.items():
        _bury(tx, anima, layer, ids, now=now)
        tx.run("erase_actions_on", layer=layer, ids=_json(ids))
    work_orders.withdraw_showing(tx, anima.anima_no, rows["event"])
    _erase_conflicts(tx, anima, rows)
    _rewrite_journal(tx, anima, rows, carries, support)
    wipe_copies(tx, anima, now=now)


def give_back(tx: Tx, events: Iterable[RowId], *, now: datetime) -> None:
    """Let events be pending again, as if no dream had consumed them."""
    given = _json(events)
    tx.run("give_back", ids=given, now=to_micros(now))
    tx.run("erase_consumption", ids=given)
    tx.run("erase_unmade", ids=given)


def erase_rows(tx: Tx, anima_no: AnimaNo, layer: Layer, ids: Iterable[RowId]) -> None:
    """Remove rows of a layer with what is derived of them."""
    given = _json(ids)
    for id_ in ids:
        search.forget_vectors(tx, anima_no, layer, id_)
    tx.run("erase_links", layer=layer, ids=given)
    tx.run("erase_shown", layer=layer, ids=given)
    tx.run("erase_declined", layer=layer, ids=given)
    if layer == "event":
        tx.run("erase_unmade", ids=given)
    if layer == "memory":
        tx.run("erase_accesses", ids=given)
        tx.run("erase_folded_uses", ids=given)
    tx.run(f"erase_{layer}", ids=given)


def _bury(
    tx: Tx, anima: StoredAnima, layer: Layer, ids: frozenset[RowId], *, now: datetime
) -> None:
    """Remove rows of a layer, and leave tombstones by which an event's key is known again."""
    given = _json(ids)
    keys = tx.tuples("keys_of_events", ids=given) if layer == "event" else []
    erase_rows(tx, anima.anima_no, layer, ids)
    tx.run("add_tombstones", layer=layer, ids=given, now=to_micros(now))
    tx.many("keep_key_digest", [{"id": id_, "key_digest": key_digest(key)} for id_, key in keys])


def wipe_copies(tx: Tx, anima: StoredAnima, *, now: datetime) -> None:
    """Remove what holds words of an anima beside its rows, and have all copies made anew."""
    segments.drop(tx, anima.anima_no)
    tx.run("erase_reads", anima_no=anima.anima_no)
    tx.run("erase_answers", user_no=anima.user_no)
    tx.run("erase_job_errors", anima_no=anima.anima_no)
    tx.run("erase_call_errors", anima_no=anima.anima_no)
    tx.run("erase_plans", anima_no=anima.anima_no)
    tx.run("erase_notes", **id_range(anima.anima_no))
    recount_pending(tx, anima.anima_no)
    tx.run("note_erasure", anima_no=anima.anima_no, now=to_micros(now))
    tx.run("owe_scrub", now=to_micros(now))


def erase_everything(tx: Tx, anima: StoredAnima, *, now: datetime) -> None:
    """Empty an anima: its settings, its counters and the tombstones stay."""
    for layer in LAYERS:
        _bury(tx, anima, layer, all_rows(tx, anima, layer), now=now)
    tx.run("erase_all_actions", **id_range(anima.anima_no))
    tx.run("erase_identities", **id_range(anima.anima_no))
    tx.run("erase_all_conflicts", **id_range(anima.anima_no))
    work_orders.withdraw_all(tx, anima.anima_no)
    wipe_copies(tx, anima, now=now)


def delete_anima(tx: Tx, anima: StoredAnima, *, now: datetime) -> None:
    """Remove an anima with all it holds, its journal and its tombstones included."""
    bounds = id_range(anima.anima_no)
    erase_everything(tx, anima, now=now)
    tx.run("delete_dream_actions", **bounds)
    tx.run("delete_dream_events", **bounds)
    tx.run("delete_dreams", **bounds)
    for layer in LAYERS:
        tx.run("delete_tombstones", layer=layer, **bounds)
    tx.run("delete_marks", anima_no=anima.anima_no)
    tx.run("delete_row_changes", anima_no=anima.anima_no)
    tx.run("delete_jobs", anima_no=anima.anima_no)
    tx.run("delete_orders", anima_no=anima.anima_no)
    grants.end_all(tx, anima.anima_no, now=now)
    trust.remove_all(tx, anima.anima_no)
    tx.run("delete_anima", anima_no=anima.anima_no)


def identities(tx: Tx, anima: StoredAnima) -> list[tuple[RowId, str]]:
    """Who an agent was, by version, in words: with the handles of what shows it."""
    return [
        (RowId(row["id"]), " ".join(str(one) for name, one in row.items() if name != "id"))
        for row in tx.all("identity_texts", **id_range(anima.anima_no))
    ]


def erase_identity(tx: Tx, id_: RowId) -> None:
    """Remove one version of who an agent was, and what the journal says of it."""
    tx.run("erase_links", layer="identity", ids=_json([id_]))
    tx.run("erase_identity", id=id_)
    tx.run("erase_actions_on", layer="identity", ids=_json([id_]))


def is_scrub_owed(tx: Tx) -> bool:
    """Whether deleted bytes may still be in the files."""
    return tx.one("property", key="scrub owed") is not None


def note_scrub(tx: Tx) -> None:
    """Note that no deleted byte is left in the files."""
    tx.run("scrub_done")


def actions_with_words(tx: Tx, anima: StoredAnima) -> Iterator[JournalAction]:
    """The changes of an anima that still say what was changed."""
    for row in tx.tuples("actions_with_words", **id_range(anima.anima_no)):
        yield JournalAction(*row)


def rewrite_action(
    tx: Tx,
    action: JournalAction,
    *,
    before: str | None,
    after: str | None,
    reasoning: str,
    forgotten: bool = False,
) -> None:
    """Put other words into a change; with `forgotten` it can no longer be taken back."""
    tx.run(
        "rewrite_action",
        dream_id=action.dream,
        position=action.position,
        before=before,
        after=after,
        reasoning=reasoning,
        forgotten=int(forgotten),
    )


def _without(
    tx: Tx, layer: DerivedLayer, id_: RowId, snapshot: Snapshot, rows: Rows, support: Support
) -> Snapshot:
    """A snapshot without what refers to these rows, or rests on them."""
    let_go = {
        **snapshot,
        "links": [link for link in snapshot["links"] if RowId(link[1]) not in rows[link[0]]],
    }
    if snapshot["superseded_by"] in rows[layer]:
        let_go["superseded_by"] = None
    if snapshot.get("memory_id") in rows["memory"]:
        let_go["memory_id"] = None
    return supports.without(tx, layer, id_, snapshot, let_go, support)


def _touched(tx: Tx, anima: StoredAnima, rows: Rows) -> list[tuple[DerivedLayer, RowId]]:
    """What stays and was made of what goes, or superseded by it."""
    bounds = id_range(anima.anima_no)
    touched = made_of(tx, rows)
    for derived in _DERIVED:
        found = tx.tuples(f"superseded_{derived}", ids=_json(rows[derived]), **bounds)
        touched |= {(derived, RowId(id_)) for (id_,) in found}
    return sorted((layer, id_) for layer, id_ in touched if id_ not in rows[layer])


def _let_go(
    tx: Tx, touched: Iterable[tuple[DerivedLayer, RowId]], rows: Rows, support: Support
) -> None:
    """Take what goes out of the rows that stay; what it had superseded stands again."""
    for layer, id_ in touched:
        before = memories.read_snapshot(tx, layer, id_)
        if before is not None:
            after = _without(tx, layer, id_, before, rows, support)
            memories.write_snapshot(tx, layer, id_, after)


def _erase_conflicts(tx: Tx, anima: StoredAnima, rows: Rows) -> None:
    """Remove what was asked about rows that go, and what the journal says of it."""
    for layer in _DERIVED:
        found = tx.tuples(
            "conflicts_about", layer=layer, ids=_json(rows[layer]), **id_range(anima.anima_no)
        )
        given = _json(RowId(id_) for (id_,) in found)
        tx.run("erase_links", layer="conflict", ids=given)
        tx.run("erase_conflicts", ids=given)
        tx.run("erase_actions_on", layer="conflict", ids=given)


def _rewrite_journal(
    tx: Tx, anima: StoredAnima, rows: Rows, carries: Carries, support: Support
) -> None:
    """Take what goes out of every snapshot; reasons of the same dreams go with it."""
    handles = {handle_of(layer, id_) for layer, ids in rows.items() for id_ in ids}
    for action in list(actions_with_words(tx, anima)):
        layer = action.layer
        if layer == "identity" or layer == "conflict":  # erased whole, with its row
            continue
        texts = [one for one in (action.before, action.after) if one is not None]
        named = not handles.isdisjoint(json.loads(action.sources))
        if not named and not any(_refers(text, rows) for text in texts):
            continue

        def left(
            snapshot: Snapshot, layer: DerivedLayer = layer, id_: RowId = action.row_id
        ) -> Snapshot:
            return _without(tx, layer, id_, snapshot, rows, support)

        before, lost_before = _let_go_of(action.before, rows, carries, left)
        after, lost_after = _let_go_of(action.after, rows, carries, left)
        rewrite_action(
            tx,
            action,
            before=before,
            after=after,
            reasoning="",
            forgotten=lost_before or lost_after,
        )


def _refers(text: str, rows: Rows) -> bool:
    """Whether a snapshot may name one of the rows: the numbers of all layers are looked up."""
    numbers = {RowId(int(found[1] or found[3])) for found in _REFERENCE.findall(text)}
    return any(not ids.isdisjoint(numbers) for ids in rows.values())


def _let_go_of(
    text: str | None, rows: Rows, carries: Carries, letting_go: Callable[[Snapshot], Snapshot]
) -> tuple[str | None, bool]:
    """A snapshot without what goes, and whether all of it had to go."""
    if text is None or not _refers(text, rows):
        return text, False
    snapshot: Snapshot = from_json(text)
    left = letting_go(snapshot)
    made_of_it = any(left.get(name) != snapshot.get(name) for name in ("links", "memory_id"))
    if made_of_it and (not left["links"] or carries({**snapshot, "kept": left["links"]})):
        return None, True
    return to_json(left), False


def _json(ids: Iterable[RowId]) -> str:
    return json.dumps(sorted(ids))
