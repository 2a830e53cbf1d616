"""Clauses: the parts of a statement that each say something of their own.

Owns where a statement of change is cut, whom "he" and "it" mean in its later parts, and what is
said before the subject. Decides nothing (see `truths`). Invariant: a part has only words of its
statement, and one that would need a word of another part but a name to be understood is none.
"""

import re
from collections.abc import Iterator
from typing import Final

_CUT: Final = re.compile(
    r"\s*[;:]\s+"
    r"|,\s+(?:and |but |so )?(?=(?:(?i:i|we|he|she|it|they|my|our|his|her|the|that)|[A-Z]\w*)\b"
    r"|(?:not|no)\b)|,?\s+(?:and|but)\s+(?=(?:i|we|he|she|it|they|my|our|by|in|at|with|it's)\b)"
    r"|\s+(?=(?:instead of|rather than)\b)"
)
_SINCE: Final = re.compile(
    r"^(?:(?:since|as of|after|from) (?!then\b)(?:\S+ ){0,4}?\S+?|lately|these days|nowadays"
    r"|recently|actually|starting (?:\S+ )?\S+|by now|meanwhile|at the (?:last|latest)"
    r" \S+),? (?=(?:i|we|my|our|the|his|her)\b)",
    re.IGNORECASE,
)
_FROM_NOW: Final = re.compile(r"^from now on,? ", re.IGNORECASE)
"""From when on it is so: nothing of what is said, but that it was not so before."""
_IT: Final = re.compile(r"^(?:he|she|it|they)(?='s\b|'re\b| )", re.IGNORECASE)
_IS: Final = re.compile(r"(?<=^he|^it)'s\b|(?<=^she)'s\b", re.IGNORECASE)
_SUBJECT: Final = re.compile(
    r"^(?:(?:my|our|the|his|her) (?:\w+ )??\w+|[A-Z]\w+)"
    r"(?= (?:has|have|had|is|are|was|were|got)\b)",
    re.IGNORECASE,
)
_OBJECT: Final = re.compile(r"(?<=ed )(?:my|our|the) (?:\w+ )?\w+$", re.IGNORECASE)
_OF_IT_ALL: Final = re.compile(
    r"\b(?:changed (?:my|our|his|her) minds?|changed plans|reversed|(?:shortened|extended|changed"
    r"|moved|raised|lowered|increased|reduced|cut|updated|renamed|switched) (?:it|that|this|them)"
    r"|not any ?more|no longer)\b",
    re.IGNORECASE,
)
"""Says that something changed, and leaves it to the next part what."""


def clauses(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a statement, and whether each is told as a change; none if it is but one."""
    parts = [one for one in _CUT.split(text.strip(" .!")) if one]
    subject = (_SUBJECT.match(parts[0]) or _OBJECT.search(parts[0])) if parts else None
    changed = False
    for part in parts:
        fronted = bool(_SINCE.match(part) or _FROM_NOW.match(part))
        it = bool(subject and part is not parts[0] and _IT.match(part))
        plain = (
            _IT.sub(subject[0], _IS.sub(" is", part))
            if subject and it
            else _FROM_NOW.sub("", _SINCE.sub("", part))
        )
        if len(parts) > 1 or plain != text.strip(" .!"):
            yield plain[:1].upper() + plain[1:], fronted or it or changed
        changed = changed or bool(_OF_IT_ALL.search(part))
