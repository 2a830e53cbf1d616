"""How tests run the command line: in this process, and as a program."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEADLINE_S = 60
PROGRAM = [sys.executable, "-m", "elephantasm_mcp"]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Outcome]


def run_program(*arguments: str, stdin: bytes = b"", command: list[str] = PROGRAM) -> Outcome:
    """Run a command in a process of its own, to its end."""
    done = subprocess.run(
        [*command, *arguments], input=stdin, capture_output=True, timeout=DEADLINE_S, check=False
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
