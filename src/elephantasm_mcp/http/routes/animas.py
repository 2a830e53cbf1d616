"""Animas: making, listing, changing and deleting them."""

from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.http.answers import json_answer, page
from elephantasm_mcp.http.openapi import CREATED, PAGED
from elephantasm_mcp.http.requests import AnimaPath, PageQuery
from elephantasm_mcp.memory import animas as service
from elephantasm_mcp.memory import forgetting
from elephantasm_mcp.sdk.requests import AnimaUpdate
from elephantasm_mcp.types.records import Anima, AnimaCreate, AnimaOverview, parse_uuid
from elephantasm_mcp.types.views import ForgetReport


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.post(
        "/api/animas",
        tags=["animas"],
        summary="Make an anima",
        response_model=Anima,
        responses=CREATED,
    )
    async def create_anima(anima: AnimaCreate) -> Response:
        """Make an isolated memory space: for an agent, a user, a project.

        201 when it is new; 200 with the existing one, unchanged, when there is one of that name.
        """
        made, created = await service.create(app.core, app.user, anima)
        return json_answer(made, status=201 if created else 200)

    @api.get(
        "/api/animas",
        tags=["animas"],
        summary="List animas",
        response_model=list[AnimaOverview],
        responses=PAGED,
    )
    async def list_animas(request: Request, asked: Annotated[PageQuery, Query()]) -> Response:
        """The animas that you may see with what they hold, oldest first, page by page."""
        after = None if asked.cursor is None else parse_uuid(asked.cursor)
        if asked.cursor is not None and after is None:
            raise ValidationError(
                "`cursor` is not one that this list gave.", field="cursor", hint="Leave it out."
            )
        found = await service.overview(app.core, app.user, after=after, limit=asked.limit + 1)
        return page(found, request, limit=asked.limit, cursor=lambda anima: anima.id)

    @api.patch(
        "/api/animas/{anima}", tags=["animas"], summary="Change an anima", response_model=Anima
    )
    async def update_anima(anima: AnimaPath, change: AnimaUpdate) -> Response:
        """Change what is given of an anima, and of its settings; what is left out stays."""
        updated = await service.update(
            app.core,
            app.user,
            anima,
            name=change.name,
            description=change.description,
            meta=change.meta,
            settings=change.settings,
        )
        return json_answer(updated)

    @api.delete(
        "/api/animas/{anima}",
        tags=["animas"],
        summary="Delete an anima",
        response_model=ForgetReport,
    )
    async def delete_anima(anima: AnimaPath) -> Response:
        """Remove an anima with all it holds, for good; the answer is the receipt."""
        return json_answer(await forgetting.delete_anima(app.core, app.user, anima))
