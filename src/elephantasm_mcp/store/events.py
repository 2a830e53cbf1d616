"""Events in the store.

Owns event rows: adding, finding duplicates, sessions and states. Invariant: what is pending is a
state on the row, never a comparison of times, so an event that arrives late is never skipped.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from elephantasm_mcp.ports import Row, Tx, Value
from elephantasm_mcp.store.animas import StoredAnima, behind, id_range
from elephantasm_mcp.store.values import (
    from_json,
    from_micros,
    maybe_micros,
    maybe_time,
    to_micros,
    to_uuid,
)
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import (
    AnimaNo,
    Event,
    EventState,
    EventType,
    RowId,
    Trust,
    handle_of,
    row_id,
)

NO_LIMIT = -1
"""SQLite's LIMIT for "all"."""
LONGEST_SESSION = 2000
"""How many events a walk back to a session's beginning looks at."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that passed validation and clean-up, ready to be stored."""

    uuid: UUID
    event_type: str
    role: str | None
    author: str | None
    summary: str | None
    content: str
    occurred_at: datetime
    session_id: str | None
    meta: str
    source_uri: str | None
    dedupe_key: str | None
    content_hash: bytes
    importance: float | None
    tokens: int
    redactions: int
    trust: Trust


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its row id and what searching needs of it."""

    id: RowId
    event: Event
    tokens: int

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.event.occurred_at or self.event.created_at


def speaker(author: str | None, role: str | None) -> str:
    """Who speaks in an event: the author, else the role, as a name."""
    return author or (role or "user").capitalize()


def add(
    tx: Tx, anima: StoredAnima, new: Sequence[NewEvent], *, now: datetime
) -> tuple[list[RowId], StoredAnima]:
    """Store one or more events as pending, in order.

    Returns their ids, and the anima with its counters as they are now.
    """
    row = tx.one(
        "take_event_numbers",
        anima_no=anima.anima_no,
        count=len(new),
        tokens=sum(event.tokens for event in new),
        now=to_micros(now),
        last_event_at=max(to_micros(event.occurred_at) for event in new),
    )
    if row is None:
        raise LookupError(anima.anima_no)
    first = row["last"] - len(new) + 1
    ids = [row_id(anima.anima_no, first + offset) for offset in range(len(new))]
    tx.many(
        "add_event",
        [_parameters(event, id=id_, now=now) for id_, event in zip(ids, new, strict=True)],
    )
    counted = replace(
        anima,
        pending_events=row["pending_events"],
        pending_tokens=row["pending_tokens"],
        pending_since=maybe_time(row["pending_since"]),
        last_event_at=maybe_time(row["last_event_at"]),
    )
    return ids, counted


def added(anima: StoredAnima, id_: RowId, new: NewEvent, *, now: datetime) -> StoredEvent:
    """The event as it now stands in the store, without reading it back."""
    event = Event(
        id=new.uuid,
        handle=handle_of("event", id_),
        anima_id=anima.id,
        event_type=new.event_type,
        role=new.role,
        author=new.author,
        summary=new.summary,
        content=new.content,
        occurred_at=new.occurred_at,
        session_id=new.session_id,
        meta=from_json(new.meta),
        source_uri=new.source_uri,
        dedupe_key=new.dedupe_key or new.content_hash.hex(),
        importance_score=new.importance,
        trust=new.trust,
        redactions=new.redactions,
        created_at=now,
        updated_at=now,
    )
    return StoredEvent(id=id_, event=event, tokens=new.tokens)


def passed_over(anima: StoredAnima, new: NewEvent, *, why: str, now: datetime) -> StoredEvent:
    """An event that its anima does not keep, as it is acknowledged: without a handle."""
    stored = added(anima, row_id(anima.anima_no, 0), new, now=now)
    without = {"handle": "", "state": EventState.SETTLED, "note": why}
    event = stored.event.model_copy(update=without)
    return replace(stored, event=event)


def find_duplicate(tx: Tx, anima: StoredAnima, new: NewEvent) -> StoredEvent | None:
    """The earlier event that this one repeats: by its key, else by content within the window."""
    if new.dedupe_key is not None:
        row = tx.one("event_by_dedupe_key", anima_no=anima.anima_no, dedupe_key=new.dedupe_key)
        return _stored(row, anima.id) if row else None
    window = timedelta(seconds=anima.settings.dedupe_window_s)
    row = tx.one(
        "event_by_content",
        content_hash=new.content_hash,
        occurred_at=to_micros(new.occurred_at),
        since=to_micros(new.occurred_at - window),
        until=to_micros(new.occurred_at + window),
        **id_range(anima.anima_no),
    )
    return _stored(row, anima.id) if row else None


def get(tx: Tx, anima: StoredAnima, id_: RowId) -> StoredEvent | None:
    """One event by row id."""
    row = tx.one("event_by_id", id=id_)
    return _stored(row, anima.id) if row else None


def get_many(tx: Tx, anima: StoredAnima, ids: Iterable[RowId]) -> list[StoredEvent]:
    """Several events, in time order."""
    return _all(tx.all("events_by_ids", ids=json.dumps(list(ids))), anima)


def sessions_of(tx: Tx, uuids: Iterable[UUID]) -> set[str | None]:
    """The sessions in which events were said; ids of no event count for nothing."""
    rows = [tx.one("event_by_uuid", uuid=one.bytes) for one in uuids]
    return {row["session_id"] for row in rows if row is not None}


def in_state(
    tx: Tx, anima: StoredAnima, state: EventState, *, limit: int = NO_LIMIT
) -> list[StoredEvent]:
    """Events in one state, in time order."""
    rows = tx.all("events_in_state", state=state, limit=limit, **id_range(anima.anima_no))
    return _all(rows, anima)


def count_owed(tx: Tx, anima: StoredAnima) -> int:
    """How many events have memories that stand, but provisional ones."""
    row = tx.one("count_owed", **id_range(anima.anima_no))
    return row["events"] if row else 0


def latest_in_state(
    tx: Tx, anima: StoredAnima, state: EventState, *, types: Collection[EventType], limit: int
) -> list[StoredEvent]:
    """The events of these types in one state that were stored last, latest first."""
    rows = tx.all(
        "latest_in_state",
        state=state,
        types=json.dumps(sorted(types)),
        limit=limit,
        **id_range(anima.anima_no),
    )
    return _all(rows, anima)


def session_span(tx: Tx, anima: StoredAnima, session_id: str) -> tuple[datetime, datetime] | None:
    """When the first and the last event of a session happened; None without events."""
    row = tx.one("session_span", anima_no=anima.anima_no, session_id=session_id)
    if row is None or row["first"] is None:
        return None
    return from_micros(row["first"]), from_micros(row["last"])


def list_between(
    tx: Tx,
    anima: StoredAnima,
    *,
    session_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Cursor | None = None,
    limit: int = NO_LIMIT,
) -> list[StoredEvent]:
    """Events by time, oldest first."""
    rows = tx.all(
        "list_events",
        anima_no=anima.anima_no,
        session_id=session_id,
        since=maybe_micros(since),
        until=maybe_micros(until),
        limit=limit,
        **behind(anima.anima_no, after),
    )
    return _all(rows, anima)


def last(tx: Tx, anima: StoredAnima, *, until: datetime) -> StoredEvent | None:
    """The latest event that happened no later than `until`."""
    row = tx.one("last_event", anima_no=anima.anima_no, until=to_micros(until))
    return _stored(row, anima.id) if row else None


def session_start(
    tx: Tx, anima: StoredAnima, session_id: str | None, *, until: datetime, gap: timedelta
) -> datetime | None:
    """When the run of events that ends at `until` began: back to the first pause above `gap`."""
    rows = tx.tuples(
        "session_backwards",
        anima_no=anima.anima_no,
        session_id=session_id,
        until=to_micros(until),
        limit=LONGEST_SESSION,
    )
    start: int | None = None
    for _, moment in rows:
        if start is not None and start - moment > gap / timedelta(microseconds=1):
            break
        start = moment
    return None if start is None else from_micros(start)


def neighbours(
    tx: Tx, anima: StoredAnima, event: StoredEvent
) -> tuple[StoredEvent | None, StoredEvent | None]:
    """The previous and the next event of the same session."""
    place: dict[str, Value] = {
        "anima_no": anima.anima_no,
        "session_id": event.event.session_id,
        "occurred_at": to_micros(event.time),
        "id": event.id,
    }
    before = tx.one("previous_in_session", **place)
    after = tx.one("next_in_session", **place)
    return (
        _stored(before, anima.id) if before else None,
        _stored(after, anima.id) if after else None,
    )


def set_state(tx: Tx, id_: RowId, *, before: EventState, state: EventState, now: datetime) -> bool:
    """Move an event on; False when it was no longer in the state that the caller saw."""
    changed = tx.run("set_event_state", id=id_, before=before, state=state, now=to_micros(now))
    return changed > 0


def ids_of_keys(tx: Tx, anima: StoredAnima, keys: Sequence[str | None]) -> dict[str, RowId]:
    """Which of these dedupe keys are taken, and by which event."""
    rows = tx.tuples("event_ids_of_keys", anima_no=anima.anima_no, keys=json.dumps(keys))
    return {key: RowId(id_) for key, id_ in rows}


def key_digest(key: str) -> bytes:
    """What is kept of a forgotten event's key: the same in every database, so that it can move."""
    return blake2b(key.encode(), digest_size=16, person=b"forgotten key").digest()


