"""Export: all that an anima holds, as an archive."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from elephantasm_mcp.app import App
from elephantasm_mcp.http.openapi import LINES
from elephantasm_mcp.http.requests import AnimaPath
from elephantasm_mcp.memory import animas, archive

IN_MEMORY_BYTES: Final = 4_000_000
"""A longer archive waits in a file: whoever reads slowly must not hold up the database."""
CHUNK_BYTES: Final = 256_000


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
        """An archive of the anima: everything that it holds, one JSON object a line.

        `elephantasm-mcp import archive` takes it in. The first line says which format and schema
        it has, the last how many lines there are and their SHA-256; `kind` says what a line is.
        """
        user = app.user
        found = await animas.find(app.core, user, anima)
        file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
        try:
            await archive.export(app.core, user, [found.anima_no], file.write)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return StreamingResponse(_chunks(file), media_type="application/jsonl")


def _chunks(file: "SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
