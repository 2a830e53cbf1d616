"""`extract_event`: record what was said or done."""

from collections.abc import Iterable
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import events as service
from elephantasm_mcp.tools.answers import ADDS, json_answer
from elephantasm_mcp.tools.arguments import AnimaArgument, MomentArgument, SessionArgument
from elephantasm_mcp.types.records import EventCreate, EventType, Request, Score
from elephantasm_mcp.types.views import Recorded, RecordedEvent

REPLACEMENT = "\ufffd"
"""What broken Unicode was replaced by."""
MENDED = "mended"
"""What a transport hands over as the request when it had to mend the line's Unicode."""

Content = Annotated[
    str, Field(description="The words, unsummarised.", examples=["I am allergic to hazelnuts."])
]
Role = Annotated[str, Field(max_length=64, examples=["user"])]
Author = Annotated[str, Field(description="Who said it.", max_length=255, examples=["Nadia"])]
Importance = Annotated[Score | None, Field(examples=[0.8])]
Meta = Annotated[dict[str, Any] | None, Field(examples=[{"channel": "email"}])]
SourceUri = Annotated[
    str,
    Field(
        description="Outside source, if any.", max_length=2048, examples=["https://example.org/a"]
    ),
]
DedupeKey = Annotated[
    str,
    Field(
        description="Same key, same event: recorded once.", max_length=255, examples=["message-7"]
    ),
]


class EventItem(Request):
    """One of several events; what it leaves out is taken from beside `events`."""

    content: str = Field(min_length=1, examples=["I am allergic to hazelnuts."])
    event_type: EventType = EventType.MESSAGE_IN
    anima: str | None = None
    role: str | None = Field(None, max_length=64)
    author: str | None = Field(None, max_length=255)
    session_id: str | None = Field(None, max_length=255)
    occurred_at: MomentArgument = None
    importance_score: Importance = None
    meta: Meta = None
    source_uri: str | None = Field(None, max_length=2048)
    dedupe_key: str | None = Field(None, max_length=255)


Events = Annotated[
    list[EventItem] | None,
    Field(
        description="Several events of one exchange, in order. Fields beside `events` hold for "
        "each that does not set its own.",
        min_length=1,
        max_length=50,
    ),
]


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Record events", annotations=ADDS, structured_output=False)
    async def extract_event(
        *,
        ctx: Context,
        content: Content = "",
        events: Events = None,
        event_type: EventType = EventType.MESSAGE_IN,
        anima: AnimaArgument = "",
        role: Role = "",
        author: Author = "",
        session_id: SessionArgument = "",
        occurred_at: MomentArgument = None,
        importance_score: Importance = None,
        meta: Meta = None,
        source_uri: SourceUri = "",
        dedupe_key: DedupeKey = "",
    ) -> CallToolResult:
        """Record what was said or done, so that it can be remembered.

        Call it after each exchange, for both sides: the user's message (`message.in`) and your
        answer (`message.out`) in one call through `events`, with the words as they were; not where
        "Hooks record this session" stood before any call. Memories and knowledge are made of the
        events later. Secrets are masked; repeating an event within minutes is harmless and is
        answered as `duplicate`.
        """
        shared = {
            "event_type": event_type,
            "anima": anima,
            "role": role,
            "author": author,
            "session_id": session_id,
            "occurred_at": occurred_at,
            "importance_score": importance_score,
            "meta": meta,
            "source_uri": source_uri,
        }
        own = _items(content, events, dedupe_key=dedupe_key)
        recorded = await service.record(app.core, app.user, [_request(shared | i) for i in own])
        app.worker.wake()
        return json_answer(_present(recorded, mended=_was_mended(ctx.request_context.request)))


def _was_mended(request: object) -> bool:
    """Whether the transport mended the message: stdio says so itself, HTTP in its request."""
    return request == MENDED or bool(getattr(getattr(request, "state", None), MENDED, False))


def _items(
    content: str, events: list[EventItem] | None, *, dedupe_key: str
) -> Iterable[dict[str, Any]]:
    """What each event says for itself.

    Raises:
        ValidationError: neither or both of `content` and `events`, or a key for several.
    """
    if bool(content) == bool(events):
        raise ValidationError(
            "Give either `content` for one event or `events` for several.",
            field="content",
            hint='Example: {"content": "I am allergic to hazelnuts.", "role": "user"}.',
        )
    if not events:
        return [{"content": content, "dedupe_key": dedupe_key}]
    if dedupe_key:
        raise ValidationError(
            "`dedupe_key` names one event; with `events` it stands inside each of them.",
            field="dedupe_key",
            hint='Example: {"events": [{"content": "Hello.", "dedupe_key": "message-7"}]}.',
        )
    return [item.model_dump(exclude_unset=True, exclude_none=True) for item in events]


def _request(fields: dict[str, Any]) -> EventCreate:
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    return EventCreate(anima_id=given.pop("anima", None), **given)


def _present(recorded: Recorded, *, mended: bool) -> dict[str, Any]:
    accumulation = recorded.accumulation
    return {
        "events": [_line(event, mended=mended) for event in recorded.events],
        "accumulation": {
            "score": round(accumulation.score, 3),
            "threshold": accumulation.threshold,
        },
    }


def _line(recorded: RecordedEvent, *, mended: bool) -> dict[str, Any]:
    line: dict[str, Any] = {
        "handle": recorded.event.handle,
        "id": str(recorded.event.id),
        "duplicate": recorded.duplicate,
        "redactions": recorded.redactions,
    }
    if not recorded.stored:
        line |= {"handle": None, "id": None, "stored": False, "note": recorded.event.note}
    if recorded.repaired or (mended and REPLACEMENT in recorded.event.content):
        line["repaired"] = True
    return line
