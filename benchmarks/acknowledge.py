"""How long one event takes to be acknowledged, against a bare fsynced commit of one row.

In process, one caller: `memory.events.record` through `open_app`, and an INSERT with apsw at
`synchronous=FULL` in WAL mode on the same disk.
"""

import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import apsw

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.memory import events
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.records import EventCreate
from measuring import print_table, seconds, settle

EVENTS = 2000
WARM_UP = 200
BARE = "INSERT INTO texts (text) VALUES (?)"
FACTOR = 1.5
EXTRA_S = 0.0002
TEXT = (
    "I moved the billing service from MongoDB to PostgreSQL on Thursday, and Bogdan wants to sign "
    "off the cut-over plan before the end of the month; case {}."
)


@asynccontextmanager
async def empty_app(folder: Path) -> AsyncIterator[App]:
    """An app on a new file, without a background task."""
    settings = load_settings(database=str(folder / "memory.sqlite3"), embedder="none")
    async with open_app(settings) as app:
        yield app


def bare_database(folder: Path) -> apsw.Connection:
    """A table of texts whose commits are as durable as ours."""
    connection = apsw.Connection(str(folder / "bare.sqlite3"))
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    return connection


async def measure(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of each acknowledgement and of each bare commit, in turn."""
    ours: list[float] = []
    bare: list[float] = []
    connection = bare_database(folder)
    async with empty_app(folder) as app:
        settle()
        for number in range(EVENTS):
            text = TEXT.format(number)
            request = EventCreate(content=text, session_id="benchmark")
            started = time.perf_counter()
            await events.record(app.core, app.user, [request])
            ours.append(time.perf_counter() - started)
            bare.append(seconds(partial(connection.execute, BARE, (text,))))
    connection.close()
    return ours[WARM_UP:], bare[WARM_UP:]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = anyio.run(measure, Path(folder))
    ours_s, bare_s = statistics.median(ours), statistics.median(bare)
    goal_s = FACTOR * bare_s + EXTRA_S
    slow_s = statistics.quantiles(ours, n=100)[98]
    print_table(
        "Acknowledgement of one event",
        [
            ("p50", f"{ours_s * 1000:.2f} ms", f"≤ {goal_s * 1000:.2f} ms"),
            ("p99", f"{slow_s * 1000:.2f} ms", ""),
            ("p50 of a bare fsynced commit", f"{bare_s * 1000:.2f} ms", ""),
            ("p50 above 1.5 × bare", f"{(ours_s - FACTOR * bare_s) * 1000:.2f} ms", "≤ 0.2 ms"),
        ],
    )


if __name__ == "__main__":
    main()
