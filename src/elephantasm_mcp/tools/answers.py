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
    text = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    return text_answer(text, structured=structured)


def line(text: str) -> str:
    """Remembered text as one harmless line, cut at a length."""
    return to_line(text, max_chars=MAX_LINE_CHARS)


def day(moment: datetime | None) -> str:
    """The UTC day of a moment, as it stands in a line."""
    return moment.date().isoformat() if moment else "undated"
