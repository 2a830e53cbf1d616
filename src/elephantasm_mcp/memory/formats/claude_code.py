"""Claude Code's transcripts: the files below `~/.claude/projects`, one session each.

What a line says is read by `pure/transcripts.py`, as it is for hooks, with the same keys: what a
hook captured is not stored again. Owns where each thing stands in a file, and whose project it is.
Invariant: a line that is no conversation is counted and left out; one that is no JSON is named.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from elephantasm_mcp.memory.formats.items import Candidate, Item, Passed, Rejected, found
from elephantasm_mcp.memory.formats.parts import Part
from elephantasm_mcp.pure.redaction import redact
from elephantasm_mcp.pure.transcripts import SOURCE, Said, read_lines

MAX_LINE_BYTES: Final = 64 << 20
"""A line may hold a picture or a whole file that a tool read."""
_ASIDE: Final = "lines of the transcript that are no conversation"


def read_claude_code(part: Part) -> Iterator[Item]:
    """What was said in a session; positions are bytes."""
    own_calls: set[str] = set()
    folders: dict[str | None, str] = {}
    group: tuple[str, ...] = ()
    # where each session began: it stays in that project when the agent goes elsewhere
    position, number, masked = part.start, 0, 0

    def mask(text: str) -> tuple[str, int]:
        nonlocal masked
        text, found = redact(text)
        masked += found
        return text, found

    while line := part.file.readline(MAX_LINE_BYTES):
        number += 1
        position += len(line)
        place = part.place(f"line {number}")
        silent = True
        for one in read_lines([line], mask=mask, own_calls=own_calls):
            silent = False
            if one.folder and Path(one.folder).is_absolute():  # of no use here, else
                folders.setdefault(one.session_id, one.folder)
            folder = folders.get(one.session_id)
            group = tuple(filter(None, (folder, one.session_id)))
            event = _event(one, place=place, position=position, group=group, folder=folder)
            if masked and isinstance(event, Candidate):
                event = replace(event, redactions=masked)
            yield event
            masked = 0
        if silent and line.strip():
            yield _silent(line, place=place, position=position, group=group)


def _event(
    one: Said, *, place: str, position: int, group: tuple[str, ...], folder: str | None
) -> Item:
    notes = {"tool": one.tool, "failed": one.failed}
    fields = {
        "content": one.content,
        "event_type": one.event_type,
        "session_id": one.session_id,
        "occurred_at": one.at,
        "meta": {"client": SOURCE} | {name: note for name, note in notes.items() if note},
        "dedupe_key": one.key,
    }
    return found(fields, place=place, position=position, group=group, folder=folder)


def _silent(line: bytes, *, place: str, position: int, group: tuple[str, ...]) -> Item:
    """Why nothing was read in a line; it is part of what was said last in its file."""
    try:
        is_object = isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        if not line.endswith(b"\n"):
            reason = "It breaks off. Import the file again once the session is over."
            return Rejected(place, position, reason, group)
        return Rejected(place, position, "It is not JSON.", group)
    if not is_object:
        reason = "It is no JSON object, as the lines of transcripts are."
        return Rejected(place, position, reason, group)
    return Passed(place, position, _ASIDE)
