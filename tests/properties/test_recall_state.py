"""Recall against a plain model: nothing of others, nothing that is gone, one answer to one state.

Stateful: events are told to several animas of two users, some of them late; dreams run and are
undone, rows are archived, superseded, rewritten and removed through the ledger, vectors are made in
any order. After each question what was found is checked against plain lists, and the corpus that
grew with every step against one that is read anew.
"""

import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ConflictError, NotFoundError
from elephantasm_mcp.memory import animas, dreams, index, ledger, packs, recall
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, handle_of, row_id
from scenes import HOUR, EachEvent, add_user, check_index, look, open_core, tell

WORDS = ["tea", "rum", "gin", "good", "bad", "Nadia", "reads", "reading", "京都", "May"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
QUESTIONS = TEXTS | st.sampled_from(["?", "who reads?", "tea on 2 March", "nothing of this"])
PLACES = st.sampled_from([0, 0, 0, 1, 2, 3])
SESSIONS = st.sampled_from(["a", "b", None])
LAYERS = {"memory": "m", "knowledge": "k"}
TEXTS_OF = {
    "e": "SELECT id, content, '' FROM events WHERE id >> 32 = ?",
    "m": "SELECT id, summary, content FROM memories WHERE id >> 32 = ?",
    "k": "SELECT id, content, '' FROM knowledge WHERE id >> 32 = ?",
}
HIDDEN_OF = {
    "m": "SELECT id FROM memories WHERE id >> 32 = ?"
    " AND (state = 'archived' OR superseded_by IS NOT NULL)",
    "k": "SELECT id FROM knowledge WHERE id >> 32 = ?"
    " AND (archived = 1 OR superseded_by IS NOT NULL)",
}
STEPS = 25
DEADLINE_S = 60


@dataclass
class Plain:
    """What an anima holds, as its file has it now: by handle, without any of our reading code."""

    path: Path
    user: int
    anima_no: int
    dreams: list[str] = field(default_factory=list)

    def rows(self):
        """What a hit of each row says, and all that may be found of it."""
        return {
            f"{letter}{id_ & 0xFFFFFFFF}": (text, f"{text} {more}")
            for letter, sql in TEXTS_OF.items()
            for id_, text, more in look(self.path, sql, self.anima_no)
        }

    def hidden(self):
        return {
            f"{letter}{id_ & 0xFFFFFFFF}"
            for letter, sql in HIDDEN_OF.items()
            for (id_,) in look(self.path, sql, self.anima_no)
        }

    def shown(self):
        """What may be found of each row that is not hidden."""
        hidden = self.hidden()
        return {handle: found for handle, (_, found) in self.rows().items() if handle not in hidden}


class Recalling(RuleBasedStateMachine):
    """One database, two users, four animas, one core whose cache has seen everything."""

    def __init__(self):
        super().__init__()
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "memory.sqlite3"
        self._portal = self._stack.enter_context(start_blocking_portal())
        self.clock = FakeClock()

    def teardown(self):
        self._stack.close()

    def run(self, function, *arguments, **options):
        async def within():
            with anyio.fail_after(DEADLINE_S):
                return await function(*arguments, **options)

        return self._portal.call(within)

    @initialize(with_words=st.booleans(), size_bytes=st.sampled_from([1, 30_000, 10**9]))
    def open(self, with_words, size_bytes):
        opened = open_core(self.path, clock=self.clock, synthesizer=EachEvent(), dimensions=8)
        self.core = replace(
            self._stack.enter_context(self._portal.wrap_async_context_manager(opened)),
            words=HashEmbedder(16) if with_words else None,
            corpora=CorpusCache(size_bytes=size_bytes),
        )
        self.run(index.load_embedders, self.core)
        self.animas = []
        for user in (LOCAL_USER, add_user(self.path)):
            for name in ("one", "two"):
                made = AnimaCreate(name=name)
                self.run(animas.create, self.core, user, made)
                anima = self.run(animas.find, self.core, user, name)
                self.animas.append(Plain(self.path, user, anima.anima_no))
        for place, word in enumerate(WORDS[: len(self.animas)]):
            texts = [f"{word} {other}" for other in WORDS]
            self.tell(place, texts, None, place)
            self.dream(place)

    # What may happen

    @rule(
        place=PLACES,
        texts=st.lists(TEXTS, min_size=1, max_size=5),
        session=SESSIONS,
        hours=st.integers(0, 9),
    )
    def tell(self, place, texts, session, hours):
        anima = self.animas[place]
        moment = self.clock.now() - hours * HOUR
        fields = {"session_id": session, "occurred_at": moment, "anima_id": self.name(place)}
        self.run(tell, self.core, *texts, user=anima.user, **fields)

    @rule(place=PLACES)
    def dream(self, place):
        anima = self.animas[place]
        report = self.run(
            dreams.run, self.core, anima.user, anima=self.name(place), phase="synthesis"
        )
        anima.dreams.append(report.handle)

    @rule(place=PLACES, choice=st.integers(0, 99))
    def undo(self, place, choice):
        anima = self.animas[place]
        if not anima.dreams:
            return
        name = anima.dreams[choice % len(anima.dreams)]
        with suppress(ConflictError):
            self.run(dreams.undo, self.core, anima.user, name, anima=self.name(place))

    @rule(
        place=PLACES,
        layer=st.sampled_from(sorted(LAYERS)),
        choice=st.integers(0, 99),
        kind=st.sampled_from(["archive", "supersede", "rewrite", "remove", "pin"]),
        text=TEXTS,
    )
    def change(self, place, layer, choice, kind, text):
        anima = self.animas[place]
        mine = sorted(handle for handle in anima.rows() if handle[0] == LAYERS[layer])
        if mine:
            handle = mine[choice % len(mine)]
            id_ = row_id(anima.anima_no, int(handle[1:]))
            dream = self.run(self.core.database.write, self.apply, anima, layer, id_, kind, text)
            anima.dreams.append(handle_of("dream", dream))

    def apply(self, tx, anima, layer, id_, kind, text):
        """A change as a person's hand or deep sleep makes it."""
        now = self.clock.now()
        stored = anima_store.get(tx, anima.anima_no)
        run = Run(uuid=self.core.ids.uuid(), phase="deep", actor="test", started_at=now)
        dream = ledger.open_dream(tx, stored, run, now=now)
        before = memories.read_snapshot(tx, layer, id_)
        match kind:
            case "archive" if layer == "memory":
                after = {**before, "state": "archived"}
            case "archive":
                after = {**before, "archived": 1}
            case "supersede":
                after = {**before, "superseded_by": id_}
            case "rewrite":
                after = {**before, "content": text}
            case "remove":
                after = None
            case _:
                after = {**before, "pinned": 1}
        stamped = after and ledger.stamp(after, now=now)
        change = Change(layer=layer, id=id_, after=stamped, operation=kind)
        ledger.apply(tx, stored, dream, [change], counts={"n": 1}, now=now)
        return dream

    @rule(place=PLACES)
    def index(self, place):
        self.run(index.index_pending, self.core, self.animas[place].anima_no)
        check_index(self.path)

    @rule(place=PLACES, choice=st.integers(0, 1))
    def index_by_one_model_alone(self, place, choice):
        alone = [replace(self.core, words=None), replace(self.core, sentences=None)][choice]
        self.run(index.index_pending, alone, self.animas[place].anima_no)

    # What must hold

    @rule(place=PLACES, question=QUESTIONS, include_archived=st.booleans())
    def search(self, place, question, include_archived):
        anima = self.animas[place]
        asked = SearchQuery(
            anima=self.name(place), query=question, limit=200, include_archived=include_archived
        )
        hits = self.run(recall.search, self.core, anima.user, asked)
        rows = anima.rows()
        assert {hit.handle for hit in hits} <= set(rows if include_archived else anima.shown())
        assert len({hit.handle for hit in hits}) == len(hits)
        for hit in hits:
            assert hit.text == rows[hit.handle][0]
            assert hit.score == pytest.approx(sum(hit.breakdown.values()), abs=1e-5)
            assert set(hit.sources) <= set(rows)
        cold = replace(self.core, corpora=CorpusCache())
        assert dump(self.run(recall.search, cold, anima.user, asked)) == dump(hits)

    @rule(place=PLACES, text=TEXTS)
    def search_by_words_misses_nothing(self, place, text):
        """Whoever holds a word of the question is found; with few rows, all of them."""
        anima = self.animas[place]
        asked = SearchQuery(anima=self.name(place), query=text, limit=200)
        found = {hit.handle for hit in self.run(recall.search, self.core, anima.user, asked)}
        asked_for = set(text.split())
        assert {
            handle for handle, said in anima.shown().items() if asked_for & set(said.split())
        } <= found

    @rule(place=PLACES, question=QUESTIONS | st.none())
    def compile(self, place, question):
        anima = self.animas[place]
        asked = PackQuery(anima=self.name(place), query=question)
        cold = replace(self.core, corpora=CorpusCache())
        warm, fresh = (
            self.run(packs.compile_with_candidates, one, anima.user, asked, patience_s=0)
            for one in (self.core, cold)
        )
        if not anima.rows():
            assert warm is None
            return
        assert warm.pack.model_dump_json() == fresh.pack.model_dump_json()
        assert packs.fence(self.core, warm.pack) == packs.fence(cold, fresh.pack)
        competing = {item.line.handle for items in warm.candidates.values() for item in items}
        assert competing <= set(anima.shown())

    @rule(place=PLACES)
    def nobody_reaches_what_is_not_theirs(self, place):
        anima = self.animas[place]
        other = LOCAL_USER if anima.user != LOCAL_USER else self.animas[-1].user
        uuid = self.run(animas.find, self.core, anima.user, self.name(place)).id
        for function, asked in (
            (recall.search, SearchQuery(anima=uuid, query="tea")),
            (packs.compile_pack, PackQuery(anima=uuid, query="tea")),
        ):
            with pytest.raises(NotFoundError):
                self.run(function, self.core, other, asked)

    def name(self, place):
        return ("one", "two")[place % 2]


def dump(hits):
    return [hit.model_dump_json() for hit in hits], hits.mode


def test_recall_is_right_whatever_happened(thorough):
    """In the long run, `--thorough 20`, ten thousand operations."""
    run_state_machine_as_test(
        Recalling,
        settings=settings(
            max_examples=20 * thorough,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
