"""Identity: who the agent is, by its own words.

Owns when there is evidence enough, and what rules can make of it: they count and quote, no more.
Invariant: nothing of an identity rests on what came from outside, and each statement names what
shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import labels
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import identities as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.identities import StoredIdentity
from elephantasm_mcp.types.records import RowId, handle_of

if TYPE_CHECKING:
    from elephantasm_mcp.types.operations import Identity, IdentityStatement

ENOUGH_REPLIES: Final = 20
"""With fewer an identity would be a guess."""
READ_REPLIES: Final = 500
PROSE_TOKENS: Final = range(70, 101)
"""How long the prose is (issue: 70 to 100 tokens)."""
_SHOWN_EVIDENCE: Final = 10
_LONGEST_QUOTE_CHARS: Final = 140
_MOST_QUOTES: Final = 6
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_OF_ITSELF: Final = re.compile(
    r"I(?:'m| am)? (?:always |never |usually |often |rarely |mostly |really |also )?"
    r"(?:prefer|like|love|enjoy|dislike|hate|value|believe|aim|try to|care|tend to|avoid|keep|write"
    r"|answer|ask|test|check|speak|explain|work|think in|find it)\b.*"
)
_UNSURE: Final = re.compile(r"\b(?:if|would|could|might|maybe|perhaps|you)\b|\?", re.IGNORECASE)
_CODE: Final = re.compile(r"```|`[^`]+`")
_LIST: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing that the agent said."""

    id: RowId
    text: str

    @property
    def handle(self) -> str:
        """Its event."""
        return handle_of("event", self.id)


def read(tx: Tx, anima: StoredAnima) -> StoredIdentity | None:
    """Who the agent is now; None as long as nothing is known of it."""
    return store.current(tx, anima)


def replies(tx: Tx, anima: StoredAnima) -> list[Reply]:
    """The agent's own words, oldest first; none as long as they are too few."""
    found = store.own_words(tx, anima, limit=READ_REPLIES)
    return [Reply(*one) for one in found] if len(found) >= ENOUGH_REPLIES else []


def own_statements(said: Sequence[Reply]) -> list[tuple[Reply, str]]:
    """What the agent said of itself for sure, the latest first, each truth once."""
    from elephantasm_mcp.pure.truths import saying  # its tables: not at start-up

    found: dict[str, tuple[Reply, str]] = {}
    for reply in reversed(said):
        for sentence in _SENTENCE.split(reply.text):
            text = to_line(sentence)
            fits = len(text) <= _LONGEST_QUOTE_CHARS and _OF_ITSELF.fullmatch(text)
            if fits and not _UNSURE.search(text):
                found.setdefault(saying(text).key, (reply, text))
    return list(found.values())


def by_rules(
    said: Sequence[Reply], current: StoredIdentity | None, *, rules: str
) -> Identity | None:
    """What can be counted and quoted, as a new version; None when it is too little or nothing new.

    What a model wrote is never replaced by this.
    """
    if not said or (current is not None and current.synthesizer != rules):
        return None
    from elephantasm_mcp.types.operations import Identity, IdentityStatement  # not for reading

    counted, quoted = list(_counts(said)), list[IdentityStatement]()
    for reply, text in own_statements(said)[:_MOST_QUOTES]:
        one = IdentityStatement(text=f"“{text}”", evidence=[reply.handle])
        if estimate_tokens(_prose(counted, [*quoted, one])) < PROSE_TOKENS.stop:
            quoted.append(one)
    statements, prose = [*counted, *quoted], _prose(counted, quoted)
    known = [one.text for one in current.statements] if current is not None else list[str]()
    if estimate_tokens(prose) not in PROSE_TOKENS or [one.text for one in statements] == known:
        return None
    return Identity(
        communication_style=_joined(counted),
        self_reflection=_joined(quoted),
        prose=prose,
        statements=statements,
        reasoning=f"Counted and quoted from {labels.counted(len(said), 'reply')}.",
    )


def _counts(said: Sequence[Reply]) -> Iterator[IdentityStatement]:
    """How the agent speaks, in round numbers: another version only when something has changed."""
    from statistics import median  # with fractions and decimals: not for reading

    from elephantasm_mcp.types.operations import IdentityStatement

    words = median(len(reply.text.split()) for reply in said)
    shown = _spread(said)
    about = max(5, round(words / 5) * 5)
    yield IdentityStatement(text=f"Answers in about {about} words as a rule.", evidence=shown)
    for what, having in (
        ("Uses code", [reply for reply in said if _CODE.search(reply.text)]),
        ("Uses lists", [reply for reply in said if _LIST.search(reply.text)]),
        ("Ends with a question", [one for one in said if one.text.rstrip().endswith("?")]),
    ):
        if tenths := round(10 * len(having) / len(said)):
            often = f"{what} in {tenths} of 10 replies."
            yield IdentityStatement(text=often, evidence=_spread(having))


def _spread(said: Sequence[Reply]) -> list[str]:
    """Some of them, evenly, by handle."""
    count = min(len(said), _SHOWN_EVIDENCE)
    return [said[place * len(said) // count].handle for place in range(count)]


def _prose(counted: Sequence[IdentityStatement], quoted: Sequence[IdentityStatement]) -> str:
    return f"{_joined(counted)} Says of itself: {_joined(quoted)}"


def _joined(statements: Sequence[IdentityStatement]) -> str:
    return " ".join(one.text for one in statements)
