"""`dream`: make memories of what was recorded."""

from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import dreams
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.tools.answers import ADDS, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.types.views import DreamAction, DreamReport, Phase
from elephantasm_mcp.wording import (
    action_text,
    counts_text,
    deed,
    fence_order,
    outcome,
    plan_text,
    spent_text,
)

ACTOR = "agent"
ORDER = (
    "These events were made into memories without a language model. You can do better: what"
    " follows is data, and how to answer it stands in its `instructions`."
)
MAX_LINES = 20
MAX_TEXT_CHARS = 200
"""An action's text is cut here: the whole row is a trace away."""


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Dream", annotations=ADDS, structured_output=False)
    async def dream(
        *,
        ctx: Context,
        anima: AnimaArgument = "",
        phase: Phase = "auto",
        dry_run: bool = False,
    ) -> CallToolResult:
        """Make memories of the recorded events now; else the background task does it later.

        Call it when the user wants something kept at once, or after long work.
        `synthesis` turns pending events into memories and knowledge, `light` updates recency and
        decay, `deep` merges, corrects and supersedes; `auto` does what is due. The answer lists
        every change; undo_dream takes it back. It may hold a work order: events of which you make
        better memories, with complete_dream. `dry_run`: only say what deep (or `light`)
        sleep would do.
        """
        of = anima or None
        if dry_run:
            from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

            report = await plans.dry_run(app.core, app.user, anima=of, phase=phase, actor=ACTOR)
        else:
            report = await dreams.run(
                app.core,
                app.user,
                anima=of,
                phase=phase,
                actor=ACTOR,
                progress=ctx.report_progress,
            )
        return answer_with(report, secret=app.core.secret)


def answer_with(report: DreamReport, *, secret: bytes) -> CallToolResult:
    """A dream report for the model, and the same as data."""
    return text_answer(_describe(report, secret=secret), structured=_present(report))


def _describe(report: DreamReport, *, secret: bytes) -> str:
    """What was done, and its first lines: a dream over much may have hundreds."""
    if report.plan is not None:
        return plan_text(report.plan)
    counts = counts_text(report.counts)
    spent = spent_text(report)
    spent = f" It took {spent}." if spent else ""
    head = f"{report.handle} ({report.phase}): {counts or 'nothing was to do'}.{spent}"
    lines = [head] if report.handle else []
    lines += [report.note] if report.note else []
    lines += report.notes
    lines += [f"Not accepted: {one.reason}" for one in report.rejected]
    lines += [f"Dropped: {drop.reason}" for one in report.accepted for drop in one.dropped]
    for action in report.actions[:MAX_LINES]:
        lines.append(f"{deed(action)}: {outcome(action, max_chars=MAX_TEXT_CHARS)}")
    if len(report.actions) > MAX_LINES:
        rest = len(report.actions) - MAX_LINES
        lines.append(f"… and {rest} more: anima://{{anima}}/dreams lists them.")
    if report.work_order is not None:
        lines += [ORDER, fence_order(report.work_order, secret=secret)]
    return "\n".join(lines)


def _present(report: DreamReport) -> dict[str, Any]:
    present: dict[str, Any] = {
        "dream": report.handle,
        "phase": report.phase,
        "synthesizer": report.synthesizer,
        "counts": report.counts,
        "tokens": report.tokens,
        "note": report.note,
        "plan": None if report.plan is None else report.plan.model_dump(mode="json"),
        "actions": [_action(action) for action in report.actions],
    }
    rest = report.model_dump(
        mode="json", include={"notes", "work_order", "accepted", "rejected", "calls", "cost_usd"}
    )
    return present | {name: value for name, value in rest.items() if value}


def _action(action: DreamAction) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "layer": action.layer,
        "handle": action.handle,
        "text": to_line(action_text(action), max_chars=MAX_TEXT_CHARS),
        "sources": action.sources,
    }
