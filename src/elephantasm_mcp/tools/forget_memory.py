"""`forget_memory`: erase what a person wants gone."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import forgetting
from elephantasm_mcp.tools.answers import ERASES, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument, SessionArgument
from elephantasm_mcp.types.views import ForgetReport, ForgetRequest
from elephantasm_mcp.wording import forget_lines

MAX_HANDLES = 50
"""More are counted, not listed."""


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Forget memory", annotations=ERASES, structured_output=False)
    async def forget_memory(
        *,
        handles: Annotated[
            list[str] | None, Field(min_length=1, max_length=1_000, examples=[["e341", "m12"]])
        ] = None,
        session_id: SessionArgument = "",
        everything: bool = False,
        anima: AnimaArgument = "",
        confirm: Annotated[
            str, Field(description="The token of the first answer.", max_length=64)
        ] = "",
    ) -> CallToolResult:
        """Erase for good: rows by handle, a session, or everything of an anima.

        First call it without `confirm`: it erases nothing and says what would go, with what was
        made of it alone, and gives a token. Show that to the user. Only when the user agrees, call
        it again with the same arguments and `confirm`. It cannot be undone. To take something out
        of packs without erasing it, use curate_memory with `archive`.
        """
        request = ForgetRequest(
            handles=None if handles is None else tuple(handles),
            session_id=session_id or None,
            everything=everything,
            anima=anima or None,
            confirm=confirm or None,
        )
        act = forgetting.forget if confirm else forgetting.preview
        report = await act(app.core, app.user, request)
        if report.given_back and confirm:
            app.worker.wake()
        lines = [*forget_lines(report)]
        if report.confirm:
            lines.append(f"To erase it, call again within 10 minutes with confirm={report.confirm}")
        return text_answer("\n".join(lines), structured=_present(report))


def _present(report: ForgetReport) -> dict[str, Any]:
    shown = report.model_dump(mode="json", exclude_none=True)
    counts = {layer: len(shown[layer]) for layer in ("events", "memories", "knowledge")}
    for name in (*counts, "unlinked", "kept_sources", "given_back", "without_memory"):
        shown[name] = shown[name][:MAX_HANDLES]
    return {"erased": report.erased_at is not None, "counts": counts, **shown}
