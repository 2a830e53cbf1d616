"""Soundness in the store: reading rows beside what must agree with them.

Owns those reads: events beside their hashes, rows beside the journal, packed segments beside rows.
Invariant: a range at a time, so that an anima of any size can be looked at; nothing is written.
"""

from collections.abc import Iterator

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import cache, memories, segments
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.ranges import ranges
from elephantasm_mcp.store.values import from_json
from elephantasm_mcp.types.records import JournalLayer, Layer, RowId, handle_of

_STEP = 512
_LAYERS: tuple[JournalLayer, ...] = ("memory", "knowledge", "identity", "conflict")


def events(tx: Tx, anima: StoredAnima) -> Iterator[tuple[RowId, str, str, str, str, bytes]]:
    """Each event's id, type, content, author, session and hash."""
    for low, high in ranges(tx, anima.anima_no, anima.last_numbers["event"], step=_STEP):
        for id_, event_type, content, author, session, digest in tx.tuples(
            "hashed_events", low=low, high=high
        ):
            yield RowId(id_), event_type, content, author, session, bytes(digest)


def unlike_journal(tx: Tx, anima: StoredAnima) -> Iterator[str]:
    """Handles of the rows that are not what the last change of the journal made them."""
    for layer in _LAYERS:
        known = layer == "memory" or layer == "knowledge"
        last = anima.last_numbers[layer] if known else anima.last_action  # a new row is an action
        for low, high in ranges(tx, anima.anima_no, last, step=_STEP):
            yield from _unlike(tx, layer, low, high)


def loose(tx: Tx, anima: StoredAnima) -> list[str]:
    """Handles of the rows that name an event which is not there."""
    rows = tx.tuples("loose_links", **id_range(anima.anima_no))
    return [handle_of(layer, RowId(id_)) for layer, id_ in rows]


def unfollowed(tx: Tx, anima: StoredAnima) -> Iterator[str]:
    """Handles of the rows whose place a row took that is not there, or in a circle they took."""
    after: dict[tuple[Layer, int], tuple[Layer, int]] = {}
    for layer, id_, later, there in tx.tuples("superseded", **id_range(anima.anima_no)):
        after[layer, id_] = layer, later
        if not there:
            yield handle_of(layer, RowId(id_))
    met: dict[tuple[Layer, int], tuple[Layer, int]] = {}
    for start in after:
        at = start
        while at in after and at not in met:
            met[at] = start
            at = after[at]
        if met.get(at) == start:  # back on this very way
            yield handle_of(at[0], RowId(at[1]))


def is_packed_alike(tx: Tx, anima: StoredAnima) -> bool:
    """Whether what is packed of an anima has the words that its rows have."""
    return cache.words_of(tx, anima, packed=True) == cache.words_of(tx, anima, packed=False)


def has_segments(tx: Tx, anima: StoredAnima) -> bool:
    """Whether anything is packed."""
    return segments.chain_of(tx, anima).rows > 0


def free_leases(tx: Tx, owner: str) -> int:
    """Let the jobs of a process that has ended wait again; returns how many."""
    return tx.run("free_dead_leases", owner=owner)


def _unlike(tx: Tx, layer: JournalLayer, low: int, high: int) -> Iterator[str]:
    left: dict[int, tuple[str | None, bool]] = {}
    for id_, after, forgotten in tx.tuples("last_actions", layer=layer, low=low, high=high):
        left[id_] = (after, bool(forgotten))
    for id_, (after, forgotten) in left.items():
        row = memories.read_snapshot(tx, layer, RowId(id_))
        gone = tx.one("tombstone", layer=layer, id=id_) is not None
        if (
            not _says(after, row)
            and not (after is None and forgotten)
            and not (row is None and gone)
        ):
            yield handle_of(layer, RowId(id_))


def _says(after: str | None, row: memories.Snapshot | None) -> bool:
    """Whether the journal's text, which may be damaged, is of this row."""
    try:
        return (None if after is None else from_json(after)) == row
    except StorageError:
        return False
