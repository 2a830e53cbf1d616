"""The identity layer as a resource: `anima://{anima}/identity`."""

from mcp.server.mcpserver import MCPServer

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.resources.uris import ANY_NAME, MARKDOWN


def register(server: MCPServer, app: App) -> None:
    """Add the template to a server."""

    @server.resource(
        "anima://{anima}/identity",
        name="identity",
        title="Identity",
        description="Who the agent is, as far as the evidence goes.",
        mime_type=MARKDOWN,
        security=ANY_NAME,
    )
    async def identity(anima: str) -> str:
        found = await animas.resolve(app.core, app.user, anima)
        return (
            f"# Identity of {to_line(found.name)}\n\n"
            "There is none yet. It is not declared but built later, from memories and knowledge, "
            "once they are evidence enough.\n"
        )
