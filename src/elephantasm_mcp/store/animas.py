"""Animas and users in the store.

Owns their rows, and the numbers that an anima hands out to its events, memories, knowledge and
dreams. Invariant: a number is handed out inside the transaction that uses it, and never twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store.values import (
    from_json,
    from_micros,
    maybe_time,
    to_json,
    to_micros,
    to_uuid,
)
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import (
    SEQ_BITS,
    Anima,
    AnimaCreate,
    AnimaNo,
    AnimaSettings,
    JournalLayer,
    Layer,
    RowId,
    User,
    UserNo,
    parse_uuid,
    row_id,
    unpack_row_id,
)

BEFORE_ALL: Final = -(2**63)
"""A time before every row's."""


class AnimaGoneError(LookupError):
    """An anima was deleted while something was done in it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The project whose file made an anima by naming it, while no person has said a word of it."""

    project: str
    folder: str


@dataclass(frozen=True, slots=True)
class StoredAnima:
    """An anima with its settings and counters."""

    anima_no: AnimaNo
    user_no: UserNo
    anima: Anima
    settings: AnimaSettings
    revision: int
    vector_epoch: int
    pending_events: int
    pending_tokens: int
    pending_since: datetime | None
    last_event_at: datetime | None
    light_sleep_at: datetime | None
    deep_sleep_at: datetime | None
    deep_sleep_upto: int
    """The last action of the journal that deep sleep saw."""
    last_action: int
    last_numbers: Mapping[Layer, int]
    """The last number that each layer handed out."""
    claim: Claim | None = None
    """Known of one that was found by its name."""

    @property
    def id(self) -> UUID:
        """The public id."""
        return self.anima.id

    def is_seen_by(self, user: User) -> bool:
        """Whether it exists for whoever asks."""
        return user.sees(self.id, owner=self.user_no)


@dataclass(frozen=True, slots=True)
class Mark:
    """What changes whenever an anima's pack may: who hears of that, and how they call it."""

    owner: UserNo
    name: str
    revision: int
    """Its own, which a new or revoked grant moves too."""
    granted: int
    """The sum of those of the animas that it may read of."""


def id_range(anima_no: AnimaNo) -> dict[str, int]:
    """The bounds `low` and `high` of all row ids of an anima."""
    return {"low": anima_no << SEQ_BITS, "high": ((anima_no + 1) << SEQ_BITS) - 1}


def behind(anima_no: AnimaNo, after: Cursor | None) -> dict[str, int]:
    """The place `after_time`, `after_id` in an order by time; without a cursor before all rows."""
    if after is None:
        return {"after_time": BEFORE_ALL, "after_id": 0}
    return {"after_time": after.micros, "after_id": row_id(anima_no, after.number)}


def anima_of(row: RowId) -> AnimaNo:
    """The anima that a row belongs to."""
    return unpack_row_id(row)[0]


def prepare(tx: Tx, *, user: UUID, secret: bytes, now: datetime) -> bytes:
    """Make what every database needs once: the local user and the secret. Returns the secret."""
    tx.run("add_local_user", uuid=user.bytes, now=to_micros(now))
    tx.run("add_property", key="secret", value=secret)
    return secret_of(tx)


def secret_of(tx: Tx) -> bytes:
    """The secret of the database; empty when it was never prepared."""
    row = tx.one("property", key="secret")
    return bytes(row["value"]) if row else b""


def add(
    tx: Tx, user: User, request: AnimaCreate, *, uuid: UUID, now: datetime
) -> tuple[StoredAnima, bool]:
    """Add an anima; an existing one of that name is returned unchanged, with False."""
    created = tx.run(
        "add_anima",
        uuid=uuid.bytes,
        user_no=user.no,
        name=request.name,
        description=request.description,
        meta=None if request.meta is None else to_json(request.meta),
        settings=to_json(request.settings or {}),
        now=to_micros(now),
    )
    (row,) = tx.all("anima_by_name", user_no=user.no, name=request.name)
    return _stored(row), created > 0


def update(
    tx: Tx,
    anima_no: AnimaNo,
    *,
    name: str | None,
    description: str | None,
    meta: dict[str, Any] | None,
    settings: dict[str, Any] | None,
    now: datetime,
) -> StoredAnima | None:
    """Change what is not None, and of `settings` what it has.

    Returns None when another anima of its user has that name.
    """
    changed = tx.run(
        "update_anima",
        anima_no=anima_no,
        name=name,
        description=description,
        meta=None if meta is None else to_json(meta),
        settings=to_json(settings or {}),
        now=to_micros(now),
    )
    return get(tx, anima_no) if changed else None


def find(tx: Tx, user: User, ref: UUID | str) -> StoredAnima | None:
    """An anima that the user sees, by id or exact name; an id wins over a name like one."""
    uuid = ref if isinstance(ref, UUID) else parse_uuid(ref)
    row = tx.one("anima_by_uuid", user_no=user.no, uuid=uuid.bytes) if uuid else None
    if row is None:
        row = tx.one("anima_by_name", user_no=user.no, name=str(ref))
    found = _stored(row) if row else None
    return found if found is not None and found.is_seen_by(user) else None


def get(tx: Tx, anima_no: AnimaNo) -> StoredAnima:
    """An anima by number.

    Raises:
        AnimaGoneError: there is none any more.
    """
    row = tx.one("anima_by_no", anima_no=anima_no)
    if row is None:
        raise AnimaGoneError(anima_no)
    return _stored(row)


