"""Conversations of a recall benchmark: one JSON document, each conversation in an anima of its id.

Owns its form. Invariant: a turn's id is its `dedupe_key`, so that a second import adds nothing.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory.formats.items import Parsed, mend, parse
from elephantasm_mcp.pure.complaints import rejected
from elephantasm_mcp.types.records import EventType, GivenDatetime

_FORM: Final = (
    'It looks like {"conversations": [{"id": "c1", "turns": [{"id": "1", "session": "1", '
    '"author": "user", "time": "2026-03-02T10:00:00Z", "text": "Hello."}]}]}.'
)
_TYPES: Final = {"user": EventType.MESSAGE_IN, "assistant": EventType.MESSAGE_OUT}


class BenchTurn(BaseModel):
    """One thing that somebody said."""

    id: str
    session: str | None = None
    author: str
    time: GivenDatetime
    text: str


class BenchConversation(BaseModel):
    """A conversation of several sessions."""

    id: str
    turns: list[BenchTurn]


class _BenchFile(BaseModel):
    conversations: list[BenchConversation]


def read_bench(text: bytes, *, only: str | None = None) -> list[BenchConversation]:
    """The conversations of a benchmark file, or the one of that id.

    Raises:
        ValidationError: the file has another form.
        NotFoundError: it has no conversation of that id.
    """
    try:
        found = _BenchFile.model_validate(json.loads(text)).conversations
    except PydanticValidationError as error:
        raise rejected(error, owner="bench", schema=_BenchFile.model_json_schema()) from None
    except (ValueError, RecursionError):
        raise ValidationError("The file is not JSON.", hint=_FORM) from None
    if only is None:
        return found
    chosen = [one for one in found if one.id == only]
    if not chosen:
        known = ", ".join(one.id for one in found)
        raise NotFoundError(f"The file has no conversation {only!r}.", hint=f"It has: {known}.")
    return chosen


def bench_events(
    conversations: Iterable[BenchConversation], *, anima: str | None = None
) -> Iterator[Parsed]:
    """One event for each turn; positions are turns.

    Each conversation goes to the anima of its id, or all of them to `anima`.
    """
    position = 0
    for conversation in conversations:
        for turn in conversation.turns:
            position += 1
            place = f"turn {turn.id} of {conversation.id}"
            fields = mend(_turn_fields(turn) | {"anima": anima or conversation.id})
            yield parse(fields, place=place, position=position)


def _turn_fields(turn: BenchTurn) -> dict[str, Any]:
    role = turn.author if turn.author in _TYPES else None
    return {
        "event_type": _TYPES.get(turn.author, EventType.MESSAGE_IN),
        "content": turn.text,
        "role": role,
        "author": None if role else turn.author,
        "session_id": turn.session,
        "occurred_at": turn.time,
        "meta": {"turn": turn.id},
        "dedupe_key": turn.id,
    }
