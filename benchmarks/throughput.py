"""How many events a second 64 callers get acknowledged, against one transaction an event.

In process, at `synchronous=FULL`, without a background task. Waiting writes share a commit, so many
callers at once should be many times as fast as one who awaits each event.
"""

import tempfile
import time
from itertools import count
from pathlib import Path

import anyio

from acknowledge import TEXT, empty_app
from elephantasm_mcp.app import App
from elephantasm_mcp.memory import events
from elephantasm_mcp.types.records import EventCreate
from measuring import in_turn_async, print_table

CALLERS = 64
EVENTS = 6400
ALONE = 800
ROUNDS = 7
GOAL = 5
GOAL_PER_S = 10_000


class Load:
    """An app that is given events, each different from all before."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._numbers = count()

    async def alone(self) -> float:
        """Seconds an event takes when one caller awaits each."""
        started = time.perf_counter()
        await self._record(ALONE)
        return (time.perf_counter() - started) / ALONE

    async def together(self) -> float:
        """Seconds an event takes when many callers do the same at once."""
        started = time.perf_counter()
        async with anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(self._record, EVENTS // CALLERS)
        return (time.perf_counter() - started) / EVENTS

    async def _record(self, how_many: int) -> None:
        for _ in range(how_many):
            content = TEXT.format(next(self._numbers))
            request = EventCreate(content=content, session_id="benchmark")
            await events.record(self._app.core, self._app.user, [request])


async def measure(folder: Path) -> tuple[float, float]:
    """Seconds an event takes, alone and together."""
    async with empty_app(folder) as app:
        load = Load(app)
        alone_s, together_s = await in_turn_async(ROUNDS, load.alone, load.together)
    return alone_s, together_s


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        alone_s, together_s = anyio.run(measure, Path(folder))
    print_table(
        "Events of many callers",
        [
            (f"{CALLERS} callers at once", f"{1 / together_s:,.0f} /s", f"{GOAL_PER_S:,} /s"),
            ("one caller, one transaction an event", f"{1 / alone_s:,.0f} /s", ""),
            ("ratio", f"{alone_s / together_s:.1f}", f"≥ {GOAL}"),
        ],
    )


if __name__ == "__main__":
    main()
