"""API keys and users: who is let in from outside, as whom, and for what.

Owns making, listing, revoking and knowing keys again. What a caller may do with one is `access`'s.
Invariant: a key is shown once, when it is made; what is kept is its digest, and every use looks it
up, so that a revocation holds at once.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import anyio

from elephantasm_mcp.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ValidationError,
)
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.similarity import nearest
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.store import animas
from elephantasm_mcp.store import keys as store
from elephantasm_mcp.store.keys import StoredKey
from elephantasm_mcp.types.callers import (
    DEFAULT_SCOPES,
    ApiKey,
    Caller,
    KeyState,
    Scope,
    may_change,
)
from elephantasm_mcp.types.records import User, parse_uuid

BEGINNING: Final = "sk_live_"
SECRET_BYTES: Final = 32
SHOWN_CHARS: Final = len(BEGINNING) + 4
"""How much of a key is kept to tell it from others: 24 bits of its 256."""
MAX_NAME_CHARS: Final = 255
LOCAL: Final = "local"
"""What the user of stdio, the command line and the embedded SDK is called."""
USED_EVERY: Final = timedelta(hours=1)
"""How often the use of a key is written down."""


async def create(
    core: Core,
    name: str,
    *,
    user: str = LOCAL,
    scopes: Collection[Scope] = DEFAULT_SCOPES,
    only: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for a user, who is made too if need be; beside what is known of it, the key.

    `only` names animas of that user, by id or name: the key opens no other.

    Raises:
        ValidationError: a name is blank or too long, no scope is given, or it would have expired.
        ConflictError: another key that was not revoked has this name.
        NotFoundError: the user has no such anima.
    """
    name, user = clean_name(name, field="name"), clean_name(user, field="user")
    now = core.clock.now()
    if not scopes:
        raise ValidationError("A key needs a scope.", field="scopes", hint="Give read or write.")
    if expires_at is not None and expires_at <= now:
        raise ValidationError(
            "The key would have expired already.", field="expires", hint="Give a later day."
        )
    secret = BEGINNING + urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()

    def add(tx: Tx, uuid: UUID, user_uuid: UUID) -> StoredKey:
        if any(one.name == name and one.revoked_at is None for one in store.list_all(tx)):
            raise ConflictError(
                f"There already is a key {name!r}.", hint="Choose another name, or revoke that one."
            )
        owner = animas.user_named(tx, user, uuid=user_uuid, now=now)
        store.add(
            tx,
            uuid=uuid,
            user_no=owner,
            name=name,
            prefix=secret[:SHOWN_CHARS],
            digest=digest_of(secret),
            scopes=scopes,
            animas=_ids_of(tx, User(owner), only) if only else None,
            expires_at=expires_at,
            now=now,
        )
        stored = store.by_uuid(tx, uuid)
        if stored is None:
            raise LookupError(uuid)
        return stored

    stored = await core.database.write(add, core.ids.uuid(), core.ids.uuid())
    return _shown(stored, now=now), secret


async def list_all(core: Core) -> list[ApiKey]:
    """Every key that was ever made, oldest first."""
    now = core.clock.now()
    return [_shown(one, now=now) for one in await core.database.read(store.list_all)]


async def revoke(core: Core, ref: str) -> ApiKey:
    """Let a key open nothing any more, from now on; `ref` is its name, its id or how it begins.

    Raises:
        NotFoundError: there is no such key.
        ConflictError: several begin like that.
    """
    now = core.clock.now()

    def end(tx: Tx) -> StoredKey:
        found = _meant(store.list_all(tx), ref)
        store.revoke(tx, found.uuid, now=now)
        return store.by_uuid(tx, found.uuid) or found

    return _shown(await core.database.write(end), now=now)


async def any_made(core: Core) -> bool:
    """Whether a key was ever made: from then on nobody is let in without one."""
    return await core.database.read(store.any_made)


