"""Packs: the compiled context of an anima."""

from math import inf
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer
from elephantasm_mcp.http.requests import AnimaPath, PackParameters
from elephantasm_mcp.memory import packs as service
from elephantasm_mcp.types.views import MemoryPack, PackQuery

CLIENT = "rest"
"""Who reads: a pack tells each client what changed since it last read one."""


def register(api: FastAPI, app: App) -> None:
    """Add the route."""

    @api.get(
        "/api/animas/{anima}/memory-packs/latest",
        tags=["packs"],
        summary="Compile a memory pack",
        response_model=MemoryPack | None,
    )
    async def latest_pack(anima: AnimaPath, asked: Annotated[PackParameters, Query()]) -> Response:
        """The context of an anima, compiled for a prompt: `content.context` is its text.

        `null` as long as the anima has no events. With a `query` it has what answers that.
        """
        wanted = PackQuery(
            anima=anima,
            query=asked.query,
            preset=asked.preset,
            session_id=asked.session_id,
            max_tokens=asked.max_tokens,
            as_of=asked.as_of,
        )
        pack = await service.compile_pack(app.core, app.user, wanted, patience_s=inf, client=CLIENT)
        return json_answer(pack)
