"""Matching: where the words of a question stand, counted.

Owns exact words: counts by row and term, idf and BM25. What is merely like a word is for
`likeness.py`. Invariant: a row's figures depend on the rows alone, not on where it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.corpus import AROUND_WEIGHT, OWN_WEIGHT, SECOND_WEIGHT, Corpus

MAX_TERMS: Final = 32
"""How many terms of a question count: the rarest."""
MAX_READ: Final = 255
"""How many are looked at for that."""
K1: Final = 1.2
B: Final = 0.75

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """Where the question's terms stand."""

    corpus: Corpus
    terms: Sequence[str]
    idf: Floats
    """By term, from how many rows hold it in their own words."""
    places: Places
    """The rows that a term reaches: it stands there, or in the head of a turn beside; ascending."""
    lexical: Floats
    """BM25 of these rows, their headers and a little of their neighbours counted in."""
    row: NDArray[np.int32]
    """Of each place where a term stands: the row,"""
    term: Places
    """the number of the term,"""
    is_own: Mask
    """whether it is one of the row's own words and not of its header,"""
    is_head: Mask
    """and one of the first ones."""

    @classmethod
    def of(cls, corpus: Corpus, terms: Sequence[str]) -> "Found":
        """Find the terms in a corpus; of very many the rarest."""
        terms = _rarest(corpus, terms)
        hits, term = corpus.postings.find(corpus.tokens, _forms(corpus, terms))
        row = corpus.row_of_token[hits]
        offset = hits - corpus.begin[row]
        is_own, is_head = offset < corpus.own[row], offset < corpus.head[row]
        holding = np.zeros((len(terms), len(corpus)), dtype=np.bool_)
        holding[term[is_own], row[is_own]] = True
        idf = _idf(holding)
        holding[term, row] = True
        places, tf = _reached(corpus, len(terms), row, term, is_own, is_head)
        # a word of the header counts here, where the words of other features do not
        lexical = bm25(tf=tf, idf=_idf(holding), norm=norm(corpus.bulk(places)))
        return cls(corpus, terms, idf, places, lexical, row, term, is_own, is_head)

    def lexical_at(self, places: Places) -> Floats:
        """The BM25 of these rows; 0 where no term reaches."""
        if not len(self.places):
            return np.zeros(len(places))
        near = np.minimum(np.searchsorted(self.places, places), len(self.places) - 1)
        return np.where(self.places[near] == places, self.lexical[near], 0.0)

    def counts_at(self, places: Places) -> tuple[Floats, Floats]:
        """How often each term stands in these rows, both of shape (terms, places).

        In their own words; and in the heads of two turns on each side, the second ones at half.
        """
        corpus, terms = self.corpus, len(self.terms)
        steps = [
            step[places]
            for step in (
                corpus.previous,
                corpus.following,
                corpus.before_previous,
                corpus.after_following,
            )
        ]
        wanted = np.zeros(len(corpus) + 1, dtype=np.bool_)  # the last is the neighbour of −1
        for some in (places, *steps):
            wanted[some] = True
        wanted[-1] = False
        rows = np.flatnonzero(wanted)
        local = np.full(len(corpus) + 1, len(rows))
        local[rows] = np.arange(len(rows))

        def count(which: Mask) -> Floats:
            which = which & wanted[self.row]
            return _count(self.term[which], local[self.row[which]], (terms, len(rows) + 1))

        own, head = count(self.is_own), count(self.is_head)
        previous, following, before, after = (head[:, local[step]] for step in steps)
        return own[:, local[places]], previous + following + SECOND_WEIGHT * (before + after)


def _forms(corpus: Corpus, terms: Sequence[str]) -> list[list[int]]:
    """The words that are forms of each term."""
    return [corpus.lexicon.forms(term) for term in terms]


def _rarest(corpus: Corpus, terms: Sequence[str]) -> Sequence[str]:
    """At most `MAX_TERMS` of the terms, in their order: the rarest of those that occur."""
    if len(terms) <= MAX_TERMS:
        return terms
    terms = terms[:MAX_READ]
    _, term = corpus.postings.find(corpus.tokens, _forms(corpus, terms))
    counts = np.bincount(term, minlength=len(terms))
    order = np.lexsort((counts, counts == 0))[:MAX_TERMS]
    return [terms[number] for number in np.sort(order).tolist()]


def _reached(
    corpus: Corpus,
    terms: int,
    row: NDArray[np.int32],
    term: Places,
    is_own: Mask,
    is_head: Mask,
) -> tuple[Places, Floats]:
    """The rows that any term reaches, and the weighted counts there, shape (terms, rows)."""
    heads, term_of_head = row[is_head], term[is_head]
    rows = np.concatenate([row, corpus.previous[heads], corpus.following[heads]])
    reached = np.zeros(len(corpus) + 1, dtype=np.bool_)
    reached[rows] = True
    reached[-1] = False
    places = np.flatnonzero(reached)
    local = np.full(len(corpus) + 1, len(places))
    local[places] = np.arange(len(places))
    weight = np.full(len(rows), AROUND_WEIGHT)
    weight[: len(row)] = np.where(is_own, OWN_WEIGHT, 1.0)
    counts = _count(
        np.concatenate([term, term_of_head, term_of_head]),
        local[rows],
        (terms, len(places) + 1),
        weight,
    )
    return places, counts[:, :-1]


def _count(
    row: Places, column: Places, shape: tuple[int, int], weight: Floats | None = None
) -> Floats:
    """How often each cell of a table was named; weights are halves, so sums are exact."""
    cells = np.bincount(row * shape[1] + column, weight, minlength=shape[0] * shape[1])
    return cells.reshape(shape).astype(np.float64, copy=False)


def _idf(holding: Mask) -> Floats:
    """ln(1 + (N − n + ½) / (n + ½)); ln(1 + N) for a term that no row holds. By term."""
    rows = holding.shape[1]
    having = np.array([np.count_nonzero(rows_of_term) for rows_of_term in holding])
    known = np.log1p((rows - having + 0.5) / (having + 0.5))
    return np.where(having > 0, known, np.log1p(rows))


def norm(bulk: Floats) -> Floats:
    """What BM25 divides by, beside the count, of rows with these lengths over the mean."""
    return K1 * (1 - B + B * bulk)


def bm25(*, tf: Floats, idf: Floats, norm: Floats) -> Floats:
    """BM25 of rows from counts of shape (terms, rows)."""
    parts = tf / (tf + norm)
    parts *= (K1 + 1) * idf[:, np.newaxis]
    # not `@`: BLAS sums a row differently depending on where it stands
    return parts.sum(axis=0)


def share_of(own: Floats, idf: Floats) -> Floats:
    """The share of the question's idf that stands in rows, of counts of shape (terms, rows)."""
    return ((own > 0) * idf[:, np.newaxis]).sum(axis=0) / (idf.sum() or 1.0)