def user_named(tx: Tx, name: str, *, uuid: UUID, now: datetime) -> UserNo:
    """The user of exactly this name, made if there is none."""
    tx.run("add_user", uuid=uuid.bytes, name=name, now=to_micros(now))
    found = find_user(tx, name)
    if found is None:
        raise LookupError(name)
    return found


def find_user(tx: Tx, name: str) -> UserNo | None:
    """The user of exactly this name."""
    row = tx.one("user_by_name", name=name)
    return None if row is None else UserNo(row["user_no"])


def give(tx: Tx, anima_no: AnimaNo, *, owner: UserNo, now: datetime) -> bool:
    """Let an anima be another user's; False when that one has another of its name."""
    return tx.run("give_anima", anima_no=anima_no, user_no=owner, now=to_micros(now)) > 0


def list_for(tx: Tx, user: User) -> list[StoredAnima]:
    """All animas that a user sees, oldest first."""
    found = [_stored(row) for row in tx.all("animas_of_user", user_no=user.no)]
    return [one for one in found if one.is_seen_by(user)]


def with_pending(tx: Tx) -> list[StoredAnima]:
    """Animas of all users that have pending events: for the worker."""
    return [_stored(row) for row in tx.all("animas_with_pending")]


def due_for_light_sleep(tx: Tx, *, now: datetime) -> list[AnimaNo]:
    """Animas of all users whose memories wait for light sleep: for the worker."""
    default_h = AnimaSettings().dream_interval_h
    rows = tx.tuples("animas_to_sleep", now=to_micros(now), default_interval_h=default_h)
    return [AnimaNo(anima_no) for (anima_no,) in rows]


def due_for_deep_sleep(tx: Tx, *, now: datetime) -> list[AnimaNo]:
    """Animas of all users whose memories changed and wait for deep sleep: for the worker."""
    default_h = AnimaSettings().dream_interval_h
    rows = tx.tuples("animas_to_sleep_deeply", now=to_micros(now), default_interval_h=default_h)
    return [AnimaNo(anima_no) for (anima_no,) in rows]


def marks(tx: Tx) -> dict[UUID, Mark]:
    """The mark of each anima of all users: for notifications."""
    return {to_uuid(uuid): Mark(*rest) for uuid, *rest in tx.tuples("anima_marks")}


def counts(tx: Tx, anima_no: AnimaNo) -> dict[str, int]:
    """Rows an anima shows, by layer: events, memories, knowledge, dreams."""
    return tx.one("anima_counts", **id_range(anima_no)) or {}


def take_number(tx: Tx, anima_no: AnimaNo, layer: JournalLayer | Literal["dream"]) -> RowId:
    """The id for a new row of that layer."""
    row = tx.one(f"take_{layer}_number", anima_no=anima_no)
    if row is None:
        raise LookupError(anima_no)
    return row_id(anima_no, row["last"])


def touch(tx: Tx, anima_no: AnimaNo) -> None:
    """Say that a pack or a search may now look different."""
    tx.run("bump_revision", anima_no=anima_no)


def recount_pending(tx: Tx, anima_no: AnimaNo) -> None:
    """Put the counters of pending events right after states changed."""
    tx.run("recount_pending", anima_no=anima_no, **id_range(anima_no))


def set_light_sleep(tx: Tx, anima_no: AnimaNo, *, now: datetime) -> None:
    """Note when light sleep last ran."""
    tx.run("set_light_sleep", anima_no=anima_no, now=to_micros(now))


def set_deep_sleep(tx: Tx, anima_no: AnimaNo, *, now: datetime) -> None:
    """Note when deep sleep last ran, and that it saw all of the journal."""
    tx.run("set_deep_sleep", anima_no=anima_no, now=to_micros(now))


@lru_cache(maxsize=256)
def _settings(text: str) -> AnimaSettings:
    if text == "{}":  # as most are: nothing is built for it
        return AnimaSettings.model_construct()
    return AnimaSettings.model_validate_json(text)


def _stored(row: Row) -> StoredAnima:
    claimed = row.get("claimed_by")
    meta: dict[str, Any] | None = None if row["meta"] is None else from_json(row["meta"])
    settings = _settings(row["settings"])
    return StoredAnima(
        anima_no=AnimaNo(row["anima_no"]),
        user_no=UserNo(row["user_no"]),
        anima=Anima.model_construct(
            id=to_uuid(row["uuid"]),
            name=row["name"],
            description=row["description"],
            meta=meta,
            user_id=to_uuid(row["user_uuid"]),
            created_at=from_micros(row["created_at"]),
            updated_at=from_micros(row["updated_at"]),
            settings=settings,
        ),
        settings=settings,
        revision=row["revision"],
        vector_epoch=row["vector_epoch"],
        pending_events=row["pending_events"],
        pending_tokens=row["pending_tokens"],
        pending_since=maybe_time(row["pending_since"]),
        last_event_at=maybe_time(row["last_event_at"]),
        light_sleep_at=maybe_time(row["light_sleep_at"]),
        deep_sleep_at=maybe_time(row["deep_sleep_at"]),
        deep_sleep_upto=row["deep_sleep_upto"],
        last_action=row["action_seq"],
        last_numbers={
            "event": row["event_seq"],
            "memory": row["memory_seq"],
            "knowledge": row["knowledge_seq"],
        },
        claim=Claim(claimed, row["claimed_in"]) if claimed else None,
    )
