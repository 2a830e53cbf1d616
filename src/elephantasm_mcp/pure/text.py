"""Text as it is stored, shown on one line, and searched.

Owns mending, one-line form, cutting, and the words and terms of full-text search. Knows nothing of
tokens or secrets (see `tokens`, `redaction`).
Invariant: `terms(text)` are exactly the terms that FTS5 (`porter unicode61 remove_diacritics 2`)
finds in `words(text)`, but for emoji, and scripts with marks and no blanks between words.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from itertools import pairwise
from typing import Any, Final

CJK: Final = (
    "\u1100-\u11ff\u2e80-\u2fd5\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u318e\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufad9"
    "\uff66-\uff9f\uffa1-\uffdc\U0001b000-\U0001b16f\U00020000-\U000323af"
)
"""The inside of a character class: Han, Kana, Bopomofo, Hangul; no punctuation."""


def _late(pattern: str) -> Callable[[], re.Pattern[str]]:
    """A pattern that is compiled when it is first used: a class of CJK takes 2 ms."""
    return lru_cache(partial(re.compile, pattern))


_LITTLE_WORDS: Final = """
a about after all also am an and any are as at be because been before being but by can could did do
does doing for from had has have having he her here hers him his how i if in into is it its just me
my no nor not of on or our ours out over own she should so some such than that the their theirs them
then there these they this those to too under until up very was we were what when where which while
who whom whose why will with would you your yours
d ll m re s t ve don doesn didn isn aren wasn weren hasn haven hadn won wouldn couldn shouldn
"""
STOP_WORDS: Final = frozenset(_LITTLE_WORDS.split())
"""Folded words that say little in a question, with what an apostrophe leaves of contractions."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BROKEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufeff]")
_MOST_MARKS: Final = 32
_SYMBOL_RUN: Final = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|[\ufe00-\ufe0f]{2,}"
)
_JOINER: Final = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")
_FENCE: Final = re.compile("`{3,}|~{3,}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9\"'(][!-;=?-_a-}]*(?: [!-;=?-_a-}]+)*")
"""Most of what is said: ASCII on one line, no mark at its start, nothing like a tag or a fence."""
_LEAD: Final = re.compile(r"^(?:\s*(?:#(?=\s|#|$)|(?<=#)#|>(?=\s|>|$)|(?P<item>[-*+•])(?=\s|$)))+")

_LESS: Final = "<\u02c2\u1438\u2329\u276c\u276e\u2770\u27e8\u29fc\u3008\ufe64\uff1c"
_MORE: Final = ">\u02c3\u1433\u232a\u276d\u276f\u2771\u27e9\u29fd\u3009\ufe65\uff1e"
_TAG_OPEN: Final = re.compile(
    rf"[{_LESS}](?=[{_LESS}\u200c\u200d\ufe00-\ufe0f]{{0,4}}"
    r"(?:[/\\|!?]*[^\W\d]|\s?[/\\|!?]+\s?[^\W\d]"
    r"|\s(?i:memory|system|assistant|user|human|developer|instruction|tool|function)))"
)
_TAG_CLOSE: Final = re.compile(rf"(‹[^‹›{_LESS}{_MORE}]{{0,300}})(?<![-=])([{_MORE}]+)")

_DIACRITIC: Final = re.compile("[\u0300-\u036f]+")
_WHOLE: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t"}
    | {"ı": "i", "ŋ": "n", "ĸ": "k"}
)
"""Letters that no normalisation takes apart; `ß` is `ss` by its case."""
_UNFOLDED: Final = re.compile(f"[{''.join(map(chr, _WHOLE))}]")
_RAISED: Final = re.compile(
    "([\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2079\u2150-\u215e])(?<=[0-9].)"
)
"""An exponent, a note's number or a fraction after a digit: 2½ is not 21."""
_LETTERS: Final = (
    "\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46"  # Thai
    "\u0e81-\u0eb0\u0eb2-\u0eb3\u0ebd\u0ec0-\u0ec6\u0edc-\u0edf"  # Lao
    "\u1000-\u102a\u103f\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e"
    "\uaa60-\uaa76\uaa7a\uaa7e\uaa7f\ua9e0-\ua9e4\ua9e6-\ua9ef\ua9fa-\ua9fe"  # Burmese
    "\u1780-\u17b3\u17d7\u17dc"  # Khmer
)
_MARKS: Final = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\ua9e5"
    "\uaa7b-\uaa7d\u17b4-\u17d3\u17dd"
)
_STACKERS: Final = "\u1039\u17d2"
"""What puts the next letter under the last one."""
_UNSPACED: Final = f"{_LETTERS}{_MARKS}"
_SYLLABLE: Final = _late(f"[{_UNSPACED}](?:[{_STACKERS}][{_LETTERS}]|[{_MARKS}]){{0,12}}")
"""A letter with all that stands on, under and around it, bounded."""
_EMOJI: Final = (
    "[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u263f\u2641\u2643-\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747"
    "\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u2b50\u2b55\U0001f004\U0001f0cf\U0001f170-\U0001f19a"
    "\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0"
    "\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff]|[\U0001f1e6-\U0001f1ff]{2}"
)
"""One emoji, without its variation, tone of skin and sex; one of several joined; or a flag."""
# Less the letters that Unicode 6.1, and so FTS5, does not take for letters.
_WORD: Final = _late(
    f"[^\\W_\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3{_UNSPACED}]{{1,64}}|[{_UNSPACED}]+|{_EMOJI}"
)
_IN_GRAMS: Final = _late(f"[{CJK}{_UNSPACED}]")
_ASCII_RUN: Final = re.compile("[\x00-\x7f]+")
_ASCII_WORD: Final = re.compile("[a-z0-9]{1,64}")
_CJK: Final = _late(f"[{CJK}]")
_CJK_OR_REST: Final = _late(f"([{CJK}]+)")
_CUT_WORD: Final = _late(f"[{CJK}]|[^\\s{CJK}]+")
_LOGI: Final = re.compile("[aeiouy][^aeiouy].*logi$")
_BLI: Final = re.compile("[aeiouy][^aeiouy].*bli$")
_DOUBLED: Final = re.compile(r"([chjkqvwx])\1$")


