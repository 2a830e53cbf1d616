"""Dreams: running them, reading the journal, completing and undoing."""

from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.http.answers import json_answer, page
from elephantasm_mcp.http.openapi import PAGED
from elephantasm_mcp.http.requests import (
    AnimaPath,
    DreamCompletion,
    DreamPath,
    DreamRequest,
    DreamsQuery,
)
from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory import dreams as service
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.views import DreamReport, UndoReport
from elephantasm_mcp.wording import BOTH, ONE_BY_ONE

HOST = "rest"
"""Who makes memories of a work order, where nobody says so."""


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.get(
        "/api/animas/{anima}/dreams",
        tags=["dreams"],
        summary="List dreams",
        response_model=list[DreamReport],
        responses=PAGED,
    )
    async def list_dreams(
        request: Request, anima: AnimaPath, asked: Annotated[DreamsQuery, Query()]
    ) -> Response:
        """The journal with all changes, newest first, page by page."""
        found = await service.journal(
            app.core,
            app.user,
            anima=anima,
            after=asked.after(),
            limit=asked.limit + 1,
        )
        return page(found, request, limit=asked.limit, cursor=lambda dream: Cursor.at(dream.handle))

    @api.post(
        "/api/animas/{anima}/dreams", tags=["dreams"], summary="Dream", response_model=DreamReport
    )
    async def dream(anima: AnimaPath, asked: DreamRequest | None = None) -> Response:
        """Make memories of what waits, let fade what is old, put in order; answers when it is done.

        `phase` is `auto` (what is due), `synthesis`, `light` or `deep`. With `dry_run` deep sleep
        only says what it would do, as `plan`. `work_order` has events that you may better.
        """
        return json_answer(await _dream(app, anima, asked or DreamRequest()))

    @api.post(
        "/api/animas/{anima}/dreams/complete",
        tags=["dreams"],
        summary="Complete a dream",
        response_model=DreamReport,
    )
    async def complete_dream(anima: AnimaPath, done: DreamCompletion) -> Response:
        """Hand in `proposals` for a `work_order`, or `accept` steps of a `plan`.

        What is sound is stored or done; what is not is named in `rejected`.
        """
        await animas.resolve(app.core, app.user, anima)
        return json_answer(await _complete(app, done))

    @api.get(
        "/api/animas/{anima}/dreams/{dream}",
        tags=["dreams"],
        summary="Show a dream",
        response_model=DreamReport,
    )
    async def show_dream(anima: AnimaPath, dream: DreamPath) -> Response:
        """One dream with all its changes, each with what stood there before and after."""
        await animas.resolve(app.core, app.user, anima)
        return json_answer(await service.show(app.core, app.user, dream, anima=anima))

    @api.post(
        "/api/animas/{anima}/dreams/{dream}/undo",
        tags=["dreams"],
        summary="Undo a dream",
        response_model=UndoReport,
    )
    async def undo_dream(anima: AnimaPath, dream: DreamPath) -> Response:
        """Take a dream back: its rows as they were before it, its events held.

        409 when a later dream stands on the same rows; `detail` names it.
        """
        await animas.resolve(app.core, app.user, anima)
        return json_answer(await service.undo(app.core, app.user, dream, anima=anima))


async def _dream(app: App, anima: str, asked: DreamRequest) -> DreamReport:
    if not asked.dry_run:
        return await service.run(app.core, app.user, anima=anima, phase=asked.phase)
    from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

    return await plans.dry_run(app.core, app.user, anima=anima, phase=asked.phase)


async def _complete(app: App, done: DreamCompletion) -> DreamReport:
    if (done.plan or done.accept) and (done.work_order or done.proposals):
        raise ValidationError(BOTH, field="plan", hint=ONE_BY_ONE)
    if done.plan is not None and done.accept is not None:
        from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

        return await plans.complete(app.core, app.user, done.plan, accept=done.accept, actor="user")
    if done.work_order is None or done.proposals is None:
        raise ValidationError(
            "Give `work_order` and `proposals`, or `plan` and `accept`.",
            field="work_order",
            hint='Example: {"work_order": "<id>", "proposals": {"memories": []}}.',
        )
    return await service.complete(
        app.core, app.user, done.work_order, proposals=done.proposals, host=HOST
    )
