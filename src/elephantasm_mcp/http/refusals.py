"""Refusals: what a caller is told when something is not done.

Owns the one form of errors over HTTP, and the words for what the framework finds wrong. Invariant:
`detail` is readable by people and `code` by programs; neither holds a path of ours, SQL or a
library's text.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import Field
from starlette.responses import Response

from elephantasm_mcp.errors import (
    AuthenticationError,
    ElephantasmError,
    RateLimitError,
    ScopeError,
    UnreadableError,
    ValidationError,
)
from elephantasm_mcp.pure.complaints import JsonSchema, rejected_at
from elephantasm_mcp.types.records import Record

BODY: Final = "body"
_OBJECT: Final = 'Send a JSON object, such as {"content": "Hello."}.'


class ErrorAnswer(Record):
    """Why something was not done."""

    detail: Annotated[str, Field(examples=["`content` is empty. Say what happened."])]
    """What is wrong, and what to do."""
    code: Annotated[str, Field(examples=["invalid"])]
    """The same for programs."""
    field: Annotated[str, Field(examples=["content"])] = ""
    """Which value it is about; left out where it is about none."""


def refusal(error: ElephantasmError) -> Response:
    """The answer that says what went wrong."""
    headers: dict[str, str] = {}
    if isinstance(error, RateLimitError):
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, AuthenticationError) and not isinstance(error, ScopeError):
        headers["WWW-Authenticate"] = "Bearer"
    return answer(
        error.explain(),
        code=error.code,
        status=error.http_status,
        headers=headers,
        field=error.field if isinstance(error, ValidationError) else "",
    )


def answer(
    detail: str,
    *,
    code: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    field: str = "",
) -> Response:
    """An error as it goes out."""
    said = ErrorAnswer(detail=detail, code=code, field=field)
    content = said.model_dump_json(exclude_defaults=True)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def about(error: RequestValidationError, route: APIRoute) -> ValidationError:
    """Our error about a value that the framework refused: an unknown one first.

    A misspelt name is missing as well, and the right one is the better news.
    """
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    fault, (where, *place) = first["type"], first["loc"]
    if where == BODY and fault == "missing" and not place:
        return UnreadableError("The body is missing.", hint=_OBJECT)
    if where == BODY and not place:
        return ValidationError("The body is no JSON object.", field=BODY, hint=_OBJECT)
    return rejected_at(place, fault, owner=name_of(route), schema=_schema(route, where))


def name_of(route: APIRoute) -> str:
    """What the table calls a route: `METHOD /path`."""
    return f"{min(route.methods or ())} {route.path_format}"


def _schema(route: APIRoute, where: str) -> JsonSchema:
    """The schema of what the route takes in its body or in its query."""
    fields = route.dependant.query_params if where != BODY else [route.body_field]
    for field in fields:
        model = field.field_info.annotation if field is not None else None
        for arm in (model, *getattr(model, "__args__", ())):
            if hasattr(arm, "model_json_schema"):
                schema: JsonSchema = arm.model_json_schema()
                return schema
    return {}
