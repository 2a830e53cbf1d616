"""Grants: which animas may read of which."""

from fastapi import FastAPI
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer
from elephantasm_mcp.http.requests import AnimaPath, GrantPath
from elephantasm_mcp.memory import grants
from elephantasm_mcp.types.grants import Grant, GrantRequest


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.get(
        "/api/animas/{anima}/grants",
        tags=["grants"],
        summary="List grants",
        response_model=list[Grant],
    )
    async def list_grants(anima: AnimaPath) -> Response:
        """All grants of an anima and to it, those that ended as well, oldest first."""
        return json_answer(await grants.list_of(app.core, app.user, anima))

    @api.post(
        "/api/animas/{anima}/grants",
        tags=["grants"],
        summary="Grant",
        response_model=Grant,
    )
    async def grant(anima: AnimaPath, asked: GrantRequest) -> Response:
        """Let another anima read of this one: its knowledge, its memories, or both.

        `to_user` says whose that is if not yours; `to` is an id then. What stands already is
        answered as it is; what is asked beyond it gives a new grant in its place.
        """
        return json_answer(await grants.add(app.core, app.user, anima, asked))

    @api.delete(
        "/api/animas/{anima}/grants/{grant}",
        tags=["grants"],
        summary="Revoke a grant",
        response_model=Grant,
    )
    async def revoke(anima: AnimaPath, grant: GrantPath) -> Response:
        """End a grant, as the owner of either anima: the next read does without it."""
        return json_answer(await grants.revoke(app.core, app.user, grant, anima=anima))
