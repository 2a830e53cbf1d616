"""What an assistant did, found or promised, and how a tool's run ended.

Owns the few signs of such sentences and lines. Textbook sentences, formulas and drafts are left
out. Invariant: an assistant's words count less than a person's, and never become knowledge.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from elephantasm_mcp.synthesis.cues import ASSISTANT_CONFIDENCE, TOOL_CONFIDENCE
from elephantasm_mcp.synthesis.scores import KEPT, TELLING
from elephantasm_mcp.synthesis.sentences import Sentence
from elephantasm_mcp.synthesis.statements import Statement, shortened, state
from elephantasm_mcp.synthesis.turns import Turn
from elephantasm_mcp.synthesis.words import content_stem, count_words, plain, spelled

_DID_SCORE: Final = TELLING + 0.1
_GIST_SCORE: Final = KEPT
_FAILED_SCORE: Final = TELLING + 0.5
_PASSED_SCORE: Final = TELLING
_MAX_GIST_WORDS: Final = 24
_MIN_GIST_STEMS: Final = 3
_MIN_FOREIGN_WORDS: Final = 5
_SENTENCES: Final = 40
_MAX_TOOL_WORDS: Final = 18
_TOOL_LINES: Final = 400
_TOOL_CHARS: Final = 400

_ASIDE: Final = (
    r"(?:(?:done|ok|okay|sure|certainly|absolutely|understood|noted|got it|so)\b[.,!: ]+)?"
)
_DID: Final = re.compile(
    rf"{_ASIDE}(?:I(?:['’]ve| have)? (?:just |now |also )?(?:added|updated|created|fixed|changed"
    r"|removed|deployed|ran|wrote|saved|sent|scheduled|booked|renamed|moved|merged|committed"
    r"|installed|deleted|implemented|refactored|tested|noted|set up|found|checked|switched)"
    r"|I(?:['’]ll| will) (?:remember|always|never|remind|keep|format|use|send|include)"
    r"|we (?:agreed|decided|settled)|all tests pass|(?:done|finished|next): \w+)\b",
    re.IGNORECASE,
)
_GIST: Final = re.compile(
    rf"{_ASIDE}(?:let['’]s (?:break|create|go through|calculate|work|verify|build|design|set up"
    r"|outline|refine|review|debug|implement|compare|classify|prove|address|solve|find|determine)"
    r"|here(?:['’]s| is) (?:an? |the |your )(?:[\w-]+ ){0,4}(?:plan|schedule|draft|version|outline)"
    r"|to (?:help|ensure|optimi[sz]e|improve|handle|integrate|implement|fix|address) [^:]* you"
    r"|i(?:['’]d| would)? (?:recommend|suggest)|this (?:confirms|shows) that|given your"
    r"|the (?:root )?(?:cause|answer|result|total|error|issue|problem) (?:is|was|indicates)"
    r"|it(?:['’]s| is) (?:great|understandable|clear|good|wonderful|a good idea) (?:that|to)"
    r"|\w+ing\b.*\b(?:your|is a (?:great|good) (?:idea|way))\b)",
    re.IGNORECASE,
)
_FORMULA: Final = re.compile(r"[\\=^{}\[\]<>|]|\*\*|^[*_`\"(]")
_FAILED: Final = re.compile(
    r"\b(?:error|failed|failure|exception|fatal|denied|not found|traceback)", re.IGNORECASE
)
_PASSED: Final = re.compile(
    r"\b(?:passed|success\w*|succeeded|completed?|done|created|deployed|total|result|status|ok)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"\w\((?!\d)|[;{}]|->|\w ?:?= ?[^\s=]|\\|['\"]$|,$"
    r"|^\W*\d*\W*(?:def|class|return|import|from|if|elif|else|for|while|try|except|raise|with|async"
    r"|await|const|let|var|func|fn|function|pub|public|private|static|select|insert|update)\b"
)
"""A line of source code, which a tool was told to read or write: it reports nothing."""
_REPORT: Final = re.compile(
    r"(?:E {2,})?(?:[\w.]*(?:Error|Exception)|error|fatal|failed|failure|panic)\b[^=({;]{0,60}:",
    re.IGNORECASE,
)
"""The beginning of an error, in which code may be quoted."""


def replied(no: int, turn: Turn) -> Iterator[Statement]:
    """What the assistant did or promised, and one sentence that says what its answer is about."""
    gist: Sentence | None = None
    for sentence in turn.sentences[:_SENTENCES]:
        text = sentence.text
        if text.endswith(("?", "？", ":", "：")) or _FORMULA.search(text) or _is_empty(turn, text):
            continue
        if _DID.match(text):
            yield state(no, turn, sentence, score=_DID_SCORE, confidence=ASSISTANT_CONFIDENCE)
        elif gist is None and (not turn.english or _GIST.match(text)):
            gist = sentence
    if gist:
        found = state(no, turn, gist, score=_GIST_SCORE, confidence=ASSISTANT_CONFIDENCE)
        yield replace(shortened(found, max_words=_MAX_GIST_WORDS), score=_GIST_SCORE)


def ended(no: int, turn: Turn) -> Iterator[Statement]:
    """The decisive line of a tool's result: its last error, else its last success."""
    lines = [line for line in _lines(turn.event.text) if _reports(line.text)]
    for sign, score in ((_FAILED, _FAILED_SCORE), (_PASSED, _PASSED_SCORE)):
        decisive = [line for line in lines if sign.search(line.text)]
        if decisive:
            found = state(no, turn, decisive[-1], score=score, confidence=TOOL_CONFIDENCE)
            yield replace(shortened(found, max_words=_MAX_TOOL_WORDS), score=score)
            return


def _reports(line: str) -> bool:
    return bool(_REPORT.match(line)) or not _CODE.search(line)


def _is_empty(turn: Turn, text: str) -> bool:
    if not turn.english:
        return count_words(text) < _MIN_FOREIGN_WORDS
    return len({content_stem(plain(word)) for word in spelled(text)} - {""}) < _MIN_GIST_STEMS


def _lines(text: str) -> Iterator[Sentence]:
    """The first and the last lines that are short enough to be read, as they stand."""
    offset = 0
    found: list[Sentence] = []
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if 0 < len(stripped) <= _TOOL_CHARS and stripped.isprintable():
            found.append(Sentence(offset + line.index(stripped[0]), stripped))
        offset += len(line)
    yield from found[:_TOOL_LINES]
    yield from found[max(_TOOL_LINES, len(found) - _TOOL_LINES) :]
