"""A thread with an event loop, on which a client for coroutines lives.

Owns that thread from the opening of its client to its end, and how other threads call it.
Invariant: a client that nobody closes keeps no interpreter from exiting, and its threads are gone
before the interpreter is.
"""

import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar, final

import anyio
from anyio.from_thread import BlockingPortal
from anyio.lowlevel import current_token

from elephantasm_mcp.sdk.asynchronous import AsyncElephantasm
from elephantasm_mcp.sdk.requests import closed_error

P = ParamSpec("P")
T = TypeVar("T")

EXIT_S: Final = 0.8
"""How long the interpreter's exit waits for a client that was not closed; promised is a second."""
CLOSE_S: Final = 10.0
"""How long `close` waits: longer than the store's own deadlines."""


@final
class LoopThread:
    """One open `AsyncElephantasm` on an event loop of its own, run by a daemon thread.

    A daemon, and with it the threads that the loop starts for blocking work: exit would wait for
    others without end. But one that is inside ONNX Runtime when the interpreter goes aborts the
    process, so this thread ends only after them, and exit waits `EXIT_S` for it.
    """

    def __init__(self, memory: AsyncElephantasm) -> None:
        self._memory: Final = memory
        self._portal: Final[Future[BlockingPortal]] = Future()
        self._pid: Final = os.getpid()
        self._loop: object = object()
        self._asked: Final = anyio.Event()
        self._trouble: BaseException | None = None
        self._thread: Final = threading.Thread(target=self._live, name="elephantasm", daemon=True)
        self._ended: Final = threading.Event()
        atexit.register(self.leave)
        self._thread.start()
        try:
            self._portal.result()
        except BaseException:
            self.close()
            raise

    def call(
        self,
        method: Callable[Concatenate[AsyncElephantasm, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a method of the client on the loop; interrupting the caller cancels it."""
        try:
            portal = self._portal.result()
            future = portal.start_task_soon(partial(method, self._memory, *args, **kwargs))
        except RuntimeError:
            raise closed_error() from None
        try:
            return future.result()
        except CancelledError:
            raise closed_error() from None
        except BaseException:
            future.cancel()
            raise

    def leave(self) -> None:
        """`close` at the interpreter's exit: what fails now concerns nobody.

        A model that is still busy after `EXIT_S` is waited for: being late is better than aborting.
        """
        with suppress(Exception):
            self.close(within_s=EXIT_S)
            if self._ended.is_set():
                self._thread.join(CLOSE_S)

    def close(self, *, within_s: float = CLOSE_S) -> None:
        """End the loop and wait for it, unless that takes longer. May be called twice.

        Raises:
            StorageError: closing the database failed.
        """
        if os.getpid() != self._pid:  # a forked child: loop and database are its parent's
            return
        self.ask_to_end()
        self._thread.join(within_s)
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def ask_to_end(self) -> None:
        """End the loop, now or once it runs, without waiting. From any thread, its own included."""
        self._portal.add_done_callback(self._end)

    def _end(self, portal: Future[BlockingPortal]) -> None:
        if portal.exception() is not None:  # it never ran
            return
        if threading.current_thread() is self._thread:
            self._asked.set()
            return
        with suppress(RuntimeError):  # it has ended
            portal.result().start_task_soon(self._asked.set)

    def _live(self) -> None:
        try:
            anyio.run(self._serve)
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits for it
            if self._portal.done():
                self._trouble = error
            else:
                self._portal.set_exception(error)
        self._ended.set()
        for thread in threading.enumerate():
            if getattr(thread, "loop", None) is self._loop:
                thread.join()
        atexit.unregister(self.leave)

    async def _serve(self) -> None:
        self._loop = current_token().native_token
        async with self._memory, BlockingPortal() as portal:
            self._portal.set_result(portal)
            await self._asked.wait()
            await portal.stop(cancel_remaining=True)
