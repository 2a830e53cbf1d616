"""The identity layer as a resource: `anima://{anima}/identity`."""

from collections.abc import Iterator

from mcp.server.mcpserver import MCPServer

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas, identity
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.resources.uris import ANY_NAME, MARKDOWN
from elephantasm_mcp.store.identities import StoredIdentity

NONE_YET = (
    "There is none yet. It is not declared but built by deep sleep, from what the agent said, once"
    " that is evidence enough."
)


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
    async def read_identity(anima: str) -> str:
        target = await animas.resolve(app.core, app.user, anima)
        stored = await animas.find(app.core, app.user, target.id)
        found = await app.core.database.read(identity.read, stored)
        return "\n".join(_describe(to_line(target.name), found)) + "\n"


def _describe(name: str, found: StoredIdentity | None) -> Iterator[str]:
    yield f"# Identity of {name}"
    yield ""
    if found is None:
        yield NONE_YET
        return
    yield to_line(found.prose)
    parts = (("Personality", found.personality_type), ("Style", found.communication_style))
    told = [f"- {title}: {to_line(text)}" for title, text in parts if text]
    told += [f"- {to_line(one.text)} ({', '.join(one.evidence)})" for one in found.statements]
    if told:
        yield ""
        yield from told
    yield ""
    yield f"Built on {found.created_at:%Y-%m-%d} by {to_line(found.synthesizer)} ({found.handle})."
