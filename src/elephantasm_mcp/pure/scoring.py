"""Scores: recency, decay, and how a row stands without a query.

Owns the weights of standing; those of recall are in `weights.py`. Invariant: every score lies in
[0, 1], and the parts of a breakdown add up to the score (both rounded to 1e-6).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import prod

SESSION_RECENCY_HALF_LIFE_H = 24.0
LONGEST_DECAY_HALF_LIFE_D = 365.0
MOST_CONFIDENT = 0.99
"""However often something is said, so sure it is at most."""
REINFORCEMENT = 1.5
"""Each use of a memory makes its half-life this much longer."""

COMPOSITE = {"importance": 0.25, "confidence": 0.15, "recency": 0.20, "freshness": 0.15}
"""Weights of a memory without a query; they are normalised to 1 (design.md §2)."""
KNOWLEDGE = {"confidence": 0.7, "recency": 0.3}
"""Weights of a knowledge item without a query."""
QUERY_SHARE = 0.9
"""Of a pack line's score under a query: relevance has this part, the composite the rest."""
DECAYING_PENALTY = 0.5
"""A decaying memory counts this much of its score."""


def confidence_together(said: Iterable[tuple[frozenset[int], float]]) -> float:
    """How sure it is what was said in each of these sets of events, with that confidence.

    What is said again is surer (1 − the product of the doubts), unless it is the same events that
    say it; merging alone makes nothing surer than `MOST_CONFIDENT`.
    """
    best: dict[frozenset[int], float] = {}
    for events, confidence in said:
        best[events] = max(best.get(events, 0.0), confidence)
    together = 1 - prod(1 - one for one in best.values())
    return max(max(best.values()), round(min(together, MOST_CONFIDENT), 4))


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


@lru_cache(maxsize=8192)
def composite(*, importance: float, confidence: float, recency: float, freshness: float) -> Scored:
    """How a memory stands without a query."""
    return weigh(
        {
            "importance": importance,
            "confidence": confidence,
            "recency": recency,
            "freshness": freshness,
        },
        COMPOSITE,
    )


def scale(scored: Scored, factor: float) -> Scored:
    """The score and each part of it, times a factor in [0, 1]."""
    parts = {name: round(part * factor, 6) for name, part in scored.breakdown.items()}
    return Scored(score=round(sum(parts.values()), 6), breakdown=parts)
