"""Likeness: how well a question is matched by words that are like its own.

Owns soft matches: by word vectors, and by how words begin. Invariant: a row's figures depend on the
rows alone; sums are taken term after term, never by BLAS over rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.lexicon import WordVectors
from elephantasm_mcp.pure.matching import Floats, Places
from elephantasm_mcp.pure.scene import Scene, ranges
from elephantasm_mcp.pure.text import stem
from elephantasm_mcp.pure.vectors import Directions, rounded

SOFT_FLOOR: Final = 0.3
"""Words less alike do not match at all."""
AKIN: Final = 0.9
"""What a word counts that begins like the question's: allergic, allergies."""
BESIDE: Final = 0.85
"""What a word counts that stands in a neighbouring turn."""
PASSAGE_WORDS: Final = 60


@dataclass(frozen=True, slots=True)
class Soft:
    """How well the question's words are matched by like ones, by candidate, weighed by idf."""

    whole: Floats
    passage: Floats
    """The share that the best passage holds, in [0, 1]."""
    context: Floats
    """The share that the turn and its neighbours hold, less for a long turn."""
    share: Floats
    """That share, whatever the length, in [0, 1]."""


def soften(scene: Scene, embed: WordVectors | None) -> Soft:
    """How well the candidates are matched; without `embed`, by equal and akin words alone."""
    corpus, found, places = scene.corpus, scene.found, scene.places
    if not len(found.idf) or not len(places):
        return Soft(*[np.zeros(len(places))] * 4)
    wanted = np.zeros(len(corpus) + 1, dtype=np.bool_)  # the last is the neighbour of −1
    for some in (places, scene.previous, scene.following):
        wanted[some] = True
    rows = np.flatnonzero(wanted[:-1])
    lengths = corpus.own[rows].astype(np.int64)
    ends = np.cumsum(lengths)
    tokens = corpus.tokens.take(ranges(corpus.begin[rows], lengths, ends))
    passages = _Passages(lengths, ends)
    by_passage = passages.highest(*_likeness(scene, tokens, embed))
    by_row = np.maximum.reduceat(by_passage, passages.first, axis=1)
    local = np.full(len(corpus) + 1, len(rows))
    local[rows] = np.arange(len(rows))
    by_row = np.concatenate([by_row, np.zeros((len(by_row), 1))], axis=1)
    own = by_row[:, local[places]]
    beside = np.maximum(by_row[:, local[scene.previous]], by_row[:, local[scene.following]])
    total = found.idf.sum()
    # no bonus for short rows: one without a word of the question would outrank the one beside it
    norm = 1 / (0.4 + 0.6 * np.sqrt(np.maximum(1.0, corpus.spread(places))))
    passage = np.maximum.reduceat(_weighed(by_passage, found.idf), passages.first)[local[places]]
    share = _weighed(np.maximum(own, BESIDE * beside), found.idf) / total
    return Soft(
        whole=norm * _weighed(own, found.idf) / total,
        passage=passage / total,
        context=norm * share,
        share=share,
    )


def _weighed(values: Floats, idf: Floats) -> Floats:
    """Σ idf · value over the terms, shape (terms, n) to (n,), summed term after term."""
    return (values * idf[:, np.newaxis]).sum(axis=0)


def _likeness(
    scene: Scene, tokens: NDArray[np.int32], embed: WordVectors | None
) -> tuple[Places, NDArray[np.float32]]:
    """The places of the tokens that are like any term, and how like each term they are.

    In [0, 1], shape (terms, places).
    """
    lexicon, terms = scene.corpus.lexicon, scene.found.terms
    used = np.zeros(len(lexicon), dtype=np.bool_)
    used[tokens] = True
    numbers = np.flatnonzero(used)
    local = np.zeros(len(lexicon), dtype=np.int32)
    local[numbers] = np.arange(len(numbers))
    table = np.zeros((len(terms), len(numbers)), dtype=np.float32)
    word_of = {stem(word): word for word in scene.asked.words}
    if embed is not None and scene.asked.word_vectors and len(numbers):
        asked = rounded(np.stack([scene.asked.word_vectors[word_of[term]] for term in terms]))
        table[:] = _compare(asked, lexicon.vectors(numbers.astype(np.int32), embed))
    for row, term in enumerate(terms):
        akin = [one for one in lexicon.akin(word_of[term], below=len(used)) if used[one]]
        table[row, local[akin]] = np.maximum(table[row, local[akin]], AKIN)
        same = [one for one in lexicon.forms(term, below=len(used)) if used[one]]
        table[row, local[same]] = 1.0
    used[numbers] = table.any(axis=0)  # most words are like none
    places = np.flatnonzero(used.take(tokens))
    return places, table.take(local.take(tokens[places]), axis=1)


def _compare(asked: Directions, others: Directions) -> NDArray[np.float32]:
    """Cosines, shape (asked, others), in [0, 1]; 0 below `SOFT_FLOOR`."""
    cosines = (others.whole @ asked.whole.T).T / (asked.lengths[:, np.newaxis] * others.lengths)
    cosines[cosines < SOFT_FLOOR] = 0
    return np.minimum(cosines, 1.0, out=cosines)


class _Passages:
    """Rows of tokens, cut into passages of about `PASSAGE_WORDS`; a row without tokens has one."""

    def __init__(self, lengths: Places, ends: Places) -> None:
        pieces = np.maximum(1, np.rint(lengths / PASSAGE_WORDS).astype(np.int64))
        self.first = np.cumsum(pieces) - pieces
        """The first passage of each row."""
        place = np.arange(pieces.sum()) - np.repeat(self.first, pieces)
        count = np.repeat(pieces, pieces)
        begin = np.repeat(ends - lengths, pieces)
        self._starts = begin + place * np.repeat(lengths, pieces) // count

    def highest(self, places: Places, likeness: NDArray[np.float32]) -> Floats:
        """The highest value of each passage, shape (terms, passages), 0 where none is.

        `places` are those of the tokens that have one, ascending; of shape (terms, places).
        """
        highest = np.zeros((len(likeness), len(self._starts)))
        if len(places):
            # an empty row begins where the next one does, so the last that begins here is meant
            passage = np.searchsorted(self._starts, places, side="right") - 1
            first = np.flatnonzero(np.diff(passage, prepend=-1))
            highest[:, passage[first]] = np.maximum.reduceat(likeness, first, axis=1)
        return highest
