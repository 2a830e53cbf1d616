"""`curate_memory`: put one memory or piece of knowledge right."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import curation
from elephantasm_mcp.tools.answers import ADDS, line, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.tools.dream import ACTOR
from elephantasm_mcp.types.records import KnowledgeType
from elephantasm_mcp.types.views import CurateAction, CurateReport, Curation, DreamAction


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Curate memory", annotations=ADDS, structured_output=False)
    async def curate_memory(
        *,
        handle: Annotated[str, Field(min_length=1, max_length=64, examples=["m12"])],
        action: CurateAction,
        content: Annotated[
            str, Field(description="For `correct`: what is right.", max_length=10_000)
        ] = "",
        knowledge_type: Annotated[
            KnowledgeType | None, Field(description="For `reclassify`.")
        ] = None,
        reason: Annotated[str, Field(max_length=2_000)] = "",
        anima: AnimaArgument = "",
    ) -> CallToolResult:
        """Put one memory (m12) or piece of knowledge (k7) right when the user asks for it.

        `correct` replaces its words, `reclassify` its type; no dream overwrites that. `pin` keeps
        it in packs and from fading, `archive` takes it out of them, `restore` brings it back.
        `settle` says that it holds where another one, marked unsettled, says otherwise.
        undo_dream with the answer's `dream` takes it back. Events are not curated.
        """
        request = Curation(
            handle=handle,
            action=action,
            anima=anima or None,
            content=content or None,
            knowledge_type=knowledge_type,
            reason=reason or None,
        )
        report = await curation.curate(app.core, app.user, request, actor=ACTOR)
        return text_answer(_describe(report), structured=_present(report))


def _describe(report: CurateReport) -> str:
    action = _row_of(report)
    row = action.after or {}
    said = line(str(row.get("summary") or row.get("content") or ""))
    if action.operation == "settle":
        (kept,) = action.sources
        return f"{report.handle} (settle): {kept} holds; no longer {action.handle}: {said}"
    done = f"{report.handle} ({action.operation}): {action.handle} now says: {said}"
    if action.operation != "correct" or not report.related:
        return done
    return f"{done}\nNot changed, made of the same events: {', '.join(report.related)}"


def _row_of(report: CurateReport) -> DreamAction:
    """The change of a memory or of knowledge; of a settled conflict the row that gave way."""
    return next(one for one in report.actions if one.layer in ("memory", "knowledge"))


def _present(report: CurateReport) -> dict[str, object]:
    action = _row_of(report)
    return {
        "dream": report.handle,
        "handle": action.handle,
        "before": action.before,
        "after": action.after,
        "related": report.related,
    }
