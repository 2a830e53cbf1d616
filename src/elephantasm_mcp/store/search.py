"""The search index in the store: full text and vectors, and candidates out of them.

Owns what is derived from texts for finding them again; nothing here is part of a row. Invariant:
every look-up stays inside one anima's range of ids, so no word statistics or vectors of another
anima take part, and a vector is only ever compared with vectors of its own model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.animas import id_range
from elephantasm_mcp.store.values import maybe_micros
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.vectors import FloatMatrix

TEXT = "text"
"""The "model" under which the full text itself is counted in the totals."""


@dataclass(frozen=True, slots=True)
class IndexText:
    """What the full text holds of one row; `words` is how many, for BM25's mean length."""

    id: RowId
    text: str
    around: str
    words: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows and words that are indexed of one layer under one model."""

    rows: int = 0
    words: int = 0


def totals(tx: Tx, anima_no: AnimaNo) -> dict[tuple[str, str], Totals]:
    """What is indexed of an anima, by layer and model."""
    rows = tx.tuples("index_totals", anima_no=anima_no)
    return {(layer, model): Totals(rows=count, words=words) for layer, model, count, words in rows}


def put_texts(tx: Tx, anima_no: AnimaNo, layer: Layer, texts: Sequence[IndexText]) -> None:
    """Index these rows anew; idempotent."""
    rows = words = 0
    for text in texts:
        before = _indexed_words(tx, layer, text.id)
        tx.run(f"put_{layer}_text", id=text.id, text=text.text, around=text.around)
        tx.run(f"mark_indexed_{layer}", id=text.id, words=text.words)
        rows += before is None
        words += text.words - (before or 0)
    tx.run("add_to_totals", anima_no=anima_no, layer=layer, model=TEXT, rows=rows, words=words)


def put_vectors(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, ids: Sequence[RowId], vectors: FloatMatrix
) -> None:
    """Store one vector a row under its model's name; idempotent.

    A row that left the index since its vector was computed gets none.

    Raises:
        ValueError: a vector is zero or not finite.
    """
    from elephantasm_mcp.pure.vectors import quantize, to_blob  # numpy: not at start-up

    added = 0
    moved = False
    last = tx.one("last_vector", layer=layer, model=model, **id_range(anima_no))
    for id_, vector in zip(ids, quantize(vectors), strict=True):
        if _indexed_words(tx, layer, id_) is None:
            continue
        known = tx.one("vector_exists", layer=layer, model=model, id=id_) is not None
        tx.run("put_vector", layer=layer, model=model, id=id_, vector=to_blob(vector))
        added += not known
        moved = moved or known or (last is not None and id_ < (last["id"] or 0))
    tx.run("add_to_totals", anima_no=anima_no, layer=layer, model=model, rows=added, words=0)
    if moved:  # a cache that only appends would miss it
        tx.run("bump_vector_epoch", anima_no=anima_no)


def remove(tx: Tx, anima_no: AnimaNo, layer: Layer, id_: RowId) -> None:
    """Take a row out of the index. Call it before the row itself goes or changes."""
    words = _indexed_words(tx, layer, id_)
    if words is None:
        return
    tx.run(f"delete_{layer}_text", id=id_)
    tx.run(f"mark_indexed_{layer}", id=id_, words=None)
    tx.run("add_to_totals", anima_no=anima_no, layer=layer, model=TEXT, rows=-1, words=-words)
    forget_vectors(tx, anima_no, layer, id_)


def forget_vectors(tx: Tx, anima_no: AnimaNo, layer: Layer, id_: RowId) -> None:
    """Take away a row's vectors under every model; they will be missed, and made anew."""
    for (model,) in tx.tuples("vector_models", anima_no=anima_no, layer=layer, id=id_):
        tx.run("delete_vector", layer=layer, model=model, id=id_)
        tx.run("add_to_totals", anima_no=anima_no, layer=layer, model=model, rows=-1, words=0)
    tx.run("bump_vector_epoch", anima_no=anima_no)


def unindexed(tx: Tx, anima_no: AnimaNo, layer: Layer, *, limit: int) -> list[RowId]:
    """Rows that the full text does not hold yet."""
    rows = tx.tuples(f"unindexed_{layer}", limit=limit, **id_range(anima_no))
    return [RowId(id_) for (id_,) in rows]


def without_vector(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, after: int, limit: int
) -> list[RowId]:
    """Indexed rows above `after` without a vector of this model. Cheap when there are none."""
    counted = totals(tx, anima_no)
    texts = counted.get((layer, TEXT), Totals()).rows
    if counted.get((layer, model), Totals()).rows >= texts:
        return []
    bounds = id_range(anima_no)
    rows = tx.tuples(
        f"missing_vectors_{layer}",
        model=model,
        after=max(after, bounds["low"] - 1),
        high=bounds["high"],
        limit=limit,
    )
    return [RowId(id_) for (id_,) in rows]


def matches(tx: Tx, anima_no: AnimaNo, layer: Layer, term: str) -> list[RowId]:
    """The rows that hold a term; `term` is a quoted FTS5 string."""
    rows = tx.tuples(f"matches_{layer}", term=term, **id_range(anima_no))
    return [RowId(id_) for (id_,) in rows]


def hidden(tx: Tx, anima_no: AnimaNo, layer: Layer) -> set[RowId]:
    """Rows that recall leaves out because they were superseded or archived."""
    if layer == "event":
        return set()
    return {RowId(id_) for (id_,) in tx.tuples(f"hidden_{layer}", **id_range(anima_no))}


def within(
    tx: Tx,
    anima_no: AnimaNo,
    layer: Layer,
    *,
    session_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> set[RowId] | None:
    """The rows of a session and a span of time; None when neither is given."""
    if session_id is None and since is None and until is None:
        return None
    rows = tx.tuples(
        f"within_{layer}",
        anima_no=anima_no,
        session_id=session_id,
        since=maybe_micros(since),
        until=maybe_micros(until),
    )
    return {RowId(id_) for (id_,) in rows}


def author_names(tx: Tx, anima_no: AnimaNo) -> list[str]:
    """Who speaks in an anima, at most 256 names."""
    return [name for (name,) in tx.tuples("author_names", anima_no=anima_no)]


def vectors_after(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, after: int
) -> Iterable[tuple[RowId, bytes]]:
    """The stored vectors above a row id, in id order."""
    bounds = id_range(anima_no)
    return tx.tuples(
        "vectors_after",
        layer=layer,
        model=model,
        after=max(after, bounds["low"] - 1),
        high=bounds["high"],
    )


def nearest(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, query: FloatMatrix, *, limit: int
) -> list[tuple[RowId, float]]:
    """The rows nearest to a query vector of shape (1, d), by the database's own distance."""
    from elephantasm_mcp.pure.vectors import quantize, to_blob

    rows = tx.tuples(
        "nearest_vectors",
        layer=layer,
        model=model,
        vector=to_blob(quantize(query)[0]),
        limit=limit,
        **id_range(anima_no),
    )
    return [(RowId(id_), similarity) for id_, similarity in rows]


def _indexed_words(tx: Tx, layer: Layer, id_: RowId) -> int | None:
    row = tx.one(f"indexed_words_{layer}", id=id_)
    return row["indexed_words"] if row else None
