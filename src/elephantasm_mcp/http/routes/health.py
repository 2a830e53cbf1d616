"""Health: whether the server does its work."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.responses import Response

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.http.answers import Health, json_answer
from elephantasm_mcp.http.openapi import UNWELL

VERSION = version("elephantasm-mcp")


def register(api: FastAPI, app: App) -> None:
    """Add the route."""

    @api.get(
        "/api/health",
        tags=["health"],
        summary="Ask how the server is",
        response_model=Health,
        responses=UNWELL,
    )
    async def health() -> Response:
        """Whether the database answers and the background task works; needs no key.

        503 when the database cannot be read.
        """
        try:
            status = await app.worker.status()
        except StorageError:
            failing = Health(
                status="failing", version=VERSION, database="failing", worker="unknown"
            )
            return json_answer(failing, status=503)
        well = Health(
            status="ok" if status.healthy else "degraded",
            version=VERSION,
            database="ok",
            worker=status.state,
        )
        return json_answer(well)
