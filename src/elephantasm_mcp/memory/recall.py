"""Recall: finding events, memories and knowledge by a query.

Owns retrieval: candidates by words and by vectors, their signals, their order. The weights are in
`pure/scoring.py`. Invariant: a read never misses what was acknowledged (an unindexed tail is
indexed first), and it never degrades silently: `mode` names the models that took part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import animas, index
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import scoring
from elephantasm_mcp.pure.scoring import Scored
from elephantasm_mcp.pure.text import fts_quote, query_words, repair, stem, words
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store import search as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId, UserNo
from elephantasm_mcp.types.views import Reason, SearchHit, SearchHits, SearchQuery

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANDIDATES = 100
"""How many rows each signal nominates in a layer: 60 cost half a point of recall (recall.md)."""
MAX_QUERY_CHARS = 4_000
OWN_WEIGHT = 1.5
AROUND_WEIGHT = 0.5
"""What a term counts in a row's own words, and in its neighbours' heads (recall.md)."""
PREVIOUS_SHARE = 0.6
NEXT_SHARE = 0.4
"""How much of a neighbouring turn's relevance an event inherits."""
LEXICAL = "lexical"

StoredRow = StoredEvent | StoredMemory | StoredKnowledge
_Neighbours = tuple[StoredEvent | None, StoredEvent | None]


@dataclass(frozen=True, slots=True)
class Found:
    """One row that was found, with its score."""

    layer: Layer
    id: RowId
    row: StoredRow
    scored: Scored
    similarity: float | None

    @property
    def weak(self) -> bool:
        """Whether it is not believed to answer the query."""
        return scoring.is_weak(self.scored.score, similarity=self.similarity)


