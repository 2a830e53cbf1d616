"""JSON lines: one event a line, with the fields of `extract_event`.

Owns reading lines that may be anything. Invariant: a line that is no event is named by its number
and keeps no other one out; no line is held that is longer than the largest event can be.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from elephantasm_mcp.memory.formats.items import Item, Rejected, key, mend, parse
from elephantasm_mcp.memory.formats.parts import Part

MAX_LINE_BYTES: Final = 8_000_000
"""The largest event there may be, 1 MB of content, with every character escaped as `\\u0000`."""


def read_jsonl(part: Part) -> Iterator[Item]:
    """One event for each line that holds a JSON object; positions are bytes.

    Blank lines are passed over, bytes that are no UTF-8 become U+FFFD. A line without `dedupe_key`
    gets one: of what it says, who said it and when; of its number too where it does not say when.
    """
    for place, position, fields in read_objects(part):
        if isinstance(fields, Rejected):
            yield fields
            continue
        given = {name: value for name, value in fields.items() if value is not None}
        if not str(given.get("dedupe_key", "")).strip():
            given["dedupe_key"] = _key(given, place)
        session = given.get("session_id")
        group = (session,) if isinstance(session, str) else ()
        yield parse(given, place=place, position=position, group=group)


def read_objects(part: Part) -> Iterator[tuple[str, int, dict[str, Any] | Rejected]]:
    """Each line that is not blank: its place, the position after it, and its JSON object.

    What the object holds is mended; what is no object is rejected.
    """
    position, number = part.start, 0
    while line := part.file.readline(MAX_LINE_BYTES):
        number += 1
        position += len(line)
        place = part.place(f"line {number}")
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            position += _skip_line(part.file)
            too_long = f"It is longer than {MAX_LINE_BYTES:,} bytes."
            yield place, position, Rejected(place, position, too_long)
        elif text := line.decode("utf-8", "replace").strip("\ufeff \t\r\n"):
            yield place, position, _object(text, place=place, position=position)


def _object(text: str, *, place: str, position: int) -> dict[str, Any] | Rejected:
    try:
        fields = _decoder.decode(text)
    except (ValueError, RecursionError):
        return Rejected(place, position, "It is not JSON.")
    if not isinstance(fields, dict):
        return Rejected(place, position, 'It is no JSON object, such as {"content": "Hello."}.')
    # only an escape can bring in what has to be mended
    return mend(fields) if "\\u" in text or not text.isprintable() else fields


def _key(fields: dict[str, Any], place: str) -> str:
    names = ("anima", "event_type", "content", "author", "session_id", "occurred_at")
    parts = [fields.get(name, "") for name in names]
    return key("line", *parts, "" if "occurred_at" in fields else place)


def _skip_line(file: BinaryIO) -> int:
    """Read on to the end of the line, and say how many bytes that was."""
    skipped = 0
    while rest := file.readline(MAX_LINE_BYTES):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


_decoder: Final = json.JSONDecoder(parse_constant=_refuse_constant)
"""One for all lines: making it takes as long as reading one."""
