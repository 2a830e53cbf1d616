"""The REST interface as one ASGI app.

Owns which routes there are and what is said of those that are not. Who asks has been found out
before. Invariant: it serves what the table of `access` has, and refuses to start otherwise.
"""

from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from elephantasm_mcp import access
from elephantasm_mcp.app import App
from elephantasm_mcp.http import openapi, pages, refusals
from elephantasm_mcp.http.guarded import guarded
from elephantasm_mcp.http.refusals import name_of
from elephantasm_mcp.http.routes import register_routes


class Api(FastAPI):
    """A FastAPI app whose document has our words and examples."""

    @override
    def openapi(self) -> dict[str, Any]:
        """The document, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.document(self)
        return self.openapi_schema


def build_api(app: App, *, written: Callable[[], None] = lambda: None) -> FastAPI:
    """The interface over an open app; `written` is called after what may have changed a row.

    Raises:
        ServerError: it would serve what is not in the table.
    """
    api = Api(
        title="Elephantasm",
        version=version("elephantasm-mcp"),
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        responses=openapi.REFUSALS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    api.router.route_class = guarded(app, written=written)
    register_routes(api, app)
    pages.register(api)
    access.check(routes(api))
    api.add_exception_handler(HTTPException, _no_such_route)
    api.add_middleware(HeadAsGet)
    return api


class HeadAsGet:
    """Answers HEAD as GET; the web server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def routes(api: FastAPI) -> dict[str, APIRoute]:
    """The routes by what the table calls them."""
    return {name_of(route): route for route in api.routes if isinstance(route, APIRoute)}


async def _no_such_route(request: Request, error: Exception) -> Response:
    """What the router has to say: there is no such path, or not with this method."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return refusals.answer(
            "There is no such route. /docs lists all of them.", code="not_found", status=status
        )
    allowed = ", ".join(_methods(request))
    return refusals.answer(
        f"This route does not take {request.method}. It takes: {allowed}.",
        code="method_not_allowed",
        status=status,
        headers={"Allow": allowed},
    )


def _methods(request: Request) -> list[str]:
    """The methods that the path of a request takes."""
    found = [
        method
        for route in request.app.routes
        if isinstance(route, APIRoute) and route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    ]
    return sorted(set(found))
