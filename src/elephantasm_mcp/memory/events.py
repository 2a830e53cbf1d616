"""Events: taking them in.

Owns what happens between a request and its acknowledgement: validation, mending of broken Unicode,
masking of secrets, deduplication, one short write. Nothing slow happens here; the search index and
the synthesis come later. Invariant: an acknowledged event is durable, and its secrets were masked
before anything was stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import accumulation, animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.redaction import redact
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import NewEvent, StoredEvent
from elephantasm_mcp.store.values import to_json
from elephantasm_mcp.types.records import Event, EventCreate, EventType, Trust, UserNo
from elephantasm_mcp.types.views import AnimaRef, Recorded, RecordedEvent

MAX_CONTENT_BYTES = 1_000_000
MAX_META_BYTES = 64_000
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_ROLES = {
    EventType.MESSAGE_IN: "user",
    EventType.MESSAGE_OUT: "assistant",
    EventType.TOOL_CALL: "assistant",
    EventType.TOOL_RESULT: "tool",
    EventType.SYSTEM: "system",
}


@dataclass(frozen=True, slots=True)
class _Clean:
    """A request after clean-up."""

    new: NewEvent
    repaired: bool


async def record(core: Core, user: UserNo, requests: Sequence[EventCreate]) -> Recorded:
    """Store events, in order; one that repeats an earlier one yields that one.

    All of them are stored, or none. The accumulation is that of the last event's anima.

    Raises:
        ValidationError: a field breaks a rule, or there are no events.
        NotFoundError: an unknown anima.
    """
    if not requests:
        raise ValidationError("`events` is empty.", field="events", hint="Hand in at least one.")
    now = core.clock.now()
    clean = [_clean(core, request, now=now) for request in requests]
    found: dict[AnimaRef, StoredAnima] = {}
    for request in requests:
        if request.anima_id not in found:
            found[request.anima_id] = await animas.find(core, user, request.anima_id)
    targets = [found[request.anima_id] for request in requests]
    stored, last = await core.database.write(_store, targets, [one.new for one in clean], now=now)
    return Recorded(
        events=[
            RecordedEvent(
                event=event.event,
                duplicate=duplicate,
                redactions=event.event.redactions,
                repaired=one.repaired,
            )
            for (event, duplicate), one in zip(stored, clean, strict=True)
        ],
        accumulation=accumulation.accumulate(last, now=now),
    )


async def list_events(
    core: Core,
    user: UserNo,
    anima: AnimaRef,
    *,
    session_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[Event]:
    """Events of an anima, oldest first; all of them without a limit."""
    target = await animas.find(core, user, anima)
    found = await core.database.read(
        store.list_between,
        target,
        session_id=session_id,
        since=since,
        until=until,
        limit=store.NO_LIMIT if limit is None else limit,
    )
    return [one.event for one in found]


def _store(
    tx: Tx, targets: Sequence[StoredAnima], new: Sequence[NewEvent], *, now: datetime
) -> tuple[list[tuple[StoredEvent, bool]], StoredAnima]:
    """Add what is new. A later event of the same call sees the earlier ones."""
    results: list[tuple[StoredEvent, bool]] = []
    for target, event in zip(targets, new, strict=True):
        earlier = store.find_duplicate(tx, target, event)
        if earlier is not None:
            results.append((earlier, True))
            continue
        (id_,) = store.add(tx, target, [event], now=now)
        results.append((store.added(target, id_, event, now=now), False))
    return results, anima_store.get(tx, targets[-1].anima_no)


def _clean(core: Core, request: EventCreate, *, now: datetime) -> _Clean:
    """Check, mend and mask one request."""
    content, content_mended = repair(request.content)
    author, author_mended = _repair_name(request.author)
    if not content.strip():
        raise ValidationError(
            "`content` is empty.", field="content", hint="Say what happened, in at least one word."
        )
    size_bytes = len(content.encode())
    if size_bytes > MAX_CONTENT_BYTES:
        raise ValidationError(
            f"`content` is {size_bytes:,} bytes long; at most {MAX_CONTENT_BYTES:,} are kept.",
            field="content",
            hint="Split it into several events, or store what matters of it.",
        )
    redactions = 0
    summary = request.summary
    if core.redact:
        content, redactions = redact(content)
        if summary is not None:
            summary, in_summary = redact(repair(summary)[0])
            redactions += in_summary
    occurred_at = request.occurred_at or now
    _check_time(occurred_at)
    session_id = None if request.session_id is None else repair(request.session_id)[0]
    event = NewEvent(
        uuid=core.ids.uuid(),
        event_type=request.event_type,
        role=request.role or _ROLES[request.event_type],
        author=author,
        summary=summary,
        content=content,
        occurred_at=occurred_at,
        session_id=session_id,
        meta=_meta(core, request),
        source_uri=None if request.source_uri is None else repair(request.source_uri)[0],
        dedupe_key=None if request.dedupe_key is None else repair(request.dedupe_key)[0],
        content_hash=_content_hash(request.event_type, content, author, session_id),
        importance=request.importance_score,
        tokens=estimate_tokens(content),
        redactions=redactions,
        trust=_trust(request),
    )
    return _Clean(new=event, repaired=content_mended or author_mended)


def _repair_name(name: str | None) -> tuple[str | None, bool]:
    if name is None:
        return None, False
    mended, repaired = repair(name)
    return mended.strip() or None, repaired


def _check_time(moment: datetime) -> None:
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError(
            "`occurred_at` lies outside the years 1900 to 2200.",
            field="occurred_at",
            hint='Give an ISO 8601 time, such as "2026-03-01T09:30:00Z".',
        )


def _meta(core: Core, request: EventCreate) -> str:
    meta = _mask(request.meta) if core.redact else request.meta
    text = repair(to_json(meta))[0]
    if len(text.encode()) > MAX_META_BYTES:
        raise ValidationError(
            f"`meta` is larger than {MAX_META_BYTES:,} bytes.",
            field="meta",
            hint="Keep what is long in `content`.",
        )
    return text


def _mask(value: Any, *, key: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """The value with secrets masked: by their own look, or by the key they stand under."""
    if isinstance(value, dict):
        return {name: _mask(one, key=name) for name, one in value.items()}
    if isinstance(value, list):
        return [_mask(one, key=key) for one in value]
    if not isinstance(value, str):
        return value
    masked, found = redact(value)
    named, under_key = redact(f"{key}={value}") if key and not found else ("", 0)
    return named.split("=", 1)[1] if under_key else masked


def _trust(request: EventCreate) -> Trust:
    """From type, role and source, never from an argument (contract §7)."""
    outside = request.event_type is EventType.TOOL_RESULT or request.role == "tool"
    return Trust.REPORTED if outside or request.source_uri else Trust.TOLD


def _content_hash(
    event_type: str, content: str, author: str | None, session_id: str | None
) -> bytes:
    digest = blake2b(digest_size=16)
    for part in (event_type, content, author or "", session_id or ""):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.digest()
