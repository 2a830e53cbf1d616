"""Outages: since when an embedder does not answer, and when it is asked again.

Owns how long a read waits for an embedder, and remembering that one failed, in this process. Knows
no provider. Invariant: an embedder that fails always is asked once in a window at most by those who
read, and once by the index; who comes meanwhile hears the same error at once.

The two are apart: a server may be too slow for a read and quick enough for the background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, final

import anyio

from elephantasm_mcp.errors import ModelError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elephantasm_mcp.memory.core import Core
    from elephantasm_mcp.ports import Embedder
    from elephantasm_mcp.pure.vectors import FloatMatrix

T = TypeVar("T")
Purpose: TypeAlias = Literal["read", "index"]
FIRST: Final = timedelta(seconds=30)
"""How long nobody asks after the first failure; doubled after each further one."""
FIRST_TEXTS: Final = 8
"""Loading, with what it imports, may take as long as so many texts."""
LONGEST: Final = timedelta(minutes=10)
"""The longest such window, and that of what will not mend itself: a wrong key, model or address."""


@dataclass(frozen=True, slots=True)
class _Outage:
    error: ServerError
    failures: int
    until: datetime


@final
class Outages:
    """Which embedders failed when they were asked last."""

    def __init__(self) -> None:
        self._known: Final[dict[tuple[str, Purpose], _Outage]] = {}
        self._revived: Final[dict[str, int]] = {}

    def rests(self, embedder: str, purpose: Purpose, *, now: datetime) -> bool:
        """Whether it is not to be asked now."""
        known = self._known.get((embedder, purpose))
        return known is not None and now < known.until

    def errors(self, purpose: Purpose) -> list[ServerError]:
        """Why those failed that have not answered since."""
        return [one.error for (_, of), one in self._known.items() if of == purpose]

    def standing(self, *, now: datetime) -> Outages:
        """Those that are not to be asked now, never to be asked: for a core whose clock stands."""
        standing = Outages()
        for key, one in self._known.items():
            if now < one.until:
                standing._known[key] = replace(one, until=datetime.max.replace(tzinfo=UTC))
        return standing

    def check(self, embedder: str, purpose: Purpose, *, now: datetime) -> None:
        """Hear why it is not asked now.

        Raises:
            ServerError: as it was when it failed.
        """
        if self.rests(embedder, purpose, now=now):
            raise self._known[embedder, purpose].error

    def began(self, embedder: str, purpose: Purpose, error: ServerError, *, now: datetime) -> None:
        """Note that it failed."""
        known = self._known.get((embedder, purpose))
        failures = known.failures + 1 if known else 1
        wait = min(FIRST * 2 ** min(failures - 1, 10), LONGEST)
        if isinstance(error, ModelError):
            if error.permanent:
                wait = LONGEST
            wait = max(wait, timedelta(seconds=error.retry_after_s or 0.0))
        self._known[embedder, purpose] = _Outage(error, failures, now + wait)

    def revives(self, embedder: str) -> bool:
        """Whether it is to be asked with patience because a read was not answered; True once."""
        known = self._known.get((embedder, "read"))
        if known is None or self._revived.get(embedder) == known.failures:
            return False
        self._revived[embedder] = known.failures
        return not (isinstance(known.error, ModelError) and known.error.permanent)

    def ended(self, embedder: str, purpose: Purpose) -> None:
        """Note that it answered."""
        self._known.pop((embedder, purpose), None)
        if purpose == "read":
            self._revived.pop(embedder, None)


async def load(core: Core, embedder: Embedder, *, purpose: Purpose) -> None:
    """Load an embedder on a thread.

    Raises:
        ServerError: it cannot be loaded, or could not lately.
    """
    await _ask(core, embedder, embedder.load, purpose=purpose, texts=FIRST_TEXTS)


async def encode(
    core: Core, embedder: Embedder, texts: Sequence[str], *, purpose: Purpose
) -> FloatMatrix:
    """The vectors of some texts, made on a thread.

    Raises:
        ServerError: it does not answer, did not lately, or takes longer than a read waits.
    """
    return await _ask(
        core, embedder, lambda: embedder.encode(texts), purpose=purpose, texts=len(texts)
    )


async def _ask(
    core: Core, embedder: Embedder, call: Callable[[], T], *, purpose: Purpose, texts: int
) -> T:
    name, outages = embedder.name, core.outages
    outages.check(name, purpose, now=core.clock.now())
    patience_s = embedder.pace.patience_s(texts) if purpose == "read" else None
    limit_s = patience_s if patience_s is not None and isfinite(patience_s) else None
    try:
        with anyio.fail_after(limit_s):
            answer = await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
    except TimeoutError:
        error = ModelError(f"{name} gave no answer within {limit_s:.1f} s.", permanent=False)
        outages.began(name, purpose, error, now=core.clock.now())
        raise error from None
    except ServerError as error:
        outages.began(name, purpose, error, now=core.clock.now())
        raise
    outages.ended(name, purpose)
    return answer
