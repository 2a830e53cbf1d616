"""`undo_dream`: take back what a dream did."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import dreams
from elephantasm_mcp.tools.answers import ADDS_ONCE, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.tools.dream import ACTOR


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Undo dream", annotations=ADDS_ONCE, structured_output=False)
    async def undo_dream(
        dream: Annotated[
            str,
            Field(
                description="Handle (d3) or UUID of the dream.",
                min_length=1,
                max_length=64,
                examples=["d3"],
            ),
        ],
        anima: AnimaArgument = "",
    ) -> CallToolResult:
        """Take back everything that one dream did.

        Rows become what they were; its events are held until the next explicit dream. Refused when
        a later dream changed the same rows; the refusal names it. anima://{anima}/dreams lists
        the dreams.
        """
        report = await dreams.undo(app.core, app.user, dream, anima=anima or None, actor=ACTOR)
        return text_answer(report.message, structured=report.model_dump(mode="json"))
