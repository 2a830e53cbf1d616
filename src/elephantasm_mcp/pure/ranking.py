"""Ranking: which rows of a corpus answer a question.

Owns choosing candidates, their features and their order; `matching.py` counts words, `likeness.py`
compares them, and the weights are in `weights.py`. Invariant: the
result depends on the rows and the question alone, not on the order of either's arrival, and the
parts of a score add up to it.

A score is a sum of weighted features. The weights were fitted on conversations with known evidence
and measured on others (`benchmarks/fit.py`, BENCHMARKS.md).
"""

from calendar import isleap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure import weights
from elephantasm_mcp.pure.asking import Asked, Kind, Moment
from elephantasm_mcp.pure.corpus import (
    ASKS,
    HAS_NUMBER,
    HAS_PLACE,
    IS_USER,
    LAYERS,
    OF_SELF,
    OF_YOU,
    TELLS_FACT,
    TELLS_TIME,
    Corpus,
)
from elephantasm_mcp.pure.lexicon import WordVectors
from elephantasm_mcp.pure.likeness import Soft, soften
from elephantasm_mcp.pure.matching import Floats, Found, Places, bm25, norm, share_of
from elephantasm_mcp.pure.matrix import Comparison
from elephantasm_mcp.pure.scene import Scene, ranges
from elephantasm_mcp.pure.text import words
from elephantasm_mcp.pure.vectors import SCORE_STEPS, best_positions

CANDIDATES: Final = 100
"""How many rows of each layer each signal nominates: 60 cost half a point of recall (recall.md)."""
CHAT_AUTHORS: Final = frozenset({"user", "human", "assistant", "system", "tool"})
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

