"""Backups: a sound copy of the whole database, while it is in use.

Owns when there was one; the engine makes them. Invariant: what is noted as a backup was made whole
and found sound by the engine; whether its rows agree, `doctor` says.
"""

from pathlib import Path

from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.store import backups as store


async def back_up(core: Core, target: Path, *, replace: bool) -> int:
    """Copy all that was acknowledged by now to `target`; returns its size in bytes.

    Raises:
        ConflictError: there is a file of that name, and it is not to be replaced.
        StorageError: the database is damaged, or the copy cannot be written.
    """
    begun = core.clock.now()
    size_bytes = await core.database.back_up(target, replace=replace)
    await core.database.write(store.note, now=begun)
    return size_bytes
