"""Matrices: the vectors of an anima's rows under one model, and how near each is to a question.

Owns when all rows are compared and when only those whose signs are nearest (`signs.py`). Invariant:
a cosine is exact wherever it is given, and what is compared depends on the rows that have vectors,
never on the order in which they came or were first asked for.

Few rows are kept as float32 beside their int8 from the second question on (10,000 of 384: .6 ms
instead of 1.0, but 8 to make them); else rows become float32 a few hundred at a time.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.column import Column
from elephantasm_mcp.pure.signs import CANDIDATES, FEW, RowSigns, fewest, signs_of_query
from elephantasm_mcp.pure.vectors import Int8Matrix, directions, whole_numbers

SIGNS_FROM: Final = 16_000
"""Rows from which on not all are compared: of both models they would take 40 MB as float32."""
STEP_ROWS: Final = 256
"""Rows that become float32 at once: their 400 kB stay in a core's cache."""
MISSING: Final = np.iinfo(np.uint16).max
"""How many signs of a row differ that has no vector."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class Matrix:
    """A snapshot: what is filled in later is not for it, its lengths stay infinite."""

    parts: tuple[Int8Matrix, ...]
    """Its rows, one part after the other; one part alone where they are many."""
    lengths: NDArray[np.float32]
    """Infinite where a row has no vector yet: its cosine is 0."""
    signs: "Signs"
    wide: "Wide"

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def size_bytes(self) -> int:
        """What its rows hold in memory."""
        return sum(part.nbytes for part in self.parts)

    def cosines(self, query: NDArray[np.float32]) -> Floats:
        """The cosine of each row to the vector `query` (d,), shape (n,).

        Raises:
            ValueError: the query is zero, or holds NaN or infinity.
        """
        return _cosines(self.parts, self.lengths, query)

    def cosines_at(self, query: NDArray[np.float32], places: Places) -> Floats:
        """The same of some rows."""
        if len(self.parts) == 1:
            chosen = self.parts[0].take(places, axis=0)
        else:
            chosen = np.empty((len(places), len(query)), dtype=np.int8)
            first = 0
            for part in self.parts:
                mine = (places >= first) & (places < first + len(part))
                chosen[mine] = part[places[mine] - first]
                first += len(part)
        return _cosines((chosen,), self.lengths[places], query)

    def compare(self, query: NDArray[np.float32], *, shown: NDArray[np.bool_]) -> "Comparison":
        """A question beside the rows that are `shown`, a mask."""
        if len(self) < SIGNS_FROM:
            return Comparison(self, query, cosines=self._few_cosines(query))
        if int(shown.sum()) < SIGNS_FROM:
            return Comparison(self, query)
        near = self.signs.near(query, below=len(self))
        near.differing[np.isinf(self.lengths)] = MISSING
        return Comparison(self, query, near=near)

    def _few_cosines(self, query: NDArray[np.float32]) -> Floats:
        whole = whole_numbers(query)
        products = self.wide.products(self.parts, whole)
        if products is None:
            return self.cosines(query)
        return _over_lengths(products, self.lengths, whole)


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """One question beside the rows of a matrix."""

    matrix: Matrix
    query: NDArray[np.float32]
    cosines: Floats | None = None
    """Of all rows, where they are few."""
    near: "Near | None" = None
    """What signs say of it, where rows are many."""

    def candidates(self, rows: Places) -> Places:
        """Those of `rows` among which the nearest are, nearly always; all where rows are few."""
        if self.near is None or len(rows) <= CANDIDATES:
            return rows
        few = rows[fewest(self.near.differing[rows], FEW)]
        return few[fewest(self.near.rows.differing_signs_at(self.near.query, few), CANDIDATES)]

    def at(self, places: Places) -> Floats:
        """The cosines of these rows."""
        if self.cosines is not None:
            return self.cosines[places]
        return self.matrix.cosines_at(self.query, places)


@final
@dataclass(frozen=True, slots=True)
class Near:
    """The signs of a matrix beside those of one question."""

    rows: RowSigns
    query: NDArray[np.uint64]
    """The question's signs."""
    differing: NDArray[np.uint16]
    """How many of the first signs of each row are not the question's."""


