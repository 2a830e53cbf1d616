"""News: which of the things that a prompt recalls a session is told of.

Owns that one filter, for a database on this machine and for a server. Invariant: what is weak, was
printed, is a tool's, comes from the session itself alone, or says nothing that another line does
not say, is no news.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from elephantasm_mcp.hooks.clients import Call
from elephantasm_mcp.hooks.showing import MAX_HITS
from elephantasm_mcp.pure.text import STOP_WORDS, query_words, terms
from elephantasm_mcp.spool.sessions import Session
from elephantasm_mcp.types.reading import SearchHit
from elephantasm_mcp.types.records import EventType

ASKED_FOR: Final = 200
"""How many hits are looked at: many may be a tool's, or known to the session."""
LEAST_WORDS: Final = 2
"""A prompt of fewer words that mean something asks nothing: "yes", "commit"."""
_LITTLE: Final = """
ahead alright cool continue done fine go good great nice no nope now ok okay please proceed right
sure thank thanks yeah yep yes
"""
_NODS: Final = frozenset(_LITTLE.split())
_TOOL_TYPES: Final = frozenset({EventType.TOOL_CALL, EventType.TOOL_RESULT})
SessionsOf: TypeAlias = Callable[[Sequence[UUID]], Awaitable[set[str | None]]]
"""The sessions in which events were said."""


def asks(prompt: str) -> bool:
    """Whether a prompt says enough to recall something by."""
    return len(set(query_words(prompt)) - STOP_WORDS - _NODS) >= LEAST_WORDS


async def news(
    hits: Iterable[SearchHit], call: Call, session: Session, *, sessions_of: SessionsOf
) -> list[SearchHit]:
    """The first of the hits that are news, as many as are shown."""
    found: list[SearchHit] = []
    known: list[frozenset[str]] = []
    for hit in hits:
        if len(found) == MAX_HITS:
            break
        is_shown = hit.handle in session.shown
        if not is_shown and (hit.weak or _is_of_a_tool(hit)):
            continue  # unread: there may be two hundred, and reading them takes longest
        said = frozenset(terms(hit.text))
        if is_shown:
            known.append(said)
        elif await _is_news(hit, said, known, call, sessions_of):
            found.append(hit)
            known.append(said)
    return found


async def _is_news(
    hit: SearchHit,
    said: frozenset[str],
    known: Collection[frozenset[str]],
    call: Call,
    sessions_of: SessionsOf,
) -> bool:
    if any(said <= other for other in known):
        return False
    if not call.session or hit.layer != "knowledge" or not hit.source_ids:
        return hit.session_id is None or hit.session_id != call.session
    return await sessions_of(hit.source_ids) != {call.session}


def _is_of_a_tool(hit: SearchHit) -> bool:
    """Whether a tool was told or gave it: source code shares words with any prompt about it."""
    return hit.event_type in _TOOL_TYPES
