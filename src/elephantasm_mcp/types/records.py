"""What is stored: animas, events, memories, knowledge, dreams, as users see them.

Owns the public models, their enums and the rules for their fields. Knows nothing of tables.
Invariant: every model is frozen; every time is an aware UTC datetime; every score lies in [0, 1].
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Number
from typing import Annotated, Any, Literal, NewType, final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

RowId = NewType("RowId", int)
"""`anima_no << 32 | seq`: the id of a row in a per-anima table; `seq` is its handle's number."""
AnimaNo = NewType("AnimaNo", int)
"""The small number behind an anima's UUID, at most 2³¹ − 1."""
UserNo = NewType("UserNo", int)
"""The small number behind a user's UUID."""

SEQ_BITS = 32


@final
@dataclass(frozen=True, slots=True)
class User:
    """Who asks, and how far that one sees. Every row belongs to the user of its anima."""

    no: UserNo
    animas: frozenset[UUID] | None = None
    """The only animas that exist for whoever asks; None: all of the user's."""
    makes: bool = True
    """Whether the default anima is made on first use: not for who may only read."""

    def sees(self, anima: UUID, *, owner: UserNo) -> bool:
        """Whether an anima of that owner exists for whoever asks."""
        return owner == self.no and (self.animas is None or anima in self.animas)


LOCAL_USER = User(UserNo(1))
"""Who calls when nobody has to log in: stdio, the CLI, the embedded SDK."""

Layer = Literal["event", "memory", "knowledge"]
JournalLayer = Literal["memory", "knowledge", "identity", "conflict"]
"""What the journal answers for: all that dreams and people change."""
LAYER_LETTERS: dict[str, Layer] = {"e": "event", "m": "memory", "k": "knowledge"}
_NUMBER = re.compile(r"\s*[-+]?[\d.]+(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_HANDLE = re.compile(r"([emkd])([1-9][0-9]{0,9})")


def row_id(anima_no: AnimaNo, seq: int) -> RowId:
    """Pack an anima's number and a row's sequence number into one id."""
    return RowId(anima_no << SEQ_BITS | seq)


def unpack_row_id(row: RowId) -> tuple[AnimaNo, int]:
    """The inverse of `row_id`."""
    return AnimaNo(row >> SEQ_BITS), row & ((1 << SEQ_BITS) - 1)


def handle_of(kind: Literal["event", "dream"] | JournalLayer, row: RowId) -> str:
    """The short name of a row, unique in its anima: `e341`, `m12`, `k7`, `d3`, `i1`, `c2`."""
    return f"{kind[0]}{unpack_row_id(row)[1]}"


def parse_handle(text: str) -> tuple[str, int] | None:
    """Split a handle into its letter (e, m, k, d) and number; None when it is no handle."""
    match = _HANDLE.fullmatch(text.strip().lower())
    if match is None or int(match[2]) >= 1 << SEQ_BITS:  # a larger one would name another anima
        return None
    return match[1], int(match[2])


def parse_uuid(text: str) -> UUID | None:
    """A UUID from its text form; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time lies outside the years 1 to 9999 in UTC") from error


def _no_number(value: object) -> object:
    if isinstance(value, Number | bytes) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("a number is no date and time")
    return value


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")  # noqa: TRY004 - pydantic wants it
    return value


UtcDatetime = Annotated[datetime, AfterValidator(_as_utc)]
"""An aware datetime in UTC; a naive one is read as UTC."""
GivenDatetime = Annotated[UtcDatetime, BeforeValidator(_no_number)]
"""The same from a caller: never a number, which could be seconds, milliseconds or a year."""
Score = Annotated[float, Field(ge=0.0, le=1.0), BeforeValidator(_no_truth)]


class Record(BaseModel):
    """Base of all public models. What checks one is built when it is first used: there are many.

    The store makes its rows with `model_construct`: what it reads was checked when it was written,
    and a hook that checks nothing builds nothing. A request that FastAPI takes must be built at
    once: it misreads others.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)


class Request(BaseModel):
    """Base of all request models: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EventType(StrEnum):
    """What kind of interaction an event is."""

    MESSAGE_IN = "message.in"
    MESSAGE_OUT = "message.out"
    TOOL_CALL = "tool.call"
    TOOL_RESULT = "tool.result"
    SYSTEM = "system"


class EventState(StrEnum):
    """How far an event got on its way into memories (contract §7)."""

    PENDING = "pending"
    PROVISIONAL = "provisional"
    SETTLED = "settled"
    HELD = "held"


class MemoryState(StrEnum):
    """Lifecycle of a memory in recall."""

    ACTIVE = "active"
    DECAYING = "decaying"
    ARCHIVED = "archived"


class KnowledgeType(StrEnum):
    """The five epistemic kinds of knowledge."""

    FACT = "FACT"
    CONCEPT = "CONCEPT"
    METHOD = "METHOD"
    PRINCIPLE = "PRINCIPLE"
    EXPERIENCE = "EXPERIENCE"


class Trust(StrEnum):
    """How far a row's words may be believed; a derived row has the lowest of its sources."""

    TOLD = "told"
    """Said by the user or the agent itself."""
    REPORTED = "reported"
    """Came in through a tool result or from a named outside source."""


PresetName = Literal["conversational", "self_determined"]
"""How a pack is compiled (`memory/presets.py`)."""


