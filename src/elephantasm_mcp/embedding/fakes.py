"""A fake embedder for tests: shared words make texts similar, and nothing else does.

Owns no model. Invariant: the same text has the same vector in every process and on every machine.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, final

import numpy as np

from elephantasm_mcp.ports import LOCAL, Pace
from elephantasm_mcp.pure.vectors import FloatMatrix

_WORD: Final = re.compile(r"\w+")


@final
class HashEmbedder:
    """`Embedder` that counts words by their hash. Different words may share an axis."""

    def __init__(self, dimensions: int = 64, *, rows: int = LOCAL.rows) -> None:
        self.name: Final = f"hash-{dimensions}:1"
        self.dimensions: Final = dimensions
        self.pace: Final = Pace(rows=rows)
        self.loaded = False

    def load(self) -> None:
        """Only note that it was asked for."""
        self.loaded = True

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text; a text without a word has the first axis."""
        self.load()
        counts = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(counts, texts, strict=True):
            for word in _WORD.findall(text.casefold()):
                row[self._axis(word)] += 1
        counts[~counts.any(axis=1), 0] = 1.0
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    def word_vectors(self, words: Sequence[str]) -> FloatMatrix:
        """One unit vector a word."""
        return self.encode(words)

    def _axis(self, word: str) -> int:
        digest = blake2b(word.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.dimensions
