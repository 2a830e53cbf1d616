"""The index: the vectors of rows.

Owns which texts stand for a row in a vector, and making what is missing: by the worker right after
a write, and by a read that finds rows without. Words need no index: a read takes them as they are.
Invariant: indexing is idempotent and depends on the rows alone, so it does not matter who does it,
how often, or in what batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from elephantasm_mcp.errors import ServerError, UnreadableTextsError
from elephantasm_mcp.memory import outages
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.outages import Purpose
from elephantasm_mcp.ports import Embedder, Tx
from elephantasm_mcp.pure.labels import day
from elephantasm_mcp.store import animas, events, memories, search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.records import SEQ_BITS, AnimaNo, Layer, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.vectors import FloatMatrix

CONTEXT_CHARS = 300
"""How much of the previous turn goes into an event's word vector (recall.md)."""
REVIVING = "Are you there?"
MAX_TEXT_CHARS = 20_000
"""How much of a row is embedded: the models read less."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What stands for one row: for the sentence model, and for the word vectors."""

    id: RowId
    sentence: str
    context: str


def event_author(event: StoredEvent) -> str:
    """Who speaks in an event: the author, else the role, as a name."""
    return events.speaker(event.event.author, event.event.role)


async def prepare_read(core: Core, anima_no: AnimaNo, *, patience_s: float) -> None:
    """Make the vectors of an anima whole, for as long as the reader waits.

    With `patience_s` 0 nothing is waited for: no model is loaded, and rows without vectors take
    part by their words alone. `inf` waits for everything but a model that does not answer.

    Raises:
        StorageError: the database failed.
    """
    import anyio  # a pack without a query waits for nothing

    if patience_s > 0:
        with anyio.move_on_after(patience_s if isfinite(patience_s) else None):
            await load_embedders(core, purpose="read")
            usable = [one.name for one in ready_embedders(core, "read")]
            if await core.database.read(_is_behind, anima_no, usable):
                await _make_vectors(core, anima_no, purpose="read")
            if not models_of(core):  # then no background task asks for it
                from elephantasm_mcp.memory import segments

                await segments.pack(core, anima_no)


async def prepare_reads(core: Core, numbers: Iterable[AnimaNo], *, patience_s: float) -> None:
    """`prepare_read` of several animas, one after the other, for as long as the reader waits.

    Raises:
        StorageError: the database failed.
    """
    import anyio  # a pack without a query waits for nothing

    with anyio.move_on_after(patience_s if isfinite(patience_s) else None):
        for anima_no in numbers:
            await prepare_read(core, anima_no, patience_s=patience_s)


def _is_behind(tx: Tx, anima_no: AnimaNo, models: Sequence[str]) -> bool:
    anima, marked = animas.get(tx, anima_no), search.marks(tx, anima_no)
    return not all(
        search.is_whole(anima, marked, layer, model) for layer in LAYERS for model in models
    )


async def index_pending(core: Core, anima_no: AnimaNo) -> int:
    """Index all rows of an anima that are not indexed yet, and return how many vectors were made.

    Vectors are written for the models that are loaded and answer; the others follow when they do.
    The segments from which a cold anima is loaded are brought up to date too.

    Raises:
        StorageError: the database failed.
    """
    from elephantasm_mcp.memory import segments  # not for a pack without a query

    made = await _make_vectors(core, anima_no, purpose="index")
    await segments.pack(core, anima_no)
    return made


async def _make_vectors(core: Core, anima_no: AnimaNo, *, purpose: Purpose) -> int:
    """Make what is missing of the rows that are there now: who reads does not chase who writes.

    Words come first: they are quick, and never fail. What a model that fails owes stays owed.
    """
    until = (await core.database.read(animas.get, anima_no)).last_numbers
    made = 0
    for embedder in reversed(ready_embedders(core, purpose)):
        with suppress(ServerError):  # `core.outages` knows it
            for layer in LAYERS:
                made += await _index_layer(
                    core, anima_no, layer, embedder, purpose=purpose, until=until[layer]
                )
    return made


