"""A memory to be timed: animas of given sizes in a temporary file, and the plain file beside it.

Owns how both are filled. Invariant: the rows come in through the services, as a user's would. Only
their vectors do not: they are of the bare texts, without date and author, and those of the sentence
model are mixed from the first few thousand.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from elephantasm_mcp.app import choose_embedders, open_app
from elephantasm_mcp.cli.bench.embedding import RememberingEmbedder
from elephantasm_mcp.cli.bench.made_up import (
    EVENTS_IN_TEN,
    MadeUpSynthesizer,
    MixingEmbedder,
    Storyteller,
)
from elephantasm_mcp.cli.bench.rivals import PlainFile, Row
from elephantasm_mcp.memory import animas, dreams, events, index, segments
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.store import search
from elephantasm_mcp.types.records import AnimaCreate, AnimaNo, RowId, User

BATCH: Final = 50
"""Events in one call: the most that `extract_event` takes."""
OTHER_EVENTS: Final = 10
"""Events of each of the other animas."""
STEP_ROWS: Final = 1_000
STRANGERS: Final = "strangers"
QUIET: Final = timedelta(minutes=10)
"""How long ago the talk ended: there is a current session."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fill, and how often to measure."""

    rows: Sequence[int]
    """Of each anima: events, memories and knowledge together."""
    others: int
    """Small animas that come into the file later."""
    strangers: int
    """Rows of others that come into the plain file last, for words to be found among."""
    rounds: int
    embedder: str


@dataclass(frozen=True, slots=True)
class Timed:
    """The open memory, and what stands beside it."""

    core: Core
    user: User
    plain: PlainFile
    teller: Storyteller

    def questions(self, count: int) -> Iterator[str]:
        """Questions that are embedded already."""
        for _ in range(count):
            question = self.teller.question()
            if self.core.sentences is not None:
                self.core.sentences.encode([question])
            yield question


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Timed]:
    """An empty memory in a folder that goes away, its models loaded, its clock standing still.

    Raises:
        StorageError: there is no room for it.
    """
    sentences, words = choose_embedders(Settings.model_construct(embedder=plan.embedder))
    with TemporaryDirectory(prefix="elephantasm-bench-") as folder:
        # Constructed, not loaded: no setting of the user's takes part.
        settings = Settings.model_construct(database=str(Path(folder) / "memory.sqlite3"))
        async with open_app(settings) as app:
            core = replace(
                app.core,
                clock=FakeClock(),
                synthesizer=MadeUpSynthesizer(),
                sentences=RememberingEmbedder(sentences) if sentences else None,
                words=words,
            )
            await index.load_embedders(core)
            with closing(PlainFile(Path(folder) / "plain.sqlite3")) as plain:
                yield Timed(core, app.user, plain, Storyteller(0))


async def fill(memory: Timed, plan: Plan, *, on_rows: Callable[[int], None]) -> None:
    """Make the animas of the plan, and the plain file with the same rows.

    `on_rows` hears now and then how many rows there are.
    """
    done = 0
    for size in plan.rows:
        start = done
        await _fill_anima(memory, size, on_rows=lambda rows, start=start: on_rows(start + rows))
        memory.plain.add(name_of(size), await stored_rows(memory, size))
        done += size
        on_rows(done)
    memory.plain.index()


async def crowd(memory: Timed, plan: Plan) -> None:
    """Put the other animas into the file."""
    for number in range(plan.others):
        await _record(memory, f"other {number}", OTHER_EVENTS)


def add_strangers(memory: Timed, plan: Plan) -> None:
    """Put the strangers' rows into the plain file, their words alone."""
    sentences = ((memory.teller.sentence(), b"") for _ in range(plan.strangers))
    memory.plain.add(STRANGERS, sentences)
    memory.plain.index()


async def stored_rows(memory: Timed, size: int) -> list[Row]:
    """The texts of an anima, with the vectors of its first model, empty where there is none."""
    stored = await animas.find(memory.core, memory.user, name_of(size))
    model = next(iter(index.models_of(memory.core)), "")
    return await memory.core.database.read(_rows, stored.anima_no, model)


def name_of(size: int) -> str:
    """The anima of so many rows."""
    return f"anima of {size}"


async def _fill_anima(memory: Timed, size: int, *, on_rows: Callable[[int], None]) -> None:
    """Talk, dream and index."""
    sentences = memory.core.sentences
    core = replace(memory.core, sentences=MixingEmbedder(sentences) if sentences else None)
    anima = name_of(size)
    await _record(memory, anima, size * EVENTS_IN_TEN // 10, on_rows=on_rows)
    await dreams.run(core, memory.user, anima=anima, phase="synthesis")
    stored = await animas.find(core, memory.user, anima)
    await _put_vectors(core, stored.anima_no)
    await index.prepare_read(core, stored.anima_no, patience_s=inf)
    await segments.pack(core, stored.anima_no)


async def _put_vectors(core: Core, anima_no: AnimaNo) -> None:
    """Write the vectors of the bare texts in large steps; the index's own steps are small."""
    for layer, embedder in product(search.LAYERS, index.loaded_embedders(core)):
        rows = await core.database.read(search.rows_after, anima_no, layer, after=0)
        for first in range(0, len(rows), STEP_ROWS):
            part = rows[first : first + STEP_ROWS]
            vectors = embedder.encode([text for _, text, *_ in part])
            ids = [RowId(id_) for id_, *_ in part]
            await core.database.write(search.put_vectors, layer, embedder.name, ids, vectors)


async def _record(
    memory: Timed, anima: str, turns: int, *, on_rows: Callable[[int], None] = lambda _: None
) -> None:
    core, user = memory.core, memory.user
    await animas.create(core, user, AnimaCreate(name=anima))
    until = core.clock.now() - QUIET
    talk = list(memory.teller.talk(turns, anima=anima, until=until))
    for first in range(0, turns, BATCH):
        await events.record(core, user, talk[first : first + BATCH])
        on_rows(first)


def _rows(tx: Tx, anima_no: AnimaNo, model: str) -> list[Row]:
    found: list[Row] = []
    for layer in search.LAYERS:
        vectors = dict(search.vectors_after(tx, anima_no, layer, model, after=0))
        rows = search.rows_after(tx, anima_no, layer, after=0)
        found += [(text, vectors.get(id_, b"")) for id_, text, *_ in rows]
    return found