def forgotten_keys(tx: Tx, anima_no: AnimaNo, keys: Iterable[str | None]) -> set[str]:
    """Those of these dedupe keys that events had which were forgotten."""
    digests = {key_digest(key): key for key in keys if key is not None}
    if not digests:
        return set()
    asked = json.dumps([digest.hex() for digest in digests])
    rows = tx.tuples("forgotten_keys", digests=asked, **id_range(anima_no))
    return {digests[digest] for (digest,) in rows}


def session_end(tx: Tx, anima: StoredAnima, session_id: str | None) -> datetime | None:
    """When the last event of a session happened; of those without a session for None."""
    row = tx.one("session_end", anima_no=anima.anima_no, session_id=session_id)
    return None if row is None else maybe_time(row["last"])


def next_after(
    tx: Tx, anima: StoredAnima, session_id: str | None, moment: datetime
) -> RowId | None:
    """The first event of a session that happened later than that."""
    row = tx.one(
        "next_in_session",
        anima_no=anima.anima_no,
        session_id=session_id,
        occurred_at=to_micros(moment),
        id=id_range(anima.anima_no)["high"],
    )
    return None if row is None else RowId(row["id"])


def _all(rows: list[Row], anima: StoredAnima) -> list[StoredEvent]:
    return [_stored(row, anima.id) for row in rows]


