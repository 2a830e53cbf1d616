"""Layers: everything an anima holds of one kind."""

from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer, page
from elephantasm_mcp.http.openapi import PAGED
from elephantasm_mcp.http.requests import AnimaPath, KnowledgeQuery, MemoriesQuery
from elephantasm_mcp.memory import layers as service
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.reading import IdentityContext
from elephantasm_mcp.types.records import Knowledge, Memory


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.get(
        "/api/animas/{anima}/memories",
        tags=["layers"],
        summary="List memories",
        response_model=list[Memory],
        responses=PAGED,
    )
    async def list_memories(
        request: Request, anima: AnimaPath, asked: Annotated[MemoriesQuery, Query()]
    ) -> Response:
        """The memories that nothing superseded, oldest first, page by page."""
        found = await service.memories(
            app.core,
            app.user,
            anima,
            state=asked.state,
            after=asked.after(),
            limit=asked.limit + 1,
        )
        return page(
            found,
            request,
            limit=asked.limit,
            cursor=lambda memory: Cursor.at(memory.handle, moment=memory.time_end),
        )

    @api.get(
        "/api/animas/{anima}/knowledge",
        tags=["layers"],
        summary="List knowledge",
        response_model=list[Knowledge],
        responses=PAGED,
    )
    async def list_knowledge(
        request: Request, anima: AnimaPath, asked: Annotated[KnowledgeQuery, Query()]
    ) -> Response:
        """What is known, oldest first, page by page."""
        found = await service.knowledge(
            app.core,
            app.user,
            anima,
            include_superseded=asked.include_superseded,
            after=asked.after(),
            limit=asked.limit + 1,
        )
        return page(found, request, limit=asked.limit, cursor=lambda known: Cursor.at(known.handle))

    @api.get(
        "/api/animas/{anima}/identity",
        tags=["layers"],
        summary="Read the identity",
        response_model=IdentityContext | None,
    )
    async def identity(anima: AnimaPath) -> Response:
        """Who the agent is; `null` as long as nothing is known of it."""
        return json_answer(await service.identity(app.core, app.user, anima))
