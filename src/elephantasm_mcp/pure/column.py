"""A column: an array that grows at its end.

Owns the spare room behind the values. Invariant: a view that was handed out keeps its values, and
what was written to it, when the column grows or values are taken out of it.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray


@final
class Column:
    """Values of one type in a row, or rows of `width` of them."""

    def __init__(self, dtype: str, width: int | None = None) -> None:
        self._array: NDArray[Any] = np.zeros((0,) if width is None else (0, width), dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, its spare room included."""
        return self._array.nbytes

    def fill(self, parts: Sequence[NDArray[Any]]) -> None:
        """Take these values, one part after the other, in place of what there was."""
        length = sum(map(len, parts))
        spare = length // 8 + 64  # zeros that nobody wrote to take no memory yet
        self._array = np.zeros((length + spare, *self._array.shape[1:]), dtype=self._array.dtype)
        np.concatenate([self._array[:0], *parts], out=self._array[:length])
        self._length = length

    def add(self, values: Sequence[int] | NDArray[Any]) -> None:
        """Append values."""
        end = self._length + len(values)
        if end > len(self._array):
            shape = (max(end, len(self._array) * 3 // 2), *self._array.shape[1:])
            grown = np.zeros(shape, dtype=self._array.dtype)
            grown[: self._length] = self._array[: self._length]
            self._array = grown
        if len(values):
            self._array[self._length : end] = values
        self._length = end  # last: another thread may look at it

    def cut(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """Take out what stands from each of the places `first` up to before `last`, ascending."""
        values = self.view()
        begins, ends = [0, *last.tolist()], [*first.tolist(), len(values)]
        self.fill([values[begin:end] for begin, end in zip(begins, ends, strict=True)])

    def view(self) -> NDArray[Any]:
        """The values now. Who writes to it changes the column."""
        return self._array[: self._length]
