"""The speed of reading and writing, beside what limits it and what one would have instead.

Owns which services are timed, beside what, and their goals. Invariant: what is timed is what every
surface calls. Only the sentence model is left out of a question's time, by having embedded it
before; all else that reading a question takes is in it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final, final

import numpy as np

from elephantasm_mcp.cli.bench import speed_memory, timing
from elephantasm_mcp.cli.bench.embedding import RememberingEmbedder
from elephantasm_mcp.cli.bench.rivals import Row
from elephantasm_mcp.cli.bench.speed_memory import BATCH, Plan, Timed, name_of
from elephantasm_mcp.cli.bench.timing import DIGITS, WARM_UP, Figure, Rival, Shot
from elephantasm_mcp.memory import animas, events, index, packs, recall
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Embedder
from elephantasm_mcp.pure.matching import Found
from elephantasm_mcp.pure.matrix import SIGNS_FROM, GrowingMatrix
from elephantasm_mcp.pure.text import query_words, stem
from elephantasm_mcp.pure.vectors import from_blob, quantize, to_blob, top_k
from elephantasm_mcp.store.cache import AnimaState, CorpusCache
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import EventCreate

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS: Final = 100
COLD_ROUNDS: Final = 10
COLD_UP_TO: Final = 10_000
"""Rows up to which cold packs are timed: beyond, what they read would take minutes."""

PACK, PLAIN_PACK, COLD = "pack with a query", "pack without a query", "first pack, cold anima"
LOAD, CROWDED = "loading a cold anima", "pack, with the other animas"
SEARCH, WORDS, MATCHES = "search", "search by words alone", "rows by words (BM25)"
NEAREST, LISTED = "nearest vectors", "nearest vectors by lists"
WRITE, WRITE_MANY = "extract one event", f"extract {BATCH} events"
ORDER: Final = (
    *(PACK, CROWDED, PLAIN_PACK, COLD, LOAD, SEARCH, WORDS, MATCHES, NEAREST, LISTED),
    *(WRITE, WRITE_MANY),
)

SCAN, JOIN, BOTH = "sqlite-vec scan", "FTS5 joined on anima", "sqlite-vec scan + FTS5"
READ_ONCE = "reading the matrix once"
COMMIT, COMMIT_MANY = "bare commit, 1 row", f"bare commit, {BATCH} rows"

GOALS_MS: Final = {
    (PACK, 1_000): 3.0,
    (PACK, 10_000): 8.0,
    (PACK, 100_000): 30.0,
    (CROWDED, 1_000): 3.0,
    (CROWDED, 10_000): 8.0,
    (CROWDED, 100_000): 30.0,
    (PLAIN_PACK, 1_000): 0.3,
    (PLAIN_PACK, 10_000): 0.3,
    (PLAIN_PACK, 100_000): 0.3,
    (COLD, 10_000): 5.0,
    (MATCHES, 1_000): 0.5,
    (MATCHES, 10_000): 0.5,
    (MATCHES, 100_000): 0.5,
    (NEAREST, 1_000): 0.1,
    (NEAREST, 10_000): 0.7,
    (NEAREST, 100_000): 15.0,
    (LISTED, 100_000): 1.0,
}
"""What a median should be at most, by what is measured and the number of rows."""


async def run(plan: Plan, *, on_rows: Callable[[int], None]) -> list[Figure]:
    """Fill a temporary memory and time it; `on_rows` hears how far the filling is.

    Raises:
        StorageError: the temporary database failed.
    """
    async with speed_memory.opened(plan) as memory:
        await speed_memory.fill(memory, plan, on_rows=on_rows)
        found = [await _Anima(memory, plan, size).read() for size in plan.rows]
        await speed_memory.crowd(memory, plan)
        found += [await _Anima(memory, plan, size).read_crowded() for size in plan.rows]
        speed_memory.add_strangers(memory, plan)
        found += [await _Anima(memory, plan, size).find_words() for size in plan.rows]
        found += [await _Anima(memory, plan, size).write() for size in plan.rows]
    return sorted(chain(*found), key=lambda one: (ORDER.index(one.what), one.rows))


@dataclass(frozen=True, slots=True)
class _Anima:
    """The measurements of one anima."""

    memory: Timed
    plan: Plan
    size: int

    async def read(self) -> list[Figure]:
        """Packs, search, vectors: all with a warm cache, but for the cold packs."""
        core = self.memory.core
        figures = [
            await self._asked(PACK, self._packs(), Rival(BOTH, self._scan_and_join)),
            await self._asked(PLAIN_PACK, self._plain_packs()),
            await self._asked(SEARCH, self._searches(core), Rival(BOTH, self._scan_and_join)),
            *await self._vectors(),
        ]
        if self.size <= COLD_UP_TO:
            figures += [
                await self._asked(COLD, self._packs(), texts=self._forgetting()),
                await self._asked(LOAD, self._load, texts=self._forgetting()),
            ]
        return figures

    async def read_crowded(self) -> list[Figure]:
        """Packs again, now that others are in the file."""
        return [await self._asked(CROWDED, self._packs(), Rival(BOTH, self._scan_and_join))]

    async def find_words(self) -> list[Figure]:
        """Words without a model, beside full text that everybody shares."""
        core = replace(self.memory.core, sentences=None, words=None, corpora=CorpusCache())
        corpus = (await self._state(core)).corpus

        async def matches(text: str) -> object:
            found = Found.of(corpus, [stem(word) for word in query_words(text)])
            return top_k(found.lexical, found.places, NEIGHBOURS)

        return [
            await self._asked(WORDS, self._searches(core), Rival(JOIN, self._join)),
            await self._asked(MATCHES, matches, Rival(JOIN, self._join)),
        ]

    async def write(self) -> list[Figure]:
        """Acknowledged events, beside commits on the same disk that do nothing else."""
        plain = self.memory.plain
        return [
            await self._told(WRITE, 1, Rival(COMMIT, lambda text: plain.commit([text]))),
            await self._told(
                WRITE_MANY, BATCH, Rival(COMMIT_MANY, lambda text: plain.commit([text] * BATCH))
            ),
        ]

    async def _vectors(self) -> list[Figure]:
        """The nearest of the anima's own vectors, as recall compares them; none without a model."""
        embedder = _embedder(self.memory.core)
        if embedder is None:
            return []
        rows = await speed_memory.stored_rows(self.memory, self.size)
        nearest = _Nearest(rows, embedder)
        anima, plain = name_of(self.size), self.memory.plain
        scan = Rival(SCAN, lambda text: plain.nearest(anima, nearest.blob(text)))
        texts = nearest.embedded(self.memory.questions(self.plan.rounds + WARM_UP))
        figures = [
            await self._asked(NEAREST, nearest.exact, Rival(READ_ONCE, nearest.read), texts=texts),
            await self._asked(NEAREST, nearest.exact, scan, texts=texts),
        ]
        if len(rows) >= SIGNS_FROM:
            listed = await self._asked(LISTED, nearest.listed, scan, texts=texts)
            figures.append(replace(listed, recall=await nearest.recall(texts)))
        return figures

    async def _asked(
        self,
        what: str,
        shot: Shot,
        rival: Rival | None = None,
        *,
        texts: Iterable[str] | None = None,
    ) -> Figure:
        if texts is None:
            texts = self.memory.questions(self.plan.rounds + WARM_UP)
        return await timing.measure(
            what, texts, shot, rival, rows=self.size, goal_ms=GOALS_MS.get((what, self.size))
        )

    async def _told(self, what: str, count: int, rival: Rival) -> Figure:
        core, user, anima = self.memory.core, self.memory.user, name_of(self.size)

        async def shot(text: str) -> None:
            said = [
                EventCreate(anima_id=anima, content=f"{text} ({number})", session_id="now")
                for number in range(count)
            ]
            await events.record(core, user, said)

        texts = (self.memory.teller.sentence() for _ in range(self.plan.rounds + WARM_UP))
        return await self._asked(what, shot, rival, texts=texts)

    async def _load(self, _: str) -> object:
        return await self._state(self.memory.core)

    async def _state(self, core: Core) -> AnimaState:
        """What is in memory of the anima."""
        anima = await animas.find(core, self.memory.user, name_of(self.size))
        return await core.database.read(core.corpora.get, anima, index.models_of(core))

    def _packs(self) -> Shot:
        core, user, anima = self.memory.core, self.memory.user, name_of(self.size)
        return lambda text: packs.compile_pack(core, user, PackQuery(anima=anima, query=text))

    def _plain_packs(self) -> Shot:
        core, user, anima = self.memory.core, self.memory.user, name_of(self.size)
        return lambda _: packs.compile_pack(core, user, PackQuery(anima=anima))

    def _forgetting(self) -> Iterator[str]:
        """Questions, before each of which the cache is emptied."""
        for question in self.memory.questions(min(COLD_ROUNDS, self.plan.rounds) + WARM_UP):
            self.memory.core.corpora.clear()
            yield question

    def _searches(self, core: Core) -> Shot:
        user, anima = self.memory.user, name_of(self.size)
        return lambda text: recall.search(core, user, SearchQuery(anima=anima, query=text))

    def _join(self, text: str) -> object:
        return self.memory.plain.matching(name_of(self.size), text)

    def _scan_and_join(self, text: str) -> object:
        embedder, plain = _embedder(self.memory.core), self.memory.plain
        if embedder is None:
            return self._join(text)
        blob = to_blob(quantize(embedder.encode([text])))
        return plain.nearest(name_of(self.size), blob), self._join(text)


