"""A person's hand: curating, forgetting, masking."""

from fastapi import FastAPI
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.http.answers import json_answer
from elephantasm_mcp.http.requests import AnimaPath, CurateRequest, Forgetting, Redaction
from elephantasm_mcp.memory import curation, forgetting, redaction
from elephantasm_mcp.types.views import (
    CurateReport,
    Curation,
    ForgetReport,
    ForgetRequest,
    RedactReport,
)


def register(api: FastAPI, app: App) -> None:
    """Add the routes."""

    @api.post(
        "/api/animas/{anima}/curate",
        tags=["people"],
        summary="Put a row right",
        response_model=CurateReport,
    )
    async def curate(anima: AnimaPath, asked: CurateRequest) -> Response:
        """Put one memory or piece of knowledge right; the answer has it before and after.

        `correct` (with `content`), `pin`, `unpin`, `archive`, `restore`, `reclassify` (with
        `knowledge_type`) or `settle`. No dream overwrites a correction; undoing the answered dream
        takes it back.
        """
        wanted = Curation(
            handle=asked.id,
            action=asked.action,
            anima=anima,
            content=asked.content,
            knowledge_type=asked.knowledge_type,
            reason=asked.reason,
        )
        return json_answer(await curation.curate(app.core, app.user, wanted))

    @api.post(
        "/api/animas/{anima}/forget",
        tags=["people"],
        summary="Forget",
        response_model=ForgetReport,
    )
    async def forget(anima: AnimaPath, asked: Forgetting) -> Response:
        """Erase rows, a session or everything, with what was made of it alone; for good.

        Nothing is erased unless you send `confirm`, the token that a first answer gave, or
        `dry_run` false. Until then the answer says what would go; after it is the receipt.
        """
        wanted = ForgetRequest(
            handles=None if asked.ids is None else tuple(asked.ids),
            session_id=asked.session_id,
            everything=asked.everything,
            anima=anima,
            confirm=asked.confirm,
        )
        if asked.confirm is None and asked.dry_run:
            return json_answer(await forgetting.preview(app.core, app.user, wanted))
        confirmed = asked.confirm is None
        return json_answer(await forgetting.forget(app.core, app.user, wanted, confirmed=confirmed))

    @api.post(
        "/api/animas/{anima}/redact",
        tags=["people"],
        summary="Mask secrets",
        response_model=RedactReport,
    )
    async def redact(anima: AnimaPath, asked: Redaction) -> Response:
        """Mask secrets, and what the anima never stores, in all that is stored of it; for good.

        Nothing is changed unless `dry_run` is false; until then the answer says what would be.
        """
        return json_answer(await redaction.redact(app.core, app.user, anima, dry_run=asked.dry_run))
