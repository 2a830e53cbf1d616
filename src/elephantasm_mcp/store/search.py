"""What recall reads of the store: rows as words, and vectors.

Owns the vectors, up to where they are made, and which rows changed when; nothing here is part of a
row. Invariant: every look-up stays inside one anima's range of ids, so no word or vector of another
anima takes part, and a vector is only ever compared with vectors of its own model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.animas import StoredAnima, id_range
from elephantasm_mcp.store.events import speaker
from elephantasm_mcp.types.records import SEQ_BITS, AnimaNo, Layer, RowId

if TYPE_CHECKING:
    from elephantasm_mcp.pure.corpus import CorpusRow
    from elephantasm_mcp.pure.vectors import FloatMatrix

LAYERS: tuple[Layer, ...] = ("event", "memory", "knowledge")
Marks = dict[tuple[Layer, str], int]
"""By layer and model: the number up to which every row has its vector."""
NO_LIMIT = -1
_SEQ_MASK = (1 << SEQ_BITS) - 1


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that changed in another way than by being added; it may be gone."""

    layer: Layer
    id: RowId
    epoch: int
    """Which the anima has had since then."""


def rows_after(
    tx: Tx, anima_no: AnimaNo, layer: Layer, *, after: int, limit: int = NO_LIMIT
) -> list[tuple[Any, ...]]:
    """What recall needs of a layer's rows above a row id, in id order: see the statements."""
    return tx.tuples(f"{layer}_rows", limit=limit, **_above(anima_no, after))


