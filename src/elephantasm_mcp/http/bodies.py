"""Bodies: the JSON that a request carries, read whole.

Owns the limits on size, time and depth. Invariant: what comes out can be stored and sent again:
JSON of finite numbers, nested no deeper than can be read, its Unicode mended.
"""

import json
from math import isinf
from typing import Final, TypeAlias, final

import anyio
from starlette.requests import Request
from typing_extensions import override

from elephantasm_mcp.errors import MediaTypeError, TooLargeError, UnreadableError
from elephantasm_mcp.pure.text import repair

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

MAX_BYTES: Final = 1_000_000
DRAINED_BYTES: Final = 10 * MAX_BYTES
"""What is read of a body that is too long: who still sends does not hear the answer."""
WITHIN_S: Final = 30
MAX_DEPTH: Final = 100
"""Pydantic writes 255 levels; a row stands some levels deep in an answer."""


@final
class JsonRequest(Request):
    """A request whose body has been read."""

    def __init__(self, request: Request, *, raw: bytes) -> None:
        super().__init__(request.scope, request.receive)
        self._raw: Final = raw
        self._value: Final = parse(raw) if raw else None

    @override
    async def body(self) -> bytes:
        """The bytes."""
        return self._raw

    @override
    async def json(self) -> Json:
        """What they say."""
        return self._value


async def read_json(request: Request) -> JsonRequest:
    """The request with its body, which may be empty.

    Raises:
        MediaTypeError: it says that it is no JSON.
        TooLargeError: it is longer than one may be.
        UnreadableError: it is no JSON, or does not come.
        ClientDisconnect: the client is gone.
    """
    raw = await read_bytes(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind and kind != "application/json" and not kind.endswith("+json"):
        raise MediaTypeError(
            "The body must be JSON.", hint="Send the header `Content-Type: application/json`."
        )
    return JsonRequest(request, raw=raw)


def parse(raw: bytes) -> Json:
    """The value that a text in JSON stands for.

    Raises:
        UnreadableError: it is no JSON, or nothing that can be kept.
    """
    try:
        text = raw.decode("utf-8-sig")
        value: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise UnreadableError(
            "The body is not JSON in UTF-8.", hint='Example: {"content": "Hello."}.'
        ) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" not in text:
        return value
    mended: Json = json.loads(repair(json.dumps(value, ensure_ascii=False))[0])
    return mended


async def read_bytes(request: Request) -> bytes:
    """The body as it comes in; what is too long is read on without being kept.

    Raises:
        TooLargeError: it is longer than one may be.
        UnreadableError: it does not come.
        ClientDisconnect: the client is gone.
    """
    body, size_bytes = bytearray(), 0
    with anyio.move_on_after(WITHIN_S) as scope:
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes <= MAX_BYTES:
                body += chunk
            elif size_bytes > DRAINED_BYTES:
                break
    if size_bytes > MAX_BYTES:
        raise TooLargeError(
            f"The body is longer than {MAX_BYTES:,} bytes.",
            hint="Send it in parts: several events, or several batches.",
        )
    if scope.cancelled_caught:
        raise UnreadableError(f"The body did not arrive within {WITHIN_S} seconds.")
    return bytes(body)


def _check_depth(value: Json) -> None:
    """Walk level by level.

    Raises:
        UnreadableError: there are too many.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise UnreadableError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _inside(value: Json) -> list[Json]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _refuse(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    """A number that JSON can hold again.

    Raises:
        ValueError: it is too large for one.
    """
    number = float(text)
    if isinf(number):
        raise ValueError(text)
    return number
