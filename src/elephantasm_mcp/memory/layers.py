"""Layers: everything an anima holds of one kind.

Owns listing memories, knowledge and identity; events are listed in `events`, dreams in `dreams`.
Invariant: a listing has an order that later rows do not change: oldest first.
"""

from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory import identity as identities
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.store import memories as store
from elephantasm_mcp.store.events import NO_LIMIT
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.reading import AnimaRef, IdentityContext
from elephantasm_mcp.types.records import Knowledge, Memory, MemoryState, User


async def memories(
    core: Core,
    user: User,
    anima: AnimaRef,
    *,
    state: MemoryState | None = None,
    after: Cursor | None = None,
    limit: int | None = None,
) -> list[Memory]:
    """The memories that nothing superseded, of one state or all, behind a cursor.

    All of them without a limit.

    Raises:
        NotFoundError: an unknown anima.
    """
    target = await animas.find(core, user, anima)
    found = await core.database.read(
        store.list_memories,
        target,
        state=state,
        after=after,
        limit=NO_LIMIT if limit is None else limit,
    )
    return [one.memory for one in found]


async def knowledge(
    core: Core,
    user: User,
    anima: AnimaRef,
    *,
    include_superseded: bool = False,
    after: Cursor | None = None,
    limit: int | None = None,
) -> list[Knowledge]:
    """What is known, behind a cursor; all of it without a limit.

    Raises:
        NotFoundError: an unknown anima.
    """
    target = await animas.find(core, user, anima)
    found = await core.database.read(
        store.list_knowledge,
        target,
        include_superseded=include_superseded,
        after=after,
        limit=NO_LIMIT if limit is None else limit,
    )
    return [one.knowledge for one in found]


async def identity(core: Core, user: User, anima: AnimaRef) -> IdentityContext | None:
    """Who the agent is; None as long as nothing is known of it.

    Raises:
        NotFoundError: an unknown anima.
    """
    target = await animas.find(core, user, anima)
    found = await core.database.read(identities.read, target)
    if found is None:
        return None
    return IdentityContext(
        personality_type=found.personality_type,
        communication_style=found.communication_style,
        self_reflection=found.self_reflection,
        prose=found.prose,
    )
