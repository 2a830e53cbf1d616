"""`dream`: make memories of what was recorded."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import dreams, plans
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.tools.answers import ADDS, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.types.views import DreamAction, DreamReport, Phase
from elephantasm_mcp.wording import DONE, action_text, plan_text

ACTOR = "agent"
MAX_LINES = 20
MAX_TEXT_CHARS = 200
"""An action's text is cut here: the whole row is a trace away."""


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Dream", annotations=ADDS, structured_output=False)
    async def dream(
        anima: AnimaArgument = "",
        phase: Phase = "auto",
        dry_run: bool = False,  # noqa: FBT001, FBT002 - the contract's signature
    ) -> CallToolResult:
        """Make memories of the recorded events now, instead of waiting for the background task.

        `synthesis` turns pending events into memories and knowledge, `light` updates recency and
        decay, `deep` merges, corrects and supersedes; `auto` does what is due. The answer lists
        every change; undo_dream takes it back. `dry_run`: only say what deep sleep would do.
        """
        of = anima or None
        if dry_run:
            report = await plans.dry_run(app.core, app.user, anima=of, phase=phase, actor=ACTOR)
        else:
            report = await dreams.run(app.core, app.user, anima=of, phase=phase, actor=ACTOR)
        return text_answer(_describe(report), structured=_present(report))


def _describe(report: DreamReport) -> str:
    """What was done, and its first lines: a dream over much may have hundreds."""
    if report.plan is not None:
        return plan_text(report.plan)
    counts = ", ".join(
        f"{count} {what.replace('_', ' ')}" for what, count in report.counts.items() if count
    )
    lines = [f"{report.handle} ({report.phase}): {counts or 'nothing was to do'}."]
    if report.note:
        lines.append(report.note)
    for action in report.actions[:MAX_LINES]:
        text = to_line(action_text(action), max_chars=MAX_TEXT_CHARS)
        lines.append(f"{DONE[action.kind]} {action.handle}: {text}")
    if len(report.actions) > MAX_LINES:
        rest = len(report.actions) - MAX_LINES
        lines.append(f"… and {rest} more: anima://{{anima}}/dreams lists them.")
    return "\n".join(lines)


def _present(report: DreamReport) -> dict[str, Any]:
    return {
        "dream": report.handle,
        "phase": report.phase,
        "synthesizer": report.synthesizer,
        "counts": report.counts,
        "tokens": report.tokens,
        "note": report.note,
        "plan": None if report.plan is None else report.plan.model_dump(mode="json"),
        "actions": [_action(action) for action in report.actions],
    }


def _action(action: DreamAction) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "layer": action.layer,
        "handle": action.handle,
        "text": to_line(action_text(action), max_chars=MAX_TEXT_CHARS),
        "sources": action.sources,
    }
