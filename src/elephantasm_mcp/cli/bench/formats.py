"""Formats: from a benchmark's file to its conversations.

Owns which formats there are and how a file's is told; what is in one is its own module's. Reads a
list item by item, so that a file of gigabytes needs the memory of its largest item. Invariant: a
file that is none of these formats is refused, never half understood.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from io import TextIOBase
from itertools import chain
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.cli.bench import beam, locomo, longmemeval
from elephantasm_mcp.cli.bench.conversations import (
    Asked,
    Conversation,
    FormatError,
    Turn,
    make_conversation,
)
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory.formats.bench import BenchConversation

CHUNK_CHARS: Final = 1 << 20
OURS: Final = (
    '{"name": …, "conversations": [{"id", "turns": [{"id", "session", "author", "time", "text"}], '
    '"questions": [{"id", "text", "category", "gold"}]}]}'
)
EXPECTED: Final = (
    f"Expected: {locomo.EXPECTED}; {longmemeval.EXPECTED}; {beam.EXPECTED}; or {OURS}."
)


_DECODER: Final = json.JSONDecoder()
T = TypeVar("T")


class _Question(BaseModel):
    id: str
    text: str
    category: str
    gold: list[str]


class _Conversation(BenchConversation):
    questions: list[_Question]


class _File(BaseModel):
    name: str | None = None
    conversations: list[_Conversation]


def read_file(path: Path) -> Iterator[Conversation]:
    """The conversations of one file.

    Raises:
        ValidationError: it cannot be read, is no JSON, or has none of the formats.
    """
    try:
        yield from _read(path)
    except OSError as error:
        raise ValidationError(f"{path} cannot be read.", hint="Name a file.") from error
    except FormatError as error:
        raise _refusal(path, str(error)) from error


def _read(path: Path) -> Iterator[Conversation]:
    items = read_items(path)
    first = next(items, None)
    items = chain([first], items)
    if isinstance(first, dict) and "conversations" in first:
        yield from _read_ours(first, name=path.name)
    elif beam.is_batch(first):
        yield _read_chat(path, list(items))
    else:
        read = _reader_for(first, path)
        for number, item in enumerate(items, start=1):
            yield _checked(partial(read, item), place=f"item {number}")


def _reader_for(item: object, path: Path) -> Callable[[object], Conversation]:
    """What reads the items of a file, told by the first one."""
    for matches, read, name in (
        (locomo.matches, locomo.read, locomo.NAME),
        (longmemeval.matches, longmemeval.read, longmemeval.NAME),
        (beam.is_row, beam.read_row, beam.NAME),
    ):
        if matches(item):
            return partial(read, benchmark=f"{name} ({path.name})")
    if beam.is_probes(item):
        raise FormatError("these are questions of BEAM; name the chat.json that they belong to")
    raise FormatError


def _checked(read: Callable[[], T], *, place: str) -> T:
    """What `read` reads.

    Raises:
        FormatError: it cannot; says where.
    """
    try:
        return read()
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from error
    except PydanticValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "it"
        wrong = "is missing" if first["type"] == "missing" else "is not of the right kind"
        raise FormatError(f"{place}: `{field}` {wrong}") from None


def _read_ours(item: object, *, name: str) -> Iterator[Conversation]:
    file = _checked(partial(_File.model_validate, item), place="the file")
    for one in file.conversations:
        yield make_conversation(
            one.id,
            benchmark=file.name or name,
            turns=[Turn(t.id, t.session, t.author, t.time, t.text) for t in one.turns],
            asked=[Asked(q.id, q.text, q.category, q.gold) for q in one.questions],
        )


def _read_chat(path: Path, batches: list[object]) -> Conversation:
    """A chat of BEAM; the chats of a run are one benchmark, so that they share a table."""
    questions = beam.questions_of(path)
    if questions is None:
        raise ValidationError(
            f"{path} is a chat of BEAM, and its questions are not beside it.",
            hint=f"Expected: {path.parent / beam.QUESTION_FILES[0]}.",
        )
    probes = next(read_items(questions), None)
    folder = path.absolute().parent
    read = partial(
        beam.read, batches, probes, id_=f"{folder.parent.name}/{folder.name}", benchmark=beam.NAME
    )
    return _checked(read, place="the chat or its questions")


def read_items(path: Path) -> Iterator[object]:
    """The items of a file that is one list, else the values that follow each other (JSON lines).

    Raises:
        ValidationError: it is empty, or no JSON.
        OSError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Items(file)
    except EOFError:
        raise ValidationError(f"{path} is empty.", hint=EXPECTED) from None
    except (ValueError, RecursionError) as error:
        if path.suffix == ".parquet":
            hint = "Save a Parquet file as JSON first, such as with `to_json` of `datasets`."
        else:
            hint = "Was it downloaded whole?"
        raise ValidationError(f"{path} is no JSON.", hint=hint) from error


class _Items:
    """The values of a text, parsed one at a time from a window that grows until one fits."""

    def __init__(self, file: TextIOBase) -> None:
        self._file = file
        self._window = ""
        self._place = 0

    def __iter__(self) -> Iterator[object]:
        match self._next():
            case "":
                raise EOFError
            case "[":
                yield from self._list()
            case _:
                while self._next():
                    yield self._parse()

    def _list(self) -> Iterator[object]:
        self._place += 1
        while self._next() != "]":
            yield self._parse()
            if self._next() == ",":
                self._place += 1
            elif self._next() != "]":
                self._refuse()
        self._place += 1
        if self._next():
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise json.JSONDecodeError("unexpected", self._window, self._place)

    def _next(self) -> str:
        """The next character that is not blank, unread; nothing at the end."""
        while True:
            while self._window[self._place : self._place + 1].isspace():
                self._place += 1
            if self._place < len(self._window) or not self._grow():
                return self._window[self._place : self._place + 1]

    def _parse(self) -> object:
        while True:
            try:
                value, self._place = _DECODER.raw_decode(self._window, self._place)
            except json.JSONDecodeError:
                if not self._grow():
                    raise
            else:
                return value

    def _grow(self) -> bool:
        """Forget what is parsed and read on, at least as much as is left: parsing stays linear."""
        self._window = self._window[self._place :]
        self._place = 0
        more = self._file.read(max(CHUNK_CHARS, len(self._window)))
        self._window += more
        return bool(more)


def _refusal(path: Path, what: str) -> ValidationError:
    said = f": {what}" if what else ""
    return ValidationError(f"{path} is no file of a known benchmark{said}.", hint=EXPECTED)
