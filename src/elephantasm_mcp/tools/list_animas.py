"""`list_animas`: which memory spaces there are."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas
from elephantasm_mcp.tools.answers import READS, json_answer
from elephantasm_mcp.types.records import AnimaOverview


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="List animas", annotations=READS, structured_output=False)
    async def list_animas() -> CallToolResult:
        """List the animas (memory spaces) with what each holds and when it last heard something."""
        overviews = await animas.overview(app.core, app.user)
        return json_answer({"animas": [_present(overview) for overview in overviews]})


def _present(overview: AnimaOverview) -> dict[str, Any]:
    return {
        "name": overview.name,
        **overview.model_dump(mode="json", exclude={"name"}, exclude_none=True),
    }
