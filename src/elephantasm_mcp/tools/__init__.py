"""The tools, in the fixed order in which clients see them."""

from mcp.server.mcpserver import MCPServer

from elephantasm_mcp.app import App
from elephantasm_mcp.tools import (
    complete_dream,
    create_anima,
    curate_memory,
    dream,
    extract_event,
    forget_memory,
    get_memory_pack,
    list_animas,
    search_memory,
    trace_memory,
    undo_dream,
)

ORDER = (
    get_memory_pack,
    extract_event,
    search_memory,
    trace_memory,
    list_animas,
    create_anima,
    curate_memory,
    forget_memory,
    dream,
    complete_dream,
    undo_dream,
)


def register_tools(server: MCPServer, app: App) -> None:
    """Add every tool to a server."""
    for module in ORDER:
        module.register(server, app)
