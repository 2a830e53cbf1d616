"""Outages: since when an embedder does not answer, and when it is asked again.

Owns how long a read waits for an embedder, and remembering that one failed, in this process. Knows
no provider. A text that an embedder cannot read is no outage: its row is left out for a while.
Invariant: an embedder that fails always is asked once in a window at most by those who read, and
once by the index; who comes meanwhile hears the same error at once.

The two are apart: a server may be too slow for a read and quick enough for the background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, final

from elephantasm_mcp.errors import ModelError, ServerError, UnreadableTextsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from elephantasm_mcp.memory.core import Core
    from elephantasm_mcp.ports import Embedder
    from elephantasm_mcp.pure.vectors import FloatMatrix
    from elephantasm_mcp.types.records import Layer, RowId

T = TypeVar("T")
Purpose: TypeAlias = Literal["read", "index"]
FIRST: Final = timedelta(seconds=30)
"""How long nobody asks after the first failure; doubled after each further one."""
FIRST_TEXTS: Final = 8
"""Loading, with what it imports, may take as long as so many texts."""
NEVER: Final = datetime.max.replace(tzinfo=UTC)
LONGEST: Final = timedelta(minutes=10)
"""The longest such window, and that of what will not mend itself: a wrong key, model or address."""


@dataclass(frozen=True, slots=True)
class _Outage:
    error: ServerError
    failures: int
    until: datetime


@dataclass(frozen=True, slots=True)
class _Spared:
    """A row that an embedder could not read."""

    failures: int
    until: datetime


@final
class Outages:
    """Which embedders failed when they were asked last, and which rows they could not read."""

    def __init__(self) -> None:
        self._known: Final[dict[tuple[str, Purpose], _Outage]] = {}
        self._revived: Final[dict[str, int]] = {}
        self._unread: Final[dict[tuple[str, Layer], dict[RowId, _Spared]]] = {}

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
                standing._known[key] = replace(one, until=NEVER)
        for of, rows in self._unread.items():
            standing._unread[of] = {
                row: replace(one, until=NEVER) for row, one in rows.items() if now < one.until
            }
        return standing

    def spare(self, embedder: str, layer: Layer, rows: Iterable[RowId], *, now: datetime) -> None:
        """Note rows that an embedder cannot read: it is asked without them for a while."""
        unread = self._unread.setdefault((embedder, layer), {})
        for row in rows:
            failures = unread[row].failures + 1 if row in unread else 1
            unread[row] = _Spared(failures, now + _wait(failures))

    def spared(self, embedder: str, layer: Layer, *, now: datetime) -> frozenset[RowId]:
        """The rows of a layer that an embedder is not to be asked for now."""
        unread = self._unread.get((embedder, layer), {})
        return frozenset(row for row, one in unread.items() if now < one.until)

    def read(self, embedder: str, layer: Layer, rows: Iterable[RowId]) -> None:
        """Note rows that an embedder could read."""
        unread = self._unread.get((embedder, layer), {})
        for row in rows:
            unread.pop(row, None)

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
        wait = _wait(failures)
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


def _wait(failures: int) -> timedelta:
    """How long nobody asks after so many failures."""
    return min(FIRST * 2 ** min(failures - 1, 10), LONGEST)


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
        UnreadableTextsError: it cannot read some of them, which is no outage.
        ServerError: it does not answer, did not lately, or takes longer than a read waits.
    """
    return await _ask(
        core, embedder, lambda: embedder.encode(texts), purpose=purpose, texts=len(texts)
    )


async def _ask(
    core: Core, embedder: Embedder, call: Callable[[], T], *, purpose: Purpose, texts: int
) -> T:
    import anyio  # a pack without a query waits for nothing

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
    except UnreadableTextsError:
        outages.ended(name, purpose)
        raise
    except ServerError as error:
        outages.began(name, purpose, error, now=core.clock.now())
        raise
    outages.ended(name, purpose)
    return answer
