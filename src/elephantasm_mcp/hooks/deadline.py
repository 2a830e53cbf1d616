"""The deadline: after it the process is gone, whatever it waits for.

Owns two threads: one writes into the diary that time is up, one ends the process. They hold
against a lock, a pipe and a disk that hangs, for those let other threads run. Invariant: the exit
code is 0 either way, and nothing runs behind the end: no finalizer, no thread of a library.
"""

import gc
import os
import threading
from contextlib import suppress
from typing import Final

LIMIT_S: Final = 1.8
"""From the program's first line on. A client waits 2 s at most, and Python itself takes a part."""
_TO_NOTE_S: Final = 0.2
_LATE: Final = "Time was up. A later hook goes on with a transcript that was not at its end."


def start(limit_s: float = LIMIT_S) -> None:
    """End the process `limit_s` from now; it is over before there is garbage to collect."""
    gc.disable()
    for timer in (
        threading.Timer(limit_s - _TO_NOTE_S, _note),
        threading.Timer(limit_s, os._exit, args=(0,)),
    ):
        timer.daemon = True
        timer.start()


def _note() -> None:
    from elephantasm_mcp.hooks.program import now
    from elephantasm_mcp.spool import diary

    diary.note("hook", _LATE, now=now())


def say(output: bytes) -> None:
    """Print what there is; the client has it whatever comes later."""
    with suppress(OSError):  # nobody reads it
        while output:
            output = output[os.write(1, output) :]


def end() -> None:
    """End the process."""
    os._exit(0)
