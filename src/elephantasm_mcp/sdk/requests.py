"""Requests: what callers of the Python surface hand in, checked.

Owns turning arguments into request models and settings, and saying what is wrong with them.
Invariant: nothing that a caller can hand in raises anything but an `ElephantasmError` here.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar, get_args
from uuid import UUID

from pydantic import Field
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from elephantasm_mcp.errors import StorageError, ValidationError
from elephantasm_mcp.pure.complaints import not_one_of, rejected, unknown_argument
from elephantasm_mcp.pure.text import repair
from elephantasm_mcp.settings import Settings, load_settings
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import (
    EventCreate,
    GivenDatetime,
    Layer,
    MemoryState,
    PresetName,
    Request,
)
from elephantasm_mcp.types.views import Phase

RequestT = TypeVar("RequestT", bound=Request)

Moment: TypeAlias = datetime | str
"""A datetime, read as UTC when it has no zone, or its ISO 8601 text."""
Meta: TypeAlias = Mapping[str, Any]
"""What JSON can hold."""

TIMEOUT_S: Final = 30.0
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
PRESETS: Final = get_args(PresetName)
LAYERS: Final[tuple[Layer, ...]] = ("memory", "knowledge", "event")


class EventFields(TypedDict, total=False, closed=True):
    """What `ingest` passes on to `extract`."""

    session_id: str | None
    role: str | None
    author: str | None
    occurred_at: Moment | None
    summary: str | None
    meta: Meta | None
    source_uri: str | None
    importance_score: float | None
    dedupe_key: str | None


class Batch(Request):
    """What is asked of `extract_many`."""

    events: list[EventCreate]


class AnimaUpdate(Request):
    """What is asked of `update_anima`."""

    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = None
    meta: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None


class Listing(Request):
    """What is asked of everything that lists rows."""

    state: MemoryState | None = None
    session_id: str | None = None
    since: GivenDatetime | None = None
    until: GivenDatetime | None = None
    include_superseded: bool = False
    limit: int | None = Field(None, ge=1, le=1_000_000_000)
    days: int = Field(90, ge=1, le=36_500)


def read_settings(
    settings: Mapping[str, object],
    *,
    api_key: str | None,
    anima_id: AnimaRef,
    endpoint: str | None,
    database: str | os.PathLike[str] | None,
    timeout: float,
    background_jobs: bool,
) -> Settings:
    """All settings, those of the environment where nothing is given.

    Raises:
        ValidationError: one does not exist, breaks its rule, or is none for a client of a server.
    """
    known = list(Settings.model_fields)
    for name in settings:
        if name not in known:
            message = unknown_argument(name, owner="Elephantasm", known=known)
            raise ValidationError(message, field=name)
    if database is not None and endpoint:
        raise ValidationError(
            "The memory is either at `endpoint` or in `database`.",
            field="database",
            hint="Give one of them.",
        )
    if database is not None:
        endpoint = ""  # a file that is named beats a server of the environment
    given: dict[str, Any] = {
        **settings,
        "api_key": api_key,
        "endpoint": endpoint,
        # the environment's value cannot be told from the default otherwise
        "timeout": None if timeout == TIMEOUT_S else timeout,
        "database": None if database is None else os.fspath(database),
        "anima_id": None if anima_id is None else str(anima_id),
    }
    loaded = load_settings(**given)
    if loaded.endpoint:
        _refuse_servers_own([*settings, *(["background_jobs"] if background_jobs else [])])
    return loaded


def _refuse_servers_own(names: Sequence[str]) -> None:
    """Refuse what a client of a server cannot set.

    Raises:
        ValidationError: there is something of that kind.
    """
    if names:
        raise ValidationError(
            f"`{names[0]}` is for a memory in a database; on a server it is the server's to set.",
            field=names[0],
            hint="Leave it out, or name a `database` instead of the server.",
        )


def make_request(model: type[RequestT], call: str, /, **fields: object) -> RequestT:
    """A request of what is given; None means the same as leaving out."""
    given = {name: plain(value) for name, value in fields.items() if value is not None}
    try:
        return model.model_validate(given)
    except PydanticValidationError as error:
        raise rejected(error, owner=call, schema=model.model_json_schema()) from None


def plain(value: object) -> object:
    """A text without broken Unicode, an object as JSON has it, anything else as it is."""
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return repair(value)[0]
    return plain_object(value) if isinstance(value, Mapping) else value


def plain_object(value: Meta) -> dict[str, Any]:
    """An object as JSON has it.

    Raises:
        ValidationError: it holds something that JSON cannot hold.
    """
    try:
        made: dict[str, Any] = to_jsonable_python(dict(value))
    except (PydanticSerializationError, ValueError):
        raise ValidationError(
            "`meta` holds something that JSON cannot hold.",
            field="meta",
            hint='Give texts, numbers, lists and objects, such as {"channel": "email"}.',
        ) from None
    return made


def anima_ref(ref: object, *, call: str) -> AnimaRef:
    """An anima as given, once it may be one."""
    if isinstance(ref, str):
        return repair(ref)[0]
    if ref is None or isinstance(ref, UUID):
        return ref
    raise ValidationError(
        f'`anima_id` of `{call}` must be an id or a name. Example: "my-agent".', field="anima_id"
    )


def required_anima(ref: object, *, call: str) -> UUID | str:
    """An anima as given, where there is no default."""
    anima = anima_ref(ref, call=call)
    if anima is None:
        raise ValidationError(
            f'`id` of `{call}` is missing; it must be an id or a name. Example: "my-agent".',
            field="id",
        )
    return anima


def parse_preset(preset: str | None) -> str | None:
    """The name of a preset, once it is one."""
    if preset is not None and preset not in PRESETS:
        raise not_one_of("preset", owner="inject", allowed=PRESETS)
    return preset


def parse_phase(phase: str) -> Phase:
    """The phase of a dream, once it is one."""
    for known in PHASES:
        if phase == known:
            return known
    raise not_one_of("phase", owner="dream", allowed=PHASES)


def forked_error() -> StorageError:
    """The error about a client that a forked child has from its parent."""
    return StorageError(
        "This client was opened before the process was forked.",
        hint="Open another one in the child process.",
    )


def closed_error() -> StorageError:
    """The error about a client that is used after its end."""
    return StorageError(
        "This client is closed.", hint="Make a new one, or use it inside its `with` block."
    )
