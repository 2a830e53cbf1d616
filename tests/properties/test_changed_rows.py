"""Rows that change: who held the anima before answers as who reads it for the first time.

Random histories of rows that come, come late, are corrected, move to another session, go, are
forgotten and come back, with vectors and blocks made at any time between. After each step a search
and packs are the same bytes in a core that saw every step, in one that loads the blocks, and in one
that reads all rows.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import animas, dreams, index, ledger, packs, recall
from elephantasm_mcp.memory.fakes import CountingIds
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories, search, segments
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, handle_of
from scenes import EachEvent, look, tell

LEAST, MOST = 3, 8
NUMBERS = count()
TEXTS = ("Tea of Monday.", "Rum?", "Nadia reads on 2 March.", "Reading tea leaves, she said.")
SESSIONS = ("a", "b", None)
CHANGES = ("rewrite", "move", "archive", "remove", "forget")
KINDS = ("tell", "tell", "late", "late", "dream", "undo", "vectors", "blocks", "blocks", *CHANGES)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(("memory", "knowledge")),
        st.integers(0, 40),
        st.sampled_from(SESSIONS),
    ),
    max_size=16,
)
ASKED = (
    PackQuery(),
    PackQuery(query="Who reads tea leaves on Monday?"),
    PackQuery(query="rum", session_id="a", max_tokens=300),
)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(segments, "LEAST_ROWS", LEAST)
    monkeypatch.setattr(segments, "MOST_ROWS", MOST)


class History:
    """What happens to one anima, in a core whose cache sees every step."""

    def __init__(self, core, path):
        self.core = core
        self.path = path
        self.dreams = []

    async def begin(self):
        await index.load_embedders(self.core)
        await animas.resolve(self.core, LOCAL_USER, None)
        await self.tell(4, "a")
        await self.dream()

    async def take(self, kind, layer, number, session):
        match kind:
            case "tell":
                await self.tell(number % 4, session)
            case "late":
                moment = self.core.clock.now() - timedelta(minutes=number)
                text = f"Late {number} rum."
                await tell(self.core, text, session_id=session, occurred_at=moment)
            case "dream":
                await self.dream()
            case "undo":
                await self.undo(number)
            case "vectors":
                one_model = replace(self.core, words=None) if number > 30 else self.core
                await index.prepare_read(one_model, 1, patience_s=float("inf"))
            case "blocks":
                await index.index_pending(self.core, 1)
            case _:
                await self.change(kind, layer, number, session)

    async def tell(self, amount, session):
        texts = [f"{TEXTS[n % len(TEXTS)]} {n}" for n in range(amount + 1)]
        self.core.clock.move(timedelta(hours=1))
        await tell(self.core, *texts, session_id=session)

    async def dream(self):
        report = await dreams.run(self.core, LOCAL_USER, anima=None, phase="synthesis")
        self.dreams.append(report.handle)

    async def undo(self, number):
        try:
            await dreams.undo(self.core, LOCAL_USER, self.dreams[number % len(self.dreams)])
        except ConflictError:
            assert self.dreams

    async def change(self, kind, layer, number, session):
        table = {"memory": "memories", "knowledge": "knowledge"}[layer]
        ids = [id_ for (id_,) in look(self.path, f"SELECT id FROM {table}")]  # noqa: S608
        if ids:
            id_ = ids[number % len(ids)]
            dream = await self.core.database.write(self.apply, kind, layer, id_, session)
            self.dreams += [handle_of("dream", dream)] if dream else []

    def apply(self, tx, kind, layer, id_, session):
        now = self.core.clock.now()
        anima = anima_store.get(tx, 1)
        if kind == "forget":
            search.forget_vectors(tx, 1, layer, id_)
            segments.drop(tx, 1)
            memories.write_snapshot(tx, layer, id_, None)
            anima_store.touch(tx, 1)
            return None
        before = memories.read_snapshot(tx, layer, id_)
        archived = {"state": "archived"} if layer == "memory" else {"archived": 1}
        moved = {"session_id": session} if layer == "memory" else {"valid_from": 7}
        fields = {"rewrite": {"content": "Tea, corrected."}, "move": moved, "archive": archived}
        after = None if kind == "remove" else ledger.stamp({**before, **fields[kind]}, now=now)
        run = Run(uuid=self.core.ids.uuid(), phase="deep", actor="test", started_at=now)
        dream = ledger.open_dream(tx, anima, run, now=now)
        change = Change(layer=layer, id=id_, after=after, operation=kind)
        ledger.apply(tx, anima, dream, [change], counts={"n": 1}, now=now)
        return dream


async def answers(core):
    """What an anima answers, as bytes."""
    asked = SearchQuery(query="Tea that Nadia reads on Monday", limit=200, include_archived=True)
    hits = await recall.search(core, LOCAL_USER, asked)
    compiled = [
        await packs.compile_with_candidates(core, LOCAL_USER, one, patience_s=0) for one in ASKED
    ]
    return (
        hits.mode,
        [hit.model_dump_json() for hit in hits],
        [one.pack.model_dump_json() for one in compiled],
    )


async def check(core):
    """Who reads the blocks, and who reads all rows, answers alike."""
    found = await answers(core)
    assert await answers(replace(core, corpora=CorpusCache(), packs={})) == found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "load", lambda *_: [])
        assert await answers(replace(core, corpora=CorpusCache(), packs={})) == found


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
async def test_after_each_change_who_held_the_anima_answers_as_who_reads_it_first(
    core, clock, tmp_path, steps
):
    path = tmp_path / f"{next(NUMBERS)}.sqlite3"
    async with open_database(path) as database:
        ids = CountingIds()
        await database.write(anima_store.prepare, user=ids.uuid(), secret=b"s", now=clock.now())
        fields = {"words": HashEmbedder(32), "synthesizer": EachEvent(), "corpora": CorpusCache()}
        history = History(replace(core, database=database, ids=ids, packs={}, **fields), path)
        await history.begin()
        for step in steps:
            await history.take(*step)
            await check(history.core)
