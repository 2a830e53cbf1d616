"""Corpora in memory: one per anima, the most recently used ones, bounded in bytes.

Owns nothing but copies. Invariant: a corpus is handed out only for the very state (epoch, revision,
marks) that the asking transaction sees; so a read never misses a committed row, never sees one that
is not, and nothing here has to be told of a write.

Of a state that is held only what changed since is read: new rows, those that `row_changes` names,
and vectors that were missing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.footprint import Footprint
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.corpus import Corpus, CorpusBuilder

DEFAULT_SIZE_BYTES = 256 * 1024 * 1024
KEPT_STATES = 4
"""Readers may be at work on the last few states of an anima at once."""

BYTES_PER_NOTE = 1_500
BYTES_PER_SOURCES = 300
"""What a line of a pack takes, and the sources of one memory, about; neither can be long."""

StoredRow = StoredEvent | StoredMemory | StoredKnowledge
_State = tuple[int, int, int]
"""An anima's epoch, its revision, and the sum of its marks; the last may fall with a new epoch."""


@dataclass(frozen=True, slots=True)
class AnimaState:
    """What is in memory of one state of an anima."""

    corpus: Corpus
    marks: search.Marks
    rows: dict[tuple[Layer, RowId], StoredRow] = field(default_factory=dict)
    """Rows that were read in this state; whoever reads more adds them."""
    made_of: dict[RowId, list[RowId]] = field(default_factory=dict)
    """The source events of memories, as far as somebody asked for them."""
    notes: dict[tuple[object, ...], object] = field(default_factory=dict)
    """What was worked out of them, while the state lasts; `memory/pack_items.py` adds it."""
    footprint: Footprint = field(default_factory=Footprint)

    @property
    def own_bytes(self) -> int:
        """What this state alone holds, about. For one thread at a time."""
        added = BYTES_PER_NOTE * len(self.notes) + BYTES_PER_SOURCES * len(self.made_of)
        return self.corpus.own_bytes + self.footprint.of(self.rows) + added


class CorpusCache:
    """The most recently used corpora, but for the one in use within bounds; for several threads."""

    def __init__(self, *, size_bytes: int = DEFAULT_SIZE_BYTES) -> None:
        self._size_bytes = size_bytes
        self._held: OrderedDict[AnimaNo, _Held] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What the cache holds now, about."""
        with self._lock:
            return sum(held.size_bytes for held in self._held.values())

    @property
    def entries(self) -> int:
        """How many animas it holds."""
        with self._lock:
            return len(self._held)

    def clear(self) -> None:
        """Drop everything: the next read of an anima is a cold one."""
        with self._lock:
            self._held.clear()

    def get(self, tx: Tx, anima: StoredAnima, models: Mapping[str, int]) -> AnimaState:
        """An anima as this transaction sees it; `models` maps names to dimensions."""
        with self._lock:
            held = self._held.get(anima.anima_no)
            if held is None or held.models != models:
                held = self._held[anima.anima_no] = _Held(models)
            self._held.move_to_end(anima.anima_no)
        found = held.at(tx, anima)
        if found is None:  # the transaction began before what is held was written
            return _Held(models).load(tx, anima, _state(tx, anima))
        self._shrink()
        return found

    def _shrink(self) -> None:
        with self._lock:
            size = sum(held.size_bytes for held in self._held.values())
            while size > self._size_bytes and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                size -= dropped.size_bytes


class _Held:
    """One anima: what grows, and its last few states."""

    def __init__(self, models: Mapping[str, int]) -> None:
        from elephantasm_mcp.pure.corpus import CorpusBuilder  # numpy: not at start-up

        self.models = models
        self._builder: CorpusBuilder = CorpusBuilder(models)
        self._epoch = 0
        """Whose rows the builder has."""
        self._states: OrderedDict[_State, AnimaState] = OrderedDict()
        self._latest: _State = (0, 0, 0)
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What it holds now, about: more than when it was loaded. For who has the cache's lock."""
        states = list(self._states.values())
        return self._builder.size_bytes + sum(state.own_bytes for state in states)

    def at(self, tx: Tx, anima: StoredAnima) -> AnimaState | None:
        """The anima at this transaction's state; None when only later ones can be made."""
        with self._lock:
            state = _state(tx, anima)
            if state in self._states:
                return self._states[state]
            return None if state < self._latest else self.load(tx, anima, state)

    def load(self, tx: Tx, anima: StoredAnima, state: _State) -> AnimaState:
        """Read what is new or changed, and keep the state."""
        self._latest = state
        builder = self._grown(tx, anima)
        corpus = builder.corpus(
            (LAYERS.index(layer), id_) for layer, id_ in search.hidden(tx, anima.anima_no)
        )
        found = self._states[state] = AnimaState(corpus, search.marks(tx, anima.anima_no))
        while len(self._states) > KEPT_STATES:
            self._states.popitem(last=False)
        return found

    def _grown(self, tx: Tx, anima: StoredAnima) -> CorpusBuilder:
        """The builder with all that there is now. If that fails, the next one begins anew."""
        from elephantasm_mcp.pure.corpus import CorpusBuilder

        builder, self._builder = self._builder, CorpusBuilder(self.models)
        if len(builder):
            changed = search.changes_after(tx, anima.anima_no, self._epoch)
            places = builder.places((LAYERS.index(one.layer), one.id) for one in changed)
            if len(places):
                self._states.clear()  # they have arrays of their own from now on, of any size
                builder.remove(places)
        else:
            builder = CorpusBuilder(self.models)
            from elephantasm_mcp.store import segments  # a pack without a query loads none

            changed = segments.load(tx, anima, builder)
        _add_rows(tx, anima.anima_no, builder, changed)
        for model in self.models:
            _add_vectors(tx, anima.anima_no, builder, model)
        self._builder, self._epoch = builder, anima.vector_epoch
        return builder


