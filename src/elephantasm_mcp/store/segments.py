"""Segments in the store: an anima's rows in blocks, as recall holds them in memory.

Owns what is kept, which copies of it are stale, and how the chain of blocks grows. Their bytes are
made and read by `pure/segments.py`, and `store/cache.py` is who uses them. Invariant: a block says
what its rows said at its epoch; the copy of a row that changed later is passed over, and a write
that finds the chain moved meanwhile does nothing.

A row that changed comes into the next block as a new one does: every row that there was at the
last block's epoch has one copy that is not stale. A new block takes the last ones in that are no
larger than itself, without their stale copies. So there are never many small ones, and a row is
written again at most once for each doubling. When more than half of all copies are stale, blocks
are given up, the last one first, until they are not, and made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.search import LAYERS, RowChange
from elephantasm_mcp.types.records import SEQ_BITS, AnimaNo, Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elephantasm_mcp.pure.corpus import CorpusBuilder, CorpusRow
    from elephantasm_mcp.pure.segments import Segment
    from elephantasm_mcp.pure.vectors import Int8Matrix

ROWS = ""
"""The part of a block that holds rows and words; the others are models."""
SIGNS = " signs"
"""Behind a model's name: the part that holds what `pure/signs.py` makes of its vectors."""
LEAST_ROWS = 64
"""New or changed rows that are worth a block: reading so few one by one takes 3 ms."""
MOST_ROWS = 2_048
"""Of a block; its largest part is about a megabyte, and each part is a write by itself."""
OTHERS_AT_ONCE = 4

Stored = tuple["Int8Matrix", "NDArray[np.float32]"]
"""The vectors of a block, and their lengths; infinite where there is none."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a chain, as it is listed."""

    first: int
    rows: int
    epoch: int
    """Its rows are those of this epoch of the anima."""
    last: Mapping[Layer, int]
    """The highest number of each layer up to its end."""
    parts: frozenset[str]
    """What else is kept of it: vectors by their model, and their signs."""


