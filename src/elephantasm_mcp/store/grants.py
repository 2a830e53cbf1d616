"""Grants in the store: which anima may read of which other one.

Owns those rows. Invariant: between two animas at most one grant stands; one that ended stays as it
was, and is never revived.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.values import from_micros, maybe_time, to_micros, to_uuid
from elephantasm_mcp.types.grants import Grant
from elephantasm_mcp.types.records import AnimaNo, Layer, UserNo


@dataclass(frozen=True, slots=True)
class Held:
    """What an anima may read of another, and the state of that one."""

    grant: UUID
    source_no: AnimaNo
    source_id: UUID
    source: str
    revision: int
    user: str
    """Who gave it: the owner of the source."""
    source_user: UserNo
    reader_user: UserNo
    knowledge: bool
    memories: bool
    since: datetime

    @property
    def is_foreign(self) -> bool:
        """Whether another user owns the source."""
        return self.source_user != self.reader_user

    @property
    def covers(self) -> frozenset[Layer]:
        """The layers that may be read."""
        layers: list[tuple[Layer, bool]] = [
            ("knowledge", self.knowledge),
            ("memory", self.memories),
        ]
        return frozenset(layer for layer, may in layers if may)


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant, with the numbers of both animas."""

    grant: Grant
    source_no: AnimaNo
    reader_no: AnimaNo


def held(tx: Tx, reader: AnimaNo) -> tuple[Held, ...]:
    """What an anima may read now, by the age of the sources."""
    return tuple(_held(row) for row in tx.all("grants_held", reader_no=reader))


def held_as_of(tx: Tx, reader: AnimaNo, *, as_of: datetime) -> tuple[Held, ...]:
    """What it might read at a moment, as far as it still may: what was revoked is revoked."""
    rows = tx.all("grants_held_as_of", reader_no=reader, as_of=to_micros(as_of))
    return tuple(_held(row) for row in rows)


def standing(tx: Tx, *, source: AnimaNo, reader: AnimaNo) -> StoredGrant | None:
    """The grant that stands between two animas."""
    row = tx.one("standing_grant", source_no=source, reader_no=reader)
    return find(tx, to_uuid(row["uuid"])) if row else None


def was_refused(tx: Tx, *, source: AnimaNo, reader: StoredAnima) -> bool:
    """Whether the owner of the reader, another than the source's, ended a grant of that source."""
    row = tx.one(
        "refused_grant", source_no=source, reader_no=reader.anima_no, reader_user=reader.user_no
    )
    return row is not None


def readers_of(tx: Tx, source: AnimaNo) -> list[AnimaNo]:
    """The animas that may read of one."""
    return [AnimaNo(no) for (no,) in tx.tuples("readers_of_anima", source_no=source)]


def find(tx: Tx, uuid: UUID) -> StoredGrant | None:
    """A grant, whoever may see it."""
    row = tx.one("grant_by_uuid", uuid=uuid.bytes)
    return _stored(row) if row else None


def list_of(tx: Tx, anima: AnimaNo) -> list[StoredGrant]:
    """All that was ever given of an anima or to it, oldest first."""
    return [_stored(row) for row in tx.all("grants_of_anima", anima_no=anima)]


def add(
    tx: Tx,
    *,
    uuid: UUID,
    source: StoredAnima,
    reader: StoredAnima,
    knowledge: bool,
    memories: bool,
    now: datetime,
) -> None:
    """Give it: the owner of the source does. None stands between the two."""
    tx.run(
        "add_grant",
        uuid=uuid.bytes,
        source_no=source.anima_no,
        reader_no=reader.anima_no,
        source_user=source.user_no,
        reader_user=reader.user_no,
        knowledge=int(knowledge),
        memories=int(memories),
        granted_by=source.user_no,
        granted_at=to_micros(now),
    )
    animas.touch(tx, reader.anima_no)


def revoke(tx: Tx, one: StoredGrant, *, by: UserNo, now: datetime) -> None:
    """End it; nothing happens to one that has ended."""
    if tx.run("revoke_grant", uuid=one.grant.id.bytes, revoked_by=by, now=to_micros(now)):
        animas.touch(tx, one.reader_no)


def end_all(tx: Tx, anima: AnimaNo, *, now: datetime) -> None:
    """End all that was given of an anima and to it: it is removed, or goes over to another user."""
    tx.run("touch_readers", source_no=anima)
    tx.run("erase_reads_of_readers", anima_no=anima)
    tx.run("end_grants", anima_no=anima, now=to_micros(now))


def restore(tx: Tx, reader: AnimaNo, given: Iterable[Held]) -> None:
    """Set grants up in a store that has their animas."""
    tx.many(
        "restore_grant",
        [
            {
                "uuid": one.grant.bytes,
                "source_no": one.source_no,
                "reader_no": reader,
                "source_user": one.source_user,
                "reader_user": one.reader_user,
                "knowledge": int(one.knowledge),
                "memories": int(one.memories),
                "granted_at": to_micros(one.since),
            }
            for one in given
        ],
    )


def _held(row: Row) -> Held:
    return Held(
        grant=to_uuid(row["uuid"]),
        source_no=AnimaNo(row["source_no"]),
        source_id=to_uuid(row["source_uuid"]),
        source=row["source_name"],
        revision=row["source_revision"],
        user=row["user_name"],
        source_user=UserNo(row["source_user"]),
        reader_user=UserNo(row["reader_user"]),
        knowledge=bool(row["knowledge"]),
        memories=bool(row["memories"]),
        since=from_micros(row["granted_at"]),
    )


def _stored(row: Row) -> StoredGrant:
    return StoredGrant(
        grant=Grant(
            id=to_uuid(row["uuid"]),
            source_id=to_uuid(row["source_uuid"]) if row["source_uuid"] else None,
            source=row["source_name"] or "",
            source_user=row["source_owner"],
            reader_id=to_uuid(row["reader_uuid"]) if row["reader_uuid"] else None,
            reader=row["reader_name"] or "",
            reader_user=row["reader_owner"],
            knowledge=bool(row["knowledge"]),
            memories=bool(row["memories"]),
            granted_at=from_micros(row["granted_at"]),
            granted_by=row["giver"],
            revoked_at=maybe_time(row["revoked_at"]),
            revoked_by=row["ender"] or "",
        ),
        source_no=AnimaNo(row["source_no"]),
        reader_no=AnimaNo(row["reader_no"]),
    )
