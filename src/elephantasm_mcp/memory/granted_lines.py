"""Granted lines: what other animas contribute to a pack.

Owns which rows of the sources compete beside the reader's own, and how much room they may take.
Invariant: they take at most half of a section's share; identity, sessions and raw events of a
source never take part, and the reader's own lines are what they would be without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.memory import pack_items, recall
from elephantasm_mcp.memory.candidates import BEST, BEST_WORDS, MOST, ROWS_AT_ONCE, Lines
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import Granted
from elephantasm_mcp.memory.pack_items import Answers, Item
from elephantasm_mcp.memory.presets import KNOWLEDGE, LONG_TERM, SHARES
from elephantasm_mcp.memory.recall import Retrieved
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import packing
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.cache import StoredRow
from elephantasm_mcp.types.records import Layer

if TYPE_CHECKING:
    from elephantasm_mcp.pure.asking import Asked

HALF: Final = 0.5
"""Of a section's share, for what is granted."""
SECTIONS: Final[Mapping[str, Layer]] = {KNOWLEDGE: "knowledge", LONG_TERM: "memory"}
"""Where rows of which layer compete."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the sources found for a pack."""

    lines: Lines
    retrieved: Sequence[tuple[Granted, Retrieved]] = ()
    """What the query found in each; empty without one."""


def gather(
    tx: Tx,
    core: Core,
    reader: StoredAnima,
    sources: Sequence[Granted],
    asked: Asked | None,
    *,
    max_tokens: int,
    clock: datetime,
) -> Beside:
    """The lines of the sources, best first, as many as half of each share holds."""
    if asked is None:
        found = [_standing(tx, reader, one, clock=clock) for one in sources]
        return Beside(_capped(found, max_tokens=max_tokens))
    retrieved = [
        (one, recall.retrieve_granted(tx, core, one, asked, one.held.covers)) for one in sources
    ]
    found = [
        _found(tx, reader, one, got, max_tokens=max_tokens, clock=clock) for one, got in retrieved
    ]
    return Beside(_capped(found, max_tokens=max_tokens), retrieved)


def merged(own: Lines, beside: Lines) -> Lines:
    """Own lines and those of the sources, best first; of equal ones the own come first."""
    return {
        title: sorted([*items, *beside[title]], key=_place) if beside.get(title) else items
        for title, items in own.items()
    }


def _place(item: Item) -> tuple[float, bool, str, int]:
    return -item.score, item.granted is not None, item.own_handle[0], item.row.id


def _standing(tx: Tx, reader: StoredAnima, one: Granted, *, clock: datetime) -> Lines:
    """What matters and what is recent of a source, by the reader's dials."""
    rows: dict[str, list[StoredRow]] = {KNOWLEDGE: [], LONG_TERM: []}
    if "knowledge" in one.held.covers:
        rows[KNOWLEDGE] += memories.current_knowledge(tx, one.anima, limit=MOST)
    if "memory" in one.held.covers:
        both = memories.important_memories(tx, one.anima, limit=MOST)
        both += memories.latest_memories(tx, one.anima, limit=MOST)
        rows[LONG_TERM] += {row.id: row for row in both}.values()
    return {
        title: [
            _theirs(pack_items.standing_item(reader, row, clock=clock), one) for row in rows[title]
        ]
        for title in SECTIONS
    }


def _found(
    tx: Tx,
    reader: StoredAnima,
    one: Granted,
    retrieved: Retrieved,
    *,
    max_tokens: int,
    clock: datetime,
) -> Lines:
    """What a query found of a source above the floor, as much as it could have room for."""
    answers = Answers.of(retrieved.ranking)
    lines: Lines = {KNOWLEDGE: [], LONG_TERM: []}
    for title, layer in SECTIONS.items():
        room = _room(title, max_tokens=max_tokens)
        for rank, row in _rows(tx, one, retrieved, layer):
            standing = pack_items.standing_item(reader, row, clock=clock)
            best = len(lines[title]) < BEST
            words = BEST_WORDS if best else pack_items.RAW_WORDS
            item = pack_items.found_item(standing, answers, rank, max_words=words, clock=clock)
            lines[title].append(_theirs(item, one))
            room -= lines[title][-1].tokens
            if room < 0 or len(lines[title]) == MOST:
                break
    return lines


def _rows(
    tx: Tx, one: Granted, retrieved: Retrieved, layer: Layer
) -> Iterator[tuple[int, StoredRow]]:
    """The rows of a layer that are not weak, with their ranks, best first."""
    ranks = retrieved.ranks(layer) if layer in one.held.covers else []
    for start in range(0, len(ranks), ROWS_AT_ONCE):
        part = ranks[start : start + ROWS_AT_ONCE]
        keys = [retrieved.keys[rank] for rank in part]
        rows = recall.read_rows(tx, one.anima, retrieved.state, keys)
        yield from ((rank, rows[key]) for rank, key in zip(part, keys, strict=True))


def _theirs(item: Item, one: Granted) -> Item:
    """The same line under the source's name; another user's words are marked as such."""
    line = replace(item.line, handle=one.handle(item.line.handle))
    if one.held.is_foreign:
        line = replace(line, mark=pack_items.OUTSIDE)
    return replace(item, line=line, tokens=packing.cost_of(line), granted=one)


def _capped(found: Sequence[Lines], *, max_tokens: int) -> Lines:
    """The best of all sources that fit in half of each share; longer ones give way to shorter."""
    capped: Lines = {title: [] for title in SECTIONS}
    for title, kept in capped.items():
        room = _room(title, max_tokens=max_tokens)
        for item in sorted([item for lines in found for item in lines[title]], key=_place):
            if item.tokens + 1 <= room:
                kept.append(item)
                room -= item.tokens + 1
    return capped


def _room(title: str, *, max_tokens: int) -> int:
    return int(HALF * SHARES[title] * max_tokens)
