"""Prose of a message as sentences, with what is not prose left out.

Owns the reading of markdown, code, tables, JSON and stack traces (skipped), of sentence ends
(Latin and CJK) and of the clauses that assert something in a sentence. Does not judge meaning.
Invariant: every text returned is an exact substring of what was read, at the offset given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from elephantasm_mcp.synthesis.words import word_set

MAX_SENTENCE_CHARS: Final = 2000
"""Longer runs without a sentence end are no prose."""
MAX_TOKEN_CHARS: Final = 80
MAX_LINE_CHARS: Final = 400
"""How much of a line is looked at to tell code from prose."""
_HARD_WRAP_CHARS: Final = 60
_MIN_LETTER_SHARE: Final = 0.75
_SPLIT_WORDS: Final = 24

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_TWO_LETTERS: Final = re.compile(r"[^\W\d_][\s\S]*[^\W\d_]")
_FENCE: Final = re.compile(r"\s{0,12}(?:```|~~~)")
_MARKUP: Final = re.compile(
    r"\s*(?:#{1,6}\s|\||>|<[/!a-zA-Z]|[-*_=~]{3,}\s*$|\\[\[(]|\$\$|\\begin|\[\^?\d+\]:)"
)
_CODE: Final = re.compile(
    r"\s*(?:(?:def|class|import|const|let|var|function|public|private|static|async|elif|fn|func)\s"
    r"|from\s\S+\simport\s|return\b.*[;()\[\]{}]|@\w+|\$\s|>>>|\.\.\.\s|//|/\*|#include"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s[^a-z]{3}"
    r"|Traceback \(|File \"|at\s[\w$.<>]{1,100}\(|(?:GET|POST|PUT|PATCH)\s/"
    r"|(?:pip|npm|apt|brew|docker|git|curl|sudo|cd|python3?)\s[\w\-./]+(?:\s\S+){0,6}\s*$)"
)
_CODE_END: Final = re.compile(r"[{};\\]\s*$|\)\s*:\s*$|^\s*[\]})]|=>|->|\w\(\)\s*$|==|!=|\+=")
_BULLET: Final = re.compile(r"\s*(?:[-*+•▪◦]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
_END: Final = re.compile(
    r"[.!?…]{1,8}[\"'”’)\]*_]{0,4}(?=\s|$)|[。！？]{1,8}[」』”’）]{0,3}"
    r"|(?<=[^\s.!?])\s(?=\([a-z][^()\n]{0,400}\)[.!?]?\s*(?:\n|$))"  # "… (shares a photo)"
)
_ABBREVIATIONS: Final = word_set(
    "mr mrs ms dr prof st vs e.g i.e jr sr cf al approx dept fig gen sgt rev mt ave"
)
_NUMBERED: Final = frozenset({"no", "nr", "vol", "p", "pp", "art", "sec", "ch"})
_INITIALS: Final = re.compile(r"(?:[a-z]\.)*[a-z]")
_LAST_TOKEN: Final = re.compile(r"(\S{1,12})$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or clause: `text` stands at `start`; `whole` unless more of it follows there."""

    start: int
    text: str
    whole: bool = True


def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of the prose in `text`, in order. Linear in its length."""
    return tuple(
        sentence
        for start, end in _blocks(text)
        for sentence in _split(text, start, end)
        if _is_prose(sentence.text)
    )


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs of prose as (start, end): one list item or line each, hard wraps joined."""
    open_block: tuple[int, int] | None = None
    for start, end in _prose_lines(text):
        bullet = _BULLET.match(text, start, min(end, start + 60))
        if open_block and not bullet and _continues(text, open_block, start):
            open_block = (open_block[0], end)
            continue
        if open_block:
            yield open_block
        open_block = (bullet.end() if bullet else start, end)
    if open_block:
        yield open_block


def _continues(text: str, block: tuple[int, int], start: int) -> bool:
    """Whether the line at `start` goes on with the block: a hard wrap inside a sentence."""
    begin, end = block
    last_line = end - max(begin, text.rfind("\n", begin, end) + 1)
    return (
        start - end <= 2
        and last_line >= _HARD_WRAP_CHARS
        and text[start].islower()
        and text[end - 1] not in ".!?:"
    )


def _prose_lines(text: str) -> Iterator[tuple[int, int]]:
    """Stripped lines as (start, end), without fenced code and whatever looks like no prose."""
    offset, fenced = 0, False
    for line in text.splitlines(keepends=True):
        head = line[:MAX_LINE_CHARS]
        if _FENCE.match(head):
            fenced = not fenced
        elif not fenced and head.strip() and not _is_markup(head):
            stripped = line.strip()
            start = offset + line.index(stripped[0])
            yield start, start + len(stripped)
        offset += len(line)


def _is_markup(line: str) -> bool:
    if _MARKUP.match(line) or _CODE.match(line) or line.count("|") >= 2:
        return True
    if _CODE_END.search(line) and not line.rstrip().endswith((".", "!", "?")):
        return True
    dense = "".join(line.split())
    plain = sum(char.isalpha() or char in ",.'’!?-" or char.isdigit() for char in dense)
    return len(dense) > 12 and plain < _MIN_LETTER_SHARE * len(dense)


def _split(text: str, start: int, end: int) -> Iterator[Sentence]:
    """Cut one block at its sentence ends."""
    begin = start
    for match in _END.finditer(text, start, end):
        if _ends_here(text, begin, match, end):
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
    yield from _trimmed(text, begin, end)


