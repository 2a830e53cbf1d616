"""Events: taking them in.

Owns what happens between a request and its acknowledgement: validation, mending of broken Unicode,
masking of secrets, deduplication, one short write. Nothing slow happens here; the search index and
the synthesis come later. Invariant: an acknowledged event is durable, and its secrets were masked
before anything was stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b

import anyio

from elephantasm_mcp.errors import ElephantasmError, ValidationError
from elephantasm_mcp.memory import accumulation, animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.masking import mask_for
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.redaction import mask_json, redact
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import events as store
from elephantasm_mcp.store import search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import NewEvent, StoredEvent
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import (
    AnimaSettings,
    Event,
    EventCreate,
    EventType,
    RowId,
    Trust,
    User,
    handle_of,
)
from elephantasm_mcp.types.views import Recorded, RecordedEvent

MAX_CONTENT_BYTES = 1_000_000
MAX_META_BYTES = 64_000
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_TEXTS = ("author", "role", "session_id", "summary", "source_uri", "dedupe_key")
"""The fields beside `content` that are mended and masked as it is."""
FORGOTTEN = "forgotten before"
"""What an import leaves out, as people forgot it."""
LONG_CHARS = 20_000
"""A text above this is checked on a thread: masking takes 0.15 µs a character, others wait."""
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


async def record(core: Core, user: User, requests: Sequence[EventCreate]) -> Recorded:
    """Store events, in order; one that repeats an earlier one yields that one.

    All of them are stored, or none. The accumulation is that of the last event's anima.

    Raises:
        ValidationError: a field breaks a rule, or there are no events.
        NotFoundError: an unknown anima.
    """
    if not requests:
        raise ValidationError("`events` is empty.", field="events", hint="Hand in at least one.")
    core = animas.as_asked(core)
    now = core.clock.now()
    clean = await _clean_all(core, requests, now=now)
    refs = [request.anima_id for request in requests]
    new = [one.new for one in clean]
    stored, last, default = await core.database.write(_store, core, user, refs, new, now=now)
    if default is not None:
        animas.say_default(core, None, default)
    return Recorded(
        events=[
            RecordedEvent(
                event=event.event,
                duplicate=duplicate,
                redactions=event.event.redactions,
                repaired=one.repaired,
                stored=bool(event.event.handle),
            )
            for (event, duplicate), one in zip(stored, clean, strict=True)
        ],
        accumulation=accumulation.accumulate(last, now=now),
    )


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an event that has a key, or would."""

    handle: str = ""
    duplicate: bool = False
    note: str = ""
    """Why it is not kept, where its anima does not."""


def cleaned(core: Core, request: EventCreate, *, now: datetime) -> NewEvent | ElephantasmError:
    """A request, checked, mended and masked; or what is wrong with it."""
    try:
        return _clean(core, request, now=now).new
    except ValidationError as error:
        return error


def store_keyed(
    tx: Tx, core: Core, user: User, ref: AnimaRef, new: Sequence[NewEvent], *, now: datetime
) -> list[Fate]:
    """Add those of many events with keys that are new, to one anima, in their order.

    It does what `record` does to each, in a few statements for all: half the time of an import.
    """
    anima = animas.find_or_make(tx, core, user, ref)
    kept, known = _kept(tx, anima, new, secret=core.secret)
    fresh: dict[str, NewEvent] = {}
    for one in kept:
        if not isinstance(one, str) and one.key not in known:
            fresh.setdefault(one.key, one.event)
    added: dict[str, RowId] = {}
    if fresh:
        followers = _followers(tx, anima, list(fresh.values()))
        ids, _ = store.add(tx, anima, list(fresh.values()), now=now)
        added = dict(zip(fresh, ids, strict=True))
        for id_ in followers:
            search.forget_vectors(tx, anima.anima_no, "event", id_)
    return [_fate(one, known, added, fresh) for one in kept]


def foresee(
    tx: Tx, core: Core, user: User, ref: AnimaRef, new: Sequence[NewEvent], seen: set[str]
) -> list[Fate]:
    """What `store_keyed` would do, without doing it. `seen` are the keys foreseen before."""
    anima = animas.look_up(tx, core, user, ref)
    if anima is None:
        kept, known = [_Keyed(one.dedupe_key or "", one) for one in new], dict[str, RowId]()
    else:
        kept, known = _kept(tx, anima, new, secret=core.secret)
    fates: list[Fate] = []
    for one in kept:
        if isinstance(one, str):
            fates.append(Fate(note=one))
        elif one.key in known:
            fates.append(Fate(handle=handle_of("event", known[one.key]), duplicate=True))
        else:
            fates.append(Fate(duplicate=one.key in seen))
            seen.add(one.key)
    return fates


