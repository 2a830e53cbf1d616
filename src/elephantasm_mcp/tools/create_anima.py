"""`create_anima`: make a memory space."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas
from elephantasm_mcp.tools.answers import ADDS_ONCE, json_answer
from elephantasm_mcp.types.records import AnimaCreate


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Create anima", annotations=ADDS_ONCE, structured_output=False)
    async def create_anima(
        name: Annotated[str, Field(min_length=1, max_length=255, examples=["my-project"])],
        description: str = "",
        meta: dict[str, Any] | None = None,
        settings: Annotated[
            dict[str, Any] | None,
            Field(
                description="Such as threshold, event_types, never_store.",
                examples=[{"never_store": ["ACME-####"]}],
            ),
        ] = None,
    ) -> CallToolResult:
        """Create an anima: an isolated memory space for an agent, a person or a project.

        A name that exists already gives that anima, unchanged, with `created` false. Nothing is
        shared between animas; without this all goes to the default one.
        """
        request = AnimaCreate(
            name=name, description=description or None, meta=meta, settings=settings
        )
        anima, created = await animas.create(app.core, app.user, request)
        return json_answer({"id": str(anima.id), "name": anima.name, "created": created})
