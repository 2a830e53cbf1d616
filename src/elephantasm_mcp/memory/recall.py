"""Recall: finding events, memories and knowledge by a query.

Owns retrieval: reading the query, what may be found, and hits. How rows are ranked is in
`pure/ranking.py`, by the weights of `pure/weights.py`. Invariant: a read never misses what was
acknowledged, and it never degrades silently: `mode` names the models that took part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, cast

from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.memory import granted, index, outages
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import Granted
from elephantasm_mcp.ports import Embedder, Tx
from elephantasm_mcp.pure import recent
from elephantasm_mcp.pure.scoring import Scored
from elephantasm_mcp.pure.text import repair, words
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store import search as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.cache import AnimaState, StoredRow
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.memories import StoredKnowledge, StoredMemory
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.reading import Reason, SearchHit, SearchHits, SearchQuery
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId, User

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elephantasm_mcp.pure.asking import Asked, Kind
    from elephantasm_mcp.pure.corpus import Corpus
    from elephantasm_mcp.pure.lexicon import WordVectors
    from elephantasm_mcp.pure.ranking import Ranking

RowKey = tuple[Layer, RowId]
MAX_QUERY_CHARS = 4_000
KEPT_QUESTIONS = 32
"""How many of the last questions are kept as read; with both models that takes 2 ms."""
KEPT_ROWS = 5_000
"""How many rows are kept of one state."""
NO_QUERY = "no query"
LEXICAL = "lexical"
PARTIAL = " (partial)"


@dataclass(frozen=True, slots=True)
class Filters:
    """What limits a search; all of them None or empty means everything that recall shows."""

    session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    include_archived: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One row that was found, with its score."""

    layer: Layer
    id: RowId
    scored: Scored
    similarity: float | None
    relevance: float
    """How likely it has to do with the query at all, in [0, 1]."""
    floor: float
    worded: bool
    """Whether a word of the query stands in it."""
    firm: bool
    """Whether it would not be weak in any company."""

    @property
    def weak(self) -> bool:
        """Whether it is not believed to answer the query."""
        return self.relevance < self.floor


@dataclass(frozen=True, slots=True)
class Retrieved:
    """All candidates for a query, best first, and the models that took part."""

    state: AnimaState
    ranking: Ranking
    keys: Sequence[RowKey]
    """Layer and id of each."""
    mode: str

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Found]:
        return (self.at(rank) for rank in range(len(self)))

    def ranks(self, *layers: Layer) -> list[int]:
        """The ranks of what is not weak in these layers, best first."""
        import numpy as np

        mine = np.isin(
            self.state.corpus.layers[self.ranking.places], [LAYERS.index(layer) for layer in layers]
        )
        ranks: list[int] = np.flatnonzero(
            mine & (self.ranking.relevance >= self.ranking.floor)
        ).tolist()
        return ranks

    def at(self, rank: int) -> Found:
        """What was found at a rank; 0 is the best."""
        from elephantasm_mcp.pure import weights

        ranking = self.ranking
        layer, id_ = self.keys[rank]
        parts = dict(zip(weights.SCORE, ranking.parts[rank].tolist(), strict=True))
        relevance = float(ranking.relevance[rank])
        similarity = ranking.similarity
        return Found(
            layer=layer,
            id=id_,
            scored=Scored(score=round(sum(parts.values()), 6), breakdown=parts),
            similarity=None if similarity is None else float(similarity[rank]),
            relevance=relevance,
            floor=ranking.floor,
            worded=bool(ranking.worded[rank]),
            firm=relevance >= weights.FLOOR_OF_WORDS,
        )


async def search(
    core: Core, user: User, query: SearchQuery, *, patience_s: float = 0.0
) -> SearchHits:
    """The rows that answer a query, best first. Ranked hits are never dropped, but marked weak.

    Waits up to `patience_s` for the embedders and the vectors; `mode` says what took part. A query
    without a word finds nothing.

    Raises:
        NotFoundError: an unknown anima.
    """
    anima, held = await granted.find(core, user, query.anima)
    numbers = [anima.anima_no, *(one.source_no for one in held)]
    await index.prepare_reads(core, numbers, patience_s=patience_s)
    asked = await prepare(core, query.query)
    if asked is None:
        return SearchHits([], mode=NO_QUERY)
    filters = Filters(query.session_id, query.since, query.until, query.include_archived)
    return await core.database.read(
        _search, core, anima.anima_no, asked, query.layers, filters, limit=query.limit
    )


def has_words(query: str | None) -> bool:
    """Whether a query asks for anything; one without words is no query."""
    return bool(words(repair(query or "")[0][:MAX_QUERY_CHARS]))