@dataclass(frozen=True, slots=True)
class Question:
    """A query, prepared: its words and its vectors by model."""

    words: tuple[str, ...]
    text: str
    vectors: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What limits a search; all of them None or empty means everything that recall shows."""

    session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    include_archived: bool = False


async def search(
    core: Core, user: UserNo, query: SearchQuery, *, patience_s: float = 0.0
) -> SearchHits:
    """The rows that answer a query, best first. Ranked hits are never dropped, but marked weak.

    Waits up to `patience_s` for the embedders and the vectors; `mode` says what took part.

    Raises:
        ValidationError: the query has no word.
        NotFoundError: an unknown anima.
    """
    anima = await animas.find(core, user, query.anima)
    await index.prepare_read(core, anima.anima_no, patience_s=patience_s)
    question = await prepare(core, query.query)
    filters = Filters(query.session_id, query.since, query.until, query.include_archived)
    return await core.database.read(
        _search, core, anima.anima_no, question, query.layers, filters, limit=query.limit
    )


def mode_of(tx: Tx, anima: StoredAnima, question: Question, layers: Collection[Layer]) -> str:
    """The models that take part; one that has not seen every row of the layers is `partial`."""
    totals = store.totals(tx, anima.anima_no)
    parts = [LEXICAL]
    for model in question.vectors:
        whole = all(
            totals.get((layer, model), store.Totals()).rows
            >= totals.get((layer, store.TEXT), store.Totals()).rows
            for layer in layers
        )
        parts.append(model if whole else f"{model} (partial)")
    return " + ".join(parts)


async def prepare(core: Core, query: str) -> Question:
    """Read a query: mend it, take its words, and embed it with the models that are loaded.

    Raises:
        ValidationError: the query has no word.
    """
    text = repair(query)[0].strip()[:MAX_QUERY_CHARS]
    if not words(text):
        raise ValidationError(
            "`query` has no word to search for.",
            field="query",
            hint='Ask with words, such as "billing migration".',
        )
    vectors: dict[str, NDArray[np.float32]] = {}
    for embedder in index.loaded_embedders(core):
        encoded = await anyio.to_thread.run_sync(embedder.encode, [text], abandon_on_cancel=True)
        vectors[embedder.name] = encoded[0]
    return Question(words=tuple(query_words(text)), text=text, vectors=vectors)


def retrieve(
    tx: Tx,
    core: Core,
    anima: StoredAnima,
    question: Question,
    layers: Collection[Layer],
    filters: Filters,
) -> list[Found]:
    """All candidates of these layers with their scores, best first, ties by id."""
    authors = _named_authors(tx, anima, question)
    totals = store.totals(tx, anima.anima_no)
    found = [
        one
        for layer in dict.fromkeys(layers)
        for one in _Layer(
            tx,
            core,
            anima,
            question,
            layer,
            filters,
            authors=authors,
            totals=totals.get((layer, store.TEXT), store.Totals()),
        ).rank()
    ]
    return sorted(found, key=lambda one: (-one.scored.score, one.layer, one.id))


def _search(
    tx: Tx,
    core: Core,
    anima_no: AnimaNo,
    question: Question,
    layers: Collection[Layer],
    filters: Filters,
    *,
    limit: int,
) -> SearchHits:
    anima = anima_store.get(tx, anima_no)
    found = retrieve(tx, core, anima, question, layers, filters)[:limit]
    return SearchHits(
        [_as_hit(tx, anima, one) for one in found], mode=mode_of(tx, anima, question, layers)
    )


class _Layer:
    """The search of one layer: nominates candidates, then weighs their signals."""

    def __init__(
        self,
        tx: Tx,
        core: Core,
        anima: StoredAnima,
        question: Question,
        layer: Layer,
        filters: Filters,
        *,
        authors: Sequence[str],
        totals: store.Totals,
    ) -> None:
        self._tx = tx
        self._core = core
        self._anima = anima
        self._layer: Layer = layer
        self._authors = authors
        self._words = _content_words(question, authors)
        self._question = question
        self._hidden = (
            set[RowId]() if filters.include_archived else store.hidden(tx, anima.anima_no, layer)
        )
        self._within = store.within(
            tx,
            anima.anima_no,
            layer,
            session_id=filters.session_id,
            since=filters.since,
            until=filters.until,
        )
        self._rows = totals.rows
        self._mean_words = totals.words / max(1, totals.rows)

    def rank(self) -> list[Found]:
        """The candidates of this layer with their scores, in no particular order."""
        weights, lexical = self._lexical()
        cosines = {model: self._cosines(model) for model in self._question.vectors}
        nominated = set(_best(lexical))
        for by_id in cosines.values():
            nominated |= set(_best(by_id))
        rows = self._read(sorted(nominated))
        near = self._neighbours(rows)
        signals: dict[RowId, dict[str, float]] = {}
        for id_, row in rows.items():
            own, around = _texts(row, near)
            signals[id_] = (
                self._lexical_signals(own, around, weights)
                | self._author_signal(row, own)
                | self._dense_signals(id_, cosines)
            )
        _add_neighbours(near, signals)
        return [self._found(id_, rows[id_], signals[id_]) for id_ in rows]

    def _lexical(self) -> tuple[dict[str, float], dict[RowId, float]]:
        """The idf of each query term in this anima, and Σ idf of the terms each row holds."""
        weights: dict[str, float] = {}
        scores: defaultdict[RowId, float] = defaultdict(float)
        for word in self._words:
            ids = store.matches(self._tx, self._anima.anima_no, self._layer, fts_quote(word))
            weight = scoring.idf(rows=self._rows, holding=len(ids))
            weights[stem(word)] = weight
            for id_ in filter(self._shown, ids):
                scores[id_] += weight
        return weights, scores

    def _cosines(self, model: str) -> dict[RowId, float]:
        query = self._question.vectors[model]
        held = self._core.vectors.get(
            self._tx, self._anima, self._layer, model, dimensions=len(query)
        )
        return {id_: score for id_, score in held.similarities(query) if self._shown(id_)}

    def _shown(self, id_: RowId) -> bool:
        return id_ not in self._hidden and (self._within is None or id_ in self._within)

    def _read(self, ids: Sequence[RowId]) -> dict[RowId, StoredRow]:
        found: Sequence[StoredRow]
        match self._layer:
            case "event":
                found = events.get_many(self._tx, self._anima, ids)
            case "memory":
                found = memories.get_memories(self._tx, self._anima, ids)
            case "knowledge":
                found = memories.get_knowledge_many(self._tx, self._anima, ids)
        return {row.id: row for row in found}

    def _neighbours(self, rows: Mapping[RowId, StoredRow]) -> dict[RowId, _Neighbours]:
        """The turns before and after each event; empty for the other layers."""
        return {
            id_: events.neighbours(self._tx, self._anima, row)
            for id_, row in rows.items()
            if isinstance(row, StoredEvent)
        }

    def _lexical_signals(
        self, own: str, around: str, weights: Mapping[str, float]
    ) -> dict[str, float]:
        total = sum(weights.values())
        if total <= 0:
            return {"coverage": 0.0, "bm25": 0.0}
        own_terms, around_terms = _frequencies(own), _frequencies(around)
        length = sum(own_terms.values())
        coverage = bm25 = 0.0
        for term, weight in weights.items():
            inside, beside = own_terms.get(term, 0), around_terms.get(term, 0)
            share = 1.0 if inside else AROUND_WEIGHT if beside else 0.0
            coverage += weight * share
            bm25 += weight * scoring.bm25_share(
                OWN_WEIGHT * inside + AROUND_WEIGHT * beside,
                length=length,
                mean_length=self._mean_words,
            )
        return {"coverage": coverage / total, "bm25": bm25 / total}

    def _author_signal(self, row: StoredRow, own: str) -> dict[str, float]:
        """Whether the one author whom the query names said it, or it tells of them.

        Absent when the query names none, or several.
        """
        if len(self._authors) != 1:
            return {}
        (name,) = self._authors
        if isinstance(row, StoredEvent):
            return {"author": float(row.event.author == name)}
        return {"author": float(set(words(name)) <= set(words(own)))}

    def _dense_signals(
        self, id_: RowId, cosines: Mapping[str, Mapping[RowId, float]]
    ) -> dict[str, float]:
        names = {
            embedder.name: signal
            for embedder, signal in (
                (self._core.sentences, "sentence"),
                (self._core.words, "words"),
            )
            if embedder is not None
        }
        return {names[model]: max(0.0, by_id.get(id_, 0.0)) for model, by_id in cosines.items()}

    def _found(self, id_: RowId, row: StoredRow, signals: Mapping[str, float]) -> Found:
        similarity = signals.get("sentence", signals.get("words"))
        return Found(
            layer=self._layer,
            id=id_,
            row=row,
            scored=scoring.weigh(signals, scoring.RELEVANCE),
            similarity=None if similarity is None else round(similarity, 6),
        )


def _texts(row: StoredRow, near: Mapping[RowId, _Neighbours]) -> tuple[str, str]:
    """A row's own words, and those around it."""
    match row:
        case StoredEvent():
            entry = index.entry_for_event(row, *near[row.id])
            return entry.text, entry.around
        case StoredMemory():
            return f"{row.memory.summary}\n{row.memory.content}", ""
        case StoredKnowledge():
            return row.knowledge.content, ""


