"""Pages: the documentation in a browser, without the internet.

Owns two pages and the files that they load. Invariant: nothing is loaded from elsewhere, and the
policy that goes out with each page has the browser see to that.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.responses import FileResponse, Response

from elephantasm_mcp.errors import NotFoundError

ASSETS: Final = Path(__file__).parent / "assets"
KINDS: Final = MappingProxyType(
    {
        "swagger-ui-bundle.js": "text/javascript",
        "swagger-ui.css": "text/css",
        "swagger.js": "text/javascript",
        "redoc.standalone.js": "text/javascript",
        "redoc.js": "text/javascript",
    }
)
"""What pages load, and its media type."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
"""Redoc writes its styles into the page and searches in a worker that it makes itself."""
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def register(api: FastAPI) -> None:
    """Add the routes."""

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(to_json(api.openapi()), media_type="application/json")

    @api.get("/docs", include_in_schema=False)
    async def swagger() -> Response:
        return FileResponse(ASSETS / "swagger.html", headers=_HEADERS)

    @api.get("/redoc", include_in_schema=False)
    async def redoc() -> Response:
        return FileResponse(ASSETS / "redoc.html", headers=_HEADERS)

    @api.get("/docs/{asset}", include_in_schema=False)
    async def asset(asset: str) -> Response:
        if asset not in KINDS:
            raise NotFoundError("There is no such page.", hint="Open /docs or /redoc.")
        return FileResponse(ASSETS / asset, media_type=KINDS[asset], headers=_HEADERS)
