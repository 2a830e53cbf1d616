"""Leaving: how the process learns that it has to go, and the deadline by which it is gone.

Owns signal handlers and the last resort. Invariant: the store is crash-safe, so ending the process
at the deadline loses nothing that was acknowledged.
"""

import os
import signal
import threading
from types import FrameType
from typing import Final

import anyio

DEADLINE_S: Final = 0.9
"""Promised is a second from the cause; some of it passes before we learn of it."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def exit_on_signals() -> None:
    """Until the server runs there is nothing to save: a signal ends the process at once."""
    for number in SIGNALS:
        signal.signal(number, _exit_now)


def exit_in_time(within_s: float = DEADLINE_S) -> None:
    """End the process by then, whatever still hangs: a thread in a model, a full pipe, a lock."""
    timer = threading.Timer(within_s, os._exit, args=(0,))
    timer.daemon = True
    timer.start()


async def wait_for_signal() -> None:
    """Return once the process was told to end; from then on the deadline runs."""
    try:
        with anyio.open_signal_receiver(*SIGNALS) as told:
            await anext(told)
    except NotImplementedError:  # on Windows, where the handlers of `exit_on_signals` remain
        await anyio.sleep_forever()
    finally:
        exit_on_signals()
    exit_in_time()


def _exit_now(number: int, frame: FrameType | None) -> None:
    del number, frame
    os._exit(0)
