"""How many events a second an import stores, and how much memory it takes at two sizes.

A process of its own for each measurement, with the command's own code: it reads a file, checks,
masks, looks up keys and commits. Memory should not grow with the file; a second import, which finds
all of it stored, shows what going on after a break costs.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from elephantasm_mcp.app import open_app
from elephantasm_mcp.memory.formats.known import FORMATS, files_of, items_of
from elephantasm_mcp.memory.formats.parts import open_source
from elephantasm_mcp.memory.transfer import ImportReport, take_in
from elephantasm_mcp.settings import load_settings
from measuring import print_table

EVENTS = 100_000
SMALL = 10_000
GOAL_PER_S = 5_000
GOAL_GROWTH_MB = 20
WORDS = (
    "billing",
    "moves",
    "because",
    "payments need",
    "transactions",
    "Nadia is",
    "allergic to",
    "hazelnuts",
    "before Thursday",
    "dashboards",
)
SESSION = 50


@dataclass(frozen=True)
class Measured:
    """One import."""

    stored: int
    duplicates: int
    seconds: float
    busy_s: float
    """Of the processor, from the start of the process: what others do on the machine is not in."""
    peak_mb: float

    @property
    def per_second(self) -> float:
        """Events of the file a second."""
        return (self.stored + self.duplicates) / self.seconds

    @property
    def per_busy_second(self) -> float:
        """Events of the file a second of the processor."""
        return (self.stored + self.duplicates) / self.busy_s


def sentence(chance: random.Random, number: int) -> str:
    """Some thirty words that nobody said before."""
    return f"{' '.join(chance.choices(WORDS, k=20))} {number}"


def moment(number: int) -> str:
    """A time, half a minute after the one before."""
    return f"2026-{1 + number // 60_000:02d}-{1 + number // 2_160 % 28:02d}T" + time.strftime(
        "%H:%M:%SZ", time.gmtime(number % 2_160 * 30)
    )


def jsonl(chance: random.Random, events: int) -> Iterator[str]:
    """JSON lines."""
    for number in range(events):
        kind = "message.out" if number % 2 else "message.in"
        line = {
            "content": sentence(chance, number),
            "event_type": kind,
            "session_id": f"s{number // SESSION}",
            "occurred_at": moment(number),
            "dedupe_key": f"k{number}",
        }
        yield json.dumps(line) + "\n"


def claude_code(chance: random.Random, events: int) -> Iterator[str]:
    """Lines of Claude Code's transcripts."""
    for number in range(events):
        who = "assistant" if number % 2 else "user"
        text = sentence(chance, number)
        said = [{"type": "text", "text": text}] if number % 2 else text
        line = {
            "type": who,
            "message": {"role": who, "content": said},
            "uuid": f"00000000-0000-4000-8000-{number:012d}",
            "sessionId": f"00000000-0000-4000-8001-{number // SESSION:012d}",
            "timestamp": moment(number),
            "cwd": "/home/somebody/app",
            "isSidechain": False,
        }
        yield json.dumps(line) + "\n"


def claude(chance: random.Random, events: int) -> Iterator[str]:
    """An account export: one array of conversations."""
    for first in range(0, events, SESSION):
        messages = [
            {
                "uuid": f"m{number}",
                "sender": "assistant" if number % 2 else "human",
                "created_at": moment(number),
                "content": [{"type": "text", "text": sentence(chance, number)}],
            }
            for number in range(first, first + SESSION)
        ]
        chat = {"uuid": f"c{first}", "name": "A chat", "chat_messages": messages}
        yield ("," if first else "[") + json.dumps(chat)
    yield "]"


FILES: dict[str, Callable[[random.Random, int], Iterator[str]]] = {
    "jsonl": jsonl,
    "claude-code": claude_code,
    "claude": claude,
}


async def import_file(name: str, path: Path, database: Path) -> ImportReport:
    """Import a file as the command does."""
    async with open_app(load_settings(database=str(database), embedder="none")) as app:
        source = open_source(str(path))
        items = items_of(FORMATS[name], source, files_of(FORMATS[name], source))
        return await take_in(app.core, app.user, items, anima="benchmark")


def measure_here(name: str, path: Path, database: Path) -> None:
    """Import in this process, and print what it took."""
    started = time.perf_counter()
    report = anyio.run(import_file, name, path, database)
    seconds = time.perf_counter() - started
    busy = time.process_time()
    print(json.dumps([report.stored, report.duplicates, seconds, busy, peak_mb()]))


def peak_mb() -> float:
    """The most memory that this process took; `ru_maxrss` would count what started it, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmHWM")


def measure(name: str, path: Path, database: Path) -> Measured:
    """The same in a process of its own."""
    command = [sys.executable, __file__, name, str(path), str(database)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(*json.loads(done.stdout))


def main() -> None:
    """Measure and print."""
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in FILES.items():
            taken: dict[int, Measured] = {}
            for events in (SMALL, EVENTS):
                path = Path(folder) / "conversations.json"
                with path.open("w") as file:
                    file.writelines(lines(random.Random(1), events))  # noqa: S311
                taken[events] = measure(name, path, Path(folder) / f"{name}-{events}.sqlite3")
            again = measure(name, path, Path(folder) / f"{name}-{EVENTS}.sqlite3")
            growth_mb = taken[EVENTS].peak_mb - taken[SMALL].peak_mb
            goal = f"≥ {GOAL_PER_S:,} /s"
            rows += [
                (f"{name}, {EVENTS:,} events", f"{taken[EVENTS].per_second:,.0f} /s", goal),
                (f"{name}, of processor time", f"{taken[EVENTS].per_busy_second:,.0f} /s", ""),
                (f"{name}, once more", f"{again.per_second:,.0f} /s, {again.stored} stored", "0"),
                (
                    f"{name}, peak memory at {SMALL:,} and {EVENTS:,}",
                    f"{taken[SMALL].peak_mb:.0f} and {taken[EVENTS].peak_mb:.0f} MB",
                    f"≤ {GOAL_GROWTH_MB} MB more: {growth_mb:.0f}",
                ),
            ]
    print_table("Importing", rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure_here(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
