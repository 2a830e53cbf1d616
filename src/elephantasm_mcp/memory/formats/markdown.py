"""Instruction files of agents: CLAUDE.md, MEMORY.md, AGENTS.md and their like, section by section.

After Claude Code's documentation of memory (CLAUDE.md, CLAUDE.local.md, `@path` imports up to five
files deep, not in code; MEMORY.md and the topic files beside it) and agents.md. Owns how Markdown
is cut into sections. Invariant: one event for each section that says something, whose key is its
place and its words; an `@path` leads to no file outside of the folder that was given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.memory.formats.items import Item, Passed, Rejected, cut, found, key
from elephantasm_mcp.memory.formats.parts import Part

SOURCE: Final = "markdown"
MAX_FILE_BYTES: Final = 4_000_000
MAX_DEPTH: Final = 5
_HEADING: Final = re.compile(r"(#{1,6})\s")
_FENCE: Final = re.compile(r"\s{0,3}(```+|~~~+)")
_IMPORT: Final = re.compile(r"(?:^|\s)@((?:~/|\.{0,2}/)?[\w][\w./~-]*|\.{0,2}/[\w./~-]+)")
_CODE_SPAN: Final = re.compile(r"`[^`]*`")
_COMMENT: Final = ("<!--", "-->")
_FRONT: Final = re.compile(r"\A---\r?\n.*?\r?\n---\r?\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, up to the next one."""

    headings: tuple[str, ...]
    """The heading and those above it, outermost first."""
    text: str
    line: int


def read_markdown(part: Part) -> Iterator[Item]:
    """The sections of a file and of the files that it imports; positions are bytes."""
    data = part.file.read(MAX_FILE_BYTES + 1)
    position = part.start + len(data)
    yield from _File(part, position).items(data, part.name, part.path, ())


def sections(text: str) -> Iterator[Section]:
    """Cut a text at its headings; headings in code are none."""
    headings: list[str] = []
    lines: list[str] = []
    fence, first = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        heading = None if fence or mark else _heading(line)
        if heading is None:
            lines.append(line)
            continue
        yield Section(tuple(filter(None, headings)), "\n".join(lines).strip(), first)
        depth, title = heading
        headings = [*headings[: depth - 1], *[""] * (depth - 1 - len(headings)), title]
        lines, first = list[str](), number
    yield Section(tuple(filter(None, headings)), "\n".join(lines).strip(), first)


class _File:
    """One file that was named, with what it imports."""

    def __init__(self, part: Part, position: int) -> None:
        self._part = part
        self._position = position
        self._root = part.root.resolve() if part.root else None
        self._read: set[Path] = set()

    def items(
        self, data: bytes, name: str, path: Path | None, above: tuple[Path, ...]
    ) -> Iterator[Item]:
        """The events of one file, then of what it imports."""
        place = self._part.place(name if above else "")
        if len(data) > MAX_FILE_BYTES:
            yield Rejected(place or name, self._position, f"It is over {MAX_FILE_BYTES:,} bytes.")
            return
        text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        text = _without_comments(_FRONT.sub(lambda front: _lines_of(front[0]), text))
        seen: dict[str, int] = {}
        for one in sections(text):
            if not one.text:
                continue
            where = " › ".join(one.headings)
            again = seen[where] = seen.get(where, 0) + 1
            yield self._section(one, name=name, where=where, again=again)
        if path is not None:
            self._read.add(path.resolve())
            yield from self._imported(text, (*above, path.resolve()))

    def _section(self, one: Section, *, name: str, where: str, again: int) -> Item:
        fields = {
            "content": f"{where}\n{cut(one.text)}" if where else cut(one.text),
            "occurred_at": self._part.changed,
            "meta": {"source": SOURCE, "file": name, "section": where},
            "source_uri": f"file:{name}",
            "dedupe_key": key(SOURCE, name, where, again if again > 1 else "", one.text),
        }
        place = self._part.place(f"line {one.line}")
        return found(fields, place=place, position=self._position, group=(name, *one.headings))

    def _imported(self, text: str, above: tuple[Path, ...]) -> Iterator[Item]:
        for wanted in _imports(text):
            path = self._inside(above[-1].parent / wanted)
            if path is None or len(above) > MAX_DEPTH:
                place = self._part.place(f"@{wanted}")
                yield Passed(place, self._position, "imports that were not followed")
            elif path not in self._read:
                yield from self._import(path, above)

    def _import(self, path: Path, above: tuple[Path, ...]) -> Iterator[Item]:
        name = path.relative_to(self._root or path.parent).as_posix()
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError:
            yield Rejected(self._part.place(name), self._position, "It cannot be read.")
        else:
            yield from self.items(data, name, path, above)

    def _inside(self, path: Path) -> Path | None:
        """The file, if there is one in the folder that was given; links are followed first."""
        try:
            real = path.resolve()
            inside = self._root and real.is_relative_to(self._root) and real.is_file()
        except (OSError, ValueError, RuntimeError):
            return None
        return real if inside else None


def _heading(line: str) -> tuple[int, str] | None:
    """The depth and the title of a heading, without the hashes that may close it."""
    mark = _HEADING.match(line)
    if mark is None:
        return None
    title = line[mark.end() :].strip()
    bare = title.rstrip("#")
    return len(mark[1]), bare.rstrip() if bare[-1:].isspace() else title


def _without_comments(text: str) -> str:
    """The text without its HTML comments. A pattern would look for each end through all of it."""
    opening, closing = _COMMENT
    kept: list[str] = []
    at = 0
    while (first := text.find(opening, at)) >= 0:
        last = text.find(closing, first + len(opening))
        if last < 0:
            break
        kept += text[at:first], _lines_of(text[first:last])
        at = last + len(closing)
    return "".join(kept) + text[at:]


def _lines_of(text: str) -> str:
    """The line breaks of what is taken out, so that what follows keeps its number."""
    return "\n" * text.count("\n")


def _imports(text: str) -> Iterator[str]:
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence:
            for wanted in _IMPORT.findall(_CODE_SPAN.sub("", line)):
                if "." in wanted or "/" in wanted:
                    yield wanted.rstrip(".")