@final
class _Nearest:
    """The vectors of an anima, compared in full, by lists, or only read."""

    def __init__(self, rows: Sequence[Row], embedder: Embedder) -> None:
        blobs = [vector for _, vector in rows if vector]
        stored = from_blob(b"".join(blobs), dimensions=embedder.dimensions)
        self._embedder: Final = RememberingEmbedder(embedder)
        growing = GrowingMatrix(embedder.dimensions)
        growing.add(len(stored))
        self._positions: Final = np.arange(len(stored))
        growing.put(self._positions, stored)
        self._matrix: Final = growing.matrix()
        self._shown: Final = np.ones(len(stored), dtype=np.bool_)

    def embedded(self, texts: Iterable[str]) -> list[str]:
        """The texts, their vectors known from now on."""
        known = list(texts)
        self._embedder.encode(known)
        return known

    async def exact(self, text: str) -> list[int]:
        """The nearest of all."""
        return self._exact(text)

    async def listed(self, text: str) -> list[int]:
        """The nearest, nearly always."""
        compared = self._matrix.compare(self._vector(text), shown=self._shown)
        near = compared.candidates(self._positions)
        return top_k(compared.at(near), near, NEIGHBOURS)[0].tolist()

    def read(self, _: str) -> object:
        """What memory allows at most."""
        return [part.max(initial=0) for part in self._matrix.parts]

    def blob(self, text: str) -> bytes:
        """The text's vector, as it would be stored."""
        return to_blob(quantize(self._vector(text)[np.newaxis]))

    async def recall(self, texts: Iterable[str]) -> float:
        """The share of the nearest of all that is found by lists."""
        shares = [
            len(set(self._exact(text)).intersection(await self.listed(text))) / NEIGHBOURS
            for text in texts
        ]
        return round(sum(shares) / len(shares), DIGITS)

    def _exact(self, text: str) -> list[int]:
        vector = self._vector(text)
        cosines = self._matrix.compare(vector, shown=self._shown).cosines
        if cosines is None:  # they are so many that recall compares only some
            cosines = self._matrix.cosines(vector)
        return top_k(cosines, self._positions, NEIGHBOURS)[0].tolist()

    def _vector(self, text: str) -> "NDArray[np.float32]":
        return self._embedder.encode([text])[0]


def _embedder(core: Core) -> Embedder | None:
    """The first model, whose vectors the plain file has as well."""
    return core.sentences or core.words
