"""Remotely: what a hook hands to a server and asks of it.

Owns the time that takes. Invariant: what the server did not take stays in the spool, and keeps
nothing from being printed.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.hooks.clients import Call, Moment
from elephantasm_mcp.hooks.news import ASKED_FOR, asks, news
from elephantasm_mcp.hooks.showing import (
    NOTHING,
    PACK_TOKENS,
    Shown,
    show_hits,
    show_pack,
)
from elephantasm_mcp.memory import spooled
from elephantasm_mcp.projects import PROJECT
from elephantasm_mcp.sdk import AsyncElephantasm
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.spool import parts
from elephantasm_mcp.spool.folders import hooks_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from elephantasm_mcp.environment import Place
    from elephantasm_mcp.projects import Project
    from elephantasm_mcp.spool.folders import Spool
    from elephantasm_mcp.spool.parts import Part
    from elephantasm_mcp.spool.sessions import Session
    from elephantasm_mcp.types.records import EventCreate

TIMEOUT_S: Final = 1.2
"""For all that is asked and handed over."""
LOOKED_AT: Final = 1_000
"""How many events of a session are looked at for where knowledge is from."""
_SECRET_BYTES: Final = 32


def exchange(
    call: Call, spool: Spool, session: Session, place: Place, project: Project, *, to_say: bool
) -> str:
    """Give what is to be printed, and in the time that is left hand over what waits.

    Raises:
        ElephantasmError: the server does not answer in time, or refuses.
        OSError: the spool cannot be read.
    """
    shown = anyio.run(partial(_exchange, call, spool, session, place, project, to_say=to_say))
    session.note_printed(shown.handles, shown.lines)
    return shown.text


async def _exchange(
    call: Call, spool: Spool, session: Session, place: Place, project: Project, *, to_say: bool
) -> Shown:
    settings = load_settings(env_file=place.env_file)
    ends_at = anyio.current_time() + TIMEOUT_S
    memory = AsyncElephantasm(
        endpoint=place.endpoint,
        api_key=settings.api_key,
        anima_id=place.anima or PROJECT,
        timeout=TIMEOUT_S,
    )
    memory.folder = project.root
    memory.client = f"hook {call.client.name}"
    async with memory:
        shown = await _ask(memory, call, session, place, project) if to_say else NOTHING
        with anyio.CancelScope(deadline=ends_at):
            await _hand_over(memory, spool)
    return shown


async def _ask(
    memory: AsyncElephantasm, call: Call, session: Session, place: Place, project: Project
) -> Shown:
    """The pack, or what the prompt recalls and the session does not know yet."""
    if call.moment is Moment.START:
        pack = await memory.inject(session_id=call.session or None, max_tokens=PACK_TOKENS)
        anima = place.anima or project.name
        return show_pack(pack, anima=anima, secret=_secret()) if pack else NOTHING
    if not asks(call.prompt):
        return NOTHING
    hits = await memory.search(call.prompt, limit=ASKED_FOR)
    own: set[UUID] = set()

    async def sessions_of(ids: Sequence[UUID]) -> set[str | None]:
        if not own:
            said = await memory.events(session_id=call.session, limit=LOOKED_AT)
            own.update(one.id for one in said)
        return {call.session if one in own else None for one in ids}

    fresh = await news(hits, call, session, sessions_of=sessions_of)
    return show_hits(fresh, secret=_secret())


async def _hand_over(memory: AsyncElephantasm, spool: Spool) -> None:
    """Hand over part by part; what one of them is refused for does not keep the others.

    The first refusal is noted.
    """
    refused: ElephantasmError | None = None
    for path in parts.waiting(spool):
        try:
            await spooled.deliver_part(path, partial(_store, memory))
        except ElephantasmError as error:
            refused = refused or error
    if refused is not None:
        from elephantasm_mcp.hooks.program import note

        note("deliver", refused)


async def _store(memory: AsyncElephantasm, part: Part, batch: Sequence[EventCreate]) -> None:
    anima = await memory.create_anima(part.anima or part.project.name)
    await memory.extract_many([one.model_copy(update={"anima_id": anima.id}) for one in batch])


def _secret() -> bytes:
    """What signs fences here: the server keeps its own.

    Raises:
        OSError: it cannot be kept.
    """
    path = hooks_folder() / "fence.key"
    if path.is_file():
        return path.read_bytes()
    made = secrets.token_bytes(_SECRET_BYTES)
    write_whole(path, made)
    return made
