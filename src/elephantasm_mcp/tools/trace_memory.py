"""`trace_memory`: where something comes from, and what became of it."""

from collections.abc import Iterator
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import provenance
from elephantasm_mcp.tools.answers import READS, day, line, text_answer
from elephantasm_mcp.tools.arguments import AnimaArgument
from elephantasm_mcp.types.views import Trace, TraceSource
from elephantasm_mcp.wording import DONE, origin_text


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Trace memory", annotations=READS, structured_output=False)
    async def trace_memory(
        handle: Annotated[
            str,
            Field(
                description="e341, m12, k7 or house-rules:k7, or a row's UUID.",
                min_length=1,
                max_length=64,
                examples=["m12"],
            ),
        ],
        query: Annotated[
            str, Field(description="Why is it, or is it not, in the pack for this?")
        ] = "",
        anima: AnimaArgument = "",
    ) -> CallToolResult:
        """Show where an event, memory or piece of knowledge comes from and what became of it.

        The source events with the words that were taken, what was made of it, every dream that
        changed it, and why it is, or is not, in the pack (for `query`): its rank and reason, or
        what it was cut by, superseded by or left to. Use it before you rely on something important
        or correct it.
        """
        trace = await provenance.trace(
            app.core, app.user, handle, anima=anima or None, query=query or None
        )
        structured = trace.model_dump(mode="json", exclude_none=True)
        return text_answer("\n".join(_describe(trace)), structured=structured)


def _describe(trace: Trace) -> Iterator[str]:
    yield f"{trace.handle} ({trace.layer}, {trace.state}): {line(trace.text)}"
    if trace.origin:
        yield f"{origin_text(trace.origin)}; what it was made of may not be read"
    for source in trace.sources:
        yield f"from {_source(source)}"
    for derived in trace.derived:
        yield f"became {derived.handle} ({derived.layer}, {derived.state}): {line(derived.text)}"
    for action in trace.history:
        undone = ", undone" if action.undone else ""
        reason = f": {line(action.reasoning)}" if action.reasoning else ""
        yield (
            f"{DONE[action.kind]} by {action.dream} [{day(action.at)}]"
            f" ({action.phase}, {action.actor}{undone}){reason}"
        )
    yield trace.pack_reason


def _source(source: TraceSource) -> str:
    if not source.event_type:  # not to be read
        return f"{source.handle} [{day(source.occurred_at)}]"
    quotes = "".join(f' — "{line(quote)}"' for quote in source.quotes)
    author = line(source.author or source.event_type)
    return f"{source.handle} [{day(source.occurred_at)}] {author}: {line(source.content)}{quotes}"