def _add_neighbours(
    near: Mapping[RowId, _Neighbours], signals: Mapping[RowId, dict[str, float]]
) -> None:
    """An answer stands next to its question: inherit from the turns before and after."""
    base = {id_: scoring.weigh(signals[id_], scoring.RELEVANCE).score for id_ in near}
    for id_, (before, after) in near.items():
        inherited = max(PREVIOUS_SHARE * _base(base, before), NEXT_SHARE * _base(base, after))
        signals[id_]["neighbours"] = min(1.0, 2 * inherited)


def _base(base: Mapping[RowId, float], event: StoredEvent | None) -> float:
    return 0.0 if event is None else base.get(event.id, 0.0)


def _best(scores: Mapping[RowId, float]) -> list[RowId]:
    return sorted(scores, key=lambda id_: (-round(scores[id_], 6), id_))[:CANDIDATES]


def _frequencies(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words(text):
        term = stem(word)
        counts[term] = counts.get(term, 0) + 1
    return counts


def _named_authors(tx: Tx, anima: StoredAnima, question: Question) -> list[str]:
    """The authors of the anima whom the query names."""
    asked = set(words(question.text))
    names = store.author_names(tx, anima.anima_no)
    return [name for name in names if set(words(name)) & asked]


def _content_words(question: Question, authors: Sequence[str]) -> list[str]:
    """Query words without the names of authors, if others are left."""
    names = {word for author in authors for word in words(author)}
    return [word for word in question.words if word not in names] or list(question.words)


def _as_hit(tx: Tx, anima: StoredAnima, found: Found) -> SearchHit:
    common = {
        "score": found.scored.score,
        "breakdown": found.scored.breakdown,
        "similarity": found.similarity,
        "reason": reason_of(found),
        "weak": found.weak,
        "layer": found.layer,
    }
    match found.row:
        case StoredEvent(event=event):
            return SearchHit(
                id=event.id,
                handle=event.handle,
                text=event.content,
                author=index.event_author(found.row),
                occurred_at=event.occurred_at,
                session_id=event.session_id,
                source_ids=[event.id],
                sources=[event.handle],
                **common,
            )
        case StoredMemory(memory=memory):
            return SearchHit(
                id=memory.id,
                handle=memory.handle,
                text=memory.summary or "",
                occurred_at=memory.time_end,
                session_id=memory.session_id,
                source_ids=memory.source_ids,
                sources=_source_handles(tx, anima, found),
                **common,
            )
        case StoredKnowledge(knowledge=knowledge):
            return SearchHit(
                id=knowledge.id,
                handle=knowledge.handle,
                text=knowledge.content,
                occurred_at=knowledge.valid_from,
                source_ids=knowledge.source_ids,
                sources=_source_handles(tx, anima, found),
                **common,
            )


def reason_of(found: Found) -> Reason:
    """Why a row was found, in one of the pack's words."""
    if not isinstance(found.row, StoredEvent) and _is_pinned(found.row):
        return "pinned"
    parts = found.scored.breakdown
    by_words = parts.get("coverage", 0.0) + parts.get("bm25", 0.0)
    by_meaning = parts.get("sentence", 0.0) + parts.get("words", 0.0)
    return "hybrid" if by_words and by_meaning else "semantic match"


def _is_pinned(row: StoredMemory | StoredKnowledge) -> bool:
    return row.memory.pinned if isinstance(row, StoredMemory) else row.knowledge.pinned


def _source_handles(tx: Tx, anima: StoredAnima, found: Found) -> list[str]:
    layer = "memory" if found.layer == "memory" else "knowledge"
    ids = [
        link.source_id
        for link in memories.links_of(tx, layer, found.id)
        if link.source_layer == "event"
    ]
    return list(dict.fromkeys(one.event.handle for one in events.get_many(tx, anima, ids)))