async def prepare(core: Core, query: str | None) -> Asked | None:
    """Read a query: mend it, take its words, and embed it with the models that are loaded.

    A model that others run and that does not answer in time takes no part. None when the query has
    no word.
    """
    import anyio  # a pack without a query waits for nothing

    text = repair(query or "")[0].strip()[:MAX_QUERY_CHARS]
    if not words(text):
        return None
    from elephantasm_mcp.pure import asking  # numpy: not at start-up

    embedders = index.loaded_embedders(core)
    ours = [one for one in embedders if not isfinite(one.pace.read_s)]
    key = (text, *(one.name for one in embedders))
    known = core.questions.get(key)
    if known is not None and ours == embedders:  # asking another's model shows that it answers
        return cast("Asked", known)
    encoded = await anyio.to_thread.run_sync(_encode, ours, text, abandon_on_cancel=True)
    for embedder in embedders:
        if embedder not in ours:
            with suppress(ServerError):
                encoded[embedder.name] = (
                    await outages.encode(core, embedder, [text], purpose="read")
                )[0]
    vectors: dict[Kind, tuple[str, NDArray[np.float32]]] = {
        "words" if one is core.words else "sentence": (one.name, encoded[one.name])
        for one in embedders
        if one.name in encoded
    }
    asked = asking.read(text, vectors, _word_vectors(core))
    if ours == embedders:
        recent.keep(core.questions, key, asked, most=KEPT_QUESTIONS)
    return asked


def _encode(embedders: Sequence[Embedder], text: str) -> dict[str, NDArray[np.float32]]:
    return {embedder.name: embedder.encode([text])[0] for embedder in embedders}


def retrieve(
    state: AnimaState,
    core: Core,
    anima: StoredAnima,
    asked: Asked,
    layers: Collection[Layer] = LAYERS,
    filters: Filters = Filters(),
) -> Retrieved:
    """All candidates of these layers with their scores, best first, ties by layer and id."""
    from elephantasm_mcp.pure import ranking

    shown = _shown(state.corpus, layers, filters)
    ranked = ranking.rank(state.corpus, asked, shown=shown, embed=_word_vectors(core))
    layer_codes = state.corpus.layers[ranked.places].tolist()
    ids = state.corpus.ids[ranked.places].tolist()
    keys = [(LAYERS[code], RowId(id_)) for code, id_ in zip(layer_codes, ids, strict=True)]
    return Retrieved(state, ranked, keys, _mode(anima, state.marks, asked, layers))


def _word_vectors(core: Core) -> WordVectors | None:
    """How to make vectors of single words, where that model is loaded."""
    return core.words.word_vectors if core.words is not None and core.words.loaded else None


def _mode(anima: StoredAnima, marks: store.Marks, asked: Asked, layers: Collection[Layer]) -> str:
    """The models that take part; one that has not seen every row of the layers is `partial`."""
    parts = [LEXICAL]
    for model, _ in asked.vectors.values():
        whole = all(store.is_whole(anima, marks, layer, model) for layer in layers)
        parts.append(model if whole else f"{model}{PARTIAL}")
    return " + ".join(parts)


def _shown(corpus: Corpus, layers: Collection[Layer], filters: Filters) -> NDArray[np.bool_]:
    """Which rows may be found."""
    import numpy as np

    from elephantasm_mcp.pure.corpus import NEVER

    if set(layers) == set(LAYERS):
        shown = np.ones(len(corpus), dtype=np.bool_)
    else:
        shown = np.isin(corpus.layers, [LAYERS.index(layer) for layer in layers])
    if not filters.include_archived:
        shown &= ~corpus.hidden
    if filters.session_id is not None:
        shown &= corpus.sessions == corpus.session_names.get(filters.session_id, -1)
    if filters.since is not None:
        shown &= corpus.ends >= to_micros(filters.since)
    if filters.until is not None:
        shown &= (corpus.starts <= to_micros(filters.until)) & (corpus.starts != NEVER)
    return shown


def read_rows(
    tx: Tx, anima: StoredAnima, state: AnimaState, keys: Collection[RowKey]
) -> dict[RowKey, StoredRow]:
    """These rows; the first `KEPT_ROWS` that are asked for are kept while the state lasts."""
    found = {key: state.rows[key] for key in keys if key in state.rows}
    ids: dict[Layer, list[RowId]] = {layer: [] for layer in LAYERS}
    for layer, id_ in keys:
        if (layer, id_) not in found:
            ids[layer].append(id_)
    new: dict[RowKey, StoredRow] = {}
    for event in events.get_many(tx, anima, ids["event"]) if ids["event"] else ():
        new["event", event.id] = event
    for memory in memories.get_memories(tx, anima, ids["memory"]) if ids["memory"] else ():
        new["memory", memory.id] = memory
    if ids["knowledge"]:
        for item in memories.get_knowledge_many(tx, anima, ids["knowledge"]):
            new["knowledge", item.id] = item
    if len(state.rows) < KEPT_ROWS:
        state.rows.update(new)
    return found | new