@dataclass(frozen=True, slots=True)
class _Keyed:
    """An event as its anima keeps it, and its key."""

    key: str
    event: NewEvent


def _kept(
    tx: Tx, anima: StoredAnima, new: Sequence[NewEvent], *, secret: bytes
) -> tuple[list[_Keyed | str], dict[str, RowId]]:
    """The events as their anima keeps them, or why it does not; and which keys are taken."""
    types, settings = set(anima.settings.event_types), anima.settings
    masked = [_never_store(event, settings, secret=secret) for event in new]
    known = store.ids_of_keys(tx, anima, [one.dedupe_key for one in masked])
    keys = {event.dedupe_key for event in (*new, *masked)}
    forgotten = store.forgotten_keys(tx, anima.anima_no, keys)

    def kept(event: NewEvent, one: NewEvent) -> _Keyed | str:
        key = one.dedupe_key or ""
        if event.event_type not in types:
            return f"{event.event_type}: not in the anima's setting `event_types`"
        if key not in known and not forgotten.isdisjoint((event.dedupe_key, key)):
            return FORGOTTEN
        return _Keyed(key, one)

    return [kept(event, one) for event, one in zip(new, masked, strict=True)], known


def _fate(
    one: _Keyed | str,
    known: Mapping[str, RowId],
    added: Mapping[str, RowId],
    fresh: Mapping[str, NewEvent],
) -> Fate:
    if isinstance(one, str):
        return Fate(note=one)
    id_ = known.get(one.key) or added[one.key]
    return Fate(handle_of("event", id_), duplicate=fresh.get(one.key) is not one.event)


def _followers(tx: Tx, anima: StoredAnima, new: Sequence[NewEvent]) -> set[RowId]:
    """The rows before which new ones come: their vectors were made with others before them.

    Most sessions of an import are new, and one look at each says so.
    """
    ends: dict[str | None, datetime | None] = {}
    found: set[RowId] = set()
    for event in new:
        if event.session_id not in ends:
            ends[event.session_id] = store.session_end(tx, anima, event.session_id)
        end = ends[event.session_id]
        if end is not None and event.occurred_at < end:
            after = store.next_after(tx, anima, event.session_id, event.occurred_at)
            found.update([] if after is None else [after])
    return found


async def list_events(
    core: Core,
    user: User,
    anima: AnimaRef,
    *,
    session_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Cursor | None = None,
    limit: int | None = None,
) -> list[Event]:
    """Events of an anima, oldest first, behind a cursor; all of them without a limit."""
    target = await animas.find(core, user, anima)
    found = await core.database.read(
        store.list_between,
        target,
        session_id=session_id,
        since=since,
        until=until,
        after=after,
        limit=store.NO_LIMIT if limit is None else limit,
    )
    return [one.event for one in found]


def _store(
    tx: Tx,
    core: Core,
    user: User,
    refs: Sequence[AnimaRef],
    new: Sequence[NewEvent],
    *,
    now: datetime,
) -> tuple[list[tuple[StoredEvent, bool]], StoredAnima, StoredAnima | None]:
    """Add what is new. A later event of the same call sees the earlier ones.

    Gives beside them the last event's anima, and the default one if any goes there.
    """
    found = {ref: animas.find_or_make(tx, core, user, ref) for ref in dict.fromkeys(refs)}
    counted = {anima.anima_no: anima for anima in found.values()}
    results: list[tuple[StoredEvent, bool]] = []
    for ref, event in zip(refs, new, strict=True):
        anima = counted[found[ref].anima_no]
        if event.event_type not in anima.settings.event_types:
            why = _not_kept(anima, event.event_type)
            results.append((store.passed_over(anima, event, why=why, now=now), False))
            continue
        key_as_told = event.dedupe_key
        event = _never_store(event, anima.settings, secret=core.secret)
        earlier = store.find_duplicate(tx, anima, event)
        if earlier is not None:
            results.append((earlier, True))
            continue
        if store.forgotten_keys(tx, anima.anima_no, (key_as_told, event.dedupe_key)):
            results.append((store.passed_over(anima, event, why=_SAID_AGAIN, now=now), False))
            continue
        (id_,), counted[anima.anima_no] = store.add(tx, anima, [event], now=now)
        if counted[anima.anima_no].last_event_at != event.occurred_at:
            _renew_following(tx, anima, id_)
        results.append((store.added(anima, id_, event, now=now), False))
    return results, counted[found[refs[-1]].anima_no], found.get(None)


_SAID_AGAIN = (
    "Not kept: the event with this `dedupe_key` was forgotten. With another key, or none, it is a"
    " new event."
)


def _not_kept(anima: StoredAnima, event_type: str) -> str:
    """Why an event has no handle, and what to change."""
    kept = ", ".join(anima.settings.event_types)
    return f"Not kept: this anima's setting `event_types` has no {event_type}, only {kept}."


