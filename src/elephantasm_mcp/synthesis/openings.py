"""What only opens a sentence: interjections, the name of who is spoken to, "by the way".

Owns how much of a sentence's beginning may be left out. Invariant: what is left out asserts
nothing, so a sentence means the same without it.
"""

import re
from collections.abc import Collection
from typing import Final

from elephantasm_mcp.synthesis.words import COMMON, FUNCTION

_MAX_OPENINGS: Final = 5
_MIN_SHORT_NAME_CHARS: Final = 3
_INTERJECTION: Final = re.compile(
    r"(?:(?:so|and|but|also|well|oh|hey|anyways?|actually|honestly|plus|btw|by the way|personally"
    r"|now|right now|then|lately|recently|meanwhile|luckily|thankfully|fortunately|unfortunately)\b"
    r"(?:\s?[,!.:…—–-]+\s+|\s+)"
    r"|(?:yes|yeah|yep|yup|ya|no|nope|ok|okay|hmm*|hi|hello|wow|woo\w*|whoa|woah|aw+|ha(?:ha)*|man"
    r"|thanks|thank you|sure|definitely|totally|absolutely|exactly|in fact|of course|oops|yay"
    r"|guess what|(?:good|great|big) news|speaking of which|on (?:a different|another) note)\b"
    r"\s?[,!.:…—–-]+\s+)",
    re.IGNORECASE,
)
_CALL: Final = re.compile(
    r"(?:(?:yes|yeah|yep|yup|no|nope|wow|thanks|thank you|sure|hi|hello|ok|okay) )?"
    r"(\w{2,20})\s?[,!.:—–-]+\s+",
    re.IGNORECASE,
)


def opening_length(text: str, *, names: Collection[str]) -> int:
    """How many characters at the start only open the sentence: "Yeah Mel, actually …".

    `names` are lower-case words of the speakers' names; a short form of one counts as well.
    """
    done = 0
    for _ in range(_MAX_OPENINGS):
        match = _INTERJECTION.match(text, done) or _called(text, done, names)
        if match is None:
            break
        done = match.end()
    return done


def is_name(word: str, *, names: Collection[str]) -> bool:
    """Whether a lower-case word is one of the names, or begins one ("mel" of "melanie")."""
    if word in names:
        return True
    if len(word) < _MIN_SHORT_NAME_CHARS or word in FUNCTION or word in COMMON:
        return False
    return any(name.startswith(word) for name in names)


def _called(text: str, done: int, names: Collection[str]) -> re.Match[str] | None:
    match = _CALL.match(text, done)
    return match if match and is_name(match[1].lower(), names=names) else None
