"""Events: recording and listing them."""

from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer, page
from elephantasm_mcp.http.openapi import CREATED, PAGED
from elephantasm_mcp.http.requests import EventBatch, EventsQuery
from elephantasm_mcp.memory import events as service
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.records import Event, EventCreate
from elephantasm_mcp.types.views import Recorded


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.post(
        "/api/events",
        tags=["events"],
        summary="Record an event",
        response_model=Event,
        responses=CREATED,
    )
    async def record_event(event: EventCreate) -> Response:
        """Record what was said or done, so that it can be remembered.

        Secrets are masked before anything is stored. 201 when it is new; 200 when it repeats an
        earlier event, which is the answer then, or is of a type that the anima does not keep
        (without a `handle`). Without `anima_id` it goes to the default anima.
        """
        recorded = await service.record(app.core, app.user, [event])
        app.worker.wake()
        return json_answer(recorded.events[0].event, status=_status(recorded))

    @api.post(
        "/api/events/batch",
        tags=["events"],
        summary="Record several events",
        response_model=list[Event],
        responses=CREATED,
    )
    async def record_events(batch: EventBatch) -> Response:
        """Record up to 1,000 events, all or none; the answer has one for each, in the same order.

        201 when one of them is new.
        """
        if not batch.events:
            return json_answer([])
        recorded = await service.record(app.core, app.user, batch.events)
        app.worker.wake()
        return json_answer([one.event for one in recorded.events], status=_status(recorded))

    @api.get(
        "/api/events",
        tags=["events"],
        summary="List events",
        response_model=list[Event],
        responses=PAGED,
    )
    async def list_events(request: Request, asked: Annotated[EventsQuery, Query()]) -> Response:
        """The events of an anima, oldest first, page by page."""
        found = await service.list_events(
            app.core,
            app.user,
            asked.anima_id,
            session_id=asked.session_id,
            since=asked.since,
            until=asked.until,
            after=asked.after(),
            limit=asked.limit + 1,
        )
        return page(
            found,
            request,
            limit=asked.limit,
            cursor=lambda event: Cursor.at(event.handle, moment=event.occurred_at),
        )


def _status(recorded: Recorded) -> int:
    new = any(one.stored and not one.duplicate for one in recorded.events)
    return 201 if new else 200
