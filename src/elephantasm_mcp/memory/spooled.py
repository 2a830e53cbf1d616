"""Spooled: storing what hooks took down.

Owns how a part of the spool becomes events of its project's anima. Invariant: a part leaves the
spool only after all of it that can be stored is; its events have keys, so that whoever stores it
again, here or in another process, adds nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, events, uses
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.spool import parts
from elephantasm_mcp.spool.folders import Spool
from elephantasm_mcp.spool.parts import Fields, Part
from elephantasm_mcp.types.records import EventCreate, User

_AT_ONCE: Final = 64
_CHARS_AT_ONCE: Final = events.LONG_CHARS
"""What is checked without a thread, so that it also works where there are none."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a spool."""

    stored: int = 0
    refused: int = 0
    """Events that break a rule, and files that are no parts."""


async def deliver(core: Core, user: User, spool: Spool) -> Delivered:
    """Store all that waits.

    Raises:
        StorageError: the database cannot be written; what is not stored stays.
        OSError: the spool cannot be read.
    """
    stored = refused = 0
    for path in parts.waiting(spool):
        found = parts.read(path)
        if found is None:
            if path.exists():
                parts.set_aside(path)
                refused += 1
            continue
        requests = list(requests_of(found))
        refused += len(found.events) - len(requests)
        ours = of_project(core, found)
        try:
            for batch in batches(requests):
                count = await _record(ours, user, batch)
                stored += count
                refused += len(batch) - count
        except NotFoundError:  # an anima that is named by its id, and is not there now
            continue
        remove(path)
    return Delivered(stored, refused)


async def count_shown(core: Core, user: User, spool: Spool) -> None:
    """Count what hooks printed like any other pack that was read.

    A hook has no time to write it down itself.

    Raises:
        StorageError: the database cannot be read.
        OSError: the spool cannot be read.
    """
    for path in parts.waiting(spool, shown=True):
        found = parts.read(path)
        if found is not None:
            ours = of_project(core, found)
            anima = await core.database.read(animas.look_up, ours, user, None)
            if anima is not None:
                uses.note_printed(core, anima.anima_no, found.shown)
        remove(path)


def of_project(core: Core, part: Part) -> Core:
    """The same ports, with the default anima of a part."""
    if part.anima is not None:
        return replace(core, default_anima=part.anima, project=None)
    return replace(core, default_anima=part.project.name, project=part.project)


def requests_of(part: Part) -> Iterator[EventCreate]:
    """Its events; what is none is left out."""
    for fields in part.events:
        try:
            yield _request(fields)
        except PydanticValidationError:
            continue


def batches(requests: Sequence[EventCreate]) -> Iterator[list[EventCreate]]:
    """The requests, in handy portions."""
    batch: list[EventCreate] = []
    chars = 0
    for one in requests:
        if batch and (len(batch) == _AT_ONCE or chars + len(one.content) > _CHARS_AT_ONCE):
            yield batch
            batch = []
            chars = 0
        batch.append(one)
        chars += len(one.content)
    if batch:
        yield batch


async def _record(core: Core, user: User, batch: Sequence[EventCreate]) -> int:
    """Store a batch; where one event breaks a rule, each by itself. Gives how many are stored."""
    try:
        await events.record(core, user, batch)
    except ValidationError:
        if len(batch) == 1:
            return 0
        return sum([await _record(core, user, [one]) for one in batch])
    return len(batch)


def _request(fields: Fields) -> EventCreate:
    return EventCreate.model_validate(fields)


def remove(path: Path) -> None:
    """Take a part out of the spool: it is stored."""
    path.unlink(missing_ok=True)
