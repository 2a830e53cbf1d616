"""Remotely: what a hook hands to a server and asks of it.

Owns the time that takes. Invariant: what the server did not take stays in the spool.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from elephantasm_mcp.hooks.clients import Call, Moment
from elephantasm_mcp.hooks.showing import (
    MAX_HITS,
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
    from elephantasm_mcp.environment import Place
    from elephantasm_mcp.projects import Project
    from elephantasm_mcp.spool.folders import Spool
    from elephantasm_mcp.spool.sessions import Session

TIMEOUT_S: Final = 1.2
ASKED_FOR: Final = 4 * MAX_HITS
_SECRET_BYTES: Final = 32


def exchange(
    call: Call, spool: Spool, session: Session, place: Place, project: Project, *, to_say: bool
) -> str:
    """Hand over what waits, and give what is to be printed.

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
    settings = load_settings()
    name = place.anima or PROJECT
    memory = AsyncElephantasm(
        endpoint=place.endpoint, api_key=settings.api_key, anima_id=name, timeout=TIMEOUT_S
    )
    memory.folder = project.root
    memory.client = f"hook {call.client.name}"
    async with memory:
        for path in parts.waiting(spool):
            await _hand_over(memory, path)
        if not to_say:
            return NOTHING
        if call.moment is Moment.START:
            pack = await memory.inject(max_tokens=PACK_TOKENS)
            anima = place.anima or project.name
            return show_pack(pack, anima=anima, secret=_secret()) if pack else NOTHING
        hits = await memory.search(call.prompt, limit=ASKED_FOR)
        fresh = [
            hit
            for hit in hits
            if not hit.weak
            and hit.handle not in session.shown
            and (hit.session_id is None or hit.session_id != call.session)
        ]
        return show_hits(fresh[:MAX_HITS], secret=_secret())


async def _hand_over(memory: AsyncElephantasm, path: Path) -> None:
    found = parts.read(path)
    if found is not None:
        anima = await memory.create_anima(found.anima or found.project.name)
        for batch in spooled.batches(list(spooled.requests_of(found))):
            await memory.extract_many(
                [one.model_copy(update={"anima_id": anima.id}) for one in batch]
            )
    spooled.remove(path)


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
