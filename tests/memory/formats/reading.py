"""How tests of formats read the golden files, and files that they make themselves."""

import io
from pathlib import Path

from elephantasm_mcp.memory.formats.items import Candidate, Item, Passed, Rejected
from elephantasm_mcp.memory.formats.known import files_of, format_of, items_of
from elephantasm_mcp.memory.formats.parts import Source, open_source
from elephantasm_mcp.types.records import EventCreate

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "claude-code": "claude-code",
    "claude": "claude/conversations.json",
    "chatgpt": "chatgpt/conversations.json",
    "server-memory": "server-memory/memory.jsonl",
    "mem0": "mem0/get_all.json",
    "mcp-memory-service": "mcp-memory-service/export.json",
    "basic-memory": "basic-memory",
    "markdown": "markdown/CLAUDE.md",
}
"""A small file, or folder, of each format."""


def read(name: str, source: Source | Path | bytes) -> list[Item]:
    """All items of a source in that format."""
    if isinstance(source, bytes):
        source = open_source("-", stdin=io.BytesIO(source))
    elif isinstance(source, Path):
        source = open_source(str(source))
    chosen = format_of(name, source)
    return list(items_of(chosen, source, files_of(chosen, source)))


def golden(name: str) -> list[Item]:
    """All items of a format's golden file."""
    return read(name, GOLDEN / FILES[name])


def events(items: list[Item]) -> list[EventCreate]:
    """The events among items."""
    return [one.request for one in items if isinstance(one, Candidate)]


def said(items: list[Item]) -> list[tuple[str, str]]:
    """What the events say, and of which type they are."""
    return [(one.event_type.value, one.content) for one in events(items)]


def rejected(items: list[Item]) -> list[tuple[str, str]]:
    """Place and reason of what is no event."""
    return [(one.place, one.reason) for one in items if isinstance(one, Rejected)]


def passed(items: list[Item]) -> dict[str, int]:
    """What was left out on purpose."""
    found: dict[str, int] = {}
    for one in items:
        if isinstance(one, Passed):
            found[one.what] = found.get(one.what, 0) + one.count
    return found
