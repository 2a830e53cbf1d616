"""Rules: what an operation must keep, whoever proposed it.

Owns one rule a kind, each with the sentence that a refusal reads. Invariant: no operation that
keeps the rules lowers what is pinned, raises trust, leaves a row without words, or says a number
that its sources do not have.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from elephantasm_mcp.memory import ledger
from elephantasm_mcp.memory.identity import PROSE_TOKENS
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.text import STOP_WORDS, terms, words
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import conflicts, events
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.operations import (
    Archive,
    Conflict,
    Identity,
    Merge,
    Operation,
    Reclassify,
    Refine,
    Retire,
    Split,
    Supersede,
)
from elephantasm_mcp.types.records import RowId, Trust

Rows: TypeAlias = Mapping[str, Row]
_NUMBER: Final = re.compile(r"\d+")


def broken_rule(  # noqa: C901 - one arm a kind
    tx: Tx, anima: StoredAnima, operation: Operation, rows: Rows
) -> str:
    """Why an operation on these rows may not be done; empty when it may."""
    match operation:
        case Merge():
            return _merge(tx, anima, operation, rows)
        case Split():
            return _split(tx, anima, operation, rows)
        case Refine():
            return _refine(tx, anima, operation, rows)
        case Supersede():
            return _supersede(rows[operation.older], rows[operation.newer])
        case Conflict():
            return _conflict(tx, anima, rows[operation.first], rows[operation.second])
        case Identity():
            return _identity(operation, rows)
        case Reclassify() | Retire():
            target = rows[operation.target]
            return _not_knowledge(target) or _pinned([target])
        case Archive():
            return _not_derived([rows[operation.target]]) or _pinned([rows[operation.target]])


def _merge(tx: Tx, anima: StoredAnima, operation: Merge, rows: Rows) -> str:
    keep, others = rows[operation.keep], [rows[handle] for handle in operation.others]
    if reason := _not_derived([keep, *others]):
        return reason
    if any(row.layer != keep.layer for row in others):
        return "Memories merge with memories and knowledge with knowledge only."
    if any(row.snapshot["trust"] != keep.snapshot["trust"] for row in others):
        return "What was told and what was only reported do not merge."
    if reason := _pinned(others):
        return reason
    if not operation.text:
        return ""
    return _pinned([keep]) or _ungrounded(tx, anima, [operation.text, operation.content], rows)


def _split(tx: Tx, anima: StoredAnima, operation: Split, rows: Rows) -> str:
    target = rows[operation.target]
    if target.layer != "memory":
        return f"{target.handle} is no memory; only memories are split."
    if reason := _pinned([target]):
        return reason
    sources = {id_ for layer, id_, _ in target.snapshot["links"] if layer == "event"}
    named = [rows[handle] for part in operation.parts for handle in part.sources]
    if foreign := [row.handle for row in named if row.id not in sources or row.layer != "event"]:
        return f"{foreign[0]} is no source of {target.handle}."
    texts = [text for part in operation.parts for text in (part.text, part.content)]
    empty = any(not words(part.text) for part in operation.parts)
    return "A part has no words." if empty else _ungrounded(tx, anima, texts, rows)


def _refine(tx: Tx, anima: StoredAnima, operation: Refine, rows: Rows) -> str:
    target = rows[operation.target]
    reason = _not_derived([target]) or _pinned([target])
    return reason or _ungrounded(tx, anima, [operation.text, operation.content], rows)


def _supersede(older: Row, newer: Row) -> str:
    if reason := _not_knowledge(older) or _not_knowledge(newer) or _pinned([older]):
        return reason
    if older.id == newer.id:
        return "A row cannot supersede itself."
    if _since(newer) <= _since(older):
        return f"{newer.handle} is not newer than {older.handle}."
    if newer.snapshot["trust"] == Trust.REPORTED != older.snapshot["trust"]:
        return f"{newer.handle} was only reported; it does not end what was told."
    if not _content_terms(older) & _content_terms(newer):
        return f"{newer.handle} does not speak of what {older.handle} says."
    return ""


def _conflict(tx: Tx, anima: StoredAnima, first: Row, second: Row) -> str:
    if reason := _not_derived([first, second]):
        return reason
    if first.layer != second.layer or first.id == second.id:
        return "A conflict is between two rows of one layer."
    pair: frozenset[RowId] = frozenset((first.id, second.id))
    for known in conflicts.list_for(tx, anima):
        if known.layer == first.layer and frozenset((known.first, known.second)) == pair:
            return f"It was asked before: {known.handle}."
    return ""


def _identity(operation: Identity, rows: Rows) -> str:
    if reported := [row.handle for row in rows.values() if row.snapshot["trust"] != Trust.TOLD]:
        return f"{reported[0]} was only reported; an identity is made of what was told."
    length = estimate_tokens(operation.prose)
    if length not in PROSE_TOKENS:
        return f"The prose has {length} tokens; it must have 70 to 100."
    return ""


def _not_derived(rows: Iterable[Row]) -> str:
    named = [row.handle for row in rows if row.layer == "event"]
    return f"{named[0]} is an event; events stay as they are." if named else ""


def _not_knowledge(row: Row) -> str:
    return "" if row.layer == "knowledge" else f"{row.handle} is no knowledge."


def _pinned(rows: Iterable[Row]) -> str:
    """Why a person's hand forbids a change."""
    for row in rows:
        if row.snapshot.get("pinned"):
            return f"{row.handle} is pinned."
        if row.layer in ("memory", "knowledge") and ledger.is_corrected(row.snapshot):
            return f"{row.handle} was corrected by a person."
    return ""


def _ungrounded(tx: Tx, anima: StoredAnima, texts: list[str], rows: Rows) -> str:
    """Why new words may not stand for these rows: they are none, or have a number of their own."""
    if not words(texts[0]):
        return "It would leave a row without words."
    derived = [row for row in rows.values() if row.layer != "event"]
    sources = {
        id_ for row in derived for layer, id_, _ in row.snapshot["links"] if layer == "event"
    }
    said = [event.event.content for event in events.get_many(tx, anima, sources)]
    said += [str(row.snapshot.get(name, "")) for row in derived for name in ("summary", "content")]
    known = set(_NUMBER.findall(" ".join(said)))
    own = [number for text in texts for number in _NUMBER.findall(text) if number not in known]
    return f"It says {own[0]}, which no source says." if own else ""


def _since(row: Row) -> int:
    since: int = row.snapshot["valid_from"] or row.snapshot["created_at"]
    return since


def _content_terms(row: Row) -> set[str]:
    return {term for term in terms(row.snapshot["content"]) if term not in STOP_WORDS}
