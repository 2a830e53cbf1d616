"""The bundled sentence model: paraphrase-MiniLM-L3-v2 in int8, run by ONNX Runtime.

Owns the session and the pooling; the tokenizer is `wordpiece`, the file `bundle`. Invariant: texts
go through the model one at a time. Its activations are quantised over the whole tensor, so a
batch's other texts, or padding alone, turn a vector (cosine .995 to the text by itself).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from threading import Lock
from typing import TYPE_CHECKING, Final, final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.embedding.bundle import BUNDLED, SENTENCES, read_vocabulary, verified
from elephantasm_mcp.embedding.wordpiece import UNKNOWN, WordPiece
from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.ports import LOCAL
from elephantasm_mcp.pure.vectors import FloatMatrix

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MAX_TOKENS: Final = 128
"""What the model was trained on, `[CLS]` and `[SEP]` included."""
MAX_CHARACTERS: Final = 2_000
"""What is read of a text: 126 pieces have 700 characters in English, 126 long words 2,000."""


@dataclass(frozen=True, slots=True)
class _Model:
    session: "InferenceSession"
    tokenizer: WordPiece
    unknown: int
    first: int
    last: int


@final
class OnnxEmbedder:
    """`Embedder` of 384 dimensions; the meaning of the first 128 tokens of a text."""

    name: Final = SENTENCES.name
    dimensions: Final = SENTENCES.dimensions
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
        """Import the runtime, check the files and open the model: a tenth of a second.

        Raises:
            ServerError: a file is missing or damaged, or the runtime does not work here.
        """
        self._open()

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text; loads the model first if nobody has.

        A text without a known word has the vector of the empty text.

        Raises:
            ServerError: see `load`.
        """
        model = self._open()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = _embed(model, text)
        return vectors

    def _open(self) -> _Model:
        with self._lock:
            if self._model is None:
                self._model = _load(self._folder)
            return self._model


def _load(folder: Traversable) -> _Model:
    tokenizer = WordPiece(read_vocabulary(folder, "vocab.txt"))
    with verified(folder, "paraL3_q8.onnx") as path:
        session = _start(str(path))
    return _Model(
        session=session,
        tokenizer=tokenizer,
        unknown=tokenizer.id_of(UNKNOWN),
        first=tokenizer.id_of("[CLS]"),
        last=tokenizer.id_of("[SEP]"),
    )


def _start(path: str) -> "InferenceSession":
    """A session of one thread, silent, without telemetry."""
    # Telemetry begins with the import: it writes files and looks for a host, whatever comes later.
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise ServerError(
            "The bundled embedding model needs onnxruntime, which does not start here.",
            hint="Install onnxruntime, or choose the static embedder.",
        ) from error
    onnxruntime.disable_telemetry_events()
    # The other defaults stay: without the memory arena, 4 busy threads held 13 MB more.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _embed(model: _Model, text: str) -> NDArray[np.float32]:
    """The mean of the last layer over all tokens, as a unit vector of shape (384,)."""
    pieces = model.tokenizer.cut(text[:MAX_CHARACTERS], limit=MAX_TOKENS - 2)
    if all(piece == model.unknown for piece in pieces):
        pieces.clear()
    tokens = np.array([[model.first, *pieces, model.last]], dtype=np.int64)
    inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
    (output,) = model.session.run(None, inputs)
    mean = np.asarray(output, dtype=np.float32)[0].mean(axis=0)
    return mean / np.linalg.norm(mean)
