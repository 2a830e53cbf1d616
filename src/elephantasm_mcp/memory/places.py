"""Places: which row is meant.

Owns finding a row by its handle or id. Invariant: a row is found only through an anima of its user,
or through a grant to one; anybody else's does not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, granted
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import Granted
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import erasure, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import (
    LAYER_LETTERS,
    Layer,
    RowId,
    User,
    handle_of,
    parse_handle,
    parse_uuid,
    row_id,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A row: its anima, layer and id. There may be no such row."""

    anima: StoredAnima
    layer: Layer
    id: RowId
    reader: StoredAnima | None = None
    """The anima that reads it by a grant, if it is not the user's own row that is meant,"""
    granted: Granted | None = None
    """and the source as that one sees it."""

    @property
    def handle(self) -> str:
        """Its letter and number, behind the name of its anima if that is another's."""
        own = handle_of(self.layer, self.id)
        return self.granted.handle(own) if self.granted else own


async def locate(core: Core, user: User, handle: str, *, anima: AnimaRef = None) -> Place:
    """The user's own row behind a handle or UUID; a UUID wins over `anima`.

    Raises:
        ValidationError: not a handle or id of an event, memory or knowledge item; or of a row that
            may only be read.
        NotFoundError: an unknown anima or id.
    """
    if granted.is_granted(handle):
        raise _only_read(handle)
    uuid = parse_uuid(handle)
    if uuid is not None:
        place = await core.database.read(_locate_uuid, user, uuid)
        if place is None:
            if await core.database.read(_locate_granted_uuid, user, uuid, first=None):
                raise _only_read(handle)
            raise missing(handle)
        return place
    layer, number = _parse(handle)
    target = await animas.find(core, user, anima)
    return Place(target, layer, row_id(target.anima_no, number))


async def locate_readable(core: Core, user: User, handle: str, *, anima: AnimaRef = None) -> Place:
    """`locate`, for who only reads: rows of other animas as well, as far as a grant shows them.

    Raises:
        ValidationError: not a handle or id of an event, memory or knowledge item.
        NotFoundError: an unknown anima or id, or no grant shows it.
    """
    uuid = parse_uuid(handle)
    if uuid is not None and await core.database.read(_locate_uuid, user, uuid) is None:
        first = None if anima is None else (await animas.find(core, user, anima)).id
        found = await core.database.read(_locate_granted_uuid, user, uuid, first=first)
        if found is None:
            raise missing(handle)
        return found
    if not granted.is_granted(handle):
        return await locate(core, user, handle, anima=anima)
    label, _, own = handle.rpartition(granted.SIGN)
    layer, number = _parse(own)
    reader = await animas.find(core, user, anima)
    place = await core.database.read(_locate_granted, reader, label, layer, number)
    if place is None:
        raise missing(handle)
    return place


def _parse(handle: str) -> tuple[Layer, int]:
    """The layer and the number of a handle.

    Raises:
        ValidationError: it is none of an event, memory or knowledge item.
    """
    parsed = parse_handle(handle)
    if parsed is None or parsed[0] not in LAYER_LETTERS:
        raise ValidationError(
            f"{handle!r} is not a handle.",
            field="handle",
            hint='Give one such as "e341", "m12" or "k7", or an id; search_memory shows them.',
        )
    return LAYER_LETTERS[parsed[0]], parsed[1]


def _only_read(handle: str) -> ValidationError:
    return ValidationError(
        f"{handle!r} is another anima's row: a grant lets you read it, and no more.",
        field="handle",
        hint="Who owns that anima may change or forget it there, or revoke the grant.",
    )


async def absence(core: Core, place: Place) -> NotFoundError:
    """Why a row is not there: whether it was forgotten, if so when."""
    at = await core.database.read(erasure.forgotten_at, place.layer, place.id)
    if at is None:
        return missing(place.handle)
    return NotFoundError(
        f"{place.handle} was forgotten on {at:%d %b %Y}; nothing else is left of it.",
        hint="It cannot be brought back.",
    )


def missing(handle: str) -> NotFoundError:
    """The error about a row that is not there."""
    return NotFoundError(
        f"There is no {handle!r} in this anima.",
        hint="search_memory shows handles; an undone dream takes its rows with it.",
    )


def _locate_uuid(tx: Tx, user: User, uuid: UUID) -> Place | None:
    for layer in LAYER_LETTERS.values():
        id_ = memories.id_by_uuid(tx, layer, uuid)
        if id_ is not None:
            anima = anima_store.get(tx, anima_store.anima_of(id_))
            return Place(anima, layer, id_) if anima.is_seen_by(user) else None
    return None


def _locate_granted(
    tx: Tx, reader: StoredAnima, label: str, layer: Layer, number: int
) -> Place | None:
    one = granted.called(granted.sources(tx, reader), label)
    if one is None:
        return None
    id_ = row_id(one.anima.anima_no, number)
    shown = granted.shows(tx, one, layer, id_)
    return Place(one.anima, layer, id_, reader, one) if shown else None


def _locate_granted_uuid(tx: Tx, user: User, uuid: UUID, *, first: UUID | None) -> Place | None:
    for layer in LAYER_LETTERS.values():
        id_ = memories.id_by_uuid(tx, layer, uuid)
        if id_ is not None:
            source = anima_store.get(tx, anima_store.anima_of(id_))
            found = granted.reader_of(tx, user, source, first=first)
            if found is None or not granted.shows(tx, found[1], layer, id_):
                return None
            return Place(source, layer, id_, *found)
    return None
