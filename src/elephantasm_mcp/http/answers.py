"""Answers: how results go out.

Owns the JSON of an answer and the pages of a list. Invariant: who follows `Link` from the first
page to the last has had each row that was there all the while once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from elephantasm_mcp.types.reading import SearchHit
from elephantasm_mcp.types.records import Record

RowT = TypeVar("RowT", bound=BaseModel)


class SearchAnswer(Record):
    """What was found, best first."""

    hits: list[SearchHit]
    mode: str
    """The models in use."""
    weak: bool
    """Whether all hits are: ranked, but not believed to answer the query."""


class Health(Record):
    """How the server is."""

    status: Literal["ok", "degraded", "failing"]
    version: str
    database: Literal["ok", "failing"]
    worker: str
    """The background task: `off`, `idle`, `working`, `failing` or `unknown`."""


def json_answer(
    value: BaseModel | Sequence[BaseModel] | None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A record, records, or null."""
    content = to_json(value)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def page(
    rows: Sequence[RowT], request: Request, *, limit: int, cursor: Callable[[RowT], object]
) -> Response:
    """The first `limit` of the rows; where there are more, with the way to the next page."""
    shown = rows[:limit]
    if len(rows) <= limit:
        return json_answer(shown)
    behind = str(cursor(shown[-1]))
    query = [(name, text) for name, text in request.query_params.multi_items() if name != "cursor"]
    target = f"{quote(request.scope['path'])}?{urlencode([*query, ('cursor', behind)])}"
    return json_answer(shown, headers={"X-Next-Cursor": behind, "Link": f'<{target}>; rel="next"'})