Features = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first, ties by layer and id. All arrays have one entry a candidate."""

    places: Places
    """Where they stand in the corpus."""
    scores: Floats
    """What orders them; a few are below 0 or above 1."""
    parts: Floats
    """What each kind of evidence gave of the score, shape (n, kinds): see `weights.SCORE`. They add
    up to it, or to the bound that it is beyond."""
    relevance: Floats
    """How likely the row has to do with the question at all, in [0, 1]. Unlike the score it does
    not depend on what else was found."""
    floor: float
    """Rows of less relevance are weak: not believed to answer."""
    worth: Mapping[str, float]
    """The idf of each term of the question."""
    worded: NDArray[np.bool_]
    """Whether a term of the question stands in the row itself."""
    similarity: Floats | None
    """The cosine of the sentence model, else of the word vectors."""


def rank(
    corpus: Corpus, asked: Asked, *, shown: NDArray[np.bool_], embed: WordVectors | None
) -> Ranking:
    """Rank the rows that are `shown` (a mask over the corpus) for a question.

    `embed` makes vectors of single words; without it, only equal and akin words match.
    """
    return _order(*describe(corpus, asked, shown=shown, embed=embed))


def describe(
    corpus: Corpus, asked: Asked, *, shown: NDArray[np.bool_], embed: WordVectors | None
) -> tuple[Scene, Features]:
    """The candidates for a question, and their features: what `weights` weighs."""
    named = _named_authors(corpus, asked)
    question = asked.without([name for name, _ in named])
    found = Found.of(corpus, question.terms)
    compared = {
        kind: corpus.vectors[model].compare(vector, shown=shown)
        for kind, (model, vector) in asked.vectors.items()
    }
    places = _nominate(corpus, shown, found, list(compared.values()))
    scene = Scene(corpus, question, places, found)
    near = {kind: comparison.at(places) for kind, comparison in compared.items()}
    return scene, _features(scene, near, soften(scene, embed), named)


# Candidates


def _nominate(
    corpus: Corpus, shown: NDArray[np.bool_], found: Found, compared: Sequence[Comparison]
) -> Places:
    """The best rows of each layer by each signal, in the order of the corpus."""
    nominated = np.zeros(len(corpus), dtype=np.bool_)
    may_be = shown[found.places]
    held, lexical = found.places[may_be], found.lexical[may_be]
    for layer in LAYERS:
        mine = corpus.layers[held] == layer
        nominated[_best(corpus, lexical[mine], held[mine])] = True
        rows = np.flatnonzero(shown & (corpus.layers == layer))
        for comparison in compared:
            near = comparison.candidates(rows)
            nominated[_best(corpus, comparison.at(near), near)] = True
    return np.flatnonzero(nominated)


def _best(corpus: Corpus, values: Floats, places: Places) -> Places:
    """The places of the `CANDIDATES` highest values, ties by id.

    Where most of them say the same, that many different ones as well.
    """
    if len(values) <= CANDIDATES:
        return places
    wanted, ids = CANDIDATES, corpus.ids[places]
    while True:
        best = places[best_positions(values, ids, wanted)]
        _, first = np.unique(corpus.looks(best), return_index=True)
        if len(first) >= CANDIDATES // 2 or wanted >= len(places):
            return np.append(best[:CANDIDATES], best[np.sort(first)[:CANDIDATES]])
        wanted *= 4


# Features


def _features(
    scene: Scene,
    cosines: Mapping[Kind, Floats],
    soft: Soft,
    named: Sequence[tuple[str, int]],
) -> Features:
    """Every feature that has a weight, in the notation of recall.md."""
    corpus, asked, found = scene.corpus, scene.asked, scene.found
    nothing = np.zeros(len(scene.places))
    bn = _mm(found.lexical_at(scene.places))
    bcx = bm25(tf=scene.own + scene.wide, idf=found.idf, norm=norm(corpus.bulk_wide(scene.places)))
    l3, pdp = _mm(cosines.get("sentence", nothing)), _mm(cosines.get("words", nothing))
    chat = float(all(name.casefold() in CHAT_AUTHORS for name in corpus.author_names if name))
    user = scene.has(IS_USER)
    me = float(asked.of_me)
    by_named, not_named = _by_author(scene, named if not chat else ())
    of_me = user * me * (not asked.of_you) * chat
    base = 0.4 * bn + 0.3 * l3 + 0.15 * pdp + 0.15 * _mm(soft.whole) + 0.15 * by_named + 0.2 * of_me
    near = _Near(scene, base)
    return {
        "bn": bn if cosines else nothing,  # its weight balances what meaning adds
        "bcx": _mm(bcx),
        "s3p": _mm(soft.passage),
        "s3cn": _mm(soft.context),
        "pdp": pdp,
        "l3": l3,
        "I*l3": me * l3,
        "I*bn": me * bn,
        "spk": by_named,
        "spk*self": by_named * scene.has(OF_SELF),
        "nospk*you": not_named * scene.has(OF_YOU),
        "rI": of_me,
        "p*asks": near.previous * near.after_question,
        "I*p": me * near.previous,
        "user*n": chat * user * near.answered * near.following,
        "assistant*p": chat * (1 - user) * scene.is_event * near.answers * near.previous,
        "session": near.best_of_session,
        "first": scene.is_event * (scene.previous < 0),
        "dm": _date_match(scene),
        "chat*late": chat * _lateness(scene),
        "when*time": asked.wants_time * scene.has(TELLS_TIME),
        "howmany*num": asked.wants_number * scene.has(HAS_NUMBER),
        "where*place": asked.wants_place * scene.has(HAS_PLACE),
        "names": corpus.names[scene.places].astype(np.float64),
        "fact": scene.has(TELLS_FACT),
        "asks": (1 - chat) * scene.has(ASKS),
        "raw:own": share_of(scene.own, found.idf),
        "raw:covs": soft.share,
        "raw:s3p": soft.passage,
        "raw:l3": cosines.get("sentence", nothing),
        "raw:pdp": cosines.get("words", nothing),
    }


def _mm(values: Floats) -> Floats:
    """Min-max over the candidates; where all are alike, 1 for what is above 0."""
    if not len(values):
        return values
    low, high = values.min(), values.max()
    if high - low > 1e-9:  # less is rounding
        return (values - low) / (high - low)
    return np.full_like(values, float(high > 0))


def _named_authors(corpus: Corpus, asked: Asked) -> list[tuple[str, int]]:
    """The authors whom the question names, with their codes."""
    return [
        (name, code)
        for name, code in corpus.author_names.items()
        if not asked.all_words.isdisjoint(words(name)) and name.casefold() not in CHAT_AUTHORS
    ]


def _by_author(scene: Scene, named: Sequence[tuple[str, int]]) -> tuple[Floats, Floats]:
    """Whether the one author whom the question names said it, or it tells of them; and if not.

    Both 0 when it names none, or several.
    """
    if len(named) != 1:
        return np.zeros(len(scene.places)), np.zeros(len(scene.places))
    ((name, code),) = named
    corpus = scene.corpus
    by = np.where(scene.is_event > 0, corpus.authors[scene.places] == code, False)
    others = np.flatnonzero(scene.is_event == 0)
    by[others] = _tells_of(corpus, scene.places[others], name)
    return by.astype(np.float64), (1.0 - by) * scene.is_event


def _tells_of(corpus: Corpus, places: Places, name: str) -> NDArray[np.bool_]:
    """Whether these rows have a word of a name."""
    is_name = np.zeros(len(corpus.lexicon), dtype=np.bool_)
    is_name[
        [number for word in words(name) if (number := corpus.lexicon.find(word)) is not None]
    ] = True
    lengths = corpus.own[places].astype(np.int64)
    ends = np.cumsum(lengths)
    held = is_name[corpus.tokens[ranges(corpus.begin[places], lengths, ends)]]
    counts = np.append(0, np.cumsum(held))
    return counts[ends] > counts[ends - lengths]


class _Near:
    """What the turns around a candidate are worth, by their own `base`."""

    def __init__(self, scene: Scene, base: Floats) -> None:
        corpus, full = scene.corpus, scene.spread(base)
        self.previous = full[scene.previous]
        self.following = full[scene.following]
        flags = np.append(corpus.flags, 0)
        self.after_question = (flags[scene.previous] & ASKS > 0).astype(np.float64)
        by_user = flags & IS_USER > 0
        self.answered = (~by_user[scene.following]).astype(np.float64)
        self.answers = by_user[scene.previous].astype(np.float64)
        sessions = corpus.sessions[scene.places]
        best = np.zeros(len(corpus.session_names))
        np.maximum.at(best, sessions, base)
        nameless = corpus.session_names.get(None)
        self.best_of_session = np.where(
            (sessions == nameless) & (scene.is_event == 0), 0.0, best[sessions]
        )


def _date_match(scene: Scene) -> Floats:
    """How near the day of each event is to a day or month that the question names, in [0, 1]."""
    match = np.zeros(len(scene.places))
    days = scene.corpus.days[scene.places].astype(np.int64)
    for moment in scene.asked.moments:
        match = np.maximum(match, _near_moment(days, moment))
    return match * scene.is_event


def _lateness(scene: Scene) -> Floats:
    """Where in the span of the anima's events a row's day lies, from 0 to 1; 0 for other rows."""
    days = scene.corpus.days
    first, last = days[days > 0].min(initial=days.max(initial=0)), days.max(initial=0)
    return scene.is_event * (days[scene.places] - first) / max(1, last - first)


def _near_moment(days: Places, moment: Moment) -> Floats:
    dates = (days - EPOCH_DAY).astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    years, month = months // 12 + 1970, months % 12 + 1
    if moment.day is None:
        same_year = True if moment.year is None else years == moment.year
        return ((month == moment.month) & same_year).astype(np.float64)
    best = np.zeros(len(days))
    told = years[days > 0]  # what is no event has no day
    for year in [moment.year] if moment.year else np.unique(told).tolist():
        if (moment.month, moment.day) == (2, 29) and not isleap(year):
            continue
        after = days - date(year, moment.month, moment.day).toordinal()
        best = np.maximum(best, np.exp(-np.abs(after) / np.where(after >= 0, 5, 2)))
    return best


# Order


def _order(scene: Scene, features: Features) -> Ranking:
    """The candidates by their scores."""
    corpus, places = scene.corpus, scene.places
    parts = np.stack(
        [
            sum((weight * features[name] for name, weight in group.items()), np.zeros(len(places)))
            for group in weights.SCORE.values()
        ],
        axis=1,
    )
    parts = np.rint(parts / weights.SCALE * SCORE_STEPS) / SCORE_STEPS
    scores = np.rint(parts.sum(axis=1) * SCORE_STEPS) / SCORE_STEPS
    beyond = (scores < 0) | (scores > 1)
    within = scores[beyond].clip(0, 1) / scores[beyond]
    parts[beyond] = np.rint(parts[beyond] * within[:, np.newaxis] * SCORE_STEPS) / SCORE_STEPS
    parts += 0.0  # never −0
    order = np.lexsort((corpus.ids[places], corpus.layers[places], -scores))
    kinds = scene.asked.vectors
    relevance = weights.relevance(features, by_meaning=scene.asked.is_latin)
    floor = weights.FLOOR if kinds and scene.asked.is_latin else weights.FLOOR_OF_WORDS
    nearest = "raw:l3" if "sentence" in kinds else "raw:pdp"
    return Ranking(
        places=places[order],
        scores=scores[order],
        parts=parts[order],
        relevance=relevance[order],
        floor=weights.LEAST if relevance.max(initial=0.0) >= floor else floor,
        worded=scene.own.sum(axis=0)[order] > 0,
        worth=dict(zip(scene.found.terms, scene.found.idf.tolist(), strict=True)),
        similarity=np.round(features[nearest][order], 6) + 0.0 if kinds else None,  # never −0
    )
