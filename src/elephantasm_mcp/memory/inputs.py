"""Inputs: the rows that an operation names, as they are now.

Owns finding them by their handles, and the digest that says whether one still is what decided the
operation. Invariant: a handle leads to a row of the given anima or to none.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.types.records import (
    LAYER_LETTERS,
    Layer,
    MemoryState,
    RowId,
    handle_of,
    parse_handle,
    row_id,
    unpack_row_id,
)

RowKey: TypeAlias = tuple[DerivedLayer, RowId]
_DECIDES: Final[Mapping[DerivedLayer, tuple[str, ...]]] = {
    "memory": ("summary", "content", "confidence", "pinned", "trust", "links"),
    "knowledge": ("content", "type", "confidence", "valid_from", "pinned", "trust", "links"),
}
"""What of a row decides what becomes of it, its links last; time and use are for light sleep."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that an operation names."""

    layer: Layer
    id: RowId
    handle: str
    snapshot: Snapshot
    """Of an event its `trust` and `author` alone."""


def find(tx: Tx, anima: StoredAnima, handle: str) -> Row | None:
    """The row of a handle; None when it is none of this anima's events, memories or knowledge."""
    parsed = parse_handle(handle)
    if parsed is None or parsed[0] not in LAYER_LETTERS:
        return None
    layer, id_ = LAYER_LETTERS[parsed[0]], row_id(anima.anima_no, parsed[1])
    if layer == "event":
        event = events.get(tx, anima, id_)
        snapshot = None if event is None else {"trust": event.event.trust.value}
    else:
        snapshot = memories.read_snapshot(tx, layer, id_)
    return None if snapshot is None else Row(layer, id_, handle_of(layer, id_), snapshot)


def digests(tx: Tx, anima: StoredAnima, handles: Iterable[str]) -> dict[str, str]:
    """What decides an operation on these rows, by handle; those that are not there are left out."""
    found = (find(tx, anima, handle) for handle in handles)
    return {row.handle: digest(row) for row in found if row is not None}


def digest(row: Row) -> str:
    """What of a row decides what becomes of it, in 16 characters; another once that changed."""
    if row.layer == "event":  # its words never change
        return "event"
    parts = [row.snapshot[name] for name in _DECIDES[row.layer][:-1]]
    # sources by number: the row says the same in another database, where its anima has another one
    parts.append(
        [[layer, unpack_row_id(id_)[1], quote] for layer, id_, quote in row.snapshot["links"]]
    )
    return blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def lives(row: Row) -> bool:
    """Whether it is neither superseded nor archived."""
    archived = row.snapshot.get("archived") or row.snapshot.get("state") == MemoryState.ARCHIVED
    return row.snapshot.get("superseded_by") is None and not archived


def key(row: Row) -> RowKey:
    """Layer and id of a memory or a knowledge item.

    Raises:
        LookupError: it is an event.
    """
    if row.layer == "event":
        raise LookupError(row.handle)
    return row.layer, row.id
