"""Spooled: storing what hooks took down.

Owns how a part of the spool becomes events of its project's anima. Invariant: a part leaves the
spool only after all of it is stored, or is set aside there; its events have keys, so that whoever
stores it again, here or in another process, adds nothing.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

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
Store: TypeAlias = Callable[[Part, Sequence[EventCreate]], Awaitable[object]]
"""Stores some events of a part, all or none."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a spool."""

    stored: int = 0
    refused: int = 0
    """Events that break a rule, and files that are no parts: those are set aside."""


async def deliver(core: Core, user: User, spool: Spool) -> Delivered:
    """Store all that waits.

    Raises:
        StorageError: the database cannot be written; what is not stored stays.
        OSError: the spool cannot be read.
    """

    async def store(part: Part, batch: Sequence[EventCreate]) -> None:
        await events.record(of_project(core, part), user, batch)

    stored = refused = 0
    for path in parts.waiting(spool):
        with suppress(NotFoundError):  # an anima that is named by its id, and is not there now
            done = await deliver_part(path, store)
            stored += done.stored
            refused += done.refused
    return Delivered(stored, refused)


async def deliver_part(path: Path, store: Store) -> Delivered:
    """Store what one file of the spool holds. An event that breaks a rule keeps no other back.

    Raises:
        ElephantasmError: `store` raised something else than a ValidationError; the file stays.
        OSError: the file cannot be read, or not be removed.
    """
    found = parts.read(path)
    if found is None:
        return Delivered(refused=int(parts.set_aside(path)))
    stored = 0
    for batch in _batches(list(_requests_of(found))):
        stored += await _store(partial(store, found), batch)
    refused = len(found.events) - stored
    if refused:
        parts.set_aside(path)
    else:
        parts.remove(path)
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
        parts.remove(path)


def of_project(core: Core, part: Part) -> Core:
    """The same ports, with the default anima of a part."""
    if part.anima is not None:
        return replace(core, default_anima=part.anima, project=None)
    return replace(core, default_anima=part.project.name, project=part.project)


def _requests_of(part: Part) -> Iterator[EventCreate]:
    """Its events; what is none is left out."""
    for fields in part.events:
        try:
            yield _request(fields)
        except PydanticValidationError:
            continue


def _batches(requests: Sequence[EventCreate]) -> Iterator[list[EventCreate]]:
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


async def _store(
    store: Callable[[Sequence[EventCreate]], Awaitable[object]], batch: Sequence[EventCreate]
) -> int:
    """Store a batch; where one event breaks a rule, each by itself. Gives how many are stored."""
    try:
        await store(batch)
    except ValidationError:
        if len(batch) == 1:
            return 0
        return sum([await _store(store, [one]) for one in batch])
    return len(batch)


def _request(fields: Fields) -> EventCreate:
    return EventCreate.model_validate(fields)
