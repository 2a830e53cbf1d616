"""The real server over HTTP, with the conformance suite's fixtures laid over it; run as a program.

Everything but the fixtures is what ships: the process, the guard, the transport, the middleware and
the handlers. `ElephantasmServer` lets nothing be served that its table of scopes does not name, so
the overlay serves its own names itself and hands all others on.
"""

import sys
from typing import Any

import fixtures
import questions
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    CallToolResult,
    EmptyResult,
    GetPromptResult,
    InputRequiredResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from typing_extensions import override

from elephantasm_mcp.app import App
from elephantasm_mcp.server import ElephantasmServer
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.transports import http, serve

OURS = ("test_", "test://")
"""How the suite's names begin."""


class Overlay(ElephantasmServer):
    """The shipped server, and what the suite asks for beside it."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        for tool in (*fixtures.TOOLS, *questions.TOOLS):
            self.tool(structured_output=False)(tool)
        for uri, mime_type, resource in fixtures.RESOURCES:
            self.resource(uri, mime_type=mime_type)(resource)
        for prompt in (*fixtures.PROMPTS, *questions.PROMPTS):
            self.prompt()(prompt)
        self.completion()(fixtures.complete)
        self._lowlevel_server.add_request_handler(
            "resources/subscribe", SubscribeRequestParams, self._subscribe
        )
        self._lowlevel_server.add_request_handler(
            "resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe
        )
        self._lowlevel_server.add_request_handler(
            "logging/setLevel", SetLevelRequestParams, _set_level
        )

    @override
    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if name.startswith(OURS):
            return await MCPServer.call_tool(self, name, arguments, context)
        return await super().call_tool(name, arguments, context)

    @override
    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Any, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        if name.startswith(OURS):
            return await MCPServer.get_prompt(self, name, arguments, context)
        return await super().get_prompt(name, arguments, context)

    async def _subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        if params.uri.startswith(OURS):
            return EmptyResult()
        return await self.subscribers.subscribe(ctx, params)

    async def _unsubscribe(
        self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        if params.uri.startswith(OURS):
            return EmptyResult()
        return await self.subscribers.unsubscribe(ctx, params)


async def _set_level(
    ctx: ServerRequestContext[Any, Any], params: SetLevelRequestParams
) -> EmptyResult:
    del ctx, params
    return EmptyResult()


if __name__ == "__main__":
    http.build_server = Overlay
    sys.exit(serve(load_settings(), transport="http"))