def repair(text: str) -> tuple[str, bool]:
    r"""Mend broken Unicode; the flag says whether anything was broken.

    Two lone surrogates that form a pair are joined, others become U+FFFD; NUL, other C0 controls
    (but tab and newlines) and byte order marks go. Unflagged: newlines become `\n`, the text NFC,
    and a pile of more than 32 combining marks is cut (normalising one takes quadratic time).
    """
    if text.isascii() and text.isprintable():  # most names and short messages: 20 times as fast
        return text, False
    mended = text
    if _SURROGATE.search(text):
        mended = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    mended = _BROKEN.sub("", mended)
    lines = mended.replace("\r\n", "\n").replace("\r", "\n")
    return _normalise(lines), mended != text


def to_line(text: str, *, max_chars: int | None = None) -> str:
    """One readable line that cannot pose as structure; idempotent.

    - White space and line breaks of any kind collapse to one blank.
    - What hides or reorders text goes: controls, bidi, zero-width and tag characters. Joiners stay
      between two non-ASCII characters, where emoji and Persian need them.
    - At the start of a line, heading and quote marks go and a list mark becomes `•`.
    - A fence (three backticks or tildes) becomes `'''`.
    - `<`, or a look-alike, that opens something tag-like becomes `‹`, and the `>` that closes it
      `›`: `‹/system›`, `‹|im_start|›`, `List‹String›`. `a < b`, `x <- y` and `<3` stay.
    """
    if _PLAIN.fullmatch(text):  # 2 µs instead of 20
        return text if max_chars is None else cut(text, max_chars=max_chars)
    visible = _normalise(_JOINER.sub("", _HIDDEN.sub("", _normalise(text))))
    plain = " ".join(_LEAD.sub(_lead, line) for line in visible.splitlines())
    line = _FENCE.sub("'''", " ".join(plain.split()))
    line = _TAG_OPEN.sub("‹", line)
    line = _TAG_CLOSE.sub(lambda tag: tag[1] + "›" * len(tag[2]), line)
    return line if max_chars is None else cut(line, max_chars=max_chars)


def cut(text: str, *, max_words: int | None = None, max_chars: int | None = None) -> str:
    """The beginning of `text` within both limits, with one ellipsis where something was left out.

    Cuts between words (each CJK character is one); a word longer than half of `max_chars` is cut
    between letters, not before a combining mark. The ellipsis counts as a character; limits are
    at least 1.
    """
    if max_words is not None and not (text.isascii() and len(text.split()) <= max_words):
        text = _shorten(text, end=_end_of_word(text, number=max_words))
    if max_chars is not None and len(text) > max_chars:
        text = _shorten(text, end=_boundary(text, end=max_chars - 1))
    return text


