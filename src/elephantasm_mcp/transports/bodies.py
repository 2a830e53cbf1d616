"""Bodies: what HTTP clients post, one JSON-RPC message each, made safe for the SDK.

Owns the step before the SDK's own endpoints; what a message is, `lines` knows. Invariant: the SDK
only ever parses what parses, so that none of its library's words reach a client, and no body is
longer than REST takes.
"""

import json
from typing import Final

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp_types import JSONRPCError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.http.bodies import read_bytes
from elephantasm_mcp.http.refusals import refusal
from elephantasm_mcp.tools.extract_event import MENDED
from elephantasm_mcp.transports.lines import mend, parse_line


class SafeBodies:
    """An ASGI app that answers unreadable posts itself and hands on the others, mended."""

    def __init__(self, app: ASGIApp, *, security: TransportSecuritySettings) -> None:
        self._app: Final = app
        self._security: Final = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_bytes(Request(scope, receive))
        except ClientDisconnect:
            return
        except ElephantasmError as error:
            await refusal(error)(scope, receive, send)
            return
        found = parse_line(body)
        if isinstance(found, JSONRPCError):
            stranger = await self._security.validate_request(Request(scope), is_post=True)
            await (stranger or _no_message(found))(scope, receive, send)
            return
        if found.metadata is not None:
            body = mend(json.loads(body.decode("utf-8-sig", errors="replace"))).encode()
            scope.setdefault("state", {})[MENDED] = True
        await self._app(scope, _replay(body, receive), send)


def _no_message(error: JSONRPCError) -> Response:
    text = error.model_dump_json(by_alias=True)
    return Response(text, status_code=400, media_type="application/json")


def _replay(body: bytes, receive: Receive) -> Receive:
    """What the request sends, with this body instead of its own."""
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
