"""How a verbatim quote is shortened and shown on one line.

Owns cutting and display. Does not choose what to quote. Invariant: `cut` returns a prefix of its
argument, so a quote stays an exact substring of its event.
"""

import re
import unicodedata
from typing import Final

from elephantasm_mcp.synthesis.words import FUNCTION, count_words

_CLAUSE_END: Final = re.compile(
    r"[,;:](?=\s)|\s(?=[-–—]\s)|[，；、：]|\s(?=(?:and|but|because|so|which|who|while|when|since)\s)"
)
_LAST_WORD: Final = re.compile(r"([^\W_][\w'’\-]*)[^\w]*$")
_TRAILING: Final = " \t\r\n,;:-–—，；、："
_MIN_CLAUSE_SHARE: Final = 0.5
_MAX_CHARS_PER_WORD: Final = 12
_HIDDEN: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_DIRECTION: Final = frozenset(
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
ELLIPSIS: Final = "…"


def cut(text: str, *, max_words: int) -> str:
    """The longest good prefix of at most `max_words` words.

    It ends with a clause where one ends in the second half of what fits, else with a word that
    does not leave an article hanging.
    """
    max_chars = max_words * _MAX_CHARS_PER_WORD
    if count_words(text) <= max_words and len(text) <= max_chars:
        return text
    window = _word_prefix(text[: max_chars + 1], max_words=max_words, max_chars=max_chars)
    ends = [match.start() for match in _CLAUSE_END.finditer(window)]
    if ends and ends[-1] >= _MIN_CLAUSE_SHARE * len(window):
        return window[: ends[-1]].rstrip(_TRAILING)
    return _without_hanging_words(window)


def one_line(text: str) -> str:
    """White space as single spaces, control and direction characters and bold marks removed."""
    spaced = " ".join(text.replace("**", "").split())
    if spaced.isascii() and spaced.isprintable():
        return spaced
    return "".join(char for char in spaced if _is_shown(char))


def _is_shown(char: str) -> bool:
    return char not in _DIRECTION and unicodedata.category(char) not in _HIDDEN


def _word_prefix(text: str, *, max_words: int, max_chars: int) -> str:
    """A prefix within both limits that ends at white space, or at any CJK character."""
    while text and (count_words(text) > max_words or len(text) > max_chars):
        shorter = text[: max(0, len(text) - 1 - len(text) // 16)]
        space = max(shorter.rfind(" "), shorter.rfind("\n"))
        text = shorter[:space] if space > len(shorter) // 2 else shorter
    return text.rstrip()


def _without_hanging_words(text: str) -> str:
    """Drop trailing function words ("went to the"), unless nothing else would be left."""
    kept = text.rstrip(_TRAILING)
    while (match := _LAST_WORD.search(kept[-60:])) and match[1].lower() in FUNCTION:
        shorter = kept[: len(kept) - len(match[0])].rstrip(_TRAILING)
        if not shorter:
            return text
        kept = shorter
    return kept
