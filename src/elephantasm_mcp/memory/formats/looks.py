"""Looks: which format a file seems to have, told from its first bytes.

Owns the marks by which formats are told apart. Reads nothing itself. Invariant: it is a guess, used
only where nobody named the format, or to say what a file is that is not what it was called.
"""

import json
import re
from typing import Any, Final

from elephantasm_mcp.pure.text import repair

SQLITE: Final = b"SQLite format 3\x00"
_LINES: Final = 40
"""How many lines are looked at: transcripts begin with lines of their program."""
_ARCHIVES: Final = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"7z\xbc\xaf", "7-Zip"))
_MARKS: Final = (
    ("claude", r'"chat_messages"\s*:'),
    ("chatgpt", r'"mapping"\s*:\s*\{'),
    ("bench", r'\A(?>.*?"conversations"\s*:\s*\[).*"turns"\s*:'),
    ("mcp-memory-service", r'"export_metadata"\s*:|"content_hash"\s*:'),
    ("mem0", r'"memory"\s*:\s*"'),
)
"""Keys that no other format has, in the order in which they are asked for."""
_TRANSCRIPT: Final = frozenset({"sessionId", "leafUuid", "parentUuid", "snapshot"})
_OBSERVATION: Final = re.compile(r"^- \[[^\[\]()\s][^\[\]()\n]+\] \S|^- \S+ \[\[[^\]\n]+\]\]", re.M)


def looks_like(head: bytes, *, name: str) -> str | None:
    """The format of a file with these first bytes; None when nothing tells.

    Not for what is packed or a database: see `what_else`.
    """
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if name.lower().endswith((".md", ".markdown")):
        return _of_markdown(text)
    if text.startswith("{") and (found := _of_lines(text)):
        return found
    if text.startswith(("{", "[")):
        return next((found for found, mark in _MARKS if re.search(mark, text, re.S)), None)
    return None


def what_else(head: bytes) -> str | None:
    """What a file is that no format is, as words for a sentence; None when it may be one."""
    for magic, kind in _ARCHIVES:
        if head.startswith(magic):
            return f"a {kind} archive"
    if head.startswith(SQLITE):
        return "an SQLite database"
    if b"\0" in head:
        return "no text"
    return None


def _of_lines(text: str) -> str | None:
    for line in text.split("\n")[:_LINES]:
        try:
            value = json.loads(repair(line)[0])
        except (ValueError, RecursionError):
            return None  # one document over several lines, or one line that is longer than the head
        if isinstance(value, dict) and (found := _of_object(value)):
            return found
    return None


def _of_object(value: dict[str, Any]) -> str | None:
    kind = value.get("type")
    if kind in ("entity", "relation") and not value.keys().isdisjoint(("name", "from")):
        return "server-memory"
    if kind is not None and not _TRANSCRIPT.isdisjoint(value):
        return "claude-code"
    if str(value.get("format", "")).startswith("elephantasm"):
        return "archive"
    return "jsonl" if isinstance(value.get("content"), str) and kind is None else None


def _of_markdown(text: str) -> str:
    front = text.startswith("---\n") and re.search(r"^(permalink|type): ", text, re.M)
    return "basic-memory" if front or _OBSERVATION.search(text) else "markdown"
