"""basic-memory: a folder of Markdown notes with frontmatter, observations and relations.

After basic-memory 0.22.1: docs/NOTE-FORMAT.md, and what its parser takes for an observation or a
relation. Owns how a note is taken apart. Invariant: one event for each observation, each relation,
and each section of what else it says, whose key is the note's permalink (or path) and its words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import yaml

from elephantasm_mcp.memory.formats.items import Item, Rejected, cut, found, key, moment, text_of
from elephantasm_mcp.memory.formats.markdown import MAX_FILE_BYTES, sections
from elephantasm_mcp.memory.formats.parts import Part

SOURCE: Final = "basic-memory"
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.{0,64000}?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_ITEM: Final = re.compile(r"\s*[-*+]\s+(.*)")
_OBSERVATION: Final = re.compile(r"\[([^\[\]()]+)\]\s+(.+)")
_NO_CATEGORY: Final = re.compile(
    r"|[xX]|[^\w]|\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?:\s+-\s+[\d:.,]+)?"
)
"""A mark of a task or a time in a transcript, which also stand in brackets."""
_NOTHING: Final = ("", "~", "null")
_TAG: Final = re.compile(r"(?:^|\s)#[\w/-]+")
_RELATION: Final = re.compile(
    r"""(?:"([^"]+)"|'([^']+)'|([^\s\[\]]+))\s+\[\[([^\]]+)\]\](?:\s*\(([^()]*)\))?"""
)


@dataclass(frozen=True, slots=True)
class _Note:
    """What a note is."""

    part: Part
    position: int
    title: str
    name: str
    """Its permalink, else its path."""
    at: datetime | None
    tags: tuple[str, ...]

    def event(self, content: str, *, kind: str, place: str, words: str) -> Item:
        """An event of something that it says."""
        fields = {
            "content": content,
            "occurred_at": self.at,
            "meta": {"source": SOURCE, "note": self.title, "kind": kind}
            | ({"tags": list(self.tags)} if self.tags else {}),
            "source_uri": f"memory://{self.name}",
            "dedupe_key": key(SOURCE, self.name, kind, words),
        }
        group = (self.title, self.name, self.part.name)
        return found(fields, place=place, position=self.position, group=group)


def read_basic_memory(part: Part) -> Iterator[Item]:
    """What one note says; positions are bytes."""
    data = part.file.read(MAX_FILE_BYTES + 1)
    position = part.start + len(data)
    if len(data) > MAX_FILE_BYTES:
        yield Rejected(part.place(""), position, f"It is over {MAX_FILE_BYTES:,} bytes.")
        return
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\0", "")
    front = _FRONT.match(text)
    note = _note(_fields(front[1]) if front else {}, part, position)
    body = text[front.end() :] if front else text
    first_line = text.count("\n", 0, len(text) - len(body)) + 1
    yield from _statements(note, body, first_line)


def _note(fields: dict[str, Any], part: Part, position: int) -> _Note:
    stem = part.name.rpartition("/")[2].removesuffix(".md")
    title = text_of(fields.get("title")) or stem
    written = (moment(fields.get(name)) for name in ("modified", "created"))
    tags = fields.get("tags")
    tags = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return _Note(
        part=part,
        position=position,
        title=title,
        name=text_of(fields.get("permalink")) or part.name,
        at=next(filter(None, written), part.changed),
        tags=tuple(tag for one in tags if (tag := text_of(one).lstrip("#"))),
    )


def _statements(note: _Note, body: str, first_line: int) -> Iterator[Item]:
    for section in sections(body):
        where = " › ".join(one for one in section.headings if one != note.title)
        place = note.part.place(f"line {first_line + section.line - 1}")
        rest: list[str] = []
        for line in section.text.split("\n"):
            item = _ITEM.fullmatch(line)
            said = _said(note.title, item[1].strip()) if item else None
            if said is None:
                rest.append(line)
            else:
                kind, content = said
                yield note.event(content, kind=kind, place=place, words=line.strip())
        if text := "\n".join(rest).strip():
            head = f"{note.title} › {where}" if where else note.title
            yield note.event(f"{head}\n{cut(text)}", kind="text", place=place, words=where + text)


def _said(title: str, item: str) -> tuple[str, str] | None:
    """Whether an item of a list is an observation or a relation, and what it says by itself."""
    relation = _RELATION.fullmatch(item)
    if relation:
        quoted, single, word, target, context = relation.groups()
        kind = (quoted or single or word).replace("_", " ")
        return "relation", f"{title} {kind} {target}" + (f" ({context})" if context else "")
    observation = _OBSERVATION.fullmatch(item)
    if observation and not _NO_CATEGORY.fullmatch(observation[1].strip()):
        return "observation", f"{title}, {observation[1].strip()}: {observation[2].strip()}"
    if _TAG.search(item) and not item.startswith("["):
        return "observation", f"{title}: {item}"
    return None


def _fields(front: str) -> dict[str, Any]:
    """The frontmatter; nothing where it is no YAML: then basic-memory reads plain text, too.

    Each scalar is the text that stands there. Made numbers and times, as a safe loader makes them,
    some raise errors of many kinds; and its merging of mappings grows without bounds.
    """
    try:
        fields = yaml.load(front, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {name: value for name, value in fields.items() if value not in _NOTHING}
