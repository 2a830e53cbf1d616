"""The resources and prompts of the MCP server."""

from mcp.server.mcpserver import MCPServer

from elephantasm_mcp.app import App
from elephantasm_mcp.resources import dreams, identity, packs, prompts

ORDER = (packs, identity, dreams, prompts)


def register_resources(server: MCPServer, app: App) -> None:
    """Add every resource template and prompt to a server."""
    for module in ORDER:
        module.register(server, app)
