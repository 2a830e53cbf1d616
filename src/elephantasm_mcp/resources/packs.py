"""Packs as resources: `anima://{anima}/pack`, and the list of them."""

from typing import Any
from uuid import UUID

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ListResourcesResult, Resource

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import animas, packs
from elephantasm_mcp.resources.uris import ANY_NAME, MARKDOWN, uri_of
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import AnimaOverview
from elephantasm_mcp.wording import NOTHING_YET, client_of

PAGE_SIZE = 100


def register(server: MCPServer, app: App) -> None:
    """Add the template to a server."""

    @server.resource(
        "anima://{anima}/pack",
        name="pack",
        title="Memory pack",
        description="What to know before answering, as get_memory_pack gives it without a query.",
        mime_type=MARKDOWN,
        security=ANY_NAME,
    )
    async def pack(anima: str, ctx: Context[Any, Any]) -> str:
        asked, client = PackQuery(anima=anima), client_of(ctx)
        compiled = await packs.compile_pack(app.core, app.user, asked, client=client)
        return NOTHING_YET if compiled is None else packs.fence(app.core, compiled)


async def list_packs(app: App, *, cursor: str | None) -> ListResourcesResult:
    """One page of the packs of all animas, oldest anima first.

    Raises:
        ValidationError: the cursor is not one of ours.
    """
    after = _parse(cursor)
    overviews = sorted(await animas.overview(app.core, app.user), key=lambda anima: anima.id.int)
    rest = [overview for overview in overviews if after is None or overview.id.int > after.int]
    page = rest[:PAGE_SIZE]
    return ListResourcesResult(
        resources=[_resource(overview) for overview in page],
        next_cursor=str(page[-1].id) if len(rest) > PAGE_SIZE else None,
    )


def _parse(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError:
        raise ValidationError(
            "That cursor does not come from this list.",
            field="cursor",
            hint="Leave it out to start from the first page.",
        ) from None


def _resource(overview: AnimaOverview) -> Resource:
    return Resource(
        uri=uri_of(overview.id, "pack"),
        name=f"pack of {overview.name}",
        title=f"Memory pack of {overview.name}",
        description=overview.description,
        mime_type=MARKDOWN,
    )
