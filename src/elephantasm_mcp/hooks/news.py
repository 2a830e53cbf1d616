"""News: which of the things that a prompt recalls a session is told of.

Owns that one filter, for a database on this machine and for a server. Invariant: what is weak, was
printed, or comes from the session itself alone, is no news.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from elephantasm_mcp.hooks.clients import Call
from elephantasm_mcp.hooks.showing import MAX_HITS
from elephantasm_mcp.spool.sessions import Session
from elephantasm_mcp.types.reading import SearchHit

ASKED_FOR: Final = 4 * MAX_HITS
"""How many hits are looked at: many may be known to the session."""
SessionsOf: TypeAlias = Callable[[Sequence[UUID]], Awaitable[set[str | None]]]
"""The sessions in which events were said."""


async def news(
    hits: Iterable[SearchHit], call: Call, session: Session, *, sessions_of: SessionsOf
) -> list[SearchHit]:
    """The first of the hits that are news, as many as are shown."""
    found: list[SearchHit] = []
    for hit in hits:
        if len(found) < MAX_HITS and await _is_news(hit, call, session, sessions_of):
            found.append(hit)
    return found


async def _is_news(hit: SearchHit, call: Call, session: Session, sessions_of: SessionsOf) -> bool:
    if hit.weak or hit.handle in session.shown:
        return False
    if not call.session or hit.layer != "knowledge" or not hit.source_ids:
        return hit.session_id is None or hit.session_id != call.session
    return await sessions_of(hit.source_ids) != {call.session}
