"""Arrays: the objects of one large JSON array, read one by one.

Owns how a JSON file is streamed: json's own decoder, over a window of the text. (ijson keeps a path
for each level, so that a few MB of brackets take all memory; this decoder gives up after a thousand
levels, and is faster.) Invariant: no more is held than one object, which takes at most
`MAX_OBJECT_BYTES`, and one chunk.
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, TypeAlias

from elephantasm_mcp.memory.formats.items import Rejected, mend
from elephantasm_mcp.memory.formats.parts import Part

MAX_OBJECT_BYTES: Final = 256 << 20
"""A chat of 20,000 turns takes 40 MB; what has no end in sight is no chat."""
_CHUNK_BYTES: Final = 1 << 20
_ESCAPE_CHARS: Final = len("\\ud83d\\ude00")
_BEGUN: Final = ("true", "false", "null", "NaN", "Infinity", "-Infinity", ".", "e-", "e+")
"""What a value may begin with, or a number go on with."""
_BLANKS: Final = " \t\r\n"
Found: TypeAlias = tuple[str, int, dict[str, Any] | Rejected]


def read_array(part: Part, *, name: str, keys: tuple[str, ...] = ()) -> Iterator[Found]:
    """Each object of an array: its place (`conversation 3`), the position after it, and itself.

    The array is the whole document, or stands under one of the `keys` of the outermost object. A
    file that breaks off or goes on as something else gives what is whole, and then what is wrong.
    """
    window = _Window(part.file)
    number = 0
    try:
        window.enter(keys)
        for value in window.values():
            number += 1
            place, position = part.place(f"{name} {number}"), part.start + window.read_bytes
            if isinstance(value, dict):
                yield place, position, mend(value)
            else:
                yield place, position, Rejected(place, position, "It is no JSON object.")
    except _UnreadableError as error:
        place, position = part.place(f"{name} {number + 1}"), part.start + window.read_bytes
        yield place, position, Rejected(place, position, str(error))


class _UnreadableError(Exception):
    """Why reading ends here."""


class _Window:
    """The part of a JSON text that is held."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False
        self.read_bytes = 0

    def enter(self, keys: tuple[str, ...]) -> None:
        """Go to behind the bracket that opens the array.

        Raises:
            _UnreadableError: there is none.
        """
        if self._taken("["):
            return
        if not keys or not self._taken("{"):
            raise _UnreadableError("It is no JSON array." if self._next() else "The file is empty.")
        while not self._taken("}"):
            key = self._value()
            self._expect(":")
            if key in keys and self._taken("["):
                return
            self._value()
            if not self._taken(","):
                self._expect("}")
                break
        named = " or ".join(f"`{key}`" for key in keys)
        raise _UnreadableError(f"It has no array {named}.")

    def values(self) -> Iterator[object]:
        """The values up to the bracket that closes the array.

        Raises:
            _UnreadableError: it is not closed, or something else comes.
        """
        if self._taken("]"):
            return
        while True:
            yield self._value()
            if self._taken("]"):
                return
            self._expect(",")

    def _value(self) -> object:
        self._next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not _may_go_on(error):
                    raise _UnreadableError("From here on the file is not JSON.") from None
                if not self._more():
                    raise _UnreadableError("The file breaks off in the middle of it.") from None
            except (RecursionError, ValueError):
                raise _UnreadableError(
                    "It is nested, or a number is long, beyond reason."
                ) from None
            else:
                # a number at the end of the window may have more digits: then it is read again
                if end < len(self._text) or not isinstance(value, int | float) or not self._more():
                    self._at = end
                    return value

    def _taken(self, char: str) -> bool:
        """Whether that character comes next; then it is behind us."""
        if self._next() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        following = self._next()
        if following != char:
            raise _UnreadableError(
                "From here on the file is not JSON." if following else "The file breaks off here."
            )
        self._at += 1

    def _next(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Take in more of the file, at least as much again as is held; False at its end."""
        if self._ended:
            return False
        held = len(self._text) - self._at
        if held > MAX_OBJECT_BYTES:
            raise _UnreadableError(f"It is larger than {MAX_OBJECT_BYTES:,} bytes.")
        data = self._file.read(max(_CHUNK_BYTES, held))
        self._ended = not data
        self.read_bytes += len(data)
        self._text = self._text[self._at :] + self._decode(data, self._ended)
        self._at = 0
        return True


def _may_go_on(error: json.JSONDecodeError) -> bool:
    """Whether what is wrong may be that the rest is not there yet."""
    rest = error.doc[error.pos : error.pos + _ESCAPE_CHARS]
    if error.msg.startswith("Unterminated string"):
        return True
    if error.msg.startswith("Expecting"):
        return not rest.strip() or any(one.startswith(rest.replace("E", "e")) for one in _BEGUN)
    return len(rest) < _ESCAPE_CHARS
