"""The scene: the candidates for a question, and what stands around them.

Owns looking them up in the corpus. Invariant: every array has one entry a candidate.
"""

import numpy as np

from elephantasm_mcp.pure.asking import Asked
from elephantasm_mcp.pure.corpus import EVENT, Corpus
from elephantasm_mcp.pure.matching import Floats, Found, Places


class Scene:
    """The candidates, and what stands around them."""

    def __init__(self, corpus: Corpus, asked: Asked, places: Places, found: Found) -> None:
        self.corpus = corpus
        self.asked = asked
        self.places = places
        self.found = found
        self.own, self.wide = found.counts_at(places)
        self.previous = corpus.previous[places]
        self.following = corpus.following[places]
        self.is_event = (corpus.layers[places] == EVENT).astype(np.float64)
        self.flags = corpus.flags[places]

    def has(self, flag: int) -> Floats:
        """1 for the candidates that have this flag."""
        return (self.flags & flag > 0).astype(np.float64)

    def spread(self, values: Floats) -> Floats:
        """Values of the candidates over the whole corpus, 0 elsewhere, and 0 at −1."""
        full = np.zeros(len(self.corpus) + 1)
        full[self.places] = values
        return full


def ranges(begin: Places, lengths: Places, ends: Places) -> Places:
    """begin, begin + 1, …, for each begin as many as its length."""
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(begin - (ends - lengths), lengths)
