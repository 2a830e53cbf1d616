"""The past: an anima as it was at a moment, so that one can ask what the agent knew when it acted.

Owns setting it up. The rows as they were by record time are copied into a store in memory, what is
missing of their vectors is made there, and whoever asks does with it what is done with the present:
so the pack of then comes from the very code that made it, and no statement but those of
`store/past.py` knows of time travel. It costs a copy of the anima, which an audit can wait for.
Invariant: what was forgotten is absent, since it is in no row and in no journal any more, and
nothing that is done with the past leaves a trace in the present.

What a pack depends on is dated: events by `created_at`, their states by the dreams that consumed
them or were undone, memories and knowledge by the journal, counts of uses by the light sleep that
folded them in. Recency and decay follow from the clock. Settings of an anima are not dated: those
of today hold. Grants are dated, and yet one that was revoked counts for no past either.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import final

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.store import grants
from elephantasm_mcp.store import past as store
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.grants import Held
from elephantasm_mcp.types.records import AnimaNo


@final
@dataclass(frozen=True, slots=True)
class StoppedClock:
    """`Clock` that stands still."""

    moment: datetime

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self.moment


@asynccontextmanager
async def opened(
    core: Core,
    anima_no: AnimaNo,
    *,
    as_of: datetime,
    models: Iterable[str],
    with_granted: bool = False,
) -> AsyncIterator[Core]:
    """The core of then: one anima alone, at `as_of`, gone at the end of the block.

    `models` are those whose vectors will be asked for. With `with_granted` the animas are there too
    of which it might read then, and still may.

    Raises:
        ValidationError: `as_of` lies in the future.
    """
    now = core.clock.now()
    if as_of > now:
        raise ValidationError(
            f"`as_of` lies in the future; it is at most now, {now:%Y-%m-%dT%H:%M:%SZ}.",
            field="as_of",
            hint='Leave it out for the present, or give a time such as "2026-03-02T10:30:00Z".',
        )
    held: tuple[Held, ...] = ()
    if with_granted:
        held = await core.database.read(grants.held_as_of, anima_no, as_of=as_of)
    names = tuple(models)
    async with core.database.scratch() as database:
        for number in (anima_no, *(one.source_no for one in held)):
            rows = await core.database.read(store.read, number, as_of=as_of, models=names)
            await database.write(store.restore, rows)
        await database.write(grants.restore, anima_no, held)
        yield replace(
            core,
            database=database,
            clock=StoppedClock(as_of),
            outages=core.outages.standing(now=now),
            corpora=CorpusCache(),
            uses=Counter(),
            shown={},
            reads={},
            packs={},
        )
