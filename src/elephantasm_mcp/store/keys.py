"""API keys in the store.

Owns their rows. Knows a key by its digest alone. Invariant: a key is never removed, so that what
was once guarded stays guarded; one that was revoked stays so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.values import (
    from_json,
    from_micros,
    maybe_micros,
    maybe_time,
    to_json,
    to_micros,
    to_uuid,
)
from elephantasm_mcp.types.callers import Scope
from elephantasm_mcp.types.records import UserNo


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One API key, without the key."""

    uuid: UUID
    user_no: UserNo
    user_name: str
    name: str
    prefix: str
    scopes: frozenset[Scope]
    animas: frozenset[UUID] | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it opens anything at all."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add(
    tx: Tx,
    *,
    uuid: UUID,
    user_no: UserNo,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: Collection[Scope],
    animas: Collection[UUID] | None,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Add a key."""
    tx.run(
        "add_key",
        uuid=uuid.bytes,
        user_no=user_no,
        name=name,
        prefix=prefix,
        digest=digest,
        scopes=to_json([one for one in Scope if one in scopes]),
        animas=None if animas is None else to_json(sorted(one.hex for one in animas)),
        expires_at=maybe_micros(expires_at),
        now=to_micros(now),
    )


def by_digest(tx: Tx, digest: bytes) -> StoredKey | None:
    """The key with this digest, whether it still holds or not."""
    row = tx.one("key_by_digest", digest=digest)
    return _stored(row) if row else None


def by_uuid(tx: Tx, uuid: UUID) -> StoredKey | None:
    """The key with this id, whether it still holds or not."""
    row = tx.one("key_by_uuid", uuid=uuid.bytes)
    return _stored(row) if row else None


def list_all(tx: Tx) -> list[StoredKey]:
    """All keys of all users, oldest first."""
    return [_stored(row) for row in tx.all("keys")]


def any_made(tx: Tx) -> bool:
    """Whether a key was ever made."""
    return tx.one("any_key") is not None


def revoke(tx: Tx, uuid: UUID, *, now: datetime) -> None:
    """Let a key open nothing any more."""
    tx.run("revoke_key", uuid=uuid.bytes, now=to_micros(now))


def set_used(tx: Tx, used: Mapping[UUID, datetime]) -> None:
    """Note when keys were last used."""
    for uuid, at in used.items():
        tx.run("set_key_used", uuid=uuid.bytes, at=to_micros(at))


def _stored(row: Row) -> StoredKey:
    animas = None if row["animas"] is None else from_json(row["animas"])
    return StoredKey(
        uuid=to_uuid(row["uuid"]),
        user_no=UserNo(row["user_no"]),
        user_name=row["user_name"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=frozenset(Scope(word) for word in from_json(row["scopes"])),
        animas=None if animas is None else frozenset(UUID(hex=one) for one in animas),
        created_at=from_micros(row["created_at"]),
        last_used_at=maybe_time(row["last_used_at"]),
        expires_at=maybe_time(row["expires_at"]),
        revoked_at=maybe_time(row["revoked_at"]),
    )
