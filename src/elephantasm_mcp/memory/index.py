"""The index: making rows findable.

Owns which words and vectors stand for a row. Runs apart from the writes that need it: by the worker
right after them, and by a read that finds an unindexed tail. Invariant: indexing is idempotent and
depends on the rows alone, so it does not matter who does it, how often, or in what batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Embedder, Tx
from elephantasm_mcp.pure.labels import day
from elephantasm_mcp.pure.text import fts_text, words
from elephantasm_mcp.store import animas, events, memories, search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.search import IndexText
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.vectors import FloatMatrix

LAYERS: tuple[Layer, ...] = ("event", "memory", "knowledge")
BATCH_ROWS = 16
"""Rows embedded in one go: even 16 long texts take about 0.15 s, so that a stop is prompt."""
TEXT_BATCH_ROWS = 256
"""Rows whose words are indexed in one transaction."""
HEAD_CHARS = 200
"""How much of a neighbouring turn counts as context of an event (recall.md)."""
CONTEXT_CHARS = 300
"""How much of the previous turn goes into an event's word vector (recall.md)."""
MAX_TEXT_CHARS = 20_000
"""How much of a row is indexed: beyond it, no query would tell it from its beginning."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What stands for one row: `text` and `around` in the full text, the others as vectors."""

    id: RowId
    text: str
    around: str
    sentence: str
    context: str

    def as_text(self) -> IndexText:
        """The part for the full text."""
        return IndexText(
            id=self.id,
            text=fts_text(self.text),
            around=fts_text(self.around),
            words=len(words(self.text)),
        )


def event_author(event: StoredEvent) -> str:
    """Who speaks in an event: the author, else the role, as a name."""
    return event.event.author or (event.event.role or "user").capitalize()


def event_header(event: StoredEvent) -> str:
    """Date and author, as they stand before an event's words."""
    return f"[{day(event.time)}] {event_author(event)}:"


async def prepare_read(core: Core, anima_no: AnimaNo, *, patience_s: float) -> None:
    """Make an anima readable: its words whole, its vectors for as long as the reader waits.

    With `patience_s` 0 nothing is waited for: no model is loaded, and rows without vectors take
    part by their words alone. `inf` waits for everything.

    Raises:
        StorageError: the database failed.
    """
    await _index_all_texts(core, anima_no)
    if patience_s > 0:
        with anyio.move_on_after(patience_s if isfinite(patience_s) else None):
            await load_embedders(core)
            await _index_all_vectors(core, anima_no)


async def index_pending(core: Core, anima_no: AnimaNo) -> int:
    """Index all rows of an anima that are not indexed yet, and return how many there were.

    Vectors are written for the models that are loaded; the others follow when they are.

    Raises:
        StorageError: the database failed.
    """
    done = await _index_all_texts(core, anima_no)
    return done + await _index_all_vectors(core, anima_no)


def loaded_embedders(core: Core) -> list[Embedder]:
    """The embedders that can be used without waiting, the sentence model first."""
    return [one for one in (core.sentences, core.words) if one is not None and one.loaded]


async def load_embedders(core: Core) -> list[ServerError]:
    """Load every model that is configured; the blocking part runs on a thread.

    One that cannot be loaded does not take part: `mode` shows it, and `doctor` says why. Returns
    what went wrong.
    """
    broken: list[ServerError] = []
    for embedder in (core.words, core.sentences):
        if embedder is not None and not embedder.loaded:
            try:
                await anyio.to_thread.run_sync(embedder.load, abandon_on_cancel=True)
            except ServerError as error:
                broken.append(error)
    return broken


def entry_for_event(
    event: StoredEvent, before: StoredEvent | None, after: StoredEvent | None
) -> IndexEntry:
    """What stands for an event: its words, its header, and the heads of its neighbours."""
    own = f"{event_header(event)} {event.event.content[:MAX_TEXT_CHARS]}"
    heads = [one.event.content[:HEAD_CHARS] for one in (before, after) if one is not None]
    said_before = (
        f"{event_author(before)}: {before.event.content[:CONTEXT_CHARS]}\n" if before else ""
    )
    content = event.event.content[:MAX_TEXT_CHARS]
    return IndexEntry(
        id=event.id,
        text=own,
        around="\n".join(heads),
        sentence=own,
        context=f"[{day(event.time)}] {said_before}{event_author(event)}: {content}",
    )