async def authenticate(core: Core, presented: str) -> Caller:
    """Who shows this key.

    Raises:
        AuthenticationError: nobody who is let in.
    """
    now = core.clock.now()
    found = await core.database.read(store.by_digest, digest_of(presented))
    if found is None or not found.holds(now):
        raise AuthenticationError(
            "This API key is unknown, revoked or expired.",
            hint="Ask who runs the server for another one.",
        )
    if found.last_used_at is None or now - found.last_used_at >= USED_EVERY:
        core.keys_used.setdefault(found.uuid, now)
    return Caller(
        user=User(found.user_no, found.animas, makes=may_change(found.scopes)),
        scopes=found.scopes,
        key=found.uuid,
        until=found.expires_at,
    )


async def holding(core: Core, keys: Collection[UUID]) -> frozenset[UUID]:
    """Those of these keys that still open something."""
    now = core.clock.now()

    def look(tx: Tx) -> frozenset[UUID]:
        found = [store.by_uuid(tx, key) for key in keys]
        return frozenset(one.uuid for one in found if one is not None and one.holds(now))

    return await core.database.read(look)


async def user_of(core: Core, name: str) -> User:
    """The user of that name, exactly as it is written; made on first sight."""
    found = await core.database.read(animas.find_user, name)
    if found is None:
        now = core.clock.now()
        found = await core.database.write(animas.user_named, name, uuid=core.ids.uuid(), now=now)
    return User(found)


async def flush(core: Core) -> None:
    """Write down which keys were used; however it fails, that waits for the next time.

    Raises:
        StorageError: the database cannot be written.
    """
    used = dict(core.keys_used)
    if not used:
        return
    with anyio.CancelScope(shield=True):
        await core.database.write(store.set_used, used)
    for key, at in used.items():
        if core.keys_used.get(key) == at:
            del core.keys_used[key]


def digest_of(secret: str) -> bytes:
    """By what a key is known again: 256 random bits need no slow hash, and no salt."""
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).digest()


def clean_name(name: str, *, field: str) -> str:
    """A name as it is kept: one line, mended.

    Raises:
        ValidationError: it is blank or too long.
    """
    name = " ".join(repair(name)[0].split())
    if not 0 < len(name) <= MAX_NAME_CHARS:
        raise ValidationError(
            f"`{field}` must be a text of 1 to {MAX_NAME_CHARS} characters.", field=field
        )
    return name


def _ids_of(tx: Tx, user: User, only: Sequence[str]) -> frozenset[UUID]:
    found: set[UUID] = set()
    for ref in only:
        anima = animas.find(tx, user, " ".join(ref.split()))
        if anima is None:
            known = [one.anima.name for one in animas.list_for(tx, user)]
            near = nearest(ref, known)
            hint = f"Did you mean {near!r}?" if near else "Make it first."
            raise NotFoundError(f"That user has no anima {ref!r}.", hint=hint)
        found.add(anima.id)
    return frozenset(found)


def _meant(known: Sequence[StoredKey], ref: str) -> StoredKey:
    """The one key with this id, or this name and not revoked, or this beginning, or this name."""
    uuid, name = parse_uuid(ref), " ".join(ref.split())
    standing = [one for one in known if one.revoked_at is None]
    for found in (
        [one for one in known if one.uuid == uuid],
        [one for one in standing if one.name == name],
        [one for one in known if name.startswith(BEGINNING) and one.prefix == name[:SHOWN_CHARS]],
        [one for one in known if one.name == name][-1:],
    ):
        if len(found) > 1:
            ids = ", ".join(str(one.uuid) for one in found)
            raise ConflictError("Several keys are called so.", hint=f"Give one of the ids: {ids}.")
        if found:
            return found[0]
    near = nearest(name, [one.name for one in standing])
    hint = f"Did you mean {near!r}?" if near else "`keys list` shows them."
    raise NotFoundError("There is no such key.", hint=hint)


def _shown(stored: StoredKey, *, now: datetime) -> ApiKey:
    state: KeyState = "active" if stored.holds(now) else "expired"
    return ApiKey(
        id=stored.uuid,
        name=stored.name,
        user=stored.user_name,
        prefix=stored.prefix,
        scopes=tuple(one for one in Scope if one in stored.scopes),
        animas=None if stored.animas is None else tuple(sorted(stored.animas)),
        created_at=stored.created_at,
        last_used_at=stored.last_used_at,
        expires_at=stored.expires_at,
        revoked_at=stored.revoked_at,
        state="revoked" if stored.revoked_at is not None else state,
    )