def _state(tx: Tx, anima: StoredAnima) -> _State:
    marks = search.marks(tx, anima.anima_no)
    return anima.vector_epoch, anima.revision, sum(marks.values())


def _add_rows(
    tx: Tx, anima_no: AnimaNo, builder: CorpusBuilder, changed: Sequence[search.RowChange]
) -> None:
    """Add what is new, and what the builder lacks because it changed."""
    for code, layer in enumerate(LAYERS):
        last = builder.last_id(code)
        before = [one.id for one in changed if one.layer == layer and one.id <= last]
        rows = search.rows_of(tx, layer, before)
        rows += search.rows_after(tx, anima_no, layer, after=last)
        if rows:
            builder.add([search.corpus_row(layer, row) for row in rows])


def _add_vectors(tx: Tx, anima_no: AnimaNo, builder: CorpusBuilder, model: str) -> None:
    from elephantasm_mcp.pure.vectors import from_blob

    for code, layer in enumerate(LAYERS):
        found = [
            one
            for first, last in builder.without_vector(model, code)
            for one in search.vectors_after(tx, anima_no, layer, model, after=first - 1, upto=last)
        ]
        if found:
            stored = from_blob(
                b"".join(blob for _, blob in found), dimensions=builder.models[model]
            )
            builder.set_vectors(model, code, [id_ for id_, _ in found], stored)


def words_of(tx: Tx, anima: StoredAnima, *, packed: bool) -> dict[tuple[int, int], tuple[str, ...]]:
    """The words of each row, by layer and id: as they are packed, or as the rows have them."""
    from elephantasm_mcp.pure.corpus import CorpusBuilder
    from elephantasm_mcp.store import segments

    builder = CorpusBuilder({})
    _add_rows(tx, anima.anima_no, builder, segments.load(tx, anima, builder) if packed else [])
    segment = builder.segment(0, len(builder))
    columns, found, at = segment.columns, dict[tuple[int, int], tuple[str, ...]](), 0
    for layer, id_, size in zip(columns["layers"], columns["ids"], columns["sizes"], strict=True):
        numbers = segment.tokens[at : at + size]
        found[int(layer), int(id_)] = tuple(segment.words[number] for number in numbers)
        at += size
    return found
