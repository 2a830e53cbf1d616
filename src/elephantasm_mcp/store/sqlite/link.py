"""Links: a connection to the file on a thread of its own.

Owns every use of aiosqlite's protected names; knows no statement and no schema. Invariant: only the
thread of a link ever touches its connection.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, cast

import aiosqlite
import anyio
from typing_extensions import override

from elephantasm_mcp.store.sqlite.driver import Connection

T = TypeVar("T")

_LAST_STEP_S: Final = 1.0
"""A thread that has said it is done takes microseconds to end."""


class Link(aiosqlite.Connection):
    """One connection and the thread that alone uses it.

    The thread is a daemon, so that a link nobody closed does not keep the interpreter alive.
    """

    def __init__(self, open_connection: Callable[[], Connection]) -> None:
        super().__init__(cast(Callable[[], sqlite3.Connection], open_connection), 64)
        self._thread.daemon = True

    async def hop(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on the thread, after all earlier ones; it runs even if the caller is cancelled.

        `fn` should not raise: an exception that a future refuses would strand the caller.
        """
        return await self._execute(fn, self._conn)

    def post(self, fn: Callable[[Connection], None]) -> None:
        """Run `fn` on the thread, after all earlier ones; nobody waits for it.

        `fn` must not raise, for nobody would hear of it.
        """
        self._tx.put_nowait((None, partial(fn, cast("Connection", self._conn))))

    @override
    async def close(self) -> None:
        """Close the connection; the thread is gone when this returns."""
        await super().close()
        self._thread.join(_LAST_STEP_S)

    async def open(self) -> None:
        """Start the thread and connect. Cancellation waits, so that no connection is lost."""
        with anyio.CancelScope(shield=True):
            try:
                await self
            except BaseException:  # the thread still reports to the event loop: outlive it
                await anyio.to_thread.run_sync(self._thread.join)
                raise


async def open_link(open_connection: Callable[[], Connection]) -> Link:
    """Open a connection on a thread of its own; raises what `open_connection` does."""
    link = Link(open_connection)
    await link.open()
    return link
