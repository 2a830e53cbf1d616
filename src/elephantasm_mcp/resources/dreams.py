"""The journal as a resource: `anima://{anima}/dreams`."""

from collections.abc import Iterable, Iterator

from mcp.server.mcpserver import MCPServer

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas, dreams
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.resources.uris import ANY_NAME, MARKDOWN
from elephantasm_mcp.types.views import DreamAction, DreamReport
from elephantasm_mcp.wording import deed, outcome

MAX_DREAMS = 50
MAX_ACTION_CHARS = 160


def register(server: MCPServer, app: App) -> None:
    """Add the template to a server."""

    @server.resource(
        "anima://{anima}/dreams",
        name="dreams",
        title="Dream journal",
        description="What the latest dreams did, newest first; undo_dream takes one back.",
        mime_type=MARKDOWN,
        security=ANY_NAME,
    )
    async def journal(anima: str) -> str:
        found = await animas.resolve(app.core, app.user, anima)
        reports = await dreams.journal(app.core, app.user, anima=found.id, limit=MAX_DREAMS)
        return "\n".join(_describe(to_line(found.name), reports)) + "\n"


def _describe(name: str, reports: Iterable[DreamReport]) -> Iterator[str]:
    yield f"# Dreams of {name}"
    empty = True
    for report in reports:
        empty = False
        yield from ("", _heading(report), "")
        if report.note:
            yield to_line(report.note)
        yield from (_line(action) for action in report.actions)
        if not report.actions:
            yield "Nothing changed."
    if empty:
        yield from ("", "None yet: memories are made once enough was recorded.")


def _heading(report: DreamReport) -> str:
    when = f"{report.started_at:%Y-%m-%d %H:%M} UTC"
    by = f"asked for by {report.actor}"
    made_by = f", made by {report.synthesizer}" if report.synthesizer else ""
    takes_back = f", takes back {report.undoes}" if report.undoes else ""
    undone = " (undone)" if report.state == "undone" else ""
    return f"## {report.handle}{undone}: {report.phase}, {when}, {by}{made_by}{takes_back}"


def _line(action: DreamAction) -> str:
    sources = f" (from {', '.join(action.sources)})" if action.sources else ""
    return f"- {deed(action)}: {outcome(action, max_chars=MAX_ACTION_CHARS)}{sources}"