def _parameters(event: NewEvent, *, id: RowId, now: datetime) -> dict[str, Value]:  # noqa: A002
    return {
        "id": id,
        "uuid": event.uuid.bytes,
        "event_type": event.event_type,
        "role": event.role,
        "author": event.author,
        "summary": event.summary,
        "content": event.content,
        "occurred_at": to_micros(event.occurred_at),
        "session_id": event.session_id,
        "meta": event.meta,
        "source_uri": event.source_uri,
        "dedupe_key": event.dedupe_key,
        "content_hash": event.content_hash,
        "importance": event.importance,
        "tokens": event.tokens,
        "redactions": event.redactions,
        "trust": event.trust,
        "now": to_micros(now),
    }


def _stored(row: Row, anima_id: UUID) -> StoredEvent:
    id_ = RowId(row["id"])
    meta: dict[str, Any] = from_json(row["meta"])
    event = Event.model_construct(
        id=to_uuid(row["uuid"]),
        handle=handle_of("event", id_),
        anima_id=anima_id,
        event_type=row["event_type"],
        role=row["role"],
        author=row["author"],
        summary=row["summary"],
        content=row["content"],
        occurred_at=from_micros(row["occurred_at"]),
        session_id=row["session_id"],
        meta=meta,
        source_uri=row["source_uri"],
        dedupe_key=row["dedupe_key"] or row["content_hash"].hex(),
        importance_score=row["importance"],
        state=EventState(row["state"]),
        trust=Trust(row["trust"]),
        redactions=row["redactions"],
        created_at=from_micros(row["created_at"]),
        updated_at=from_micros(row["updated_at"]),
    )
    return StoredEvent(id=id_, event=event, tokens=row["tokens"])
