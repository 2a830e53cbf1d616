"""WordPiece: the BERT uncased tokenizer.

Owns the way from text to token ids, not the special tokens that a model wants around them.
Invariant: a chunk of text without blanks gives the same ids wherever it stands, which is why chunks
can be cached.

The rules are those of BERT's `tokenization.py` as the `tokenizers` library applies them: drop
control characters, split at blanks, isolate CJK characters and punctuation, strip accents, lower
the case, then take the longest known piece from the left. Two differences: `[CLS]` and its like in
a text are plain text, and characters newer than Unicode 8 have the category that Python knows.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

UNKNOWN: Final = "[UNK]"
LONGEST_WORD: Final = 100
"""A longer word is unknown as a whole."""
CACHED_CHUNKS: Final = 8192
LONGEST_CACHED_CHUNK: Final = 32
"""With the count above, keeps the cache below 2 MB; longer chunks hardly ever come twice."""

# The blanks of Unicode without those that are control characters: `str.split` would also split at
# U+000B, U+001C or U+0085, which BERT drops.
_CHUNK: Final = re.compile("[^\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_WORD: Final = re.compile(r"\S+")
_CJK_RANGES: Final = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """A vocabulary and the way to cut text into its pieces. Thread-safe."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids: Final = {token: index for index, token in enumerate(vocabulary)}
        self._unknown_id: Final = self._ids[UNKNOWN]
        self._longest_piece: Final = max(map(len, vocabulary))
        self._cached: Final = lru_cache(maxsize=CACHED_CHUNKS)(self._cut_chunk)

    def id_of(self, token: str) -> int:
        """The id of a token of the vocabulary. Raises KeyError for any other."""
        return self._ids[token]

    def cut(self, text: str, *, limit: int) -> list[int]:
        """The ids of the text's first `limit` pieces; an unknown word is one `[UNK]`."""
        ids: list[int] = []
        for match in _CHUNK.finditer(text):
            chunk = match.group()
            cut = self._cached if len(chunk) <= LONGEST_CACHED_CHUNK else self._cut_chunk
            ids += cut(chunk)
            if len(ids) >= limit:
                break
        return ids[:limit]

    def _cut_chunk(self, chunk: str) -> tuple[int, ...]:
        return tuple(index for word in _words(chunk) for index in self._cut_word(word))

    def _cut_word(self, word: str) -> Iterable[int]:
        """Greedy: the longest known piece first; a word with an unknown rest is unknown."""
        if len(word) > LONGEST_WORD:
            return (self._unknown_id,)
        ids: list[int] = []
        start = 0
        while start < len(word):
            piece = self._longest_known(word, start)
            if not piece:
                return (self._unknown_id,)
            ids.append(self._ids[piece])
            start += len(piece) - (2 if start else 0)
        return ids

    def _longest_known(self, word: str, start: int) -> str:
        prefix = "##" if start else ""
        for end in range(min(len(word), start + self._longest_piece), start, -1):
            if (piece := prefix + word[start:end]) in self._ids:
                return piece
        return ""


def _words(chunk: str) -> Iterator[str]:
    """The words and single marks of a chunk, folded."""
    for match in _WORD.finditer("".join(map(_fold, chunk))):
        yield match.group()


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """One character in lower case without accents; between blanks if it is a word of its own.

    Characters are folded one by one, so that a final sigma is the plain one. What BERT drops gives
    the empty string.
    """
    if _is_dropped(character):
        return ""
    bare = "".join(
        f" {part} " if _is_punctuation(part) else part.lower()
        for part in unicodedata.normalize("NFD", character)
        if unicodedata.category(part) != "Mn"
    )
    return f" {bare} " if _is_cjk(character) else bare


def _is_dropped(character: str) -> bool:
    """Control, format, private and surrogate characters, and the mark of undecodable bytes."""
    return character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}


def _is_punctuation(character: str) -> bool:
    """Unicode's punctuation, and every mark in ASCII ($, +, < and their like are symbols there)."""
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P")


def _is_cjk(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CJK_RANGES)