@dataclass(frozen=True, slots=True)
class Chain:
    """All blocks of an anima that are sound, in their order."""

    blocks: Sequence[Block]
    epoch: int
    """Which the anima has now."""
    others: bool
    """Whether blocks of another format are kept."""

    @property
    def rows(self) -> int:
        """How many rows they hold, stale copies too."""
        return self.blocks[-1].first + self.blocks[-1].rows if self.blocks else 0

    @property
    def shape(self) -> Sequence[tuple[int, int, int]]:
        """What is another for every other chain: its length is not, where stale copies went."""
        return [(block.first, block.rows, block.epoch) for block in self.blocks]

    @property
    def upto(self) -> int:
        """The epoch up to which they hold all changes."""
        return self.blocks[-1].epoch if self.blocks else self.epoch

    @property
    def last(self) -> Mapping[Layer, int]:
        """The highest number of each layer in it."""
        return self.blocks[-1].last if self.blocks else dict.fromkeys(LAYERS, 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """One part of a block as it is kept."""

    first: int
    rows: int
    epoch: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NewRows:
    """What the next block is made of."""

    chain: Chain
    kept: Sequence[Kept]
    changes: Sequence[RowChange]
    """Since the epoch of the first block."""
    rows: Sequence[CorpusRow]
    epoch: int
    """What the new block's will be."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new block, and where it begins in the chain."""

    first: int
    epoch: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class NewPart:
    """The vectors of a block that is kept without them, or their signs."""

    chain: Chain
    block: Block
    part: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Others:
    """There are blocks of another format to throw away."""


@dataclass(frozen=True, slots=True)
class Worn:
    """Half of all copies are stale: the last block is to be given up."""

    chain: Chain


Step = Others | Worn | NewRows | NewPart


def chain_of(tx: Tx, anima: StoredAnima) -> Chain:
    """What is kept of an anima."""
    from elephantasm_mcp.pure.segments import FORMAT

    listed = tx.tuples("segment_chain", anima_no=anima.anima_no)
    sound = [one for one in listed if one[3] == FORMAT]
    parts: dict[int, set[str]] = {}
    for part, first, *_ in sound:
        parts.setdefault(first, set()).add(part)
    blocks = [
        Block(
            first,
            rows,
            epoch,
            dict(zip(LAYERS, last, strict=True)),
            frozenset(parts[first] - {ROWS}),
        )
        for part, first, rows, _, epoch, *last in sound
        if part == ROWS
    ]
    return Chain(blocks, anima.vector_epoch, others=len(sound) < len(listed))


def load(tx: Tx, anima: StoredAnima, builder: CorpusBuilder) -> list[RowChange]:
    """Fill an empty builder with what is kept; it may be nothing, or lack vectors.

    Returns the changes that it knows nothing of: such rows are to be read, if there are any.
    """
    from elephantasm_mcp.pure.segments import unpack

    kept = _kept(tx, anima)
    if not kept:
        return []
    blocks = [unpack(one.data) for one in kept]
    changes = search.changes_after(tx, anima.anima_no, kept[0].epoch)
    stale = _by_block(kept, _stale(kept, blocks, changes))
    vectors: dict[str, list[Stored]] = {}
    for model, dimensions in builder.models.items():
        found = {one.first: one.data for one in _kept(tx, anima, model)}
        if found:
            vectors[model] = [
                _vectors_from(found.get(one.first), one.rows, dimensions, without=places)
                for one, places in zip(kept, stale, strict=True)
            ]
    signs = {model: _signs(tx, anima, model, kept, stale) for model in vectors}
    sound = [block.without(places) for block, places in zip(blocks, stale, strict=True)]
    builder.load(sound, vectors, signs)
    return [one for one in changes if one.epoch > kept[-1].epoch]


def next_step(tx: Tx, anima: StoredAnima, models: Mapping[str, int]) -> Step | None:
    """What is to be done next so that the anima can be loaded from blocks; None when all is."""
    from elephantasm_mcp.pure.signs import signs_of

    chain = chain_of(tx, anima)
    if chain.others:
        return Others()
    step = _next_rows(tx, anima, chain)
    if step is not None:
        return step
    marks = search.marks(tx, anima.anima_no)
    for block in chain.blocks:
        for model, dimensions in models.items():
            part = _missing_part(chain, block, model, marks)
            if part is not None:
                data = _vectors_of(tx, anima.anima_no, block, model, dimensions)
                if part != model:
                    stored, _ = _vectors_from(data, block.rows, dimensions)
                    data = signs_of(stored).astype("<u8").tobytes()
                return NewPart(chain, block, part, data)
    return None


def make_block(step: NewRows) -> Made:
    """The next block: the new rows, and those of small blocks before it."""
    from elephantasm_mcp.pure.corpus import CorpusBuilder
    from elephantasm_mcp.pure.segments import unpack

    builder = CorpusBuilder({})
    blocks = [unpack(one.data) for one in step.kept]
    if blocks:
        stale = _by_block(step.kept, _stale(step.kept, blocks, step.changes))
        blocks = [block.without(places) for block, places in zip(blocks, stale, strict=True)]
        builder.load(blocks, {})
    builder.add(step.rows)
    first, size, left = step.chain.rows, len(step.rows), len(blocks)
    while left and len(blocks[left - 1]) <= size and len(blocks[left - 1]) + size <= MOST_ROWS:
        left -= 1
        first, size = step.kept[left].first, size + len(blocks[left])
    segment = builder.segment(len(builder) - size, len(builder), after=blocks[:left])
    return Made(first, step.epoch, segment)


def put_block(tx: Tx, anima: StoredAnima, seen: Chain, made: Made) -> bool:
    """Append a block, or put it in the place of the last ones; False when the chain has moved."""
    from elephantasm_mcp.pure.segments import pack

    if not _is_still(tx, anima, seen):
        return False
    segment = made.segment
    tx.run("delete_segments_from", anima_no=anima.anima_no, first=made.first)
    numbers = segment.columns["ids"] & ((1 << SEQ_BITS) - 1)
    last = {
        layer: int(numbers.max(where=segment.columns["layers"] == code, initial=seen.last[layer]))
        for code, layer in enumerate(LAYERS)
    }
    block = Block(made.first, len(segment), made.epoch, last, frozenset())
    _put(tx, anima.anima_no, ROWS, block, pack(segment))
    return True


def put_part(tx: Tx, anima: StoredAnima, step: NewPart) -> bool:
    """Keep the vectors of a block, or their signs; False when the chain has moved."""
    chain = chain_of(tx, anima)
    if chain.epoch != step.chain.epoch or step.block not in chain.blocks:
        return False
    _put(tx, anima.anima_no, step.part, step.block, step.data)
    return True


def drop_others(tx: Tx, anima: StoredAnima) -> bool:
    """Throw some blocks of another format away; False when a newer release keeps its own."""
    from elephantasm_mcp.pure.segments import FORMAT

    listed = tx.tuples("segment_chain", anima_no=anima.anima_no)
    if any(format_ > FORMAT for _, _, _, format_, *_ in listed):
        return False
    tx.run(
        "delete_some_other_segments",
        anima_no=anima.anima_no,
        format=FORMAT,
        limit=OTHERS_AT_ONCE,
    )
    return True


def drop_last(tx: Tx, anima: StoredAnima, step: Worn) -> bool:
    """Give the last block up; False when the chain has moved."""
    if not _is_still(tx, anima, step.chain):
        return False
    tx.run("delete_segments_from", anima_no=anima.anima_no, first=step.chain.blocks[-1].first)
    return True


def drop(tx: Tx, anima_no: AnimaNo) -> None:
    """Drop all that is packed of an anima; the index packs it anew."""
    tx.run("delete_segments_from", anima_no=anima_no, first=0)


def _is_still(tx: Tx, anima: StoredAnima, seen: Chain) -> bool:
    """Whether nobody changed a row or the chain since it was seen."""
    chain = chain_of(tx, anima)
    return not chain.others and (chain.epoch, chain.shape) == (seen.epoch, seen.shape)


def _kept(tx: Tx, anima: StoredAnima, part: str = ROWS) -> list[Kept]:
    from elephantasm_mcp.pure.segments import FORMAT

    found = tx.tuples("segment_part", anima_no=anima.anima_no, part=part, format=FORMAT)
    return [Kept(*one) for one in found]


def _next_rows(tx: Tx, anima: StoredAnima, chain: Chain) -> NewRows | Worn | None:
    """What the next block is made of, if there is enough of it."""
    from elephantasm_mcp.pure.segments import unpack

    changed = [
        one
        for one in search.changes_after(tx, anima.anima_no, chain.upto)
        if one.id <= (anima.anima_no << SEQ_BITS) + chain.last[one.layer]
    ]
    new = sum(anima.last_numbers[layer] - chain.last[layer] for layer in LAYERS)
    if new + len(changed) < LEAST_ROWS:
        return None
    taken = changed[:MOST_ROWS]
    rows = _rows_of(tx, anima.anima_no, chain, taken)
    if len(rows) < LEAST_ROWS and len(changed) < LEAST_ROWS:
        return None
    kept = _kept(tx, anima)
    changes = search.changes_after(tx, anima.anima_no, kept[0].epoch) if kept else []
    if changes:
        blocks = [unpack(one.data) for one in kept]
        if 2 * int(_stale(kept, blocks, changes).sum()) > chain.rows:
            return Worn(chain)
    epoch = chain.epoch if len(taken) == len(changed) else taken[-1].epoch
    return NewRows(chain, kept, changes, rows, epoch)


def _stale(
    kept: Sequence[Kept], blocks: Sequence[Segment], changes: Sequence[RowChange]
) -> NDArray[np.bool_]:
    """Which copies in these blocks are of rows that changed later, a mask."""
    import numpy as np

    ids = np.concatenate([block.columns["ids"] for block in blocks])
    layers = np.concatenate([block.columns["layers"] for block in blocks])
    epochs = np.repeat([one.epoch for one in kept], [one.rows for one in kept])
    stale = np.zeros(len(ids), dtype=np.bool_)
    for code, layer in enumerate(LAYERS):
        mine = sorted((one.id, one.epoch) for one in changes if one.layer == layer)
        if mine:
            changed, at = np.array(mine, dtype=np.int64).T
            near = np.minimum(np.searchsorted(changed, ids), len(changed) - 1)
            stale |= (layers == code) & (changed[near] == ids) & (at[near] > epochs)
    return stale


def _by_block(kept: Sequence[Kept], mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The places in each block that a mask over all copies names."""
    return [mask[one.first : one.first + one.rows].nonzero()[0] for one in kept]


def _missing_part(chain: Chain, block: Block, model: str, marks: search.Marks) -> str | None:
    """What is not kept of a block and can be: its vectors; where rows are many, their signs."""
    from elephantasm_mcp.pure.matrix import SIGNS_FROM

    if any(marks.get((layer, model), 0) < block.last[layer] for layer in LAYERS):
        return None
    wanted = [model, model + SIGNS] if chain.rows >= SIGNS_FROM else [model]
    return next((part for part in wanted if part not in block.parts), None)


def _signs(
    tx: Tx,
    anima: StoredAnima,
    model: str,
    kept: Sequence[Kept],
    stale: Sequence[NDArray[np.int64]],
) -> list[NDArray[np.uint64]]:
    """The signs of all blocks; none where some are missing, or where rows are few."""
    import numpy as np

    from elephantasm_mcp.pure.matrix import SIGNS_FROM

    if sum(one.rows for one in kept) < SIGNS_FROM:
        return []
    found = _kept(tx, anima, model + SIGNS)
    if len(found) < len(kept):
        return []
    signs = [np.frombuffer(one.data, dtype="<u8").reshape(-1, one.rows) for one in found]
    return [
        np.delete(part, places, axis=1) if len(places) else part
        for part, places in zip(signs, stale, strict=True)
    ]


def _put(tx: Tx, anima_no: AnimaNo, part: str, block: Block, data: bytes) -> None:
    from elephantasm_mcp.pure.segments import FORMAT

    tx.run(
        "put_segment",
        anima_no=anima_no,
        part=part,
        first=block.first,
        rows=block.rows,
        format=FORMAT,
        epoch=block.epoch,
        data=data,
        **block.last,
    )


def _rows_of(
    tx: Tx, anima_no: AnimaNo, chain: Chain, changed: Sequence[RowChange]
) -> list[CorpusRow]:
    """These rows, as far as there are any, and the next ones that are in no block."""
    rows: list[CorpusRow] = []
    for layer in LAYERS:
        found = search.rows_of(tx, layer, [one.id for one in changed if one.layer == layer])
        rows += [search.corpus_row(layer, row) for row in found]
    for layer in LAYERS:
        after = (anima_no << SEQ_BITS) + chain.last[layer]
        found = search.rows_after(tx, anima_no, layer, after=after, limit=MOST_ROWS - len(rows))
        rows += [search.corpus_row(layer, row) for row in found]
    return rows


def _vectors_of(tx: Tx, anima_no: AnimaNo, block: Block, model: str, dimensions: int) -> bytes:
    """The lengths and vectors of a block, as they are kept; a row without has zeros."""
    import numpy as np

    from elephantasm_mcp.pure.segments import unpack
    from elephantasm_mcp.pure.vectors import directions

    (kept,) = tx.tuples("segment_rows", anima_no=anima_no, first=block.first)
    columns = unpack(kept[0]).columns
    blobs: dict[tuple[int, int], bytes] = {}
    for code, layer in enumerate(LAYERS):
        ids = columns["ids"][columns["layers"] == code]
        if len(ids):
            after, upto = int(ids.min()) - 1, int(ids.max())
            vectors = search.vectors_after(tx, anima_no, layer, model, after=after, upto=upto)
            blobs |= {(code, id_): vector for id_, vector in vectors}
    keys = zip(columns["layers"].tolist(), columns["ids"].tolist(), strict=True)
    found = [blobs.get(key) for key in keys]
    missing = np.array([one is None for one in found], dtype=np.bool_)
    nothing = bytes(dimensions)
    stored = np.frombuffer(b"".join(one or nothing for one in found), dtype=np.int8)
    lengths = directions(stored.reshape(-1, dimensions)).lengths
    lengths[missing] = np.inf
    return lengths.astype("<f4").tobytes() + stored.tobytes()


def _vectors_from(
    data: bytes | None, rows: int, dimensions: int, *, without: NDArray[np.int64] | None = None
) -> Stored:
    """What `_vectors_of` made, but for the rows at some places."""
    import numpy as np

    if data is None:
        stored = np.zeros((rows, dimensions), dtype=np.int8)
        lengths = np.full(rows, np.inf, dtype=np.float32)
    else:
        lengths = np.frombuffer(data, dtype="<f4", count=rows)
        stored = np.frombuffer(data, dtype=np.int8, offset=lengths.nbytes).reshape(rows, dimensions)
    if without is None or not len(without):
        return stored, lengths
    return np.delete(stored, without, axis=0), np.delete(lengths, without)
