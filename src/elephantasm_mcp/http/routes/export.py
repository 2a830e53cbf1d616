"""Export: all that an anima holds, as JSON lines."""

from collections.abc import AsyncIterator

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.responses import Response, StreamingResponse

from elephantasm_mcp.app import App
from elephantasm_mcp.http.openapi import LINES
from elephantasm_mcp.http.requests import AnimaPath
from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory.export import Exported, rows


def register(api: FastAPI, app: App) -> None:
    """Add the route."""

    @api.get(
        "/api/animas/{anima}/export",
        tags=["export"],
        summary="Export an anima",
        response_class=StreamingResponse,
        responses=LINES,
    )
    async def export(anima: AnimaPath) -> Response:
        """Everything that an anima holds, one JSON object a line.

        `kind` says what it is: the `anima` first, its `identity`, then each `event`, `memory` (that
        nothing superseded), `knowledge` and `dream`, with the fields that the lists have.
        """
        user = app.user  # who asks is known now, not while the lines go out
        found = await animas.resolve(app.core, user, anima)
        lines = _lines(rows(app.core, user, found.id))
        return StreamingResponse(lines, media_type="application/jsonl")


async def _lines(exported: AsyncIterator[Exported]) -> AsyncIterator[bytes]:
    async for kind, row in exported:
        yield to_json({"kind": kind, **row.model_dump(mode="json")}) + b"\n"
