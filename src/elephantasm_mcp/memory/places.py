"""Places: which row is meant.

Owns finding a row by its handle or id. Invariant: a row is found only through an anima of its user;
anybody else's does not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import erasure, memories
from elephantasm_mcp.store.animas import StoredAnima
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
from elephantasm_mcp.types.views import AnimaRef


@dataclass(frozen=True, slots=True)
class Place:
    """A row: its anima, layer and id. There may be no such row."""

    anima: StoredAnima
    layer: Layer
    id: RowId

    @property
    def handle(self) -> str:
        """Its letter and number."""
        return handle_of(self.layer, self.id)


async def locate(core: Core, user: User, handle: str, *, anima: AnimaRef = None) -> Place:
    """The row behind a handle or UUID; a UUID wins over `anima`.

    Raises:
        ValidationError: not a handle or id of an event, memory or knowledge item.
        NotFoundError: an unknown anima or id.
    """
    uuid = parse_uuid(handle)
    if uuid is not None:
        place = await core.database.read(_locate_uuid, user, uuid)
        if place is None:
            raise missing(handle)
        return place
    parsed = parse_handle(handle)
    if parsed is None or parsed[0] not in LAYER_LETTERS:
        raise ValidationError(
            f"{handle!r} is not a handle.",
            field="handle",
            hint='Give one such as "e341", "m12" or "k7", or an id; search_memory shows them.',
        )
    target = await animas.find(core, user, anima)
    return Place(target, LAYER_LETTERS[parsed[0]], row_id(target.anima_no, parsed[1]))


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
