"""Defaults: which anima an answer is about when nobody named one.

Owns how a surface hears of it from the services below. Invariant: outside of `noted` nothing is
kept, and what one call took is never seen by another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote


@dataclass(slots=True)
class Default:
    """The default anima, once it was taken."""

    name: str | None = None
    note: str | None = None
    """What is to be said of it: that a project's file was not listened to."""


DEFAULT_ANIMA: Final = "X-Default-Anima"
"""The header by which a bridge names its default anima, and an answer the one that it took."""
_MOST_CHARS: Final = 255

_taken: Final[ContextVar[Default | None]] = ContextVar("taken", default=None)

_brought: Final[ContextVar[str | None]] = ContextVar("brought", default=None)


@contextmanager
def brought(name: str | None) -> Iterator[None]:
    """Within the block this is the default anima of who asks; None leaves that to the settings."""
    token = _brought.set(name)
    try:
        yield
    finally:
        _brought.reset(token)


def brought_along() -> str | None:
    """The default anima that who asks has of its own."""
    return _brought.get()


@contextmanager
def noted() -> Iterator[Default]:
    """Note in what this gives which default is taken within the block."""
    found = Default()
    token = _taken.set(found)
    try:
        yield found
    finally:
        _taken.reset(token)


def as_header(name: str) -> str:
    """A name as it stands in the header: as in a URL."""
    return quote(name, errors="replace")


def read_default(text: str) -> str | None:
    """The name that the header has; None when it is none."""
    name = unquote(text, errors="replace").strip()
    return name if name and len(name) <= _MOST_CHARS and name.isprintable() else None


def take(name: str, note: str | None = None) -> None:
    """Say that the default anima was meant, and which one that is."""
    found = _taken.get()
    if found is not None:
        found.name, found.note = name, note
