"""Defaults: which anima an answer is about when nobody named one.

Owns how a surface hears of it from the services below. Invariant: outside of `noted` nothing is
kept, and what one call took is never seen by another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Default:
    """The default anima, once it was taken."""

    name: str | None = None
    note: str | None = None
    """What is to be said of it: that a project's file was not listened to."""


_taken: Final[ContextVar[Default | None]] = ContextVar("taken", default=None)


@contextmanager
def noted() -> Iterator[Default]:
    """Note in what this gives which default is taken within the block."""
    found = Default()
    token = _taken.set(found)
    try:
        yield found
    finally:
        _taken.reset(token)


def take(name: str, note: str | None = None) -> None:
    """Say that the default anima was meant, and which one that is."""
    found = _taken.get()
    if found is not None:
        found.name, found.note = name, note