def rows_of(tx: Tx, layer: Layer, ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """The same of those of some rows that there are."""
    return [
        row for id_ in ids for row in tx.tuples(f"{layer}_rows", after=id_ - 1, high=id_, limit=1)
    ]


def corpus_row(layer: Layer, row: tuple[Any, ...]) -> CorpusRow:
    """A row of `rows_after` as it enters a corpus."""
    from elephantasm_mcp.pure.corpus import CorpusRow

    code = LAYERS.index(layer)
    match layer:
        case "event":
            id_, content, author, role, session, time = row
            return CorpusRow(
                id=id_,
                layer=code,
                text=content,
                author=speaker(author, role),
                session=session,
                start=time,
                end=time,
                day=datetime.fromtimestamp(time // 1_000_000, UTC).date().toordinal(),
            )
        case "memory":
            id_, summary, content, session, start, end = row
            return CorpusRow(
                id=id_,
                layer=code,
                text=f"{summary}\n{content}",
                session=session,
                start=start,
                end=end,
            )
        case "knowledge":
            id_, content, session, time = row
            return CorpusRow(
                id=id_, layer=code, text=content, session=session, start=time, end=time
            )


def hidden(tx: Tx, anima_no: AnimaNo) -> list[tuple[Layer, int]]:
    """Rows that recall leaves out because they were superseded or archived."""
    bounds = id_range(anima_no)
    layers: tuple[Layer, ...] = ("memory", "knowledge")
    return [(layer, id_) for layer in layers for (id_,) in tx.tuples(f"hidden_{layer}", **bounds)]


def marks(tx: Tx, anima_no: AnimaNo) -> Marks:
    """Up to which number the rows of an anima have their vectors, by layer and model."""
    rows = tx.tuples("index_marks", anima_no=anima_no)
    return {(layer, model): upto for layer, model, upto in rows}


def is_whole(anima: StoredAnima, marked: Marks, layer: Layer, model: str) -> bool:
    """Whether every row of a layer has its vector under a model."""
    return marked.get((layer, model), 0) >= anima.last_numbers[layer]


def unindexed(tx: Tx, anima: StoredAnima, models: Iterable[str]) -> int:
    """How many rows have no vector yet under one of these models: each is looked up."""
    wanted = list(models)
    return sum(
        len(
            {
                id_
                for model in wanted
                for id_ in without_vector(tx, anima, layer, model, limit=NO_LIMIT)
            }
        )
        for layer in LAYERS
    )


def behind(tx: Tx, models: Sequence[str]) -> list[AnimaNo]:
    """Animas with rows that have no vector yet under one of these models."""
    found = {
        anima_no
        for model in models
        for layer in LAYERS
        for (anima_no,) in tx.tuples(f"behind_{layer}", model=model)
    }
    return [AnimaNo(anima_no) for anima_no in sorted(found)]


def without_vector(
    tx: Tx, anima: StoredAnima, layer: Layer, model: str, *, limit: int
) -> list[RowId]:
    """Rows without a vector under this model, oldest first. Cheap when there are none."""
    upto = marks(tx, anima.anima_no).get((layer, model), 0)
    if upto >= anima.last_numbers[layer]:
        return []
    after = id_range(anima.anima_no)["low"] + upto
    rows = tx.tuples(
        f"missing_vectors_{layer}", model=model, limit=limit, **_above(anima.anima_no, after)
    )
    return [RowId(id_) for (id_,) in rows]


def put_vectors(
    tx: Tx, layer: Layer, model: str, ids: Sequence[RowId], vectors: FloatMatrix
) -> None:
    """Store one vector a row under its model's name, where it has none yet; idempotent.

    A row's vector is forgotten before it may change, so none is ever replaced; and the mark that
    rises afterwards tells readers of it.

    Raises:
        ValueError: a vector is zero or not finite.
    """
    from elephantasm_mcp.pure.vectors import quantize, to_blob  # numpy: not at start-up

    for id_, vector in zip(ids, quantize(vectors) if ids else (), strict=True):
        tx.run("put_vector", layer=layer, model=model, id=id_, vector=to_blob(vector))


def mark(tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, upto: int) -> None:
    """Note that all rows up to this number have their vectors."""
    tx.run("set_index_mark", anima_no=anima_no, layer=layer, model=model, upto=upto)


def forget_vectors(tx: Tx, anima_no: AnimaNo, layer: Layer, id_: RowId) -> None:
    """Take away a row's vectors under every model, and note that it changed.

    They will be missed, and made anew.
    """
    for (model,) in tx.tuples("vector_models", anima_no=anima_no, layer=layer):
        tx.run("delete_vector", layer=layer, model=model, id=id_)
    tx.run("lower_index_marks", anima_no=anima_no, layer=layer, upto=max(0, (id_ & _SEQ_MASK) - 1))
    note_change(tx, anima_no, layer, id_)


def note_change(tx: Tx, anima_no: AnimaNo, layer: Layer, id_: RowId) -> None:
    """Note that a row reads differently, has gone or come back, or that its vectors have gone.

    A row has one note, of its last change, and keeps it as long as its anima is there: another
    process may hold a state of any age, and would not see the change without it.

    With a memory its knowledge is noted, which has its session.
    """
    tx.run("bump_vector_epoch", anima_no=anima_no)
    tx.run("note_change", anima_no=anima_no, layer=layer, id=id_)
    if layer == "memory":
        for row in tx.all("knowledge_of_memory", memory_id=id_):
            note_change(tx, anima_no, "knowledge", row["id"])


def changes_after(tx: Tx, anima_no: AnimaNo, epoch: int) -> list[RowChange]:
    """The rows that changed since an anima had this epoch, in the order of their last changes."""
    found = tx.tuples("changes_after", anima_no=anima_no, epoch=epoch)
    return [RowChange(layer, RowId(id_), at) for layer, id_, at in found]


def vectors_after(
    tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, *, after: int, upto: int | None = None
) -> list[tuple[int, bytes]]:
    """The stored vectors above a row id, up to another one if there is one, in id order."""
    bounds = _above(anima_no, after)
    if upto is not None:
        bounds["high"] = upto
    return tx.tuples("vectors_after", layer=layer, model=model, **bounds)


def _above(anima_no: AnimaNo, after: int) -> dict[str, int]:
    bounds = id_range(anima_no)
    return {"after": max(after, bounds["low"] - 1), "high": bounds["high"]}
