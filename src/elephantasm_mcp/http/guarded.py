"""Guarded routes: what every request passes before and after its route's own code.

Owns the order: the scope that the table wants, the body, the work, the words for what went wrong.
Invariant: a route cannot be added without all of it, and no exception leaves it.
"""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from typing_extensions import override

from elephantasm_mcp.access import NEEDS, require
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ElephantasmError, ServerError
from elephantasm_mcp.http.bodies import read_json
from elephantasm_mcp.http.refusals import about, name_of, refusal
from elephantasm_mcp.types.defaults import DEFAULT_ANIMA, as_header, noted

FAILED = "Something failed inside elephantasm; `elephantasm-mcp doctor` tells more."
logger = logging.getLogger(__name__)


def guarded(app: App, *, written: Callable[[], None]) -> type[APIRoute]:
    """The kind of routes of an app; `written` is called after each that may have changed a row."""

    class GuardedRoute(APIRoute):
        @override
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                name = name_of(self)
                if NEEDS[name] is not None:
                    require(app.caller, name)
                try:
                    if self.body_field is not None:
                        request = await read_json(request)
                    return await _naming_default(answer(request))
                except RequestValidationError as error:
                    raise about(error, self) from None
                finally:
                    if request.method != "GET":
                        written()

            async def handle_plainly(request: Request) -> Response:
                return await _plainly(handle(request), doing=name_of(self))

            return handle_plainly

    return GuardedRoute


async def _naming_default(answer: Awaitable[Response]) -> Response:
    """The answer, with the name of the default anima if that was taken."""
    with noted() as default:
        made = await answer
    if default.name is not None:
        made.headers[DEFAULT_ANIMA] = as_header(default.name)
    return made


async def _plainly(answer: Awaitable[Response], *, doing: str) -> Response:
    """The answer, or what there is to say instead; what is ours to mend goes to the log as well."""
    try:
        return await answer
    except ElephantasmError as error:
        if isinstance(error, ServerError):
            logger.error("Failed while `%s` was answered.", doing, exc_info=error)  # noqa: TRY400
        return refusal(error)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as error:  # the boundary: nobody but us may see what it is
        logger.error("Failed while `%s` was answered.", doing, exc_info=error)  # noqa: TRY400
        return refusal(ServerError(FAILED))
