"""Uses: which memories were read in packs.

Owns counting them, in batches and off the read path. Invariant: a count changes no pack until light
sleep folds it into the memory.
"""

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.store import memories


async def flush(core: Core) -> None:
    """Write down the uses that were counted in memory since the last time."""
    if not core.uses:
        return
    counted = dict(core.uses)
    core.uses.clear()
    try:
        await core.database.write(memories.add_accesses, counted, now=core.clock.now())
    except StorageError:
        core.uses.update(counted)
        raise
