"""`dream`: make memories of what was recorded."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import dreams
from elephantasm_mcp.tools.answers import ADDS, json_answer, line
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.types.views import DreamAction, DreamReport, Phase
from elephantasm_mcp.wording import action_text

ACTOR = "agent"


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Dream", annotations=ADDS, structured_output=False)
    async def dream(anima: AnimaArgument = "", phase: Phase = "auto") -> CallToolResult:
        """Make memories of the recorded events now, instead of waiting for the background task.

        `synthesis` turns pending events into memories and knowledge, `light` updates recency and
        decay, `auto` does what is due. The answer lists every change; undo_dream takes it back.
        """
        report = await dreams.run(app.core, app.user, anima=anima or None, phase=phase, actor=ACTOR)
        return json_answer(_present(report))


def _present(report: DreamReport) -> dict[str, Any]:
    return {
        "dream": report.handle,
        "phase": report.phase,
        "synthesizer": report.synthesizer,
        "counts": report.counts,
        "tokens": report.tokens,
        "actions": [_action(action) for action in report.actions],
    }


def _action(action: DreamAction) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "layer": action.layer,
        "handle": action.handle,
        "text": line(action_text(action)),
        "sources": action.sources,
    }