def words(text: str) -> list[str]:
    """The folded, unstemmed words of `text` in order.

    Letters and digits make words, as in `unicode61`; each emoji is one, whatever its colour, and
    joined ones are several; anything else parts them. Runs of CJK, Thai, Lao, Khmer and Burmese,
    which have no blanks between words, come as uni- and bigrams. Folding goes beyond FTS5: `ß` is
    `ss`, `ł` is `l`, full-width and other forms of compatibility are the ordinary ones, Greek and
    Cyrillic lose their accents too. Words above 64 characters (base64, hashes) come in pieces of
    64.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = _fold(text)
    foreign = _ASCII_RUN.sub("", folded)
    if not _WORD().search(foreign):  # as in most English: curly quotes, dashes
        return _ASCII_WORD.findall(folded)
    found = _WORD().findall(folded)
    if not _IN_GRAMS().search(foreign):
        return found
    return [piece for word in found for piece in _grams(word)]


def terms(text: str) -> list[str]:
    """What search indexes and asks for: the stems of `words(text)`, in order, with repeats."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The Porter stem of a folded word, as FTS5 has it.

    FTS5 follows Porter's own revision, snowball the paper: in the revision `-logi` is `-log`,
    `-bli` is `-ble`, and any doubled consonant but l, s, z is single before -ed and -ing.
    """
    # Only ASCII letters form a suffix; FTS5 leaves alone what has under 3 or over 64 bytes.
    if len(word) < 3 or not "a" <= word[-1] <= "z" or len(word.encode()) > 64:
        return word
    stemmed = _snowball(word)
    if _LOGI.search(stemmed):
        return stemmed[:-1]
    if _BLI.search(stemmed):
        return _snowball(stemmed[:-1] + "e")
    if _DOUBLED.search(stemmed) and word.endswith(("ed", "ing")):
        return stemmed[:-1]
    return stemmed


def _snowball(word: str) -> str:
    """The library's stem, from a stemmer of its own: threads that share one spoil their stems."""
    stemmed: str = _porter()().stemWord(word)
    return stemmed


@lru_cache(maxsize=1)
def _porter() -> Callable[[], Any]:
    """The library's class, without its package, which imports all languages: 20 ms."""
    spec = find_spec("snowballstemmer")
    if spec is None or "snowballstemmer" in sys.modules:
        return import_module("snowballstemmer.porter_stemmer").PorterStemmer
    sys.modules["snowballstemmer"] = module_from_spec(spec)
    try:
        return import_module("snowballstemmer.porter_stemmer").PorterStemmer
    finally:
        for name in [one for one in sys.modules if one.partition(".")[0] == "snowballstemmer"]:
            del sys.modules[name]  # whoever else wants it gets it whole


def fts_quote(term: str) -> str:
    """`term` as an FTS5 string, never syntax. FTS5 stems it: give words, not stems."""
    return '"' + term.replace("\0", " ").replace('"', '""') + '"'


def query_words(query: str, *, ignore: Collection[str] = ()) -> list[str]:
    """The words to search for, unstemmed, one for each stem, in order.

    Without stop words and the words of `ignore` (names of authors); if none is left, with those of
    `ignore`; if still none, all. Empty for a query of punctuation.
    """
    first: dict[str, str] = {}
    for word in words(query):
        first.setdefault(stem(word), word)
    distinct = list(first.values())
    content = [word for word in distinct if word not in STOP_WORDS]
    ignored = {stem(word) for name in ignore for word in words(name)}
    return [word for word in content if stem(word) not in ignored] or content or distinct


def _fold(text: str) -> str:
    """`text` in lower case, without accents, in ordinary forms."""
    plain = unicodedata.normalize("NFKD", _RAISED.sub(r" \1", _cap_marks(text))).casefold()
    foreign = _ASCII_RUN.sub("", plain)
    if _UNFOLDED.search(foreign):
        plain = plain.translate(_WHOLE)
    if _DIACRITIC.search(foreign):
        plain = _DIACRITIC.sub("", plain)
    return unicodedata.normalize("NFC", plain)


def _cap_marks(text: str) -> str:
    """Bounds the runs of combining marks, which normalisation sorts in quadratic time."""
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    return text if foreign <= _MOST_MARKS else _SYMBOL_RUN.sub(_first_marks, text)


def _first_marks(run: re.Match[str]) -> str:
    kept, rest = run[0][:_MOST_MARKS], run[0][_MOST_MARKS:]
    return kept + "".join(char for char in rest if not unicodedata.combining(char))


def _normalise(text: str) -> str:
    return unicodedata.normalize("NFC", _cap_marks(text))


def _lead(match: re.Match[str]) -> str:
    return "• " if match["item"] else ""


def _shorten(text: str, *, end: int) -> str:
    return text if end >= len(text) else text[:end].rstrip(" \t\n,;:–—-…") + "…"


def _end_of_word(text: str, *, number: int) -> int:
    end = 0
    for count, word in enumerate(_CUT_WORD().finditer(text)):
        if count == number:
            return end
        end = word.end()
    return len(text)


def _boundary(text: str, *, end: int) -> int:
    """The last place at or before `end` where `text` may be cut."""
    if text[end : end + 1].isspace():
        return end
    blank = max(text.rfind(" ", end // 2, end), text.rfind("\n", end // 2, end))
    if blank > 0:
        return blank
    while end > 0 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f"):
        end -= 1
    return end


def _grams(word: str) -> list[str]:
    """`東京都` as 東 東京 京 京都 都, `ไทย` as ไ ไท ท ทย ย; other parts of the word whole."""
    pieces: list[str] = []
    for part in filter(None, _CJK_OR_REST().split(word)):
        if not _IN_GRAMS().match(part):
            pieces.append(part)
            continue
        units = part if _CJK().match(part) else _SYLLABLE().findall(part)
        for first, second in pairwise(units):
            pieces += (first, first + second)
        pieces.append(units[-1])
    return pieces
