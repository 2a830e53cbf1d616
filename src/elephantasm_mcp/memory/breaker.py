"""The breaker: when a language model is asked no more, for a while.

Owns counting failures in a row and failures of one task, in this process. Knows no provider and
makes no calls. Invariant: a model that fails always is asked at most `MOST_FAILURES` times for one
task in a window, and after `OPENS_AFTER` failures in a row once in a window at most.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from elephantasm_mcp.errors import ModelError
from elephantasm_mcp.types.records import AnimaNo

OPENS_AFTER: Final = 5
"""Failures in a row, of whatever task, after which nobody asks for a while."""
MOST_FAILURES: Final = 3
"""Failures of one task of one anima within a window."""
WINDOW: Final = timedelta(minutes=10)
"""How long nobody asks then; after it one call tries whether the model answers again."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked for: the failures of one task do not count for another."""

    anima_no: AnimaNo
    purpose: str


@dataclass(slots=True)
class _Record:
    """How one model did lately."""

    in_a_row: int = 0
    shut_until: datetime | None = None
    trying: bool = False
    why: str = ""
    lasting: bool = False
    """Whether it failed for good when it last did."""
    failures: dict[Task, list[datetime]] = field(default_factory=dict)
    spent_until: datetime | None = None


class Breaker:
    """The failures of each model in this process."""

    def __init__(self) -> None:
        self._records: Final[dict[str, _Record]] = {}

    def may_ask(self, model: str, task: Task, *, now: datetime) -> bool:
        """Whether a call would be let through now, the day's budget permitting."""
        record = self._records.get(model, _Record())
        if record.spent_until is not None and now < record.spent_until:
            return False
        return _shut_until(record, task, now=now) is None and not record.trying

    def enter(self, model: str, task: Task, *, now: datetime) -> None:
        """Let a call through; `passed`, `failed` or `left` must follow.

        Raises:
            ModelError: not now; the message says why, and until when.
        """
        record = self._records.setdefault(model, _Record())
        until = _shut_until(record, task, now=now)
        if until is None and not record.trying:
            record.trying = record.shut_until is not None
            return
        until = until or now + WINDOW
        raise ModelError(
            f"{record.why or f'{model} failed too often.'} It is asked again from "
            f"{until:%H:%M} UTC on.",
            permanent=record.lasting,
            retry_after_s=(until - now).total_seconds(),
        )

    def passed(self, model: str, task: Task) -> None:
        """The call was answered."""
        record = self._records.setdefault(model, _Record())
        record.in_a_row, record.shut_until, record.trying, record.why = 0, None, False, ""
        record.failures.pop(task, None)

    def failed(self, model: str, task: Task, error: ModelError, *, now: datetime) -> None:
        """The call failed. One that no other call will mend shuts the breaker at once."""
        record = self._records.setdefault(model, _Record())
        record.trying, record.why = False, str(error)
        record.lasting = error.permanent and not error.about_prompt
        record.in_a_row += 1
        times = record.failures.setdefault(task, [])
        times[:] = [*(time for time in times if now - time < WINDOW), now]
        if record.in_a_row >= OPENS_AFTER or record.lasting:
            record.shut_until = now + WINDOW

    def left(self, model: str) -> None:
        """The call was given up: nothing is known of the model."""
        self._records.setdefault(model, _Record()).trying = False

    def spent(self, model: str, *, until: datetime) -> None:
        """The day's budget has no room for what was asked."""
        self._records.setdefault(model, _Record()).spent_until = until


def _shut_until(record: _Record, task: Task, *, now: datetime) -> datetime | None:
    """Until when nothing is asked; None when it may be now."""
    if record.shut_until is not None and now < record.shut_until:
        return record.shut_until
    times = [time for time in record.failures.get(task, []) if now - time < WINDOW]
    return times[0] + WINDOW if len(times) >= MOST_FAILURES else None
