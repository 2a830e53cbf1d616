"""Standing: why a row is in a pack, or why it is not.

Owns the verdict on one row and its sentences. What goes into a pack is decided in `packs`, nothing
here. Invariant: a verdict is read off the very candidates that the pack was chosen from, so the two
cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Final

from elephantasm_mcp.memory import candidates, recall
from elephantasm_mcp.memory.pack_items import Item
from elephantasm_mcp.memory.packs import Compiled
from elephantasm_mcp.memory.recall import Found, Retrieved
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import packing
from elephantasm_mcp.pure.text import query_words, stem, terms
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.cache import StoredRow
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import DerivedLayer, StoredKnowledge, StoredMemory
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.records import EventState, Layer, MemoryState, RowId, handle_of
from elephantasm_mcp.types.views import Standing, Verdict

RAW: Final = (EventState.PENDING, EventState.HELD)
"""The states of events that compete without a query: no memory speaks for them yet."""
NAMED: Final = 3
"""How many words, rows or parts of a score a sentence names."""
TELLING: Final = 0.15
"""A part of a score is named from this share of it."""
PARTS: Final = {
    "words": "the words of the query",
    "alike": "words like those of the query",
    "meaning": "its meaning",
    "author": "who said it",
    "neighbours": "the turns around it",
    "session": "the session it belongs to",
    "time": "its time",
    "kind": "having the kind of answer that is asked for",
    "importance": "its importance",
    "confidence": "how certain it is",
    "recency": "how recent it is",
    "freshness": "how lately it was made or used",
}
"""The parts of scores in words."""


def judge(tx: Tx, row: StoredRow, compiled: Compiled | None) -> Standing:
    """Why a row is in the pack, or why not; without `compiled` there is no pack."""
    if compiled is None:
        return Standing(
            verdict="no pack", text="There is no pack yet: no event was recorded in this anima."
        )
    layer, handle = _name(row)
    standing = (
        _gone(tx, row, compiled)
        or _seated(compiled, row, handle)
        or _found(tx, row, compiled, layer=layer)
        or _unasked(tx, row, compiled)
    )
    common = {
        "query": compiled.pack.query,
        "mode": None if compiled.retrieved is None else compiled.retrieved.mode,
        "max_tokens": compiled.pack.max_tokens,
    }
    return standing.model_copy(update=common)


def successors(tx: Tx, layer: DerivedLayer, id_: RowId) -> list[RowId]:
    """What superseded a row, what superseded that, and so on: the last one holds now."""
    chain: list[RowId] = []
    while (snapshot := memories.read_snapshot(tx, layer, id_)) is not None:
        following = snapshot["superseded_by"]
        if following is None or following in chain:
            break
        id_ = RowId(following)
        chain.append(id_)
    return chain


def is_archived(tx: Tx, layer: DerivedLayer, id_: RowId) -> bool:
    """Whether a memory or a knowledge item was put away."""
    row = memories.read_snapshot(tx, layer, id_) or {}
    return bool(row.get("archived") or row.get("state") == MemoryState.ARCHIVED)


# What holds whatever is asked


def _gone(tx: Tx, row: StoredRow, compiled: Compiled) -> Standing | None:
    """For what was superseded or archived."""
    if isinstance(row, StoredEvent):
        return None
    layer: DerivedLayer = "memory" if isinstance(row, StoredMemory) else "knowledge"
    if row.superseded:
        chain = [handle_of(layer, id_) for id_ in successors(tx, layer, row.id)]
        told = ", and that by ".join(chain)
        text = f"superseded by {told}. {chain[-1]} is {_whereabouts(compiled, chain[-1])}."
        return _out("superseded", text, superseded_by=chain[0])
    if is_archived(tx, layer, row.id):
        return _out("archived", "it is archived. A search that includes archived rows finds it.")
    return None


# What competed


@dataclass(frozen=True, slots=True)
class _Seat:
    """A line that competed: where, at which rank, and at which line it reads if it is in."""

    section: str
    rank: int
    of: int
    line: int | None
    item: Item
    shorter: bool
    """Whether lines of lower rank are in."""


def _seat(compiled: Compiled, handle: str) -> _Seat | None:
    for title, items in compiled.candidates.items():
        handles = [item.line.handle for item in items]
        if handle in handles:
            place = handles.index(handle)
            lines = [item.line.handle for item in compiled.items[title]]
            return _Seat(
                section=title.removeprefix("## "),
                rank=place + 1,
                of=len(items),
                line=lines.index(handle) + 1 if handle in lines else None,
                item=items[place],
                shorter=not set(lines).isdisjoint(handles[place + 1 :]),
            )
    return None


def _seated(compiled: Compiled, row: StoredRow, handle: str) -> Standing | None:
    """For a line that competed: it is in, repeats one that is, or was cut by the budget."""
    seat = _seat(compiled, handle)
    if seat is None:
        return None
    raw = " as a raw event" if isinstance(row, StoredEvent) and row.event.state in RAW else ""
    if seat.line is not None:
        text = (
            f"In the pack{raw}: line {seat.line} of {seat.section} ({seat.item.reason}), rank"
            f" {seat.rank} of {seat.of}.{_telling(row, compiled, seat.item.scored.breakdown)}"
        )
        standing = Standing(verdict="in the pack", text=text)
    elif (other := _repeated(compiled, seat)) is not None:
        text = f"it says nearly the same as {other}, {_whereabouts(compiled, other)}."
        standing = _out("repeats another", text, duplicate_of=other)
    else:
        text = (
            f"cut by the budget of {compiled.pack.max_tokens:,} tokens at rank {seat.rank} of"
            f" {seat.of} in {seat.section}."
            + (" Shorter lines of lower rank still fitted." if seat.shorter else "")
            + (" It is decaying, and so counts less." if _decays(row) else "")
        )
        standing = _out("cut by the budget", text)
    item = seat.item
    figures = {
        "section": seat.section,
        "line": seat.line,
        "rank": seat.rank,
        "of": seat.of,
        "reason": item.reason,
        "score": item.scored.score,
        "breakdown": item.scored.breakdown,
        "similarity": item.similarity,
    }
    return standing.model_copy(update=figures)


def _repeated(compiled: Compiled, seat: _Seat) -> str | None:
    """The line in the pack that says nearly the same."""
    lines = [item.line for items in compiled.items.values() for item in items]
    other = packing.repeated(seat.item.line, lines)
    return None if other is None else other.handle


def _whereabouts(compiled: Compiled, handle: str) -> str:
    """Where another row stands, in a few words."""
    seat = _seat(compiled, handle)
    if seat is None:
        return "not in the pack either"
    if seat.line is not None:
        return f"line {seat.line} of {seat.section}"
    if (other := _repeated(compiled, seat)) is not None:
        return f"left out because {other} says nearly the same"
    return f"cut by the budget at rank {seat.rank} of {seat.of}"


def _telling(row: StoredRow, compiled: Compiled, breakdown: Mapping[str, float]) -> str:
    """What a row shares with the query, and the strongest parts of its score."""
    shared = _shared(row, compiled.pack.query or "") if compiled.retrieved else []
    common = f" It has {_listed(shared)} in common with the query." if shared else ""
    total = sum(part for part in breakdown.values() if part > 0)
    strong = sorted((-part, kind) for kind, part in breakdown.items() if part >= TELLING * total)
    if len(breakdown) < 2 or not strong:
        return common
    named = _listed(PARTS.get(kind, kind) for _, kind in strong[:NAMED])
    return f"{common} What speaks for it: {named}."


def _decays(row: StoredRow) -> bool:
    return isinstance(row, StoredMemory) and row.memory.state is MemoryState.DECAYING


# What did not compete


def _found(tx: Tx, row: StoredRow, compiled: Compiled, *, layer: Layer) -> Standing | None:
    """With a query: what it found of the row, or that it did not."""
    retrieved = compiled.retrieved
    if retrieved is None:
        return None
    rank = _rank(retrieved, layer, row.id)
    if rank is None:
        return _not_found(row, compiled.pack.query or "", mode=retrieved.mode)
    found = retrieved.at(rank)
    place = f"the query found it at rank {rank + 1} of {len(retrieved)}"
    if found.weak:
        alike = "," if retrieved.ranks(*LAYERS) else ", like that of all others,"
        text = (
            f"{place}, but its relevance to the query, {_down(found.relevance)}{alike} is"
            f" below the floor of {found.floor}."
        )
        standing = _out("below the floor", text)
    elif (event := _told_by(tx, retrieved, found)) is not None:
        text = (
            f"{event}, which it was made of, answers the query better and competes in its place:"
            f" {_whereabouts(compiled, event)}."
        )
        standing = _out("told by its source", text, told_by=[event])
    else:
        text = f"{place}, further down than {compiled.pack.max_tokens:,} tokens reach."
        standing = _out("outranked", text)
    figures = {
        "rank": rank + 1,
        "of": len(retrieved),
        "reason": recall.reason_of(row, worded=found.worded),
        "score": found.scored.score,
        "breakdown": found.scored.breakdown,
        "similarity": found.similarity,
        "relevance": found.relevance,
        "floor": found.floor,
    }
    return standing.model_copy(update=figures)


def _rank(retrieved: Retrieved, layer: Layer, id_: RowId) -> int | None:
    return retrieved.keys.index((layer, id_)) if (layer, id_) in retrieved.keys else None


def _told_by(tx: Tx, retrieved: Retrieved, found: Found) -> str | None:
    """The event that answers better than the memory that was made of it."""
    event = candidates.told_by(tx, retrieved).get((found.layer, found.id))
    return None if event is None else handle_of("event", event)


def _not_found(row: StoredRow, query: str, *, mode: str) -> Standing:
    if shared := _shared(row, query):
        why = f"it has {_listed(shared)} in common with it, but others match better"
    elif mode == recall.LEXICAL:
        why = "they have no word in common"
    else:
        why = "they have no word in common, and others are nearer in meaning"
    return _out("not found", f"the query did not find it: {why}.")


def _shared(row: StoredRow, query: str) -> list[str]:
    """The words of the query that the row has, in quotation marks."""
    mine = set(terms(recall.text_of(row)))
    return [f"“{word}”" for word in query_words(query) if stem(word) in mine]


def _unasked(tx: Tx, row: StoredRow, compiled: Compiled) -> Standing:
    """Without a query: an event of which something was made, and what came after all others."""
    if not isinstance(row, StoredEvent) or row.event.state in RAW:
        text = f"not among the {candidates.MOST} of its kind that matter most or came last."
        return _out("outranked", text)
    made = memories.links_to(tx, "event", row.id)
    living = [handle_of(layer, id_) for layer, id_ in made if _holds(tx, layer, id_)]
    if living:
        living.sort(key=lambda handle: not _is_in(compiled, handle))
        told = _listed(f"{handle} ({_whereabouts(compiled, handle)})" for handle in living)
        text = f"without a query, what was made of it speaks for it: {told}."
        return _out("told by what was made of it", text, told_by=living)
    why = (
        "what was made of it is superseded or archived."
        if made
        else "it was taken for small talk, and no memory was made of it."
    )
    return _out("made into nothing", f"{why} A query can still find it.")


def _holds(tx: Tx, layer: DerivedLayer, id_: RowId) -> bool:
    return not successors(tx, layer, id_) and not is_archived(tx, layer, id_)


def _is_in(compiled: Compiled, handle: str) -> bool:
    return any(item.line.handle == handle for items in compiled.items.values() for item in items)


# Words


def _out(verdict: Verdict, why: str, **figures: str | list[str]) -> Standing:
    return Standing(verdict=verdict, text=f"Not in the pack: {why}").model_copy(update=figures)


def _name(row: StoredRow) -> tuple[Layer, str]:
    match row:
        case StoredEvent(event=event):
            return "event", event.handle
        case StoredMemory(memory=memory):
            return "memory", memory.handle
        case StoredKnowledge(knowledge=knowledge):
            return "knowledge", knowledge.handle


def _listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; the first few of more."""
    named = list(parts)
    if len(named) > NAMED:
        return f"{', '.join(named[:NAMED])} and {len(named) - NAMED} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _down(relevance: float) -> str:
    """Three places, never rounded up to the floor."""
    return f"{floor(relevance * 1000) / 1000:.3f}"
