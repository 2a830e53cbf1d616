"""How values cross into the database: times, UUIDs and JSON.

Owns both directions of each encoding. Invariant: decoding an encoded value gives it back exactly,
and equal values have equal encodings (JSON is written with sorted keys and no blanks).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from elephantasm_mcp.errors import StorageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 (UTC)."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    return _EPOCH + timedelta(microseconds=micros)


def maybe_micros(moment: datetime | None) -> int | None:
    """`to_micros` that lets None pass."""
    return None if moment is None else to_micros(moment)


def maybe_time(micros: int | None) -> datetime | None:
    """`from_micros` that lets None pass."""
    return None if micros is None else from_micros(micros)


def to_uuid(raw: bytes) -> UUID:
    """A UUID from its 16 bytes."""
    return UUID(bytes=raw)


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Canonical JSON text.

    Raises:
        TypeError: JSON has no such value.
        ValueError: a number is not finite, or the value holds itself.
        RecursionError: it is nested too deeply.
    """
    return _ENCODER.encode(value)


def from_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The inverse of `to_json`.

    Raises:
        StorageError: it is no JSON, so what was stored was damaged.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise StorageError(
            "The database is damaged: what must be JSON in it is none.",
            hint="`elephantasm-mcp doctor` says more.",
        ) from error
