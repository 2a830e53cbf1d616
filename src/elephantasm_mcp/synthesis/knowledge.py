"""Typed knowledge from clear statements of people: what holds beyond the episode.

Owns the words in which it is known, and that nothing is known twice. What is clear is `claims`',
the type is `kinds`', rewriting is `grammar`'s. Precision goes before recall: questions,
hypotheticals, hedges, jokes, the words of an assistant or of a tool never become knowledge.
Invariant: each item cites a verbatim quote.
"""

from collections.abc import Sequence
from typing import Final

from elephantasm_mcp.pure.dates import annotate, has_year, written
from elephantasm_mcp.synthesis.claims import Claim, claims
from elephantasm_mcp.synthesis.cues import VERBATIM_CONFIDENCE
from elephantasm_mcp.synthesis.grammar import in_third_person, stands_alone, without_when
from elephantasm_mcp.synthesis.kinds import general_kind, person_kind
from elephantasm_mcp.synthesis.quotes import one_line
from elephantasm_mcp.synthesis.turns import Turn, Voice, names_of
from elephantasm_mcp.synthesis.words import content_stem, plain, spelled
from elephantasm_mcp.types.proposals import KnowledgeProposal, SourceQuote
from elephantasm_mcp.types.records import KnowledgeType

_SAME_SHARE: Final = 0.8
_MAX_PER_TURN: Final = 4


def knowledge(turns: Sequence[Turn]) -> list[list[KnowledgeProposal]]:
    """What the people clearly stated, turn by turn; what an earlier turn gave is not repeated."""
    assisted = any(turn.voice is Voice.ASSISTANT for turn in turns)
    names = names_of(turns)
    said: set[tuple[str, str]] = set()
    known: list[frozenset[str]] = []
    found: list[list[KnowledgeProposal]] = []
    for turn in turns:
        fresh: list[KnowledgeProposal] = []
        for claim in claims(turn, names=names) if turn.believed and turn.english else ():
            if (turn.author_key, claim.text) in said:
                continue
            said.add((turn.author_key, claim.text))
            item = _about_person(claim) or _general(claim, assisted=assisted)
            words = _stems(claim) if item else None
            if item and words and not any(_same(words, other) for other in known):
                known.append(words)
                fresh.append(item)
        found.append(fresh[:_MAX_PER_TURN])
    return found


def _stems(claim: Claim) -> frozenset[str]:
    """What a claim is about, and whose it is."""
    stems = frozenset(content_stem(plain(word)) for word in spelled(claim.text)) - {""}
    return stems | {claim.turn.author_key} if stems else stems


def _same(left: frozenset[str], right: frozenset[str]) -> bool:
    shared = len(left & right)
    return shared > 1 and shared >= _SAME_SHARE * min(len(left), len(right))


def _about_person(claim: Claim) -> KnowledgeProposal | None:
    """A state, an event or a plan of the speaker, if it can be understood by itself.

    In the third person where that is certain, else as a quote. What passes gets the day on which
    it was said, unless a year stands in it.
    """
    told = person_kind(claim)
    if told is None:
        return None
    subject, _, rest = without_when(claim.text).partition(" ")
    if not stands_alone(rest, third=subject.lower() in {"my", "our", "the"}):
        return None
    kind, passing = told
    turn = claim.turn
    text = in_third_person(claim.text, name=_name(turn))
    shown = one_line(annotate(text or claim.text, said_on=turn.said_on))
    said = f" (said on {written(turn.said_on)})" if passing and not has_year(shown) else ""
    return _item(claim, kind, f"{shown}{said}." if text else f'{_name(turn)}: "{shown}"{said}')


def _general(claim: Claim, *, assisted: bool) -> KnowledgeProposal | None:
    """A rule, a procedure or a definition, as a quote."""
    kind = None if claim.turned else general_kind(claim.text, assisted=assisted)
    if kind is None or not stands_alone(claim.text):
        return None
    shown = one_line(annotate(claim.text, said_on=claim.turn.said_on))
    return _item(claim, kind, f'{_name(claim.turn)}: "{shown}"')


def _item(claim: Claim, kind: KnowledgeType, content: str) -> KnowledgeProposal:
    return KnowledgeProposal(
        type=kind,
        content=content,
        confidence=VERBATIM_CONFIDENCE,
        sources=[SourceQuote(event=claim.turn.event.handle, quote=claim.text)],
    )


def _name(turn: Turn) -> str:
    return turn.speaker if turn.named else "The user"
