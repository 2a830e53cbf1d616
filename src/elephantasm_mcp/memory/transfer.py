"""Transfer: events that come from files.

Owns the import formats and how their events reach the store. Opens no file, and makes no memories:
a dream does that. Invariant: whatever ends an import, what was stored stays stored, in the file's
order; what cannot be stored is reported with its place and keeps nothing else out.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, Final, TypeAlias
from uuid import UUID

from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ElephantasmError, NotFoundError, StorageError, ValidationError
from elephantasm_mcp.memory import animas, events
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.pure.complaints import rejected, unknown_argument
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.types.records import (
    AnimaCreate,
    EventCreate,
    EventType,
    GivenDatetime,
    User,
    parse_uuid,
)

BATCH_EVENTS: Final = 200
"""How many events share a transaction: 20,000 took 5.7 s by 20, 4.8 s by 200, 4.1 s by 1,000."""
MAX_LINE_BYTES: Final = 8_000_000
"""The largest event there may be, 1 MB of content, with every character escaped as `\\u0000`."""
MAX_REPORTED: Final = 5
_OWNER: Final = "event"
_FIELDS: Final = tuple("anima" if name == "anima_id" else name for name in EventCreate.model_fields)
_SCHEMA: Final = EventCreate.model_json_schema()
_BENCH_FORM: Final = (
    'It looks like {"conversations": [{"id": "c1", "turns": [{"id": "1", "session": "1", '
    '"author": "user", "time": "2026-03-02T10:00:00Z", "text": "Hello."}]}]}.'
)
_TYPES: Final = {"user": EventType.MESSAGE_IN, "assistant": EventType.MESSAGE_OUT}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that a file holds."""

    place: str
    """Where it stands, for people: `line 12`."""
    position: int
    """How far the file is read with it, in the unit of its reader."""
    request: EventCreate


@dataclass(frozen=True, slots=True)
class Rejected:
    """A part of a file that is no event, or one that cannot be stored."""

    place: str
    position: int
    reason: str


Item: TypeAlias = Candidate | Rejected


@dataclass(slots=True)
class ImportReport:
    """What became of a file."""

    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    first_rejected: list[Rejected] = field(default_factory=list)
    """The first of them; `rejected` counts all."""
    animas: dict[str, int] = field(default_factory=dict)
    """Stored events and duplicates by the anima's name."""
    created: list[str] = field(default_factory=list)
    """Names of the animas that were made for it."""


class BenchTurn(BaseModel):
    """One thing that somebody said."""

    id: str
    session: str | None = None
    author: str
    time: GivenDatetime
    text: str


class BenchConversation(BaseModel):
    """A conversation of several sessions."""

    id: str
    turns: list[BenchTurn]


class _BenchFile(BaseModel):
    conversations: list[BenchConversation]


def read_jsonl(file: BinaryIO, *, anima: str | None = None) -> Iterator[Item]:
    """One event for each line that holds a JSON object; positions are bytes.

    The fields are those of `extract_event`; `anima` is for lines that name none. Blank lines are
    passed over, bytes that are no UTF-8 become U+FFFD.
    """
    position = number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        position += len(line)
        place = f"line {number}"
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            position += _skip_line(file)
            yield Rejected(place, position, f"It is longer than {MAX_LINE_BYTES:,} bytes.")
        elif text := line.decode("utf-8", "replace").strip("\ufeff \t\r\n"):
            yield _parse_line(text, place=place, position=position, anima=anima)


def read_bench(text: bytes, *, only: str | None = None) -> list[BenchConversation]:
    """The conversations of a benchmark file, or the one of that id.

    Raises:
        ValidationError: the file has another form.
        NotFoundError: it has no conversation of that id.
    """
    try:
        found = _BenchFile.model_validate(json.loads(text)).conversations
    except PydanticValidationError as error:
        raise rejected(error, owner="bench", schema=_BenchFile.model_json_schema()) from None
    except (ValueError, RecursionError):
        raise ValidationError("The file is not JSON.", hint=_BENCH_FORM) from None
    if only is None:
        return found
    chosen = [one for one in found if one.id == only]
    if not chosen:
        known = ", ".join(one.id for one in found)
        raise NotFoundError(f"The file has no conversation {only!r}.", hint=f"It has: {known}.")
    return chosen


def bench_events(
    conversations: Iterable[BenchConversation], *, anima: str | None = None
) -> Iterator[Item]:
    """One event for each turn; positions are turns.

    Each conversation goes to the anima of its id, or all of them to `anima`. A turn's id is its
    `dedupe_key`, so that a second import adds nothing.
    """
    position = 0
    for conversation in conversations:
        for turn in conversation.turns:
            position += 1
            place = f"turn {turn.id} of {conversation.id}"
            fields = _turn_fields(turn) | {"anima": anima or conversation.id}
            yield _parse(fields, place=place, position=position)


