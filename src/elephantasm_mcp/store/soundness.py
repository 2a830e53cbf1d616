"""Soundness in the store: reading rows beside what must agree with them.

Owns those reads: events beside their hashes, rows beside the journal, packed segments beside rows.
Invariant: a range at a time, so that an anima of any size can be looked at; nothing is written.
"""

from collections.abc import Iterator

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import cache, memories, segments
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.values import from_json
from elephantasm_mcp.types.records import JournalLayer, RowId, handle_of, row_id

_STEP = 512
_LAYERS: tuple[JournalLayer, ...] = ("memory", "knowledge", "identity", "conflict")


def events(tx: Tx, anima: StoredAnima) -> Iterator[tuple[RowId, str, str, str, str, bytes]]:
    """Each event's id, type, content, author, session and hash."""
    for low, high in _ranges(anima, anima.last_numbers["event"]):
        for id_, event_type, content, author, session, digest in tx.tuples(
            "hashed_events", low=low, high=high
        ):
            yield RowId(id_), event_type, content, author, session, bytes(digest)


def unlike_journal(tx: Tx, anima: StoredAnima) -> Iterator[str]:
    """Handles of the rows that are not what the last change of the journal made them."""
    for layer in _LAYERS:
        known = layer == "memory" or layer == "knowledge"
        last = anima.last_numbers[layer] if known else anima.last_action  # a new row is an action
        for low, high in _ranges(anima, last):
            yield from _unlike(tx, layer, low, high)


def loose(tx: Tx, anima: StoredAnima) -> list[str]:
    """Handles of the rows that name an event which is not there."""
    rows = tx.tuples("loose_links", **id_range(anima.anima_no))
    return [handle_of(layer, RowId(id_)) for layer, id_ in rows]


def is_packed_alike(tx: Tx, anima: StoredAnima) -> bool:
    """Whether what is packed of an anima has the words that its rows have."""
    return cache.words_of(tx, anima, packed=True) == cache.words_of(tx, anima, packed=False)


def has_segments(tx: Tx, anima: StoredAnima) -> bool:
    """Whether anything is packed."""
    return segments.chain_of(tx, anima).rows > 0


def free_leases(tx: Tx, owner: str) -> int:
    """Let the jobs of a process that has ended wait again; returns how many."""
    return tx.run("free_dead_leases", owner=owner)


def _ranges(anima: StoredAnima, last: int) -> Iterator[tuple[int, int]]:
    for first in range(1, last + 1, _STEP):
        yield row_id(anima.anima_no, first), row_id(anima.anima_no, first + _STEP - 1)


def _unlike(tx: Tx, layer: JournalLayer, low: int, high: int) -> Iterator[str]:
    left: dict[int, tuple[str | None, bool]] = {}
    for id_, after, forgotten in tx.tuples("last_actions", layer=layer, low=low, high=high):
        left[id_] = (after, bool(forgotten))
    for id_, (after, forgotten) in left.items():
        row = memories.read_snapshot(tx, layer, RowId(id_))
        known = None if after is None else from_json(after)
        gone = tx.one("tombstone", layer=layer, id=id_) is not None
        if row != known and not (after is None and forgotten) and not (row is None and gone):
            yield handle_of(layer, RowId(id_))
