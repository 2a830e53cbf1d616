"""Rewording in the store: the words of rows replaced, everywhere at once.

Owns which columns and which parts of a snapshot are words. What they become is decided in
`memory/redaction.py`. Invariant: a row and its snapshots in the journal are reworded alike, so that
replaying the journal still gives the rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from elephantasm_mcp.ports import Row, Tx, Value
from elephantasm_mcp.pure.redaction import Mask, mask_json
from elephantasm_mcp.store import erasure, memories, search
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.erasure import JournalAction
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.values import from_json, to_json, to_micros
from elephantasm_mcp.types.records import RowId

_TEXTS = (
    *("summary", "content", "session_id", "prose", "personality_type", "communication_style"),
    *("self_reflection", "statements", "question"),
)


@dataclass(frozen=True, slots=True)
class EventTexts:
    """The words of one event."""

    id: RowId
    event_type: str
    texts: Mapping[str, str | None]
    """By column: content, author, role, session_id, summary, source_uri, dedupe_key."""
    meta: str


def events(tx: Tx, anima: StoredAnima) -> Iterator[EventTexts]:
    """The words of all events of an anima."""
    for row in tx.all("event_texts", **id_range(anima.anima_no)):
        id_, kind, meta = RowId(row.pop("id")), row.pop("event_type"), row.pop("meta")
        yield EventTexts(id_, kind, row, meta)


def put_event(
    tx: Tx,
    anima: StoredAnima,
    event: EventTexts,
    *,
    content_hash: bytes,
    tokens: int,
    found: int,
    now: datetime,
) -> None:
    """Write an event in its new words; its vectors are made anew."""
    texts: dict[str, Value] = dict(event.texts)
    tx.run(
        "reword_event",
        id=event.id,
        meta=event.meta,
        content_hash=content_hash,
        tokens=tokens,
        found=found,
        now=to_micros(now),
        **texts,
    )
    search.forget_vectors(tx, anima.anima_no, "event", event.id)


def derived(
    tx: Tx, anima: StoredAnima, layer: DerivedLayer, mask: Mask
) -> Iterator[tuple[RowId, Snapshot]]:
    """The memories or the knowledge that read otherwise in other words, as they then are."""
    for id_ in sorted(erasure.all_rows(tx, anima, layer)):
        before = memories.read_snapshot(tx, layer, id_)
        after = None if before is None else reword_snapshot(before, mask)
        if after is not None and after != before:
            yield id_, after


def put_derived(
    tx: Tx, anima: StoredAnima, layer: DerivedLayer, id_: RowId, after: Snapshot
) -> None:
    """Write a memory or a piece of knowledge in its new words; its vectors are made anew."""
    memories.write_snapshot(tx, layer, id_, after)
    search.forget_vectors(tx, anima.anima_no, layer, id_)


def journal(
    tx: Tx, anima: StoredAnima, mask: Mask
) -> Iterator[tuple[JournalAction, JournalAction]]:
    """The changes that read otherwise in other words: as they are, and as they then are."""
    for action in list(erasure.actions_with_words(tx, anima)):
        after = replace(
            action,
            before=_reword(action.before, mask),
            after=_reword(action.after, mask),
            reasoning=mask(action.reasoning)[0],
        )
        if after != action:
            yield action, after


def reword_others(tx: Tx, anima: StoredAnima, mask: Mask) -> None:
    """Put who an agent was, and what was asked, in other words."""
    bounds = id_range(anima.anima_no)
    for row in tx.all("identity_texts", **bounds):
        tx.run("reword_identity", **_reworded(row, mask))
    for row in tx.all("conflict_texts", **bounds):
        tx.run("reword_conflict", **_reworded(row, mask))


def _reworded(row: Row, mask: Mask) -> Row:
    return {name: mask(one)[0] if isinstance(one, str) else one for name, one in row.items()}


def reword_snapshot(snapshot: Snapshot, mask: Mask) -> Snapshot:
    """A row as the journal keeps it, in other words: its quotes as well."""
    after = dict(snapshot)
    for name in _TEXTS:
        if isinstance(after.get(name), str):
            after[name] = mask(after[name])[0]
    if "meta" in after:
        after["meta"] = to_json(mask_json(from_json(after["meta"]), mask))
    after["links"] = [
        [layer, id_, None if quote is None else mask(quote)[0]]
        for layer, id_, quote in snapshot["links"]
    ]
    return after


def _reword(text: str | None, mask: Mask) -> str | None:
    return None if text is None else to_json(reword_snapshot(from_json(text), mask))