def _ends_here(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    """Whether a full stop ends the sentence, and is not part of an abbreviation or a number."""
    mark = match[0].rstrip("\"'”’)]*_")
    following = text[match.end() : min(end, match.end() + 4)].lstrip()
    if mark[:1] == "!" and text[match.start() - 1].isdigit():  # a factorial, as in "3! equals 6"
        return not following[:1].islower()
    if not mark or mark.isspace() or mark[-1] not in ".…":
        return True
    if following and following[0].islower():
        return False
    token = _LAST_TOKEN.search(text[max(begin, match.start() - 12) : match.start()])
    word = token[1].lstrip("(\"'").lower() if token else ""
    if word in _NUMBERED:
        return not following[:1].isdigit()
    initial = _INITIALS.fullmatch(word) is not None and word != "i"
    return word not in _ABBREVIATIONS and not initial


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        yield Sentence(start + piece.index(stripped[0]), stripped)


def _is_prose(text: str) -> bool:
    """Neither endless, nor an aside in parentheses, nor without letters, nor a broken encoding."""
    if len(text) > MAX_SENTENCE_CHARS or (text.startswith("(") and text.rstrip(".").endswith(")")):
        return False
    if _SURROGATE.search(text) or not _TWO_LETTERS.search(text):
        return False
    return not text.isascii() or max(map(len, text.split())) <= MAX_TOKEN_CHARS


_ASKS_ANYWHERE: Final = re.compile(
    r"(?:(?:^|[,;:.\s]\s?)(?:(?:and|but|so|or|like)\s)?"
    r"(?:(?:can|could|would|will|do|did|have) you\b"
    r"|(?:how|when|where|why) (?:can|do|should|would|could) (?:i|we)\b"
    r"|what(?:'s|’s| if| are (?:some|the)| do you| should| can i| would| is the)\b"
    r"|(?:should|shall) (?:i|we)\b|can (?:i|we) (?:get|have)\b))"
    r"|(?:(?:^|[,;:.]\s?|\s[-–—]\s)(?:(?:and|but|so|or)\s)?"
    r"(?:any (?:tips|advice|ideas|thoughts)|is (?:that|this|it)|are there|help me|please|let's"
    r"|let me know)\b)",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(
    r"(?:[,;:]\s?|\s[-–—]\s)(?:(?:and|but|so|or)\s)?"
    r"(?:can|could|would|will|should|do|does|did|is|are|was|were|am|how|what|which|why|when|where"
    r"|who (?:should|can|do|does|did|would|could|will)|any|have|has|don't|isn't|right|huh|ok|okay"
    r"|you)\b",
    re.IGNORECASE,
)
"""A question added to a statement; not ", who is 64", which only says more of somebody."""
_STARTS_ASKING: Final = re.compile(
    r"(?:(?:so|and|but|hmm|well|ok|okay|hey|oh|wow|also|by the way|anyway"
    r"|(?-i:[A-Z])\w{1,15},),?\s)"
    r"{0,3}(?:can|could|would|will|should|shall|do|does|did|is|are|was|were|am|how|how's|what"
    r"|what's|which|why|when|where|who|any|have you|has|don't you|isn't|please|help me|got any)\b",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(
    r"(?:[,;]\s|\s[-–—]\s)"
    r"(?:(?:and also|and|but|so|because|especially since|although|though|plus|also) )?"
    r"(?=(?:I|we)\b)(?<!since )"
    r"|\s(?:but|because|especially since|especially because) (?=(?:I|we)\b)"
)
_JOINER: Final = re.compile(r"\s(?:and|but|so|or|like|then|also|plus)$")
_TRAILING: Final = " \t\r\n,;:-–—"


def assertions(sentence: Sentence) -> tuple[Sentence, ...]:
    """What a sentence asserts: nothing, where it is a question.

    Of "I did A, and I want B, can you help?" the clauses "I did A" and "I want B"; a short
    sentence without a question stays whole.
    """
    text = sentence.text
    asking = text.rstrip("\"'”’)* ").endswith(("?", "？"))
    if asking and _STARTS_ASKING.match(text):
        return ()
    tail = _ASKS_ANYWHERE.search(text) or (_ASKS.search(text) if asking else None)
    if tail is None:
        return () if asking else _clauses(sentence, end=len(text))
    return _clauses(sentence, end=tail.start())


def _clauses(sentence: Sentence, *, end: int) -> tuple[Sentence, ...]:
    """Cut what stands before `end`, when it is long, where a new "I …" or "we …" begins."""
    text = sentence.text[:end]
    joints = [m.span() for m in _SUBJECT.finditer(text)] if _is_long(text) else []
    starts = [0, *(after for _, after in joints)]
    ends = [*(before for before, _ in joints), end]
    return tuple(
        Sentence(sentence.start + start, piece, start + len(piece) == len(sentence.text))
        for start, stop in zip(starts, ends, strict=True)
        if (piece := _closed(text[start:stop], whole=stop == len(sentence.text)))
    )


def _is_long(text: str) -> bool:
    return len(text.split()) >= _SPLIT_WORDS


def _closed(piece: str, *, whole: bool) -> str:
    """Without the comma or the "and" that led to what was cut off."""
    return piece if whole else _JOINER.sub("", piece.rstrip(_TRAILING)).rstrip(_TRAILING)
