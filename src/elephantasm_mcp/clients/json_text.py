"""JSON as text: a change of one value that leaves every other byte as it is.

Owns the reading of JSON with comments and trailing commas (as editors write it: RFC 8259, and what
Visual Studio Code calls JSONC) into places in the text, and the edits at those places. Does not
know what the values mean. Invariant: what was put in by `put` is taken out by `take_out` to the
byte where its container was there before.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from elephantasm_mcp.errors import ValidationError

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
Step: TypeAlias = str | int
"""A key of an object, or a place in an array."""

MAX_DEPTH: Final = 200
"""Deeper files are no settings, and would end the recursion."""
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_LINE_COMMENT: Final = re.compile(r"//[^\r\n]*")
_BLOCK_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD: Final = re.compile(r"[-+.0-9A-Za-z]+")
_SAME_LINE: Final = re.compile(r"(?:[ \t]*(?:/\*(?:[^*\r\n]|\*(?!/))*\*/|//[^\r\n]*))+")
_INDENT: Final = re.compile(r"[ \t]*")
_DEFAULT_INDENT: Final = "  "


@dataclass(slots=True)
class Node:
    """A value and where it stands; `end` is behind its last character."""

    start: int
    end: int
    value: JsonValue
    entries: "list[Entry] | None" = None
    """Of an object or array; None of anything else."""


@dataclass(slots=True)
class Entry:
    """A member of an object, or an item of an array."""

    key: Step
    start: int
    node: Node
    comma: int | None = None
    """Where the comma behind it stands."""

    @property
    def end(self) -> int:
        """Behind its value, and behind its comma."""
        return self.node.end if self.comma is None else self.comma + 1


def read(text: str, *, comments: bool = True) -> Node:
    """The document; without anything in it, it is an empty object.

    Raises:
        ValidationError: it is no JSON; the message names the line. With `comments` off, comments
            and trailing commas are none.
    """
    return _Reader(text, comments=comments).document()


def put(text: str, path: Sequence[Step], value: JsonValue, *, comments: bool = True) -> str:
    """The text with `value` at `path`; objects on the way are made, and an array grows by an item.

    Raises:
        ValidationError: it is no JSON, or something else stands on the way.
    """
    node = read(text, comments=comments)
    if node.end == node.start:  # nothing but comments
        text = text.rstrip() + ("\n{}\n" if text.strip("\ufeff \t\r\n") else "{}\n")
        node = read(text, comments=comments)
    layout = _Layout(text)
    for depth, step in enumerate(path):
        entry = _find(node, step)
        if entry is None:
            missing = value
            for inner in reversed(path[depth + 1 :]):
                missing = {str(inner): missing} if isinstance(inner, str) else [missing]
            return _insert(text, node, step, missing, layout)
        node = entry.node
    if node.value == value and type(node.value) is type(value):
        return text
    rendered = layout.render(value, near=node.start, inline=_is_inline(text, node))
    return text[: node.start] + rendered + text[node.end :]


def take_out(text: str, path: Sequence[Step], *, comments: bool = True) -> str:
    """The text without the value at `path`; the same if it is not there.

    A key that is repeated goes as often as it is there; the last step may be the place of an item.

    Raises:
        ValidationError: it is no JSON, or something else stands on the way.
    """
    while True:
        node = read(text, comments=comments)
        for step in path[:-1]:
            entry = _find(node, step)
            if entry is None:
                return text
            node = entry.node
        if _find(node, path[-1]) is None:
            return text
        text = _remove(text, node, path[-1])
        if isinstance(path[-1], int):
            return text


def take_out_empty(text: str, key: str, *, comments: bool = True) -> str:
    """The text without that object at its top if nothing is in it, no comment either.

    Raises:
        ValidationError: it is no JSON.
    """
    entry = _find(read(text, comments=comments), key)
    if entry is None or entry.node.value != {}:
        return text
    within = text[entry.node.start + 1 : entry.node.end - 1]
    return text if within.strip() else take_out(text, (key,), comments=comments)


class _Layout:
    """How the text is laid out: its line ends and its indentation."""

    def __init__(self, text: str) -> None:
        self.newline: Final = "\r\n" if "\r\n" in text else "\n"
        self._text: Final = text
        found = re.search(r"[\[{][ \t]*\r?\n([ \t]+)\S", text)
        self.unit: Final = found.group(1) if found else _DEFAULT_INDENT

    def indent_at(self, position: int) -> str:
        """The white space with which the line of a position begins."""
        start = self._text.rfind("\n", 0, position) + 1
        found = _INDENT.match(self._text, start)
        return found.group() if found else ""

    def render(self, value: JsonValue, *, near: int, inline: bool) -> str:
        """A value for the line of a position, without the indentation of its first line."""
        if inline:
            return json.dumps(value, ensure_ascii=False)
        return self.render_under(value, indent=self.indent_at(near))

    def render_under(self, value: JsonValue, *, indent: str) -> str:
        """A value whose further lines begin with `indent`."""
        lines = json.dumps(value, ensure_ascii=False, indent=self.unit).split("\n")
        return (self.newline + indent).join(lines)


def _find(node: Node, step: Step) -> Entry | None:
    """The last entry of that key, as parsers have it."""
    entries = node.entries
    if entries is None or isinstance(node.value, dict) is not isinstance(step, str):
        wanted = "object" if isinstance(step, str) else "array"
        raise ValidationError(f"There is something else where an {wanted} was expected.")
    return next((one for one in reversed(entries) if one.key == step), None)


def _is_inline(text: str, node: Node) -> bool:
    """Whether a container stands on one line, other than as an empty one."""
    return bool(node.entries) and "\n" not in text[node.start : node.end]


def _insert(text: str, node: Node, step: Step, value: JsonValue, layout: _Layout) -> str:
    """Put a new entry behind the last one."""
    entries = node.entries or []
    head = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    closing = layout.indent_at(node.start)
    if _is_inline(text, node):
        rendered = head + json.dumps(value, ensure_ascii=False)
        return _append(text, entries[-1], f" {rendered}")
    indent = layout.indent_at(entries[-1].start) if entries else closing + layout.unit
    rendered = head + layout.render_under(value, indent=indent)
    line = f"{layout.newline}{indent}{rendered}"
    if entries:
        return _append(text, entries[-1], line)
    at = node.start + 1
    return text[:at] + line + layout.newline + closing + text[at:]


def _append(text: str, last: Entry, line: str) -> str:
    """Put `line` behind an entry and the comment on its line, with the commas that this takes."""
    found = _SAME_LINE.match(text, last.end)
    at = found.end() if found else last.end
    if last.comma is None:
        return text[: last.end] + "," + text[last.end : at] + line + text[at:]
    return text[:at] + line + "," + text[at:]


def _remove(text: str, node: Node, step: Step) -> str:
    """Take out the last entry of that key, with the white space and the comma that came with it."""
    entries = node.entries or []
    index = max(place for place, one in enumerate(entries) if one.key == step)
    entry = entries[index]
    layout = _Layout(text)
    start = _before(text, entry.start, layout)
    if len(entries) == 1:
        end = entry.end
        frame = layout.newline + layout.indent_at(node.start)
        if start == node.start + 1 and text.startswith(frame, end):
            end += len(frame)
        return text[:start] + text[end:]
    if entry.comma is None:  # the last one, and the one before it becomes the last
        comma = entries[index - 1].comma
        assert comma is not None  # noqa: S101 - two entries have a comma between them
        return text[:comma] + text[comma + 1 : start] + text[entry.end :]
    return text[:start] + text[entry.end :]


def _before(text: str, start: int, layout: _Layout) -> int:
    """Where the white space begins that was put before an entry."""
    own = layout.newline + layout.indent_at(start)
    if text.endswith(own, 0, start):
        return start - len(own)
    return start - 1 if start and text[start - 1] in " \t" else start


@dataclass(slots=True)
class _Reader:
    """Reads a document by descent; `at` is where it is."""

    text: str
    comments: bool
    at: int = field(default=0)

    def document(self) -> Node:
        start = self.at = 1 if self.text.startswith("\ufeff") else 0
        self._skip()
        if self.at == len(self.text):
            return Node(start, start, {}, [])
        node = self._value(depth=0)
        self._skip()
        if self.at < len(self.text):
            raise self._wrong()
        return node

    def _value(self, *, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ValidationError(f"It is nested more than {MAX_DEPTH} levels deep.")
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(depth=depth)
            case "[":
                return self._array(depth=depth)
            case '"':
                return self._scalar(_STRING)
            case _:
                return self._scalar(_WORD)

    def _scalar(self, pattern: re.Pattern[str]) -> Node:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self._wrong()
        try:
            value: JsonValue = json.loads(found.group(), parse_constant=_refuse)
        except ValueError:
            raise self._wrong() from None
        node = Node(self.at, found.end(), value)
        self.at = found.end()
        return node

    def _object(self, *, depth: int) -> Node:
        start = self.at
        entries: list[Entry] = []
        for _ in self._entries("}", entries):
            entry_start = self.at
            key = self._scalar(_STRING).value
            self._skip()
            self._expect(":")
            self._skip()
            entries.append(Entry(str(key), entry_start, self._value(depth=depth + 1)))
        value: JsonValue = {str(one.key): one.node.value for one in entries}
        return Node(start, self.at, value, entries)

    def _array(self, *, depth: int) -> Node:
        start = self.at
        entries: list[Entry] = []
        for index in self._entries("]", entries):
            entries.append(Entry(index, self.at, self._value(depth=depth + 1)))  # noqa: PERF401
        return Node(start, self.at, [one.node.value for one in entries], entries)

    def _entries(self, closing: str, entries: list[Entry]) -> Iterator[int]:
        """Stand before each entry in turn; whoever iterates reads it and adds it."""
        self.at += 1
        self._skip()
        while not self.text.startswith(closing, self.at):
            if entries and (entries[-1].comma is None):
                raise self._wrong()
            yield len(entries)
            self._skip()
            if self.text.startswith(",", self.at):
                entries[-1].comma = self.at
                self.at += 1
                self._skip()
        if entries and entries[-1].comma is not None and not self.comments:
            raise self._wrong()
        self.at += 1

    def _expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise self._wrong()
        self.at += 1

    def _skip(self) -> None:
        """Go on behind white space and comments."""
        while True:
            found = _BLANK.match(self.text, self.at)
            self.at = found.end() if found else self.at
            comment = _LINE_COMMENT.match(self.text, self.at) or _BLOCK_COMMENT.match(
                self.text, self.at
            )
            if comment is None:
                return
            if not self.comments:
                raise self._wrong()
            self.at = comment.end()

    def _wrong(self) -> ValidationError:
        line = self.text.count("\n", 0, self.at) + 1
        return ValidationError(f"It is no JSON: line {line} cannot be read.")


def _refuse(_: str) -> JsonValue:
    raise ValueError