async def take_in(
    core: Core,
    user: User,
    items: Iterable[Item],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Store the events of a file, batch by batch; an anima that is missing is made.

    `on_progress` is told the position after each batch.

    Raises:
        StorageError: the database failed; earlier batches are stored.
    """
    intake = _Intake(core, user)
    remaining = iter(items)
    while batch := list(islice(remaining, BATCH_EVENTS)):
        await intake.take(batch)
        on_progress(batch[-1].position)
    return intake.report


class _Intake:
    """One import on its way."""

    def __init__(self, core: Core, user: User) -> None:
        self._core = core
        self._user = user
        self._known: dict[UUID | str | None, tuple[UUID, str]] = {}
        self.report = ImportReport()

    async def take(self, batch: list[Item]) -> None:
        """Store what can be stored of a batch, and count the rest."""
        ready: list[Candidate] = []
        for item in batch:
            if isinstance(item, Rejected):
                self._reject(item)
                continue
            try:
                await self._find_anima(item)
            except StorageError:
                raise
            except ElephantasmError as error:
                self._reject(Rejected(item.place, item.position, error.explain()))
            else:
                ready.append(item)
        if ready:
            await self._store_all(ready)

    async def _store_all(self, ready: list[Candidate]) -> None:
        """All at once; one by one when one of them is refused, to find out which."""
        try:
            await self._store(ready)
        except ValidationError as error:
            if len(ready) == 1:
                self._reject(Rejected(ready[0].place, ready[0].position, error.explain()))
                return
            for one in ready:
                await self._store_all([one])

    async def _store(self, ready: list[Candidate]) -> None:
        targets = [self._known[one.request.anima_id] for one in ready]
        requests = [
            one.request.model_copy(update={"anima_id": id_})
            for one, (id_, _) in zip(ready, targets, strict=True)
        ]
        recorded = await events.record(self._core, self._user, requests)
        duplicates = sum(one.duplicate for one in recorded.events)
        self.report.duplicates += duplicates
        self.report.stored += len(ready) - duplicates
        for _, name in targets:
            self.report.animas[name] = self.report.animas.get(name, 0) + 1

    async def _find_anima(self, item: Candidate) -> None:
        """Know the anima of an event, making one of that name where there is none.

        Raises:
            NotFoundError: an id that nothing has; it cannot be given to a new anima.
            ValidationError: a name that no anima can have.
        """
        ref = item.request.anima_id
        if ref in self._known:
            return
        try:
            anima = await animas.resolve(self._core, self._user, ref)
        except NotFoundError:
            if isinstance(ref, UUID) or ref is None or parse_uuid(ref):
                raise
            anima, _ = await animas.create(self._core, self._user, _new_anima(ref))
            self.report.created.append(anima.name)
        self._known[ref] = (anima.id, anima.name)

    def _reject(self, rejected: Rejected) -> None:
        self.report.rejected += 1
        if len(self.report.first_rejected) < MAX_REPORTED:
            self.report.first_rejected.append(rejected)


def _new_anima(name: str) -> AnimaCreate:
    try:
        return AnimaCreate(name=name)
    except PydanticValidationError as error:
        raise ValidationError("An anima's name has 1 to 255 characters.", field="anima") from error


def _skip_line(file: BinaryIO) -> int:
    """Read on to the end of the line, and say how many bytes that was."""
    skipped = 0
    while part := file.readline(MAX_LINE_BYTES):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _parse_line(text: str, *, place: str, position: int, anima: str | None) -> Item:
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return Rejected(place, position, "It is not JSON.")
    if not isinstance(fields, dict):
        return Rejected(place, position, 'It is no JSON object, such as {"content": "Hello."}.')
    return _parse({"anima": anima} | _without_nulls(fields), place=place, position=position)


def _parse(fields: dict[str, Any], *, place: str, position: int) -> Item:
    fields = _mend(fields)
    for name in fields:
        if name not in _FIELDS:
            return Rejected(place, position, unknown_argument(name, owner=_OWNER, known=_FIELDS))
    anima = fields.pop("anima", None)
    if not isinstance(anima, str | None):
        return Rejected(place, position, "`anima` must be a name or an id.")
    try:
        request = EventCreate.model_validate({"anima_id": anima} | fields)
    except PydanticValidationError as error:
        return Rejected(place, position, str(rejected(error, owner=_OWNER, schema=_SCHEMA)))
    return Candidate(place, position, request)


def _turn_fields(turn: BenchTurn) -> dict[str, Any]:
    role = turn.author if turn.author in _TYPES else None
    return {
        "event_type": _TYPES.get(turn.author, EventType.MESSAGE_IN),
        "content": turn.text,
        "role": role,
        "author": None if role else turn.author,
        "session_id": turn.session,
        "occurred_at": turn.time,
        "meta": {"turn": turn.id},
        "dedupe_key": turn.id,
    }


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """A null field is one that was left out."""
    return {name: value for name, value in fields.items() if value is not None}


def _mend(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value without lone surrogates, which JSON can escape and no model accepts."""
    if isinstance(value, str):
        return repair(value)[0]
    if isinstance(value, dict):
        return {repair(name)[0]: _mend(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_mend(one) for one in value]
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
