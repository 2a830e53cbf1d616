"""An embedder that embeds no text twice.

Owns nothing of the model. The memory and the baselines embed the same turns and questions, and that
takes most of a measurement's time. Invariant: the vectors are those of the model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import numpy as np

from elephantasm_mcp.ports import Embedder, Pace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from elephantasm_mcp.pure.vectors import FloatMatrix


class AroundEmbedder:
    """What an embedder over another one leaves as it is."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder: Final = embedder

    @property
    def name(self) -> str:
        """The other one's."""
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        """The other one's."""
        return self._embedder.dimensions

    @property
    def pace(self) -> Pace:
        """The other one's."""
        return self._embedder.pace

    @property
    def loaded(self) -> bool:
        """Whether the other one is."""
        return self._embedder.loaded

    def load(self) -> None:
        """Load the other one.

        Raises:
            ServerError: see `Embedder.load`.
        """
        self._embedder.load()


@final
class RememberingEmbedder(AroundEmbedder):
    """`Embedder` over another one; keeps a vector for each text, so make one a conversation."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._known: Final[dict[str, NDArray[np.float32]]] = {}

    def encode(self, texts: Sequence[str]) -> "FloatMatrix":
        """See `Embedder.encode`."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])