def _as_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # most animas keep to UTC

    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError("no time zone is called that") from error
    return name


class AnimaSettings(Record):
    """The dials of one anima (contract §5)."""

    model_config = ConfigDict(allow_inf_nan=False)

    time_weight: float = Field(1.0, ge=0, le=1_000)
    """What an hour since the first pending event counts,"""
    event_weight: float = Field(0.5, ge=0, le=1_000)
    """each pending event,"""
    token_weight: float = Field(0.0003, ge=0, le=1_000)
    """each of their tokens; at the threshold memories are made."""
    threshold: float = Field(10.0, ge=0.01, le=100_000)
    dream_interval_h: float = Field(12.0, ge=0.01, le=8_760)
    recency_half_life_h: float = Field(168.0, ge=0.01, le=87_600)
    decay_half_life_d: float = Field(30.0, ge=0.01, le=3_650)
    dedupe_window_s: int = Field(300, ge=0, le=86_400)
    session_gap_min: int = Field(30, ge=1, le=10_080)
    event_types: tuple[EventType, ...] = Field(tuple(EventType), min_length=1)
    """What is kept; an event of another type is acknowledged and not stored."""
    never_store: tuple[str, ...] = Field((), max_length=50, examples=[["ACME-####"]])
    """What is masked before anything is stored (`pure/patterns.py`)."""
    preset: PresetName = "conversational"
    max_tokens: int = Field(4_000, ge=1, le=200_000)
    """Of a pack, where none is asked for."""
    timezone: Annotated[str, AfterValidator(_as_zone)] = Field(
        "UTC", min_length=1, max_length=64, examples=["Europe/Berlin"]
    )
    """Whose days and hours packs speak of."""
    instructions: str = Field("", max_length=4_000)
    """What the synthesizer is told beside its own prompt."""


class SettingsChange(AnimaSettings):
    """What is given of an anima's settings; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid")


class Anima(Record):
    """One isolated memory space: an agent, a user, a project."""

    id: UUID
    name: str
    description: str | None = None
    meta: dict[str, Any] | None = None
    user_id: UUID | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    settings: AnimaSettings = Field(default_factory=AnimaSettings)


class AnimaCreate(Request):
    """What is asked of `create_anima`."""

    name: str = Field(min_length=1, max_length=255)
    description: str | None = None
    meta: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None


class AnimaOverview(Record):
    """An anima with what it holds, as `list_animas` shows it."""

    id: UUID
    name: str
    description: str | None = None
    events: int
    memories: int
    knowledge: int
    dreams: int
    pending_events: int
    last_event_at: UtcDatetime | None = None
    default: bool = False


class Event(Record):
    """One raw interaction."""

    id: UUID
    handle: str
    anima_id: UUID
    event_type: str
    role: str | None = None
    author: str | None = None
    summary: str | None = None
    content: str
    occurred_at: UtcDatetime | None = None
    session_id: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    source_uri: str | None = None
    dedupe_key: str | None = None
    importance_score: float | None = None
    state: EventState = EventState.PENDING
    trust: Trust = Trust.TOLD
    redactions: int = 0
    created_at: UtcDatetime
    updated_at: UtcDatetime
    note: str | None = None
    """Why it was not kept, where it was not: such an event has no handle."""


class EventCreate(Request):
    """What is asked of `extract_event`. `anima_id` may be an id or a name; None is the default."""

    anima_id: UUID | str | None = None
    event_type: EventType = EventType.MESSAGE_IN
    content: str = Field(min_length=1)
    role: str | None = Field(None, max_length=64)
    author: str | None = Field(None, max_length=255)
    summary: str | None = Field(None, max_length=4000)
    occurred_at: GivenDatetime | None = None
    session_id: str | None = Field(None, max_length=255)
    meta: dict[str, Any] = Field(default_factory=dict)
    source_uri: str | None = Field(None, max_length=2048)
    dedupe_key: str | None = Field(None, min_length=1, max_length=255)
    importance_score: Score | None = None


class Memory(Record):
    """What was made of one or more events."""

    id: UUID
    handle: str
    anima_id: UUID
    content: str | None = None
    summary: str | None = None
    importance: float | None = None
    confidence: float | None = None
    state: MemoryState | None = None
    recency_score: float | None = None
    decay_score: float | None = None
    time_start: UtcDatetime | None = None
    time_end: UtcDatetime | None = None
    session_id: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    source_ids: list[UUID] = Field(default_factory=list)
    provisional: bool = False
    synthesizer: str = ""
    pinned: bool = False
    trust: Trust = Trust.TOLD
    version: int = 1
    created_at: UtcDatetime
    updated_at: UtcDatetime


class Knowledge(Record):
    """A typed statement extracted from a memory, with its validity interval."""

    id: UUID
    handle: str
    anima_id: UUID
    type: KnowledgeType
    content: str
    confidence: float
    valid_from: UtcDatetime | None = None
    valid_until: UtcDatetime | None = None
    superseded_by: UUID | None = None
    memory_id: UUID | None = None
    source_ids: list[UUID] = Field(default_factory=list)
    provisional: bool = False
    synthesizer: str = ""
    pinned: bool = False
    trust: Trust = Trust.TOLD
    version: int = 1
    created_at: UtcDatetime
    updated_at: UtcDatetime
