"""Cuts the turns of a session into episodes: by time gap, by size and by shift of topic.

Owns where an episode ends, and which neighbours a thin one joins. Invariant: the episodes
partition the turns in order, and an answer is never cut off from its question except by a gap in
time.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from elephantasm_mcp.synthesis.turns import Turn, Voice

MAX_GAP: Final = timedelta(minutes=30)
MIN_WEIGHT: Final = 7.0
"""An episode shorter than this joins its neighbour (in chat turns of about 60 words)."""
MAX_WEIGHT: Final = 18.0
OVERLONG: Final = 40.0
"""From here on any place is good enough for a cut."""
MAX_JOINED_WEIGHT: Final = 60.0
"""How long an episode may grow by thin neighbours."""
_SHORT_REPLY: Final = 1.4
_WINDOW: Final = 3
"""Turns compared on either side of a possible cut (Hearst's TextTiling, blocks of turns)."""


def episodes(turns: Sequence[Turn], *, is_thin: Callable[[range], bool]) -> list[range]:
    """Partition `turns`, oldest first, into places of some 4 to 20 chat turns, or 1 to 4 long ones.

    An episode that `is_thin` joins a neighbour, unless a gap in time parts them.
    """
    return [
        episode
        for stretch in _between_gaps(turns)
        for episode in _joined(_by_topic(turns, stretch), turns, is_thin=is_thin)
    ]


def _between_gaps(turns: Sequence[Turn]) -> list[range]:
    cuts = [
        no
        for no, (left, right) in enumerate(pairwise(turns), start=1)
        if right.event.occurred_at - left.event.occurred_at > MAX_GAP
    ]
    return _ranges([0, *cuts, len(turns)])


def _joined(
    found: Sequence[range], turns: Sequence[Turn], *, is_thin: Callable[[range], bool]
) -> list[range]:
    """Thin episodes joined with the one before, or a thin first one with the one behind."""
    kept: list[range] = []
    for episode in found:
        before = kept[-1] if kept else None
        if before and (is_thin(episode) or is_thin(before)) and _fit(before, episode, turns):
            kept[-1] = range(before.start, episode.stop)
        else:
            kept.append(episode)
    return kept


def _fit(left: range, right: range, turns: Sequence[Turn]) -> bool:
    return sum(turns[no].weight for no in range(left.start, right.stop)) <= MAX_JOINED_WEIGHT


def _by_topic(all_turns: Sequence[Turn], stretch: range) -> list[range]:
    """Cut at the deepest valleys of cohesion, and where an episode would grow too long."""
    turns = all_turns[stretch.start : stretch.stop]
    depths = _depths(_cohesion(turns))
    threshold = _mean(depths) + _deviation(depths) / 2
    cuts: list[int] = []
    weight = 0.0
    remaining = sum(turn.weight for turn in turns)
    for no, turn in enumerate(turns[:-1]):
        weight += turn.weight
        remaining -= turn.weight
        following = turns[no + 1]
        if weight < MIN_WEIGHT or remaining < MIN_WEIGHT:
            continue
        full = weight + following.weight > MAX_WEIGHT and _may_cut(turn, following)
        if full or weight > OVERLONG or (depths[no] > threshold and _may_cut(turn, following)):
            cuts.append(stretch.start + no + 1)
            weight = 0.0
    return _ranges([stretch.start, *cuts, stretch.stop])


def _may_cut(left: Turn, right: Turn) -> bool:
    """Never between question and answer, nor before what an assistant or a tool answers.

    The closing question of an assistant ("Shall I go on?") binds only a short reply.
    """
    answers = left.asks and (left.voice is Voice.PERSON or right.weight < _SHORT_REPLY)
    return not answers and right.voice is Voice.PERSON


def _cohesion(turns: Sequence[Turn]) -> list[float]:
    """Cosine of the words before and after each gap between neighbouring turns."""
    scores: list[float] = []
    for gap in range(1, len(turns)):
        left = sum((turn.bag for turn in turns[max(0, gap - _WINDOW) : gap]), Counter[str]())
        right = sum((turn.bag for turn in turns[gap : gap + _WINDOW]), Counter[str]())
        scores.append(_cosine(left, right))
    return scores


def _cosine(left: Counter[str], right: Counter[str]) -> float:
    shared = sum(count * right[word] for word, count in left.items() if word in right)
    norms = math.hypot(*left.values()) * math.hypot(*right.values())
    return shared / norms if norms else 0.0


def _depths(scores: Sequence[float]) -> list[float]:
    """How far each gap lies below the nearest peaks on both sides; 0 where it is no valley."""
    left = _climbs(scores)
    right = _climbs(scores[::-1])[::-1]
    return [
        peak_left + peak_right - 2 * score
        if peak_left >= score <= peak_right and _is_valley(scores, no)
        else 0.0
        for no, (score, peak_left, peak_right) in enumerate(zip(scores, left, right, strict=True))
    ]


def _climbs(scores: Sequence[float]) -> list[float]:
    """For each place the height reached by walking left as long as it goes up."""
    peaks: list[float] = []
    for no, score in enumerate(scores):
        higher = no > 0 and scores[no - 1] >= score
        peaks.append(peaks[-1] if higher else score)
    return peaks


def _is_valley(scores: Sequence[float], no: int) -> bool:
    neighbours = [*scores[max(0, no - 1) : no], *scores[no + 1 : no + 2]]
    return all(score >= scores[no] for score in neighbours)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(_mean([(value - mean) ** 2 for value in values]))


def _ranges(bounds: Sequence[int]) -> list[range]:
    return [range(a, b) for a, b in pairwise(bounds) if a < b]
