"""The first lines of the program `elephantasm-mcp`, and of `python -m elephantasm_mcp`.

Owns what an interrupt does before there is anything to end. Invariant: nothing that takes time is
imported before that is settled, so that an interrupt while it starts leaves no traceback.
"""

import gc
import os
import signal
import sys
from types import FrameType
from typing import Final

INTERRUPTED: Final = 130


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:2] == ["hook"] and not {"-h", "--help"} & set(sys.argv):
        _hook()
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not if it is ignored
    if ours:
        signal.signal(signal.SIGINT, _leave)
    from elephantasm_mcp.cli.main import main as run  # 0.2 s

    try:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


def _hook() -> None:
    """Do what a hook does, and end. A client waits, so nothing else is imported."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # it lives for a moment; collecting what imports leave takes a tenth of it
    from elephantasm_mcp.hooks import deadline

    deadline.start()
    from elephantasm_mcp.hooks.program import main as hook

    hook(sys.argv[2:])


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