@final
class Wide:
    """The rows of a matrix as float32, made when they are asked for again; for several threads."""

    def __init__(self, dimensions: int) -> None:
        self._rows = Column("f4", dimensions)
        self._asked = False
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return self._rows.size_bytes

    def products(
        self, parts: Sequence[Int8Matrix], whole: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """The product of each row of the parts with a vector of whole numbers.

        None for the first question: a cold anima may have but one.
        """
        first = 0
        with self._lock:
            if not self._asked:
                self._asked = True
                return None
            for part in parts:
                done = len(self._rows) - first
                if done < len(part):
                    self._rows.add(part[done:])
                first += len(part)
            rows: NDArray[np.float32] = self._rows.view()[:first]
        return rows @ whole

    def renewed(self, places: Places, stored: Int8Matrix) -> None:
        """Take in vectors that were filled in: whoever has an older snapshot does not look."""
        with self._lock:
            mine = places < len(self._rows)
            self._rows.view()[places[mine]] = stored[mine]


@final
class Signs:
    """The signs of a matrix that grows, made when they are first asked for; for several threads."""

    def __init__(self) -> None:
        self._made: RowSigns | None = None
        self._stored: Int8Matrix = np.zeros((0, 0), dtype=np.int8)
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return self._made.size_bytes if self._made is not None else 0

    def near(self, query: NDArray[np.float32], *, below: int) -> Near:
        """What they say of a question; `differing` is of the first rows."""
        with self._lock:
            made = self._made or RowSigns.of(self._stored)
            if len(made.rows) < len(self._stored):
                made = made.extended(self._stored)
            self._made = made
        asked = signs_of_query(query)
        return Near(made, asked, made.differing_signs(asked)[:below])

    def load(self, signs: NDArray[np.uint64]) -> None:
        """Take the signs of the whole matrix as they were made before."""
        with self._lock:
            self._made = RowSigns.made_before(self._stored, signs)

    def grown(self, stored: Int8Matrix) -> None:
        """Take in rows at the end; `stored` is the whole matrix."""
        with self._lock:
            self._stored = stored

    def without(self, places: Places, stored: Int8Matrix) -> "Signs":
        """Those of the matrix when it has lost these rows; who has these keeps them."""
        found = Signs()
        found.grown(stored)
        with self._lock:
            made = self._made
        if made is not None:
            before = places[places < len(made.rows)]
            signs = np.delete(np.concatenate(made.blocks, axis=1), before, axis=1)
            found._made = RowSigns.made_before(stored[: signs.shape[1]], signs)
        return found

    def renewed(self, places: Places) -> None:
        """Take in vectors that were written into the matrix."""
        with self._lock:
            if self._made is not None:
                before = places[places < len(self._made.rows)]
                self._made = self._made.renewed(before, self._stored)


@final
class GrowingMatrix:
    """Grows a matrix. Not safe from several threads; the matrices that it hands out are."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._loaded: list[Int8Matrix] = []
        self._stored = Column("i1", dimensions)  # what came after
        self._lengths = Column("f4")
        self._signs = Signs()
        self._wide = Wide(dimensions)

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        loaded = sum(part.nbytes for part in self._loaded)
        held = (self._stored, self._lengths, self._signs, self._wide)
        return loaded + sum(one.size_bytes for one in held)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows have no vector, a mask."""
        return np.isinf(self._lengths.view())

    def load(
        self,
        parts: Sequence[Int8Matrix],
        lengths: Sequence[NDArray[np.float32]],
        signs: Sequence[NDArray[np.uint64]] = (),
    ) -> None:
        """Take whole rows into an empty matrix; they are not copied as long as they are few.

        `signs` are those of each part, or none.
        """
        self._loaded = list(parts)
        self._lengths.fill(lengths)
        self._join_many()
        if signs:
            self._signs.load(np.concatenate(signs, axis=1))

    def add(self, rows: int) -> None:
        """Add rows, without vectors."""
        self._stored.add(np.zeros((rows, self.dimensions), dtype=np.int8))
        self._lengths.add(np.full(rows, np.inf, dtype=np.float32))
        self._join_many()

    def put(self, places: Places, stored: Int8Matrix) -> None:
        """Fill in the vectors of these rows."""
        first = 0
        for number, part in enumerate(self._loaded):
            mine = (places >= first) & (places < first + len(part))
            if mine.any():
                self._loaded[number] = part.copy()
                self._loaded[number][places[mine] - first] = stored[mine]
            first += len(part)
        after = places >= first
        self._stored.view()[places[after] - first] = stored[after]
        self._lengths.view()[places] = directions(stored).lengths
        self._signs.renewed(places)
        self._wide.renewed(places, stored)

    def remove(self, places: Places) -> None:
        """Take out the rows at these places, ascending; what was handed out keeps them."""
        first = 0
        for number, part in enumerate(self._loaded):
            mine = places[(places >= first) & (places < first + len(part))] - first
            if len(mine):
                self._loaded[number] = np.delete(part, mine, axis=0)
            first += len(part)
        after = places[places >= first] - first
        self._stored.cut(after, after + 1)
        self._lengths.cut(places, places + 1)
        self._signs = self._signs.without(places, self._stored.view())
        self._wide = Wide(self.dimensions)

    def matrix(self) -> Matrix:
        """What it is now."""
        parts = (*self._loaded, self._stored.view())
        return Matrix(parts, self._lengths.view().copy(), self._signs, self._wide)

    def _join_many(self) -> None:
        """Many rows are one part: they are picked one by one."""
        if len(self._lengths) >= SIGNS_FROM:
            if self._loaded:
                self._stored.fill([*self._loaded, self._stored.view()])
                self._loaded = []
            self._wide = Wide(self.dimensions)
            self._signs.grown(self._stored.view())


def _cosines(
    parts: Sequence[Int8Matrix], lengths: NDArray[np.float32], query: NDArray[np.float32]
) -> Floats:
    whole = whole_numbers(query)
    products = np.empty(len(lengths), dtype=np.float32)
    step = np.empty((min(STEP_ROWS, len(lengths)), len(whole)), dtype=np.float32)
    done = 0
    for part in parts:
        for first in range(0, len(part), STEP_ROWS):
            rows = part[first : first + STEP_ROWS]
            np.copyto(step[: len(rows)], rows)
            np.dot(step[: len(rows)], whole, out=products[done : done + len(rows)])
            done += len(rows)
    return _over_lengths(products, lengths, whole)


def _over_lengths(
    products: NDArray[np.float32], lengths: NDArray[np.float32], whole: NDArray[np.float32]
) -> Floats:
    length = np.sqrt(np.square(whole, dtype=np.float64).sum())
    return products.astype(np.float64) / (lengths * length)
