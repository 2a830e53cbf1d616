"""What the programs beside this one share: pairs of measurements, server processes, tables.

Owns how things are measured: two candidates take turns (A B A B …), so that what disturbs the
machine disturbs both, and medians are compared. Invariant: nothing of the user's is touched; every
database is made in a folder that goes away.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}
SERVE = [sys.executable, "-m", "elephantasm_mcp", "serve"]
Row: TypeAlias = tuple[str, str, str]
"""What was measured, its figure, its goal (or nothing)."""


@dataclass
class Client:
    """A server process that is spoken to in lines of JSON, one request at a time."""

    process: subprocess.Popen[str]
    _asked: int = field(default=0, init=False)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        """Send a request and return its result."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        return json.loads(self.answer())["result"]

    def greet(self) -> None:
        """The handshake."""
        self.ask("initialize", **HELLO)
        self._send({"method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        """Call a tool that has to work."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        return result

    def answer(self) -> str:
        """The next line that is an answer, as it came."""
        stdout = self.process.stdout
        while stdout is not None and (line := stdout.readline()):
            if '"method"' not in line[:80]:
                return line
        raise EOFError

    def _send(self, message: dict[str, Any]) -> None:
        stdin = self.process.stdin
        if stdin is not None:
            stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            stdin.flush()


@contextmanager
def client_of(command: Sequence[str], folder: Path, **settings: str) -> Iterator[Client]:
    """A client of the server that `command` starts, with its files in `folder`."""
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "ELEPHANTASM_DATABASE": str(folder / "memory.sqlite3"),
        "ELEPHANTASM_LLM": "extractive",
        **settings,
    }
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Client(process)


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure; they take turns, after one round that does not count."""
    taken = [[measure() for measure in measures] for _ in range(rounds + 1)]
    return _medians(taken[1:])


async def in_turn_async(rounds: int, *measures: Callable[[], Awaitable[float]]) -> list[float]:
    """`in_turn` for coroutines."""
    taken = [[await measure() for measure in measures] for _ in range(rounds + 1)]
    return _medians(taken[1:])


def _medians(taken: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def print_table(title: str, rows: Sequence[Row]) -> None:
    """A Markdown table."""
    print(f"\n**{title}**\n\n| measured | figure | goal |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def settle() -> None:
    """Collect what earlier measurements left, so that it is not collected during the next."""
    gc.collect()
