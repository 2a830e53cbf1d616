"""Answers: the text and the structured content that a tool gives back.

Owns the few forms in which results reach a client. Does not know where they come from. Invariant:
remembered text stands on one line, so that it cannot pass for the answer's own structure.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mcp_types import CallToolResult, TextContent, ToolAnnotations

from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.types.defaults import Default

MAX_LINE_CHARS = 600
"""Longer remembered text is cut in an answer's text; the structured content has all of it."""

READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ADDS_ONCE = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ERASES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


def text_answer(
    text: str,
    *,
    structured: dict[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> CallToolResult:
    """Text for the model, beside it the same as data, and what only programs need as `_meta`."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=structured,
        _meta=dict(meta) if meta else None,
    )


def json_answer(structured: dict[str, Any]) -> CallToolResult:
    """The data, and as text the same in compact JSON."""
    return text_answer(_json(structured), structured=structured)


def with_default(answer: CallToolResult, default: Default) -> CallToolResult:
    """The answer, with the name of the default anima if that was taken.

    In the data, and in the text that is data or in a text behind it. A pack is its text and nothing
    else, so that there it is in `_meta`.
    """
    said = named(default)
    if not said:
        return answer
    if answer.structured_content is None:
        return answer.model_copy(update={"meta": {**(answer.meta or {}), **said}})
    return _with_lines(answer, answer.structured_content, said)


def named(default: Default) -> dict[str, str]:
    """What programs are told of a default anima that was taken; nothing when none was."""
    if default.name is None:
        return {}
    return {"anima": default.name} | ({"anima_note": default.note} if default.note else {})


def _with_lines(
    answer: CallToolResult, structured: dict[str, Any], said: dict[str, str]
) -> CallToolResult:
    first, *_ = answer.content
    if isinstance(first, TextContent) and first.text == _json(structured):
        return json_answer(structured | said)
    lines = (f"{name.replace('_', ' ')}: {line(text)}" for name, text in said.items())
    behind = TextContent(type="text", text="\n".join(lines))
    return answer.model_copy(
        update={"structured_content": said | structured, "content": [*answer.content, behind]}
    )


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def line(text: str) -> str:
    """Remembered text as one harmless line, cut at a length."""
    return to_line(text, max_chars=MAX_LINE_CHARS)


def day(moment: datetime | None) -> str:
    """The UTC day of a moment, as it stands in a line."""
    return moment.date().isoformat() if moment else "undated"
