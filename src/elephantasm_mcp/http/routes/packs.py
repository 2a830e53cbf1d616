"""Packs: the compiled context of an anima, and what became of what they showed."""

from math import inf
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer
from elephantasm_mcp.http.requests import AnimaPath, PackParameters, UsefulnessParameters
from elephantasm_mcp.memory import packs as service
from elephantasm_mcp.memory import usefulness as judgement
from elephantasm_mcp.types.reading import MemoryPack, PackQuery
from elephantasm_mcp.types.views import Usefulness

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

    @api.get(
        "/api/animas/{anima}/usefulness",
        tags=["packs"],
        summary="Judge what packs show",
        response_model=Usefulness,
    )
    async def usefulness(
        anima: AnimaPath, asked: Annotated[UsefulnessParameters, Query()]
    ) -> Response:
        """What no pack showed for so many `days`, and what stands in nearly every one."""
        return json_answer(await judgement.judge(app.core, app.user, anima, days=asked.days))
