"""TOML as text: a table that is put in or taken out, and every other byte as it was.

Owns where the statements of a document (TOML 1.0) begin and end. Values are read by the standard
library. Invariant: what was put in by `put` is taken out by `take_out` to the byte.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elephantasm_mcp.clients.json_text import JsonValue
from elephantasm_mcp.errors import ValidationError

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]',
    re.DOTALL,
)
"""What decides where a statement ends: strings, comments, brackets, line ends."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """A line with a header, an assignment of any length, or a line without either.

    `end` is before its line end.
    """

    start: int
    end: int
    text: str

    @property
    def header(self) -> tuple[str, ...] | None:
        """The table that it begins; None of an assignment."""
        if not self.text.startswith("["):
            return None
        return tuple(_keys_of(tomllib.loads(self.text)))

    @property
    def says_something(self) -> bool:
        return bool(self.text) and not self.text.startswith("#")


def read(text: str) -> dict[str, Any]:
    """The values of the document.

    Raises:
        ValidationError: it is no TOML.
    """
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ValidationError(f"It is no TOML: {error}.") from None
    except RecursionError:
        raise ValidationError("It is nested too deeply.") from None


def put(text: str, path: Sequence[str], value: dict[str, JsonValue]) -> str:
    """The text with the table `path` of these values, at the end or where it stood.

    Raises:
        ValidationError: it is no TOML, or the table stands in a form that is not changed here.
    """
    if _at(read(text), path) == value:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(_lines(path, value))
    spans = _spans(text, path)
    if spans:
        start, end = spans[0]
        rest = [_with_gap(text, *span) for span in spans[1:]]
        made = text[:start] + block + _cut(text[end:], [(a - end, b - end) for a, b in rest])
    elif not text:
        made = block + newline
    elif text.endswith("\n"):
        made = text + newline + block + newline
    else:
        made = text + newline + newline + block
    if _at(_parsed(made), path) != value:
        raise _unusual(path)
    return made


def take_out(text: str, path: Sequence[str]) -> str:
    """The text without the table `path` and the tables in it; the same if it is not there.

    Raises:
        ValidationError: it is no TOML, or the table stands in a form that is not changed here.
    """
    if _at(read(text), path) is None:
        return text
    spans = _spans(text, path)
    made = _cut(text, [_with_gap(text, start, end) for start, end in spans])
    if not spans or _at(_parsed(made), path) is not None:
        raise _unusual(path)
    return made


def at(text: str, path: Sequence[str]) -> JsonValue:
    """The value at `path`; None if there is none.

    Raises:
        ValidationError: it is no TOML.
    """
    return _at(read(text), path)


def _at(values: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - what TOML holds
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return None
        values = values[key]
    return values


def _parsed(text: str) -> dict[str, Any]:
    try:
        return read(text)
    except ValidationError:
        return {}


def _unusual(path: Sequence[str]) -> ValidationError:
    return ValidationError(
        f"{'.'.join(path)} is not written as a table of its own there, and is left as it is."
    )


def _lines(path: Sequence[str], value: dict[str, JsonValue]) -> Iterator[str]:
    yield f"[{'.'.join(map(_key, path))}]"
    for key, one in value.items():
        yield f"{_key(key)} = {_render(one)}"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _render(value: JsonValue) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_render(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_render, value))}]"
    return json.dumps(value).replace("\x7f", "\\u007f")  # JSON's strings are TOML's, but for this


def _spans(text: str, path: Sequence[str]) -> list[tuple[int, int]]:
    """From each header of the table, or of one in it, to behind its last assignment."""
    spans: list[tuple[int, int]] = []
    inside = False
    for one in _statements(text):
        if (header := one.header) is not None:
            inside = header[: len(path)] == tuple(path)
            if inside:
                spans.append((one.start, one.end))
        elif inside and one.says_something:
            spans[-1] = (spans[-1][0], one.end)
    return spans


def _with_gap(text: str, start: int, end: int) -> tuple[int, int]:
    """The span with the line end behind it and the empty line before it, as `put` made them."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if text.startswith(newline, end):
        end += len(newline)
        gap = newline if text.endswith(newline * 2, 0, start) else ""
    else:
        gap = newline * 2 if text.endswith(newline * 2, 0, start) else ""
    return start - len(gap), end


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


def _statements(text: str) -> Iterator[_Statement]:
    """The statements of a document that is known to be TOML; their `end` is before the line end."""
    start = depth = 0
    for found in _TOKEN.finditer(text):
        mark = found.group()
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "\n" and not depth:
            yield _statement(text, start, found.start())
            start = found.end()
    yield _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> _Statement:
    if text.endswith("\r", start, end):
        end -= 1
    return _Statement(start, end, text[start:end].lstrip("\ufeff").strip(" \t"))


def _keys_of(table: Any) -> Iterator[str]:  # noqa: ANN401 - what TOML holds
    """The keys of a header, which is a document of one table."""
    while table:
        if isinstance(table, list):
            table = table[0]
        else:
            key, table = next(iter(table.items()))
            yield key
