"""Vectors in memory: per anima, layer and model, bounded in bytes (but for the one in use).

Owns nothing but copies. Invariant: a cached matrix is used only after its epoch was compared with
the store's in the same transaction, and rows added since were appended; so a read never misses a
committed vector, and nothing here has to be told of a write.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elephantasm_mcp.pure.vectors import FloatMatrix

DEFAULT_SIZE_BYTES = 64 * 1024 * 1024

_Key = tuple[AnimaNo, Layer, str]


@dataclass(frozen=True, slots=True)
class Vectors:
    """All vectors of one layer of an anima: `ids` ascending, shape (n,); `matrix` (n, d)."""

    epoch: int
    ids: NDArray[np.int64]
    matrix: FloatMatrix

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return self.ids.nbytes + self.matrix.nbytes

    def similarities(self, query: NDArray[np.float32]) -> list[tuple[RowId, float]]:
        """The cosine of every row to the query, best first, ties by id."""
        from elephantasm_mcp.pure.vectors import cosine, top_k  # numpy: not at start-up

        if not len(self.ids):
            return []
        ids, scores = top_k(cosine(self.matrix, query), self.ids, len(self.ids))
        return [
            (RowId(id_), score) for id_, score in zip(ids.tolist(), scores.tolist(), strict=True)
        ]


class VectorCache:
    """The most recently used vectors; safe from several threads."""

    def __init__(self, *, size_bytes: int = DEFAULT_SIZE_BYTES) -> None:
        self._size_bytes = size_bytes
        self._held: OrderedDict[_Key, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What the cache holds now."""
        with self._lock:
            return sum(vectors.size_bytes for vectors in self._held.values())

    @property
    def entries(self) -> int:
        """How many layers it holds."""
        with self._lock:
            return len(self._held)

    def get(
        self, tx: Tx, anima: StoredAnima, layer: Layer, model: str, *, dimensions: int
    ) -> Vectors:
        """All vectors of a layer, as this transaction sees them."""
        key = (anima.anima_no, layer, model)
        with self._lock:
            held = self._held.get(key)
        if held is None or held.epoch != anima.vector_epoch:
            held = _empty(anima.vector_epoch, dimensions)
        held = _extend(tx, anima.anima_no, layer, model, held)
        self._keep(key, held)
        return held

    def _keep(self, key: _Key, vectors: Vectors) -> None:
        with self._lock:
            self._held[key] = vectors
            self._held.move_to_end(key)
            size = sum(held.size_bytes for held in self._held.values())
            while size > self._size_bytes and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                size -= dropped.size_bytes


def _empty(epoch: int, dimensions: int) -> Vectors:
    import numpy as np

    return Vectors(
        epoch=epoch,
        ids=np.empty(0, dtype=np.int64),
        matrix=np.empty((0, dimensions), dtype=np.float32),
    )


def _extend(tx: Tx, anima_no: AnimaNo, layer: Layer, model: str, held: Vectors) -> Vectors:
    import numpy as np

    from elephantasm_mcp.pure.vectors import dequantize, from_blob

    last = int(held.ids[-1]) if len(held.ids) else -1
    added = list(search.vectors_after(tx, anima_no, layer, model, after=last))
    if not added:
        return held
    blobs = b"".join(blob for _, blob in added)
    rows = dequantize(from_blob(blobs, dimensions=held.matrix.shape[1]))
    return Vectors(
        epoch=held.epoch,
        ids=np.concatenate([held.ids, np.array([id_ for id_, _ in added], dtype=np.int64)]),
        matrix=np.concatenate([held.matrix, rows]),
    )
