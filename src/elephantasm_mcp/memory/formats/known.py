"""The known formats: what each is called, which files it reads and how.

Owns the one table, and which of them is meant. Invariant: what looks like another format than it
was called is refused by both names, before anything is read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory.formats.basic_memory import read_basic_memory
from elephantasm_mcp.memory.formats.chatgpt import read_chatgpt
from elephantasm_mcp.memory.formats.claude import ASIDE, CHATS, read_claude
from elephantasm_mcp.memory.formats.claude_code import read_claude_code
from elephantasm_mcp.memory.formats.items import Item, Rejected
from elephantasm_mcp.memory.formats.jsonl import read_jsonl
from elephantasm_mcp.memory.formats.looks import SQLITE, looks_like, what_else
from elephantasm_mcp.memory.formats.markdown import read_markdown
from elephantasm_mcp.memory.formats.mem0 import HISTORY, read_mem0, read_mem0_history
from elephantasm_mcp.memory.formats.memory_service import (
    MEMORIES,
    read_memory_service,
    read_memory_service_rows,
)
from elephantasm_mcp.memory.formats.parts import Listed, Part, Source
from elephantasm_mcp.memory.formats.server_memory import read_server_memory

Rows: TypeAlias = Iterable[Mapping[str, Any]]
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be imported."""

    name: str
    title: str
    """What a file of it is, for a sentence."""
    read: Callable[[Part], Iterator[Item]]
    patterns: tuple[str, ...] = ()
    """Which files are read of a folder or zip; none: it is a single file."""
    zipped: bool = False
    """Whether it comes as a zip, too."""
    foldered: bool = False
    """Whether it may be a folder."""
    statement: str = ""
    """What reads its SQLite database, where it has one,"""
    read_rows: Callable[[Rows], Iterator[Item]] | None = None
    """and what reads those rows."""
    kin: frozenset[str] = frozenset()
    """Formats that look alike: what looks like one of them may be this one."""


FORMATS: Final = {
    one.name: one
    for one in (
        Format("jsonl", "a file of JSON lines", read_jsonl),
        Format(
            "claude-code",
            "a transcript of Claude Code",
            read_claude_code,
            ("*.jsonl",),
            foldered=True,
        ),
        Format(
            "claude",
            "an account export of Claude",
            read_claude,
            (CHATS, *ASIDE),
            zipped=True,
            foldered=True,
        ),
        Format(
            "chatgpt",
            "an account export of ChatGPT",
            read_chatgpt,
            ("conversations.json", "conversations-[0-9]*.json"),
            zipped=True,
            foldered=True,
        ),
        Format("server-memory", "a graph of the MCP server `server-memory`", read_server_memory),
        Format(
            "mem0",
            "memories of mem0",
            read_mem0,
            statement=HISTORY,
            read_rows=read_mem0_history,
        ),
        Format(
            "mcp-memory-service",
            "memories of mcp-memory-service",
            read_memory_service,
            statement=MEMORIES,
            read_rows=read_memory_service_rows,
        ),
        Format(
            "basic-memory",
            "notes of basic-memory",
            read_basic_memory,
            ("*.md",),
            foldered=True,
            kin=frozenset({"markdown"}),
        ),
        Format(
            "markdown",
            "instructions in Markdown",
            read_markdown,
            ("CLAUDE.md", "CLAUDE.local.md", "MEMORY.md", "AGENTS.md", "GEMINI.md"),
            foldered=True,
            kin=frozenset({"basic-memory"}),
        ),
    )
}
_NOTES: Final = ("*.md",)
_TITLES: Final = {name: one.title for name, one in FORMATS.items()} | {
    "archive": "an archive of this program",
    "bench": "a file of a recall benchmark",
}


def format_of(name: str, source: Source) -> Format:
    """The format of that name; of `auto`, the one that the source looks like.

    Raises:
        ValidationError: it looks like another one, or like nothing known, or cannot be read.
    """
    return _guessed(source) if name == AUTO else FORMATS[name]


def files_of(chosen: Format, source: Source) -> list[Listed]:
    """What will be read of a source, each file looked at.

    Raises:
        ValidationError: it is of another format, it has no file of this one, or cannot be read.
    """
    if source.is_folder() and not chosen.foldered:
        raise ValidationError(
            f"{source.name} is a folder, and {chosen.title} is a file.", hint="Name the file."
        )
    if source.is_zip() and not chosen.zipped:
        raise ValidationError(
            f"{source.name} is a zip, and {chosen.title} is none.", hint="Unpack it first."
        )
    listed = source.listed(*chosen.patterns)
    if not listed:
        wanted = " or ".join(chosen.patterns)
        raise ValidationError(
            f"{source.name} holds no {wanted}, so it is not {chosen.title}.",
            hint="`import auto` says what it looks like.",
        )
    if chosen.zipped or not source.is_folder():
        _check_looks(chosen, source, listed[0])
    return listed


def is_database(source: Source) -> bool:
    """Whether it is an SQLite file."""
    return not source.is_folder() and source.head().startswith(SQLITE)


def items_of(chosen: Format, source: Source, listed: list[Listed]) -> Iterator[Item]:
    """The items of all files, in their order; a file that cannot be read on is one more of them."""
    for part in source.parts(listed):
        try:
            yield from chosen.read(part)
        except OSError:
            yield Rejected(part.place("") or part.name, part.start, "It is damaged from here on.")


def _check_looks(chosen: Format, source: Source, first: Listed) -> None:
    head = source.head_of(first)
    kind = what_else(head)
    if kind is not None:
        raise ValidationError(
            f"{source.name} is {kind}, and not {chosen.title}.", hint=_advice(kind)
        )
    looks = looks_like(head, name=first.name)
    if looks is not None and looks != chosen.name and looks not in chosen.kin:
        raise ValidationError(
            f"{source.name} looks like {_TITLES[looks]}, and not like {chosen.title}.",
            hint=f"If it is one: elephantasm-mcp import {looks} {source.argument}",
        )


def _advice(kind: str) -> str:
    return "Unpack it first." if kind.endswith("archive") else "Name another file."


def _guessed(source: Source) -> Format:
    if source.is_folder():
        return _guessed_folder(source)
    if is_database(source):
        raise ValidationError(
            f"{source.name} is an SQLite database.",
            hint="Say of what: `import mem0` or `import mcp-memory-service`.",
        )
    for first in source.listed("conversations.json", "conversations-[0-9]*.json"):
        looks = looks_like(source.head_of(first), name=first.name)
        if looks in FORMATS:
            return FORMATS[looks]
        if looks is not None:
            raise ValidationError(
                f"{source.name} looks like {_TITLES[looks]}.",
                hint=f"Say so: elephantasm-mcp import {looks} {source.argument}",
            )
    raise _unknown(source)


def _guessed_folder(source: Source) -> Format:
    for name in ("chatgpt", "claude-code", "markdown"):
        for first in source.listed(*FORMATS[name].patterns)[:1]:
            looks = looks_like(source.head_of(first), name=first.name)
            if looks in ("chatgpt", "claude", "claude-code"):
                return FORMATS[looks]
            if name == "markdown":
                return FORMATS[name]
    if source.listed(*_NOTES):
        return FORMATS["basic-memory"]
    raise _unknown(source)


def _unknown(source: Source) -> ValidationError:
    return ValidationError(
        f"{source.name} looks like no format that can be imported.",
        hint=f"Name one: {', '.join(FORMATS)}.",
    )