def _never_store(event: NewEvent, settings: AnimaSettings, *, secret: bytes) -> NewEvent:
    """The event without what its anima never stores."""
    if not settings.never_store:
        return event
    mask = mask_for(settings, secrets=False)
    masked = {name: mask(getattr(event, name) or "") for name in ("content", *_TEXTS)}
    texts = {name: text or None for name, (text, _) in masked.items()}
    content, key = masked["content"][0], event.dedupe_key
    if key is not None and masked["dedupe_key"][1]:
        texts["dedupe_key"] = masked_key(key, secret=secret)
    return replace(
        event,
        author=texts["author"],
        role=texts["role"],
        session_id=texts["session_id"],
        summary=texts["summary"],
        source_uri=texts["source_uri"],
        dedupe_key=texts["dedupe_key"],
        content=content,
        meta=to_json(mask_json(from_json(event.meta), mask)),
        content_hash=content_hash(event.event_type, content, texts["author"], texts["session_id"]),
        tokens=estimate_tokens(content),
        redactions=event.redactions + sum(found for _, found in masked.values()),
    )


def _renew_following(tx: Tx, anima: StoredAnima, id_: RowId) -> None:
    """A late event: the vectors of the one after it were made with another one before it."""
    late = store.get(tx, anima, id_)
    after = store.neighbours(tx, anima, late)[1] if late else None
    if after is not None:
        search.forget_vectors(tx, anima.anima_no, "event", after.id)


async def _clean_all(core: Core, requests: Sequence[EventCreate], *, now: datetime) -> list[_Clean]:
    def clean() -> list[_Clean]:
        return [_clean(core, request, now=now) for request in requests]

    if sum(len(request.content) for request in requests) <= LONG_CHARS:
        return clean()
    return await anyio.to_thread.run_sync(clean, abandon_on_cancel=True)


def _clean(core: Core, request: EventCreate, *, now: datetime) -> _Clean:
    """Check, mend and mask one request."""
    content, mended = repair(request.content)
    _check_content(content)
    occurred_at = request.occurred_at or now
    _check_time(occurred_at)
    texts = {name: _repair(getattr(request, name)) for name in _TEXTS}
    redactions = 0
    if core.redact:
        content, redactions = redact(content)
        for name, text in texts.items():
            if text is not None:
                texts[name], found = redact(text)
                redactions += found
    event = NewEvent(
        uuid=core.ids.uuid(),
        event_type=request.event_type,
        role=texts["role"] or _ROLES[request.event_type],
        author=texts["author"],
        summary=texts["summary"],
        content=content,
        occurred_at=occurred_at,
        session_id=texts["session_id"],
        meta=_meta(core, request),
        source_uri=texts["source_uri"],
        dedupe_key=texts["dedupe_key"],
        content_hash=content_hash(
            request.event_type, content, texts["author"], texts["session_id"]
        ),
        importance=request.importance_score,
        tokens=estimate_tokens(content),
        redactions=redactions,
        trust=_trust(request),
    )
    return _Clean(new=event, repaired=mended or repair(request.author or "")[1])


def _repair(text: str | None) -> str | None:
    """The text mended and without blanks around it; nothing is the same as None."""
    return None if text is None else repair(text)[0].strip() or None


def _check_content(content: str) -> None:
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


def _check_time(moment: datetime) -> None:
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError(
            "`occurred_at` lies outside the years 1900 to 2200.",
            field="occurred_at",
            hint='Give an ISO 8601 time, such as "2026-03-01T09:30:00Z".',
        )


def _meta(core: Core, request: EventCreate) -> str:
    if not request.meta:
        return "{}"
    meta = animas.clean_meta(request.meta)
    text = to_json(mask_json(meta, redact) if core.redact else meta)
    if len(text.encode()) > MAX_META_BYTES:
        raise ValidationError(
            f"`meta` is larger than {MAX_META_BYTES:,} bytes.",
            field="meta",
            hint="Keep what is long in `content`.",
        )
    return text


def _trust(request: EventCreate) -> Trust:
    """From type, role and source, never from an argument (contract §7)."""
    outside = (
        request.event_type is EventType.TOOL_RESULT
        or (_repair(request.role) or "").lower() == "tool"
    )
    return Trust.REPORTED if outside or request.source_uri else Trust.TOLD


def masked_key(key: str, *, secret: bytes) -> str:
    """What stands for a key that was masked: two keys must not become one."""
    return blake2b(key.encode(), key=secret[:64], digest_size=16).hexdigest()


def content_hash(
    event_type: str, content: str, author: str | None, session_id: str | None
) -> bytes:
    """What two events that say the same have in common."""
    digest = blake2b(digest_size=16)
    for part in (event_type, content, author or "", session_id or ""):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.digest()