def _search(
    tx: Tx,
    core: Core,
    anima_no: AnimaNo,
    asked: Asked,
    layers: Collection[Layer],
    filters: Filters,
    *,
    limit: int,
) -> SearchHits:
    anima = anima_store.get(tx, anima_no)
    state = core.corpora.get(tx, anima, index.models_of(core))
    found: list[tuple[Granted | None, Retrieved]] = [
        (None, retrieve(state, core, anima, asked, layers, filters))
    ]
    if filters.session_id is None:  # a source's sessions are its own
        current = replace(filters, include_archived=False)
        found += [
            (one, retrieve_granted(tx, core, one, asked, among, current))
            for one in granted.sources(tx, anima)
            if (among := one.among(layers))
        ]
    hits = _best(tx, anima, found, limit=limit)
    return SearchHits(hits, mode=joint_mode(each.mode for _, each in found))


def retrieve_granted(
    tx: Tx,
    core: Core,
    one: Granted,
    asked: Asked,
    layers: Collection[Layer],
    filters: Filters = Filters(),
) -> Retrieved:
    """What a query finds of layers of another anima, all of which may be read."""
    state = core.corpora.get(tx, one.anima, index.models_of(core))
    return retrieve(state, core, one.anima, asked, layers, filters)


def _best(
    tx: Tx,
    anima: StoredAnima,
    found: Sequence[tuple[Granted | None, Retrieved]],
    *,
    limit: int,
) -> list[SearchHit]:
    """The best hits of all; of equal ones the anima's own come first.

    Where there are several animas, what answers comes before what is weak: the limit must not cut
    another's answer for own rows that are none.
    """
    hits: list[tuple[bool, float, int, int, SearchHit]] = []
    for place, (one, retrieved) in enumerate(found):
        of = one.anima if one else anima
        rows = read_rows(tx, of, retrieved.state, retrieved.keys[:limit])
        for rank, key in enumerate(retrieved.keys[:limit]):
            hit = _as_hit(tx, of, retrieved.at(rank), rows[key])
            shown = _theirs(hit, one) if one else hit
            hits.append((hit.weak, -hit.score, place, rank, shown))
    if len(found) > 1:
        hits.sort(key=lambda hit: hit[:4])
    return [hit for *_, hit in hits[:limit]]


def _theirs(hit: SearchHit, one: Granted) -> SearchHit:
    """A hit under the source's name, without what leads to events and sessions."""
    nothing: list[str] = []
    changes = {
        "handle": one.handle(hit.handle),
        "origin": one.origin,
        "session_id": None,
        "source_ids": nothing,
        "sources": nothing,
    }
    return hit.model_copy(update=changes)


def joint_mode(modes: Iterable[str]) -> str:
    """The models that took part in several rankings; partly in one is partly in all."""
    partial: dict[str, bool] = {}
    for mode in modes:
        for part in mode.split(" + "):
            name = part.removesuffix(PARTIAL)
            partial[name] = partial.get(name, False) or part != name
    return " + ".join(f"{name}{PARTIAL}" if one else name for name, one in partial.items())


def _as_hit(tx: Tx, anima: StoredAnima, found: Found, row: StoredRow) -> SearchHit:
    common = {
        "score": found.scored.score,
        "breakdown": found.scored.breakdown,
        "similarity": found.similarity,
        "reason": reason_of(row, worded=found.worded),
        "weak": found.weak,
        "layer": found.layer,
    }
    match row:
        case StoredEvent(event=event):
            return SearchHit(
                id=event.id,
                handle=event.handle,
                text=event.content,
                author=index.event_author(row),
                event_type=row.event.event_type,
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


def text_of(row: StoredRow) -> str:
    """What a row says."""
    match row:
        case StoredEvent(event=event):
            return event.content
        case StoredMemory(memory=memory):
            return f"{memory.summary}\n{memory.content}"
        case StoredKnowledge(knowledge=knowledge):
            return knowledge.content


def reason_of(row: StoredRow, *, worded: bool) -> Reason:
    """Why a row was found, in one of the pack's words."""
    if not isinstance(row, StoredEvent) and _is_pinned(row):
        return "pinned"
    return "hybrid" if worded else "semantic match"


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
