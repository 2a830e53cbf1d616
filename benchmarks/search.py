"""How long search and packs take, beside plain FTS5 on the same texts (the naive way).

Two animas of made-up talk: one the size of a conversation of LoCoMo (600 turns), one of 10,000
events. Models loaded, everything indexed, memories made; each query is asked once a round.
"""

import random
import re
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import anyio
import apsw

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.memory import dreams, events, index, packs, recall
from elephantasm_mcp.memory.animas import find
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.records import EventCreate
from elephantasm_mcp.types.views import PackQuery, SearchQuery
from measuring import in_turn_async, print_table, seconds

SIZES = (600, 10_000)
ROUNDS = 30
WHO = ("Nadia", "Bogdan", "Caroline", "Melanie", "Ines", "Tom")
WHAT = (
    "the billing service",
    "a new bicycle",
    "our pottery class",
    "the cut-over plan",
    "my cat",
    "a trip to Lisbon",
    "the garden",
    "an interview",
    "hazelnut cake",
    "the old piano",
)
DID = (
    "talked about",
    "worried about",
    "finished",
    "bought",
    "moved",
    "painted",
    "cancelled",
    "forgot",
    "fell in love with",
    "sold",
)
WHEN = ("on Thursday", "last summer", "before breakfast", "in March", "after the storm", "at work")
BEGINNING = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


def made_up_talk(size: int) -> list[EventCreate]:
    """Turns in sessions of 20, a day apart, the same for every run."""
    chance = random.Random(size)  # noqa: S311 - made-up talk is no secret
    return [
        EventCreate(
            content=f"{chance.choice(WHO)} {chance.choice(DID)} {chance.choice(WHAT)} "
            f"{chance.choice(WHEN)}, and {chance.choice(WHO)} {chance.choice(DID)} "
            f"{chance.choice(WHAT)} {chance.choice(WHEN)}; number {number}.",
            author=WHO[number % 2],
            session_id=f"session {number // 20}",
            occurred_at=BEGINNING + timedelta(days=number // 20, minutes=number % 20),
        )
        for number in range(size)
    ]


def questions() -> Iterator[str]:
    """Questions about the talk, each different from the one before."""
    chance = random.Random(0)  # noqa: S311 - questions are no secret
    while True:
        who, did, what = chance.choice(WHO), chance.choice(DID), chance.choice(WHAT)
        yield f"When did {who} say that they {did} {what}?"


class Naive:
    """All texts in one FTS5 table, asked for any of the question's words, ranked by bm25."""

    def __init__(self, talk: Sequence[EventCreate]) -> None:
        self._connection = apsw.Connection(":memory:")
        self._connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = porter)")
        rows = [(event.content,) for event in talk]
        self._connection.executemany("INSERT INTO texts (text) VALUES (?)", rows)

    def search(self, question: str) -> list[Any]:
        """The ten best rows."""
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question))
        sql = "SELECT rowid, text FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10"
        return self._connection.execute(sql, (words,)).fetchall()


async def fill(app: App, talk: Sequence[EventCreate]) -> None:
    """Record the talk, make memories of it, and index all."""
    for first in range(0, len(talk), 50):
        await events.record(app.core, app.user, talk[first : first + 50])
    await dreams.run(app.core, app.user, anima=None)
    anima = await find(app.core, app.user, None)
    await index.prepare_read(app.core, anima.anima_no, patience_s=inf)


async def measure(folder: Path, size: int) -> list[float]:
    """Seconds of a search, a pack with a query, one without, and the naive search."""
    talk = made_up_talk(size)
    naive, asked = Naive(talk), questions()
    settings = load_settings(database=str(folder / f"{size}.sqlite3"))
    async with open_app(settings) as app:
        await fill(app, talk)

        async def search() -> float:
            query = SearchQuery(query=next(asked))
            return await seconds_of(recall.search(app.core, app.user, query))

        async def pack() -> float:
            query = PackQuery(query=next(asked))
            return await seconds_of(packs.compile_pack(app.core, app.user, query))

        async def pack_of_all() -> float:
            return await seconds_of(packs.compile_pack(app.core, app.user, PackQuery()))

        async def naively() -> float:
            return seconds(partial(naive.search, next(asked)))

        return await in_turn_async(ROUNDS, search, pack, pack_of_all, naively)


async def seconds_of(work: Awaitable[object]) -> float:
    """How long something takes that is awaited."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            search_s, pack_s, plain_s, naive_s = anyio.run(measure, Path(folder), size)
        print_table(
            f"Reading an anima of {size:,} events, p50",
            [
                ("search", f"{search_s * 1000:.1f} ms", ""),
                ("pack with a query", f"{pack_s * 1000:.1f} ms", ""),
                ("pack without a query", f"{plain_s * 1000:.1f} ms", ""),
                ("plain FTS5", f"{naive_s * 1000:.1f} ms", ""),
                ("search against plain FTS5", f"{search_s / naive_s:.1f}", ""),
            ],
        )


if __name__ == "__main__":
    main()