def ready_embedders(core: Core, purpose: Purpose) -> list[Embedder]:
    """The embedders that are loaded and not known to fail, the sentence model first."""
    now = core.clock.now()
    return [
        one for one in loaded_embedders(core) if not core.outages.rests(one.name, purpose, now=now)
    ]


def models_of(core: Core) -> dict[str, int]:
    """The models that are configured, with their dimensions, the sentence model first.

    One whose dimensions nobody knows yet is none of them.
    """
    return {one.name: one.dimensions for one in embedders(core) if one.dimensions}


def embedders(core: Core) -> list[Embedder]:
    """The embedders that are configured, the sentence model first."""
    return [one for one in (core.sentences, core.words) if one is not None]


def loaded_embedders(core: Core) -> list[Embedder]:
    """The embedders that can be used without loading, the sentence model first."""
    return [one for one in embedders(core) if one.loaded]


async def load_embedders(core: Core, *, purpose: Purpose = "index") -> None:
    """Load every model that is configured; the blocking part runs on a thread.

    One that cannot be loaded does not take part: `mode` shows it, `doctor` says why, and
    `core.outages` knows it.
    """
    for embedder in reversed(embedders(core)):
        if not embedder.loaded:
            with suppress(ServerError):
                await outages.load(core, embedder, purpose=purpose)


async def revive(core: Core) -> None:
    """Ask models that answered no read in time once more, for as long as that takes.

    A server puts a model away that is idle, reads it anew when it is asked, and gives that up when
    nobody waits any more: so no read alone would bring it back.
    """
    for embedder in ready_embedders(core, "index"):
        if core.outages.revives(embedder.name):
            with suppress(ServerError):
                await outages.encode(core, embedder, [REVIVING], purpose="index")


def entry_for_event(event: StoredEvent, before: StoredEvent | None) -> IndexEntry:
    """What stands for an event: date, author, words; for the word vectors the turn before too."""
    date, author = day(event.time), event_author(event)
    content = event.event.content[:MAX_TEXT_CHARS]
    said_before = (
        f"{event_author(before)}: {before.event.content[:CONTEXT_CHARS]}\n" if before else ""
    )
    return IndexEntry(
        id=event.id,
        sentence=f"[{date}] {author}: {content}",
        context=f"[{date}] {said_before}{author}: {content}",
    )


def entry_for_memory(one: StoredMemory) -> IndexEntry:
    """What stands for a memory: its summary; for the word vectors its content."""
    return IndexEntry(
        id=one.id,
        sentence=one.memory.summary or "",
        context=(one.memory.content or "")[:MAX_TEXT_CHARS],
    )


def entry_for_knowledge(one: StoredKnowledge) -> IndexEntry:
    """What stands for a knowledge item: what it says."""
    content = one.knowledge.content[:MAX_TEXT_CHARS]
    return IndexEntry(id=one.id, sentence=content, context=content)


def text_for(core: Core, embedder: Embedder, entry: IndexEntry) -> str:
    """The text of an entry that this model embeds."""
    return entry.context if embedder is core.words else entry.sentence


async def _index_layer(
    core: Core,
    anima_no: AnimaNo,
    layer: Layer,
    embedder: Embedder,
    *,
    purpose: Purpose,
    until: int,
) -> int:
    done = 0
    while True:
        step = await core.database.read(
            _next_step,
            anima_no,
            layer,
            embedder.name,
            rows=embedder.pace.rows,
            spared=core.outages.spared(embedder.name, layer, now=core.clock.now()),
        )
        if step is None or step.seen[0] >= until:
            return done
        ids = [entry.id for entry in step.entries]
        texts = [text_for(core, embedder, entry) for entry in step.entries]
        try:
            vectors = (
                await outages.encode(core, embedder, texts, purpose=purpose) if texts else None
            )
        except UnreadableTextsError as error:
            unread = [ids[place] for place in error.places]
            core.outages.spare(embedder.name, layer, unread, now=core.clock.now())
            continue
        core.outages.read(embedder.name, layer, ids)
        await core.database.write(_write_vectors, anima_no, layer, embedder.name, step, vectors)
        done += len(ids)


