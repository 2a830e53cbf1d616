"""Grants: giving an anima read access to another, and taking it back.

Owns who may give what to whom. What a grant shows is read in `memory/granted.py`. Invariant: only
the owner of the source gives; both owners see a grant and may end it; whoever is neither learns
nothing, not even whether there is such an anima, user or grant.
"""

from datetime import datetime
from uuid import UUID

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import grants as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.grants import StoredGrant
from elephantasm_mcp.types.grants import Grant, GrantRequest
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import AnimaNo, User, parse_uuid

MOST_SOURCES = 20
"""How many others an anima may read of: each costs every pack of it a lookup or a ranking."""


async def add(core: Core, user: User, source: AnimaRef, request: GrantRequest) -> Grant:
    """Let another anima read of `source`: its knowledge, its memories, or both.

    What stands already is returned as it is. What is asked beyond it gives a new grant for both,
    which ends the one before.

    Raises:
        ValidationError: neither layer, the anima itself, or a name where an id is needed.
        NotFoundError: an unknown anima, of the user or of the one that is named.
        ConflictError: that anima reads of too many others.
    """
    if not (request.knowledge or request.memories):
        raise ValidationError(
            "A grant needs `knowledge`, `memories` or both.",
            field="knowledge",
            hint="Raw events are never granted.",
        )
    target = await animas.find(core, user, source)
    return await core.database.write(
        _add, core, user, target, request, uuid=core.ids.uuid(), now=core.clock.now()
    )


async def list_of(core: Core, user: User, anima: AnimaRef) -> list[Grant]:
    """All grants of an anima and to it, those that ended as well, oldest first.

    Raises:
        NotFoundError: an unknown anima.
    """
    target = await animas.find(core, user, anima)
    return await core.database.read(_list, [target])


async def list_all(core: Core, user: User) -> list[Grant]:
    """The grants of all animas of a user and to them."""
    seen = await core.database.read(anima_store.list_for, user)
    return await core.database.read(_list, seen)


async def revoke(core: Core, user: User, grant: UUID | str, *, anima: AnimaRef = None) -> Grant:
    """End a grant: the next read does without it. One that has ended is returned as it is.

    Where an `anima` is given, the grant must be one of it or to it.

    Raises:
        NotFoundError: no such grant of the user's animas or to them.
        ConflictError: another grant took its place.
    """
    among = None if anima is None else (await animas.find(core, user, anima)).anima_no
    return await core.database.write(_revoke, user, grant, among=among, now=core.clock.now())


def _add(
    tx: Tx,
    core: Core,
    user: User,
    source: StoredAnima,
    request: GrantRequest,
    *,
    uuid: UUID,
    now: datetime,
) -> Grant:
    source = animas.find_or_make(tx, core, user, source.id)  # it may be somebody else's by now
    reader = _reader(tx, core, user, request)
    if reader.anima_no == source.anima_no:
        raise ValidationError("An anima reads itself without a grant.", field="to")
    held = store.held(tx, reader.anima_no)
    known = next((one for one in held if one.source_no == source.anima_no), None)
    is_foreign = reader.user_no != source.user_no  # others take no place of the owner's own
    old = store.standing(tx, source=source.anima_no, reader=reader.anima_no)
    knowledge = request.knowledge or (known is not None and known.knowledge)
    memories = request.memories or (known is not None and known.memories)
    if known and old and (knowledge, memories) == (known.knowledge, known.memories):
        return old.grant
    if old is not None:
        store.revoke(tx, old, by=user.no, now=now)
    elif store.was_refused(tx, source=source.anima_no, reader=reader):
        raise ConflictError(
            "Its owner ended a grant of this anima: it cannot be given again.",
            hint="Let that one grant something to yours, and agree.",
        )
    elif sum(one.is_foreign == is_foreign for one in held) >= MOST_SOURCES:
        raise ConflictError(
            f"That anima reads of {MOST_SOURCES} others already.", hint="Revoke a grant first."
        )
    store.add(
        tx,
        uuid=uuid,
        source=source,
        reader=reader,
        knowledge=knowledge,
        memories=memories,
        now=now,
    )
    return _existing(tx, uuid).grant


def _reader(tx: Tx, core: Core, user: User, request: GrantRequest) -> StoredAnima:
    """The anima that shall read.

    Another user's is named by its id alone: names could be tried out, to learn which there are.
    """
    name = (request.to_user or "").strip()
    owner = anima_store.find_user(tx, name) if name else user.no
    if owner == user.no:
        return animas.find_or_make(tx, core, user, request.to)
    uuid = request.to if isinstance(request.to, UUID) else parse_uuid(request.to)
    if uuid is None:
        raise ValidationError(
            "Another user's anima is named by its id.",
            field="to",
            hint="Its owner sees the id with `animas list --json`, or in list_animas.",
        )
    found = anima_store.find(tx, User(owner), uuid) if owner is not None else None
    if found is None or found.id != uuid:
        raise NotFoundError("There is no such anima of that user.", hint="Ask its owner for both.")
    return found


def _list(tx: Tx, animas_seen: list[StoredAnima]) -> list[Grant]:
    found = [one for anima in animas_seen for one in store.list_of(tx, anima.anima_no)]
    unique = {one.grant.id: one.grant for one in found}
    return sorted(unique.values(), key=lambda one: (one.granted_at, one.id))


def _revoke(
    tx: Tx, user: User, grant: UUID | str, *, among: AnimaNo | None, now: datetime
) -> Grant:
    uuid = grant if isinstance(grant, UUID) else parse_uuid(grant)
    found = store.find(tx, uuid) if uuid else None
    if found is None or not _is_seen(tx, user, found, among=among):
        raise NotFoundError(
            "There is no such grant.", hint="`grant list` shows those that there are."
        )
    if found.grant.revoked_at is None:
        store.revoke(tx, found, by=user.no, now=now)
        return _existing(tx, found.grant.id).grant
    successor = store.standing(tx, source=found.source_no, reader=found.reader_no)
    if successor is not None:
        raise ConflictError(
            f"That grant has ended: {successor.grant.id} took its place, and stands.",
            hint="Revoke that one.",
        )
    return found.grant


def _is_seen(tx: Tx, user: User, one: StoredGrant, *, among: AnimaNo | None) -> bool:
    """Whether a user sees one of both animas, and it is about the one that was named."""
    both = (one.source_no, one.reader_no)
    if among is not None and among not in both:
        return False
    return any(_sees(tx, user, anima_no) for anima_no in both)


def _sees(tx: Tx, user: User, anima_no: AnimaNo) -> bool:
    try:
        return anima_store.get(tx, anima_no).is_seen_by(user)
    except LookupError:  # it was removed
        return False


def _existing(tx: Tx, uuid: UUID) -> StoredGrant:
    found = store.find(tx, uuid)
    if found is None:
        raise LookupError(uuid)
    return found
