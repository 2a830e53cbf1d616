"""The bundled embedders, imported when they are first loaded.

Owns nothing of the models. numpy and the runtime cost a fifth of a server's start, and nobody waits
for them there. Invariant: name and dimensions are known, and the same, before and after loading.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

from elephantasm_mcp.embedding.bundle import SENTENCES, WORDS, ModelCard
from elephantasm_mcp.ports import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elephantasm_mcp.ports import Embedder, WordEmbedder
    from elephantasm_mcp.pure.vectors import FloatMatrix

E = TypeVar("E", bound="Embedder")


class LateEmbedder(Generic[E]):
    """`Embedder` that is made by `make` when it is loaded."""

    def __init__(self, card: ModelCard, make: Callable[[], E]) -> None:
        self.name: Final = card.name
        self.dimensions: Final = card.dimensions
        self.pace: Final = LOCAL
        self._make: Final = make
        self._lock: Final = Lock()
        self._embedder: E | None = None

    @property
    def loaded(self) -> bool:
        """True once the model is in memory."""
        return self._embedder is not None

    def load(self) -> None:
        """Import and open the model.

        Raises:
            ServerError: a file is missing or damaged, or the runtime does not work here.
        """
        self._open()

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text; loads the model first if nobody has.

        Raises:
            ServerError: see `load`.
        """
        return self._open().encode(texts)

    def _open(self) -> E:
        with self._lock:
            if self._embedder is None:
                embedder = self._make()
                embedder.load()
                self._embedder = embedder
            return self._embedder


@final
class LateWordEmbedder(LateEmbedder["WordEmbedder"]):
    """`WordEmbedder` that is made when it is loaded."""

    def word_vectors(self, words: Sequence[str]) -> FloatMatrix:
        """One unit vector a word; loads the model first if nobody has.

        Raises:
            ServerError: see `load`.
        """
        return self._open().word_vectors(words)


def sentences() -> LateEmbedder[Embedder]:
    """The sentence model, over ONNX Runtime."""
    return LateEmbedder(SENTENCES, _make_onnx)


def words() -> LateWordEmbedder:
    """The static word vectors."""
    return LateWordEmbedder(WORDS, _make_static)


def _make_onnx() -> Embedder:
    from elephantasm_mcp.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder()


def _make_static() -> WordEmbedder:
    from elephantasm_mcp.embedding.static import StaticEmbedder

    return StaticEmbedder()
