"""Search, and the trace of what was found."""

from math import inf
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import SearchAnswer, json_answer
from elephantasm_mcp.http.requests import AnimaPath, RowPath, SearchParameters, TraceParameters
from elephantasm_mcp.memory import provenance, recall
from elephantasm_mcp.types.reading import SearchQuery
from elephantasm_mcp.types.views import Trace


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.get(
        "/api/animas/{anima}/search",
        tags=["search"],
        summary="Search",
        response_model=SearchAnswer,
    )
    async def search(anima: AnimaPath, asked: Annotated[SearchParameters, Query()]) -> Response:
        """The rows that answer a query, best first. `layers` may be given several times."""
        wanted = SearchQuery(
            query=asked.query,
            anima=anima,
            layers=tuple(asked.layers),
            session_id=asked.session_id,
            since=asked.since,
            until=asked.until,
            include_archived=asked.include_archived,
            limit=asked.limit,
        )
        hits = await recall.search(app.core, app.user, wanted, patience_s=inf)
        return json_answer(SearchAnswer(hits=list(hits), mode=hits.mode, weak=hits.weak))

    @api.get(
        "/api/animas/{anima}/trace/{row:path}",
        tags=["search"],
        summary="Trace a row",
        response_model=Trace,
    )
    async def trace(
        anima: AnimaPath, row: RowPath, asked: Annotated[TraceParameters, Query()]
    ) -> Response:
        """Where a row comes from, what became of it, and who changed it.

        And why it is, or is not, in the pack: for `query`, or without one.
        """
        traced = await provenance.trace(
            app.core, app.user, row, anima=anima, query=asked.query, patience_s=inf
        )
        return json_answer(traced)