@dataclass(frozen=True, slots=True)
class _Step:
    """The next rows without a vector; with theirs, all up to `upto` have one."""

    entries: Sequence[IndexEntry]
    seen: tuple[int, int]
    """The mark and the epoch when they were read. If either moved, a vector may have been forgotten
    meanwhile: the mark stays where it is, and the rows above it are looked at anew."""
    upto: int
    with_gaps: bool
    """Whether rows among them are left out: then the mark stays below them, and does not tell
    readers of the vectors above it."""


def _next_step(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, rows: int, spared: frozenset[RowId]
) -> _Step | None:
    """What is to be done next; rows that are `spared` are left out."""
    anima = animas.get(tx, anima_no)
    marks = search.marks(tx, anima_no)
    if search.is_whole(anima, marks, layer, model):
        return None
    limit, marked = rows + len(spared), marks.get((layer, model), 0)
    found = search.without_vector(tx, anima, layer, model, limit=limit)
    owed, gaps = [one for one in found if one not in spared], spared.intersection(found)
    ids = owed[:rows]
    whole = len(found) < limit and ids == owed
    upto = anima.last_numbers[layer] if whole else _number(anima_no, ids[-1])
    upto = min([upto, *(_number(anima_no, id_) - 1 for id_ in gaps)])
    if not ids and upto <= marked:
        return None
    return _Step(
        entries=_ENTRIES[layer](tx, anima, ids) if ids else [],
        seen=(marked, anima.vector_epoch),
        upto=upto,
        with_gaps=bool(gaps),
    )


def _write_vectors(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, step: _Step, vectors: FloatMatrix | None
) -> None:
    """Store the vectors of those entries that still read as they did when they were embedded.

    What changed meanwhile keeps the mark below itself, and is found again.
    """
    anima = animas.get(tx, anima_no)
    now = {
        entry.id: entry for entry in _ENTRIES[layer](tx, anima, [one.id for one in step.entries])
    }
    same = [place for place, entry in enumerate(step.entries) if now.get(entry.id) == entry]
    changed = [one.id for one in step.entries if one.id in now and now[one.id] != one]
    if vectors is not None:
        ids = [step.entries[place].id for place in same]
        search.put_vectors(tx, layer, model, ids, vectors[same])
        for id_ in ids if step.with_gaps else ():
            search.note_change(tx, anima_no, layer, id_)
    upto = min([step.upto, *(_number(anima_no, id_) - 1 for id_ in changed)])
    marked = search.marks(tx, anima_no).get((layer, model), 0)
    as_seen = (marked, anima.vector_epoch) == step.seen
    # Set even where it stays: the marks say under which models there are vectors to forget.
    search.mark(tx, anima_no, layer, model, upto=upto if as_seen else marked)


def _number(anima_no: AnimaNo, id_: RowId) -> int:
    return id_ - (anima_no << SEQ_BITS)


def _event_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [
        entry_for_event(event, events.neighbours(tx, anima, event)[0])
        for event in events.get_many(tx, anima, ids)
    ]


def _memory_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [entry_for_memory(one) for one in memories.get_memories(tx, anima, ids)]


def _knowledge_entries(tx: Tx, anima: StoredAnima, ids: Sequence[RowId]) -> list[IndexEntry]:
    return [entry_for_knowledge(one) for one in memories.get_knowledge_many(tx, anima, ids)]


_ENTRIES: dict[Layer, Callable[[Tx, StoredAnima, Sequence[RowId]], list[IndexEntry]]] = {
    "event": _event_entries,
    "memory": _memory_entries,
    "knowledge": _knowledge_entries,
}
