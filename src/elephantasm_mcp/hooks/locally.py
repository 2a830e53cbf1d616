"""Locally: what a hook reads of the database on this machine.

Owns what is stored first and what is asked. Invariant: a pack is read without an event loop and
without models; only a prompt pays for them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.brief import open_core, run_through
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.hooks.clients import Call, Moment
from elephantasm_mcp.hooks.showing import (
    MAX_CHARS,
    NOTHING,
    PACK_TOKENS,
    Shown,
    show_hits,
    show_pack,
)
from elephantasm_mcp.memory import animas, packs
from elephantasm_mcp.spool import parts
from elephantasm_mcp.spool.parts import Part
from elephantasm_mcp.spool.sessions import digest
from elephantasm_mcp.types.defaults import noted
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from elephantasm_mcp.environment import Place
    from elephantasm_mcp.memory.core import Core
    from elephantasm_mcp.projects import Project
    from elephantasm_mcp.spool.folders import Spool
    from elephantasm_mcp.spool.sessions import Session
    from elephantasm_mcp.store.animas import StoredAnima

INDEX_PATIENCE_S: Final = 0.5


def exchange(call: Call, spool: Spool, session: Session, place: Place, project: Project) -> str:
    """Store what waits, and give what is to be printed.

    Raises:
        ElephantasmError: the database cannot be used.
    """
    waits = bool(parts.waiting(spool))
    if not waits and not place.database.is_file():
        return ""  # nothing was ever remembered, and reading makes no database
    with open_core(
        place.database,
        anima=place.anima,
        project=project,
        redact=place.redact,
        models=place.models and call.moment is Moment.PROMPT,
    ) as core:
        if call.moment is Moment.START:
            if waits:
                _deliver(core, spool)
            shown = _pack(core, session_id=call.session or None)
            _note_shown(call, spool, place, project, shown)
        else:
            import anyio

            shown = anyio.run(partial(_recall, core, call, spool, session, deliver=waits))
    session.note_printed(shown.handles, shown.lines)
    return shown.text


def _note_shown(call: Call, spool: Spool, place: Place, project: Project, shown: Shown) -> None:
    """Have it counted as read by whoever opens the database next: a commit takes 20 ms here."""
    if shown.handles:
        name = f"{call.session_name}-{digest(shown.text)}"
        part = Part(project, place.anima, events=(), shown=shown.handles)
        with suppress(OSError):
            parts.put(spool, name, part)


def _deliver(core: Core, spool: Spool) -> None:
    """Store what waits; a database that cannot be written is read all the same."""
    from elephantasm_mcp.hooks.program import note
    from elephantasm_mcp.memory import spooled

    try:
        run_through(spooled.deliver(core, LOCAL_USER, spool))
    except (StorageError, OSError) as error:
        note("deliver", error)


def _pack(core: Core, *, session_id: str | None) -> Shown:
    anima = run_through(core.database.read(animas.look_up, core, LOCAL_USER, None))
    if anima is None:
        return NOTHING
    tokens = min(PACK_TOKENS, anima.settings.max_tokens)
    while True:
        shown = _pack_of(core, anima, session_id=session_id, tokens=tokens)
        if len(shown.text) <= MAX_CHARS:
            return shown
        tokens = tokens * 3 // 4


def _pack_of(core: Core, anima: StoredAnima, *, session_id: str | None, tokens: int) -> Shown:
    query = PackQuery(session_id=session_id, max_tokens=tokens)
    with noted() as default:
        pack = run_through(packs.compile_pack(core, LOCAL_USER, query))
        animas.say_default(core, None, anima)
    if pack is None:
        return NOTHING
    return show_pack(pack, anima=anima.anima.name, secret=core.secret, beside=default.note)


async def _recall(
    core: Core, call: Call, spool: Spool, session: Session, *, deliver: bool
) -> Shown:
    """What the prompt recalls and the session does not know yet."""
    from elephantasm_mcp.hooks.news import ASKED_FOR, asks, news
    from elephantasm_mcp.memory import index, recall
    from elephantasm_mcp.store import events

    if deliver:
        _deliver(core, spool)
    anima = await core.database.read(animas.look_up, core, LOCAL_USER, None)
    if anima is None or anima.last_event_at is None or not asks(call.prompt):
        return NOTHING
    await index.load_embedders(core, purpose="read")
    query = SearchQuery(query=call.prompt, limit=ASKED_FOR)
    hits = await recall.search(core, LOCAL_USER, query, patience_s=INDEX_PATIENCE_S)

    async def sessions_of(ids: Sequence[UUID]) -> set[str | None]:
        return await core.database.read(events.sessions_of, ids)

    return show_hits(await news(hits, call, session, sessions_of=sessions_of), secret=core.secret)
