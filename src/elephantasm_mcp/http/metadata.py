"""Metadata: what clients may learn of how to get in (RFC 9728).

Owns the documents below `/.well-known/oauth-protected-resource`. Invariant: they name nothing but
public addresses.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from elephantasm_mcp.app import TokenIssuer
from elephantasm_mcp.types.callers import Scope as KeyScope

WELL_KNOWN: Final = "/.well-known"
METADATA_PATH: Final = f"{WELL_KNOWN}/oauth-protected-resource"
RESOURCES: Final = ("/mcp", "/sse", "/api")


def metadata_url(scope: Scope, headers: Headers) -> str:
    """Where it is said how to get in to what was asked for."""
    path = next((one for one in RESOURCES if scope["path"].startswith(one)), "")
    return f"{_base(scope, headers)}{METADATA_PATH}{path}"


def metadata_routes(issuer: TokenIssuer | None) -> list[Route]:
    """The documents of all that is guarded; tokens are named where an issuer is set up."""

    async def describe(request: Request) -> Response:
        path = request.url.path.removeprefix(METADATA_PATH)
        document: dict[str, object] = {
            "resource": f"{_base(request.scope, request.headers)}{path}",
            "resource_name": "elephantasm",
            "bearer_methods_supported": ["header"],
            "scopes_supported": list(KeyScope),
        }
        if issuer is not None:
            document["authorization_servers"] = [issuer.name]
        return JSONResponse(document)

    return [Route(f"{METADATA_PATH}{path}", describe, methods=["GET"]) for path in ("", *RESOURCES)]


def _base(scope: Scope, headers: Headers) -> str:
    """The address under which the request came; its host is one that is known."""
    return f"{scope.get('scheme', 'http')}://{headers['host']}"
