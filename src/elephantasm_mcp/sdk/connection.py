"""The connection to a server: requests out, answers in.

Owns the web client, what is tried again, and the errors that statuses stand for. Invariant: the
answer of a server is data that may be wrong: too long, no JSON, a redirect to somewhere else. None
of it raises anything but an `ElephantasmError`, and none of those holds the key.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeAlias, final
from uuid import UUID

import httpx2
from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import PydanticSerializationError, to_json

from elephantasm_mcp.errors import (
    AuthenticationError,
    BudgetError,
    ConflictError,
    ElephantasmError,
    NotBuiltError,
    NotFoundError,
    RateLimitError,
    ScopeError,
    ServerError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.sdk.endpoint import Endpoint

Scalar: TypeAlias = "bool | int | float | str | UUID | datetime"
Parameters: TypeAlias = "Mapping[str, Scalar | list[Scalar] | None]"
NOTHING: Final[Parameters] = MappingProxyType({})

CONNECT_S: Final = 10.0
KEEP_S: Final = 3.0
"""How long an unused connection is kept: shorter than servers do, which often is five seconds."""
CONNECTIONS: Final = 32
MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
MAX_DETAIL_CHARACTERS: Final = 4_000
RETRY_S: Final = 60.0
"""When to come back where the server does not say."""
_REFUSALS: Final[dict[int, type[ElephantasmError]]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: ScopeError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.NOT_IMPLEMENTED: NotBuiltError,
    HTTPStatus.SERVICE_UNAVAILABLE: StorageError,
    HTTPStatus.TOO_MANY_REQUESTS: BudgetError,
}
_INVALID: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)


class Refusal(BaseModel):
    """Why a server did not do something."""

    detail: str
    code: str = ""
    field: str = ""


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to a request that it took."""

    content: bytes
    cursor: str | None
    """Where the next page of a list begins."""


@final
class Connection:
    """An open web client for one server. It belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint: Final = endpoint
        self._client: Final = httpx2.AsyncClient(
            headers={"Accept": "application/json", **endpoint.headers},
            timeout=httpx2.Timeout(None, connect=CONNECT_S),
            limits=httpx2.Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEP_S),
            follow_redirects=False,
            trust_env=not endpoint.loopback,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Parameters = NOTHING,
        body: object = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Send a request and read its answer; a `body` is what JSON can hold.

        One that is `repeatable`, as reads are, is sent again when the connection broke.

        Raises:
            ElephantasmError: as its status says; `ServerError` also when there is no answer.
        """
        request = self._request(method, path, query=query, body=body)
        may_repeat = method == "GET" if repeatable is None else repeatable
        try:
            try:
                return await self._send(request)
            except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
                if not may_repeat:
                    raise
                return await self._send(request)
        except httpx2.HTTPError as error:
            raise no_answer(self.endpoint, error) from None

    def _request(
        self, method: str, path: str, *, query: Parameters, body: object
    ) -> httpx2.Request:
        """A request that can be sent.

        Raises:
            ValidationError: what was given cannot be.
        """
        try:
            return self._client.build_request(
                method,
                self.endpoint.url + path,
                params=_texts(query),
                content=None if body is None else to_json(body),
                headers=None if body is None else {"Content-Type": "application/json"},
            )
        except httpx2.InvalidURL:
            raise ValidationError(
                "That is too long to ask a server.", hint="Ask in fewer words."
            ) from None
        except PydanticSerializationError:
            raise ValidationError(
                "A text holds broken Unicode.", hint="Mend or leave it."
            ) from None

    async def _send(self, request: httpx2.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            content = await self._read(response)
        finally:
            await response.aclose()
        if not response.is_success:
            raise refusal(self.endpoint, response, content)
        return Answer(
            content=content,
            cursor=response.headers.get("x-next-cursor"),
        )

    async def _read(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise nonsense(self.endpoint)
        return bytes(content)


def no_answer(endpoint: Endpoint, error: Exception) -> ServerError:
    """The error about a server that did not answer; the library's text is for no user."""
    if "CERTIFICATE" in str(error):
        return ServerError(
            f"The certificate of the memory server at {endpoint.host} is not trusted.",
            hint="Have it renewed, or its authority added to this machine (SSL_CERT_FILE).",
        )
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return ServerError(
            f"The memory server at {endpoint.host} cannot be reached.",
            hint="Check ELEPHANTASM_ENDPOINT, and that the server runs.",
        )
    return ServerError(
        f"The memory server at {endpoint.host} broke off, or was silent, before it had answered; "
        "what was to be written may have been written.",
        hint="Try again.",
    )


def nonsense(endpoint: Endpoint) -> ServerError:
    """The error about an answer that is not what was asked for."""
    return ServerError(
        f"The memory server at {endpoint.host} gave an answer that makes no sense.",
        hint="Check ELEPHANTASM_ENDPOINT, and that client and server are of one version.",
    )


def refusal(endpoint: Endpoint, response: httpx2.Response, content: bytes) -> ElephantasmError:
    """The error that an answer stands for, in the words of the server."""
    status = response.status_code
    if response.has_redirect_location:
        return ServerError(
            f"The memory server at {endpoint.host} is somewhere else now.",
            hint="Set ELEPHANTASM_ENDPOINT to its new address: redirects are not followed.",
        )
    said = Refusal(detail=f"The memory server at {endpoint.host} answered {status}.")
    with suppress(PydanticValidationError):
        said = Refusal.model_validate_json(content)
    detail = said.detail[:MAX_DETAIL_CHARACTERS]
    if endpoint.key is not None:
        detail = detail.replace(endpoint.key, "…")
    if status in _INVALID:
        return ValidationError(detail, field=said.field)
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationError(detail, hint="Check ELEPHANTASM_API_KEY, or `api_key`.")
    if status == HTTPStatus.TOO_MANY_REQUESTS and said.code != BudgetError.code:
        return RateLimitError(detail, retry_after=_seconds(response))
    return _REFUSALS.get(status, ServerError)(detail)


def _texts(query: Parameters) -> dict[str, str | list[str]]:
    """What is given of a query, as it stands in an address."""
    return {
        name: [_text(one) for one in value] if isinstance(value, list) else _text(value)
        for name, value in query.items()
        if value is not None
    }


def _text(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def _seconds(response: httpx2.Response) -> float:
    """How long a server wants to be left alone."""
    text = response.headers.get("retry-after", "")
    return min(float(text), 86_400.0) if text.isdecimal() and text.isascii() else RETRY_S
