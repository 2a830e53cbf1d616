"""Scores: recency, decay, and how well a row answers a query.

Owns every weight of the ranking, in one place. Invariant: every score lies in [0, 1], and the parts
of a breakdown add up to the score (both rounded to 1e-6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import log

SESSION_RECENCY_HALF_LIFE_H = 24.0
LONGEST_DECAY_HALF_LIFE_D = 365.0
REINFORCEMENT = 1.5
"""Each use of a memory makes its half-life this much longer."""

COMPOSITE = {"importance": 0.25, "confidence": 0.15, "recency": 0.20, "freshness": 0.15}
"""Weights of a memory without a query; they are normalised to 1 (design.md §2)."""
KNOWLEDGE = {"confidence": 0.7, "recency": 0.3}
"""Weights of a knowledge item without a query."""
RELEVANCE = {
    "coverage": 0.30,
    "bm25": 0.20,
    "sentence": 0.22,
    "words": 0.08,
    "author": 0.08,
    "neighbours": 0.12,
}
"""Weights of the signals of a hit. A signal that is not in use leaves its weight to the others."""
QUERY_SHARE = 0.8
"""Of a pack line's score under a query: relevance has this part, the composite the rest."""
FLOOR = 0.24
"""Hits below are weak: questions that have nothing to do with an anima stay below it."""
SIMILARITY_FLOOR = 0.45
"""Unless their meaning is this near: "allergy" finds "allergic" without sharing a word."""
DECAYING_PENALTY = 0.5
"""A decaying memory counts this much of its score."""

BM25_K1 = 1.2
BM25_B = 0.75


def recency(age: timedelta, *, half_life_h: float) -> float:
    """0.5^(age / half-life); a future time counts as now."""
    return round(0.5 ** (max(0.0, age / timedelta(hours=1)) / half_life_h), 6)


def decay(unused: timedelta, *, accesses: int, half_life_d: float) -> float:
    """1 − 0.5^(time since the last use / (half-life × 1.5^uses, at most a year))."""
    stretched = min(
        half_life_d * REINFORCEMENT ** min(accesses, 100),
        max(half_life_d, LONGEST_DECAY_HALF_LIFE_D),
    )
    return round(1.0 - 0.5 ** (max(0.0, unused / timedelta(days=1)) / stretched), 6)


def idf(*, rows: int, holding: int) -> float:
    """ln(1 + (N − n + ½) / (n + ½)), never negative."""
    return log(1 + max(0.0, rows - holding + 0.5) / (holding + 0.5))


def bm25_share(frequency: float, *, length: float, mean_length: float) -> float:
    """The term part of BM25, saturated to [0, 1]."""
    if frequency <= 0:
        return 0.0
    norm = 1 - BM25_B + BM25_B * length / max(mean_length, 1.0)
    return frequency / (frequency + BM25_K1 * norm)


def is_weak(score: float, *, similarity: float | None) -> bool:
    """Whether a hit is not believed to answer the query."""
    return score < FLOOR and (similarity or 0.0) < SIMILARITY_FLOOR


@dataclass(frozen=True, slots=True)
class Scored:
    """A score and the part that each factor gave."""

    score: float
    breakdown: dict[str, float]


def weigh(signals: Mapping[str, float], weights: Mapping[str, float]) -> Scored:
    """The weighted mean of the signals that are there; weights of absent ones are shared out."""
    total = sum(weights[name] for name in signals)
    parts = {
        name: round(weights[name] / total * min(1.0, max(0.0, value)), 6)
        for name, value in signals.items()
    }
    return Scored(score=round(sum(parts.values()), 6), breakdown=parts)


def scale(scored: Scored, factor: float) -> Scored:
    """The score and each part of it, times a factor in [0, 1]."""
    parts = {name: round(part * factor, 6) for name, part in scored.breakdown.items()}
    return Scored(score=round(sum(parts.values()), 6), breakdown=parts)


def blend(relevance: Scored, composite: Scored, *, share: float = QUERY_SHARE) -> Scored:
    """`share` of one score and the rest of the other, with both breakdowns."""
    parts = scale(relevance, share).breakdown | scale(composite, 1 - share).breakdown
    return Scored(score=round(sum(parts.values()), 6), breakdown=parts)
