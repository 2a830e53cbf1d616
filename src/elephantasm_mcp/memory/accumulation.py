"""Accumulation: when pending events are worth a synthesis.

Owns the score. Counts events in the state `pending`, never times, so late events are not lost.
Invariant: without pending events the score is 0 and there is no job.
"""

from datetime import datetime

from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.views import Accumulation

_HOUR_S = 3600.0


def accumulate(anima: StoredAnima, *, now: datetime) -> Accumulation:
    """Hours since the first pending event, events and tokens, each by its weight (contract §5)."""
    settings = anima.settings
    score = 0.0
    if anima.pending_events and anima.pending_since is not None:
        hours = max(0.0, (now - anima.pending_since).total_seconds() / _HOUR_S)
        score = (
            hours * settings.time_weight
            + anima.pending_events * settings.event_weight
            + anima.pending_tokens * settings.token_weight
        )
    return Accumulation(
        score=round(score, 4), threshold=settings.threshold, pending_events=anima.pending_events
    )


def is_due(anima: StoredAnima, *, now: datetime) -> bool:
    """Whether a synthesis should run now."""
    accumulation = accumulate(anima, now=now)
    return accumulation.pending_events > 0 and accumulation.score >= accumulation.threshold
