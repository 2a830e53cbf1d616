"""Patterns: what a person never wants stored, as texts with wildcards.

Owns their syntax and finding them. They are no regular expressions, whose cost nobody can bound: a
pattern is text in any case, where `#` is one digit, `?` one character, `*` up to 64 characters of
one word, and a backslash takes the meaning away. Invariant: masking takes time linear in the text
for each pattern, and is idempotent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MARK: Final = "[redacted: never stored]"
MAX_CHARS: Final = 200
MAX_STARS: Final = 8
MIN_LITERAL: Final = 3
"""A pattern with fewer characters of its own would hide whole texts."""
REACH: Final = 64
"""So much of a word a `*` covers."""

_MARKS: Final = re.compile(r"(\[redacted: [^\]\n]{1,40}\])")
_TOKEN: Final = re.compile(r"\\.|.", re.DOTALL)
_BLANK: Final = re.compile(r"\s")
_WILD: Final = {"?": r"[^\n]", "#": "[0-9]"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready to search with: its parts between the `*`."""

    parts: tuple[re.Pattern[str], ...]
    open_start: bool
    open_end: bool


def complaint(text: str) -> str:
    """Why this is no pattern, as the end of a sentence; empty when it is one."""
    if len(text) > MAX_CHARS:
        return f"has {len(text)} characters; at most {MAX_CHARS} are read"
    if "\n" in text or "\r" in text:
        return "has more than one line"
    if text.count("*") > MAX_STARS:
        return f"has more than {MAX_STARS} `*`"
    literal = [one[-1] for one in _TOKEN.findall(text) if one not in ("*", "?", "#", "\\")]
    if sum(not char.isspace() for char in literal) < MIN_LITERAL:
        return f"has fewer than {MIN_LITERAL} characters beside wildcards and would hide too much"
    return ""


def compile_pattern(text: str) -> Pattern:
    """A pattern that `complaint` has nothing against."""
    parts: list[str] = [""]
    for char in _TOKEN.findall(text.strip()):
        if char == "*":
            parts.append("")
        else:
            parts[-1] += _WILD.get(char, re.escape(char[-1]))
    return Pattern(
        parts=tuple(re.compile(part, re.IGNORECASE) for part in parts if part),
        open_start=not parts[0],
        open_end=not parts[-1],
    )


def mask(text: str, patterns: Iterable[Pattern]) -> tuple[str, int]:
    """Put the mark in the place of all that a pattern matches; also say how many."""
    total = 0
    for pattern in patterns:
        pieces = _MARKS.split(text)
        for place in range(0, len(pieces), 2):  # what stands between is masked already
            pieces[place], found = _mask(pieces[place], pattern)
            total += found
        text = "".join(pieces)
    return text, total


def _mask(text: str, pattern: Pattern) -> tuple[str, int]:
    kept, at, found = [""], 0, 0
    while (span := _find(text, pattern, at)) is not None:
        start, end = span
        kept += (text[at : max(at, start)], MARK)
        at, found = max(end, at), found + 1
    return "".join(kept) + text[at:], found


def _find(text: str, pattern: Pattern, at: int) -> tuple[int, int] | None:
    """The next match from a place on."""
    first, *rest = pattern.parts
    while (match := first.search(text, at)) is not None:
        end = _follow(text, rest, match.end())
        if end is not None:
            start = _word_start(text, match.start()) if pattern.open_start else match.start()
            return start, _word_end(text, end) if pattern.open_end else end
        at = match.start() + 1
    return None


def _follow(text: str, rest: Iterable[re.Pattern[str]], end: int) -> int | None:
    """Where the last part ends, each beginning within the word in which the one before ended."""
    for part in rest:
        word_end = _word_end(text, end)
        match = part.search(text, end, word_end + MAX_CHARS)
        if match is None or match.start() > word_end:
            return None
        end = match.end()
    return end


def _word_end(text: str, at: int) -> int:
    blank = _BLANK.search(text, at, at + REACH)
    return blank.start() if blank else min(len(text), at + REACH)


def _word_start(text: str, at: int) -> int:
    first = max(0, at - REACH)
    blanks = [match.end() for match in _BLANK.finditer(text, first, at)]
    return blanks[-1] if blanks else first
