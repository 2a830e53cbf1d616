"""Lines: what a client wrote, one JSON-RPC message a line, made safe for the SDK.

Owns the reading of bytes and the answers to what is not a message. Invariant: every line that is
not blank becomes a message or an error that can be sent back; none is dropped in silence.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from elephantasm_mcp.tools.extract_event import MENDED

MAX_LINE_BYTES: Final = 8 * 1024 * 1024


class TooLong:
    """Stands for a line that was longer than the limit and was skipped."""


def split_lines(
    chunks: Iterable[bytes], *, max_bytes: int = MAX_LINE_BYTES
) -> Iterator[bytes | TooLong]:
    """The lines in a stream of bytes, without their ends; the last one needs none.

    Holds at most `max_bytes` and one chunk in memory, however long a line is.
    """
    rest = bytearray()
    skipping = False
    for chunk in chunks:
        *ended, tail = chunk.split(b"\n")
        for part in ended:
            if not skipping:
                rest += part
                yield bytes(rest) if len(rest) <= max_bytes else TooLong()
            rest.clear()
            skipping = False
        if not skipping:
            rest += tail
        if len(rest) > max_bytes:
            yield TooLong()
            rest.clear()
            skipping = True
    if rest:
        yield bytes(rest)


def parse_line(line: bytes | TooLong) -> SessionMessage | JSONRPCError:
    """The message in a line, its Unicode mended if need be, or the error to answer with.

    Broken JSON is −32700; JSON that is no message, a batch, or a line over the limit is −32600.
    """
    if isinstance(line, TooLong):
        limit = MAX_LINE_BYTES // (1024 * 1024)
        return _error(INVALID_REQUEST, f"The message is longer than {limit} MiB and was skipped.")
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        return _parse_slowly(line)
    if isinstance(message, JSONRPCNotification) and b'"id"' in line and _has_null_id(line):
        return _error(INVALID_REQUEST, "The id of a request must be a number or a text, not null.")
    return SessionMessage(message)


def _has_null_id(line: bytes) -> bool:
    """Whether a request passes for a notification, so that its sender would wait for ever."""
    value = json.loads(line)
    return isinstance(value, dict) and value.get("id", 0) is None


def _parse_slowly(line: bytes) -> SessionMessage | JSONRPCError:
    try:
        value = json.loads(line.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return _error(PARSE_ERROR, "That is not JSON. Send one JSON-RPC message at a time.")
    if isinstance(value, list):
        return _error(
            INVALID_REQUEST, "Batches are not taken. Send one JSON-RPC message at a time."
        )
    try:
        message = jsonrpc_message_adapter.validate_json(mend(value), by_name=False)
    except ValidationError:
        return _error(INVALID_REQUEST, "That is JSON but no JSON-RPC message.", id_=_id(value))
    return SessionMessage(message, metadata=ServerMessageMetadata(request_context=MENDED))


def mend(value: object) -> str:
    """The value as JSON in which every lone surrogate is a replacement character."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _id(value: Any) -> RequestId | None:  # noqa: ANN401 - any JSON value
    id_ = value.get("id") if isinstance(value, dict) else None
    return id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None


def _error(code: int, message: str, *, id_: RequestId | None = None) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=id_, error=ErrorData(code=code, message=message))
