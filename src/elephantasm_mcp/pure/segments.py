"""Segments: blocks of a corpus as bytes, so that a cold one need not be made of texts again.

Owns the format. Knows no store, and not what the columns mean. Invariant: a segment holds what
can be seen of its rows alone; words, authors and sessions are numbered over the chain of segments
before it, of which each carries only what is new in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FORMAT: Final = 3
"""Another number for whatever would make the same rows another segment: also how words are cut and
stemmed, what the flags of a row say, and how much of a text takes part. tests/pure/test_segments.py
has the hash of a sample beside it."""

COLUMNS: Final = {
    "ids": "<i8",
    "starts": "<i8",
    "ends": "<i8",
    "authors": "<i4",
    "sessions": "<i4",
    "days": "<i4",
    "sizes": "<i4",
    "own": "<i4",
    "head": "<i4",
    "distinct": "<i4",
    "layers": "<u1",
    "flags": "<u1",
    "names": "<u1",
}
"""What is kept of each row, widest first: so every array begins where its numbers may."""
_HASH: Final = "<u8"
_WORD: Final = "<i4"
_LENGTH_BYTES: Final = 4
_ALIGNMENT: Final = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """A block of rows. Its arrays are never written to."""

    columns: Mapping[str, NDArray[Any]]
    """By name; `sizes` are the numbers of tokens."""
    tokens: NDArray[np.int32]
    """The words of the rows, by number, row after row."""
    words: Sequence[str]
    """Those that no earlier segment has, in the order of their numbers."""
    hashes: NDArray[np.uint64]
    """What finds these words (`Lexicon.hashes`), shape (2, n)."""
    authors: Sequence[str]
    sessions: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.columns["ids"])

    def without(self, places: NDArray[np.int64]) -> "Segment":
        """The rows but for those at these places; its words and names keep their numbers."""
        if not len(places):
            return self
        gone = np.zeros(len(self), dtype=np.bool_)
        gone[places] = True
        return replace(
            self,
            columns={name: column[~gone] for name, column in self.columns.items()},
            tokens=self.tokens[~np.repeat(gone, self.columns["sizes"])],
        )


def pack(segment: Segment) -> bytes:
    """A segment as bytes: a description, the arrays, the words line by line."""
    head = json.dumps(
        {
            "rows": len(segment),
            "words": len(segment.words),
            "tokens": len(segment.tokens),
            "authors": segment.authors,
            "sessions": segment.sessions,
        }
    ).encode()
    head += b" " * (-(len(head) + _LENGTH_BYTES) % _ALIGNMENT)
    columns = [segment.columns[name].astype(dtype) for name, dtype in COLUMNS.items()]
    wide, narrow = columns[:3], columns[3:]
    arrays = [segment.hashes.astype(_HASH), *wide, segment.tokens.astype(_WORD), *narrow]
    return b"".join(
        [
            len(head).to_bytes(_LENGTH_BYTES, "little"),
            head,
            *(array.tobytes() for array in arrays),
            "\n".join(segment.words).encode(),
        ]
    )


def unpack(data: bytes) -> Segment:
    """The segment that was packed; its arrays lie in `data`."""
    at = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    head = json.loads(data[_LENGTH_BYTES:at])

    def take(dtype: str, count: int) -> NDArray[Any]:
        nonlocal at
        array = np.frombuffer(data, dtype=dtype, count=count, offset=at)
        at += array.nbytes
        return array

    hashes = take(_HASH, 2 * head["words"]).reshape(2, -1)
    names = list(COLUMNS.items())
    columns = {name: take(dtype, head["rows"]) for name, dtype in names[:3]}
    tokens = take(_WORD, head["tokens"])
    columns |= {name: take(dtype, head["rows"]) for name, dtype in names[3:]}
    found = data[at:].decode()
    return Segment(
        columns=columns,
        tokens=tokens,
        words=found.split("\n") if found else [],
        hashes=hashes,
        authors=head["authors"],
        sessions=head["sessions"],
    )
