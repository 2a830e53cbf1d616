"""The bundled word vectors: potion-base-8M in int8, with numpy alone.

Owns the table of word vectors and their mean; the tokenizer is `wordpiece`, the file `bundle`.
Invariant: the table stays int8 in memory (7.6 MB, not 30); only the rows in use become float32.

A text is the mean of its pieces' rows, as in model2vec: no special tokens, unknown words dropped.
A row's length is its weight (frequent words are short), so the rows are averaged as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from threading import Lock
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.embedding.bundle import BUNDLED, WORDS, read_vocabulary, verified
from elephantasm_mcp.embedding.wordpiece import UNKNOWN, WordPiece
from elephantasm_mcp.ports import LOCAL
from elephantasm_mcp.pure.vectors import FloatMatrix

MAX_CHARACTERS: Final = 20_000
"""What is read of a text: a handful of pages."""
MAX_WORD_PIECES: Final = 16


@dataclass(frozen=True, slots=True)
class _Model:
    rows: NDArray[np.int8]
    """Shape (vocabulary, 256)."""
    scales: NDArray[np.float32]
    """Shape (vocabulary,): row × scale is the word vector."""
    tokenizer: WordPiece
    unknown: int


@final
class StaticEmbedder:
    """`Embedder` of 256 dimensions; the words of a text, without their order."""

    name: Final = WORDS.name
    dimensions: Final = WORDS.dimensions
    pace: Final = LOCAL

    def __init__(self, *, folder: Traversable = BUNDLED) -> None:
        self._folder: Final = folder
        self._lock: Final = Lock()
        self._model: _Model | None = None

    @property
    def loaded(self) -> bool:
        """True once the model is in memory."""
        return self._model is not None

    def load(self) -> None:
        """Check the files and read the table: a tenth of a second.

        Raises:
            ServerError: a file is missing or damaged.
        """
        self._open()

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text; loads the table first if nobody has.

        A text without a known word has the last axis, where the table varies least, so that it is
        close to nothing.

        Raises:
            ServerError: see `load`.
        """
        model = self._open()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = _sum(model, _known_pieces(model, text, limit=MAX_CHARACTERS))
        vectors[~vectors.any(axis=1), -1] = 1.0
        return _scale_to_unit(vectors)

    def word_vectors(self, words: Sequence[str]) -> FloatMatrix:
        """One unit vector a word, shape (len(words), 256); zeros for one without a known piece.

        Raises:
            ServerError: see `load`.
        """
        model = self._open()
        pieces = [_known_pieces(model, word, limit=MAX_WORD_PIECES) for word in words]
        vectors = np.zeros((len(words), self.dimensions), dtype=np.float32)
        # All first pieces at once, then all second ones: most words have one, and 2,000 words take
        # 5 ms instead of 15.
        for place in range(max(map(len, pieces), default=0)):
            rows = [row for row, ids in enumerate(pieces) if len(ids) > place]
            ids = [pieces[row][place] for row in rows]
            vectors[rows] += model.rows[ids] * model.scales[ids, np.newaxis]
        return _scale_to_unit(vectors)

    def _open(self) -> _Model:
        with self._lock:
            if self._model is None:
                self._model = _load(self._folder)
            return self._model


def _load(folder: Traversable) -> _Model:
    tokenizer = WordPiece(read_vocabulary(folder, "potion_vocab.txt"))
    with verified(folder, "potion8m_int8.npz") as path, np.load(path) as arrays:
        rows, scales = arrays["q"], arrays["s"][:, 0].astype(np.float32)
    return _Model(rows, scales, tokenizer, tokenizer.id_of(UNKNOWN))


def _sum(model: _Model, pieces: list[int]) -> NDArray[np.float32]:
    """The sum of the pieces' word vectors, shape (256,): it has the direction of their mean."""
    # einsum widens the rows in small buffers: for 4,000 of them .36 ms, a float32 copy takes .98.
    return np.einsum("i,ij->j", model.scales[pieces], model.rows[pieces])


def _known_pieces(model: _Model, text: str, *, limit: int) -> list[int]:
    pieces = model.tokenizer.cut(text[:MAX_CHARACTERS], limit=limit)
    return [piece for piece in pieces if piece != model.unknown]


def _scale_to_unit(vectors: FloatMatrix) -> FloatMatrix:
    """Scale each row to length 1 in place; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=vectors, where=lengths > 0)
