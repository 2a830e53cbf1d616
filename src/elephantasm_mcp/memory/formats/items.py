"""Items: what the readers of formats hand on, one for each event that a file holds.

Owns how a reader makes one from the fields of an event, and the keys, times and texts that formats
have in common. Knows no format. Invariant: every candidate has a dedupe key, made from the source's
own ids or else from content and place, so that nothing is stored by a second import.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.pure.complaints import rejected, unknown_argument
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.types.records import EventCreate

KEY_BYTES: Final = 16
MAX_CUT_CHARS: Final = 16_000
"""What is kept of a tool's output and of an attached file: as much as a synthesizer reads."""
_OWNER: Final = "event"
_FIELDS: Final = tuple("anima" if name == "anima_id" else name for name in EventCreate.model_fields)
_SCHEMA: Final = EventCreate.model_json_schema()
_LIMITS: Final = {"author": 255, "session_id": 255, "role": 64, "source_uri": 2048}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that a file holds."""

    place: str
    """Where it stands, for people: `line 12`."""
    position: int
    """How far the file is read with it, in the unit of its reader."""
    request: EventCreate
    group: tuple[str, ...] = ()
    """What it is part of, by each of its names: a conversation's id and title."""
    folder: str | None = None
    """Where somebody worked then: without another anima it goes to that project's."""
    redactions: int = 0
    """Secrets that its reader masked already, since it cuts long texts."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A part of a file that is no event, or one that cannot be stored."""

    place: str
    position: int
    reason: str
    group: tuple[str, ...] = ()
    """What it is part of, as of a candidate, where that is known."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Parts of a file that are left out on purpose, such as what a model thought."""

    place: str
    position: int
    what: str
    """What they are, in the plural: `hidden messages`."""
    count: int = 1


Parsed: TypeAlias = Candidate | Rejected
Item: TypeAlias = Parsed | Passed


def parse(
    fields: Mapping[str, Any],
    *,
    place: str,
    position: int,
    group: tuple[str, ...] = (),
    folder: str | None = None,
) -> Parsed:
    """The event of these fields, which are those of `extract_event`; or what is wrong with them."""
    for name in fields:
        if name not in _FIELDS:
            reason = unknown_argument(name, owner=_OWNER, known=_FIELDS)
            return Rejected(place, position, reason, group)
    given = dict(fields)
    anima = given.pop("anima", None)
    if not isinstance(anima, str | None):
        return Rejected(place, position, "`anima` must be a name or an id.", group)
    try:
        request = EventCreate.model_validate({"anima_id": anima} | given)
    except PydanticValidationError as error:
        reason = str(rejected(error, owner=_OWNER, schema=_SCHEMA))
        return Rejected(place, position, reason, group)
    return Candidate(place, position, request, group, folder)


def found(
    fields: Mapping[str, Any],
    *,
    place: str,
    position: int,
    group: tuple[str, ...] = (),
    folder: str | None = None,
) -> Parsed:
    """`parse`, for fields made of another system's: mended, and cut to our lengths."""
    mended = {name: mend(value) for name, value in fields.items() if value not in (None, "")}
    for name, most in _LIMITS.items():
        if isinstance(text := mended.get(name), str):
            mended[name] = text[:most]
    return parse(mended, place=place, position=position, group=group, folder=folder)


def key(source: str, *parts: object) -> str:
    """A dedupe key of what a source's own ids, or a content and its place, are."""
    digest = blake2b(digest_size=KEY_BYTES)
    for part in parts:
        digest.update(str(part).encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return f"{source}:{digest.hexdigest()}"


def moment(value: object) -> datetime | None:
    """A time as other systems write it, in ISO 8601 or seconds since 1970; None for all else."""
    try:
        match value:
            case bool() | None:
                return None
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                read = datetime.fromisoformat(value.strip())
                return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
            case _:
                return None
    except (ValueError, OverflowError, OSError):
        return None


def text_of(value: object) -> str:
    """A text without blanks around it; "" for what is no text."""
    return value.strip() if isinstance(value, str) else ""


def cut(text: str) -> str:
    """A text that may be very long, without its middle."""
    if len(text) <= MAX_CUT_CHARS:
        return text
    half = MAX_CUT_CHARS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"


def compact(value: object) -> str:
    """A JSON value as one line, cut."""
    return cut(json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str))


def mend(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value without lone surrogates, which JSON can escape and no model accepts."""
    if isinstance(value, str):
        return repair(value)[0]
    if isinstance(value, dict):
        return {repair(str(name))[0]: mend(one) for name, one in value.items()}
    if isinstance(value, list):
        return [mend(one) for one in value]
    return value