async def _index_all_texts(core: Core, anima_no: AnimaNo) -> int:
    return sum([await _index_texts(core, anima_no, layer) for layer in LAYERS])


async def _index_all_vectors(core: Core, anima_no: AnimaNo) -> int:
    return sum(
        [
            await _index_vectors(core, anima_no, layer, embedder)
            for layer in LAYERS
            for embedder in loaded_embedders(core)
        ]
    )


async def _index_texts(core: Core, anima_no: AnimaNo, layer: Layer) -> int:
    done = 0
    while ids := await core.database.read(search.unindexed, anima_no, layer, limit=TEXT_BATCH_ROWS):
        await core.database.write(_write_texts, anima_no, layer, ids)
        done += len(ids)
    return done


def _write_texts(tx: Tx, anima_no: AnimaNo, layer: Layer, ids: Sequence[RowId]) -> None:
    """Index these rows, and anew the neighbours whose surroundings changed."""
    anima = animas.get(tx, anima_no)
    if layer == "event":
        ids = [*ids, *_renew_neighbours(tx, anima, ids)]
    entries = _ENTRIES[layer](tx, anima, ids)
    search.put_texts(tx, anima_no, layer, [entry.as_text() for entry in entries])


async def _index_vectors(core: Core, anima_no: AnimaNo, layer: Layer, embedder: Embedder) -> int:
    done = 0
    after = -1
    while entries := await core.database.read(
        _missing, anima_no, layer, embedder.name, after=after
    ):
        texts = [entry.context if embedder is core.words else entry.sentence for entry in entries]
        vectors = await anyio.to_thread.run_sync(embedder.encode, texts, abandon_on_cancel=True)
        await core.database.write(_write_vectors, anima_no, layer, embedder.name, entries, vectors)
        done += len(entries)
        after = max(entry.id for entry in entries)
    return done


def _write_vectors(
    tx: Tx,
    anima_no: AnimaNo,
    layer: Layer,
    model: str,
    entries: Sequence[IndexEntry],
    vectors: FloatMatrix,
) -> None:
    """Store the vectors of those entries that still read as they did when they were embedded."""
    anima = animas.get(tx, anima_no)
    now = {entry.id: entry for entry in _ENTRIES[layer](tx, anima, [one.id for one in entries])}
    same = [place for place, entry in enumerate(entries) if now.get(entry.id) == entry]
    ids = [entries[place].id for place in same]
    search.put_vectors(tx, anima_no, layer, model, ids, vectors[same])


def _missing(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, after: int
) -> list[IndexEntry]:
    ids = search.without_vector(tx, anima_no, layer, model, after=after, limit=BATCH_ROWS)
    return _ENTRIES[layer](tx, animas.get(tx, anima_no), ids) if ids else []


def _renew_neighbours(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[RowId]:
    """The rows next to these that the full text holds already.

    The vectors of those that follow are forgotten: they were made with another previous turn.
    """
    found: set[RowId] = set()
    for event in events.get_many(tx, anima, ids):
        before, after = events.neighbours(tx, anima, event)
        found |= {near.id for near in (before, after) if near is not None and near.indexed}
        if after is not None and after.indexed:
            search.forget_vectors(tx, anima.anima_no, "event", after.id)
    return sorted(found - set(ids))


def _event_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [
        entry_for_event(event, *events.neighbours(tx, anima, event))
        for event in events.get_many(tx, anima, ids)
    ]


def _memory_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [
        IndexEntry(
            id=one.id,
            text=f"{one.memory.summary}\n{one.memory.content}"[:MAX_TEXT_CHARS],
            around="",
            sentence=one.memory.summary or "",
            context=(one.memory.content or "")[:MAX_TEXT_CHARS],
        )
        for one in memories.get_memories(tx, anima, ids)
    ]


def _knowledge_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [
        IndexEntry(
            id=one.id,
            text=one.knowledge.content,
            around="",
            sentence=one.knowledge.content,
            context=one.knowledge.content,
        )
        for one in memories.get_knowledge_many(tx, anima, ids)
    ]


_ENTRIES: dict[Layer, Callable[[Tx, StoredAnima, Sequence[RowId]], list[IndexEntry]]] = {
    "event": _event_entries,
    "memory": _memory_entries,
    "knowledge": _knowledge_entries,
}
