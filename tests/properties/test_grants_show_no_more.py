"""Whatever three users do, a row is read by another anima only while a grant covers its layer.

Five animas: each row has a word of its own that names its anima and its layer.
"""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import ElephantasmError, NotFoundError
from elephantasm_mcp.memory import (
    animas,
    curation,
    dreams,
    forgetting,
    grants,
    index,
    packs,
    provenance,
    recall,
    uses,
)
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, parse_uuid
from elephantasm_mcp.types.views import Curation, ForgetRequest
from scenes import FILE, HOUR, MINUTE, add_user, look, propose, tell

WORD = re.compile(r"canary([a-e])(\d+)([emk])")
"""The words: of which anima, which number, in which layer."""
NAMES = "abcde"
OWNERS = (0, 0, 1, 1, 2)
LAYERS = {"m": "memories", "k": "knowledge"}
QUERIES = (None, "which story was told?", "what was heard of a story")
ROW = {
    "memories": "SELECT summary || ' ' || content FROM memories"
    " WHERE superseded_by IS NULL AND state <> 'archived'",
    "knowledge": "SELECT content FROM knowledge WHERE superseded_by IS NULL AND archived = 0",
}

ANIMA, SOME = st.integers(0, 4), st.integers(0, 9)
LETTER = st.sampled_from("mk")
STEPS = st.one_of(
    st.tuples(st.just("tell"), ANIMA, SOME),
    st.tuples(st.just("dream"), ANIMA, SOME),
    st.tuples(st.just("give"), ANIMA, ANIMA, st.integers(0, 3)),
    st.tuples(st.just("give"), ANIMA, ANIMA, st.integers(1, 3)),
    st.tuples(st.just("revoke"), ANIMA, SOME),
    st.tuples(st.just("curate"), ANIMA, LETTER, SOME, st.sampled_from(["archive", "correct"])),
    st.tuples(st.just("forget"), ANIMA, st.sampled_from("emk"), SOME),
    st.tuples(st.just("read"), ANIMA, st.sampled_from(QUERIES)),
    st.tuples(st.just("read"), ANIMA, st.sampled_from(QUERIES)),
    st.tuples(st.just("read_then"), ANIMA, st.sampled_from(QUERIES), SOME),
    st.tuples(st.just("search"), ANIMA, SOME),
    st.tuples(st.just("trace"), ANIMA, ANIMA, LETTER, SOME),
    st.tuples(st.just("trace_id"), ANIMA, SOME),
)


class Storyteller:
    """Makes a memory and a fact of each event, each with its own word."""

    name = "storyteller-1"
    provisional = False

    async def synthesize(self, batch):
        assert len({word[0] for event in batch.events for word in WORD.findall(event.text)}) <= 1
        return Proposals(
            memories=[
                propose(
                    f"Heard of a story {word}m",
                    event.handle,
                    facts=[f"It was told in the story {word}k"],
                )
                for event in batch.events
                for word in [event.text.split()[-1][:-1]]
            ]
        )


class World:
    """Five animas of three users, and what was granted between them."""

    def __init__(self, core, clock, path, users, ids):
        self.core, self.clock, self.path = core, clock, path
        self.users, self.ids = users, ids
        self.given = {}
        self.known_grants = []
        self.told = 0
        self.began = clock.now()

    def owner(self, anima):
        return self.users[OWNERS[anima]]

    async def tell(self, anima, number):
        for _ in range(number % 3 + 1):
            self.told += 1
            text = f"A story is told with canary{NAMES[anima]}{self.told}e"
            await tell(self.core, text, user=self.owner(anima), anima_id=self.ids[anima])

    async def dream(self, anima, number):
        phase = ("synthesis", "synthesis", "light", "deep")[number % 4]
        await dreams.run(self.core, self.owner(anima), anima=self.ids[anima], phase=phase)

    async def give(self, source, reader, layers):
        """By the owner of the source; by somebody else it is refused."""
        knowledge, memories = bool(layers & 1), bool(layers & 2)
        owner = f"user-{OWNERS[reader] + 1}" if OWNERS[reader] else "local"
        request = GrantRequest(
            to=self.ids[reader], to_user=owner, knowledge=knowledge, memories=memories
        )
        for user in self.users:
            if user != self.owner(source):
                await refused(grants.add(self.core, user, self.ids[source], request))
        made = await grants.add(self.core, self.owner(source), self.ids[source], request)
        self.known_grants.append((made.id, source, reader))
        self.given.setdefault((source, reader), set()).update(
            letter for letter, may in (("k", knowledge), ("m", memories)) if may
        )

    async def revoke(self, anima, number):
        """By any user: who owns neither anima is refused."""
        if self.known_grants:
            id_, source, reader = self.known_grants[number % len(self.known_grants)]
            user = self.owner(anima)
            if user not in (self.owner(source), self.owner(reader)):
                await refused(grants.revoke(self.core, user, id_))
                return
            await grants.revoke(self.core, user, id_)
            self.given.pop((source, reader), None)

    async def curate(self, anima, letter, number, action):
        self.told += 1
        word = f"canary{NAMES[anima]}{self.told}{letter}"
        content = f"Told otherwise in a story {word}" if action == "correct" else None
        asked = Curation(
            handle=f"{letter}{number}", anima=self.ids[anima], action=action, content=content
        )
        await curation.curate(self.core, self.owner(anima), asked)

    async def forget(self, anima, letter, number):
        asked = ForgetRequest(handles=(f"{letter}{number}",), anima=self.ids[anima])
        await forgetting.forget(self.core, self.owner(anima), asked, confirmed=True)

    async def read(self, anima, query):
        asked = PackQuery(anima=self.ids[anima], query=query)
        await packs.compile_pack(self.core, self.owner(anima), asked, client="me")
        found = await packs.compile_pack(self.core, self.owner(anima), asked)
        fresh = replace(self.core, corpora=CorpusCache(), packs={})
        assert await packs.compile_pack(fresh, self.owner(anima), asked) == found
        again = await packs.compile_pack(self.core, self.owner(anima), asked, client="me")
        if found is not None:
            self.check(anima, found.model_dump_json() + again.model_dump_json())
        await uses.flush(self.core)
        for number, items in look(self.path, "SELECT anima_no, items FROM packs"):
            assert {word[0] for word in WORD.findall(items)} <= {NAMES[number - 1]}

    async def read_then(self, anima, query, share):
        as_of = self.began + (self.clock.now() - self.began) * share / 10
        asked = PackQuery(anima=self.ids[anima], query=query, as_of=as_of)
        found = await packs.compile_pack(self.core, self.owner(anima), asked)
        if found is not None:
            self.check(anima, found.model_dump_json(), is_past=True)

    async def search(self, anima, number):
        asked = SearchQuery(
            query="a story told", anima=self.ids[anima], include_archived=number % 2 == 0, limit=50
        )
        hits = await recall.search(self.core, self.owner(anima), asked)
        self.check(anima, "".join(hit.model_dump_json() for hit in hits))

    async def trace(self, anima, source, letter, number):
        handle = f"{NAMES[source]}:{letter}{number}"
        asked = provenance.trace(self.core, self.owner(anima), handle, anima=self.ids[anima])
        with suppress(NotFoundError):
            self.check(anima, (await asked).model_dump_json())

    async def trace_id(self, anima, number):
        """Every row whose id somebody might have; what may only be read cannot be curated."""
        user = self.owner(anima)
        rows = look(
            self.path,
            "SELECT hex(uuid), id >> 32 FROM memories UNION ALL SELECT hex(uuid), id >> 32"
            " FROM knowledge UNION ALL SELECT hex(uuid), id >> 32 FROM events ORDER BY 1",
        )
        for uuid, anima_no in rows[number::10]:
            if self.owner(anima_no - 1) == user:
                continue
            id_ = str(parse_uuid(uuid))
            await refused(curation.curate(self.core, user, Curation(handle=id_, action="pin")))
            with suppress(NotFoundError):
                trace = await provenance.trace(self.core, user, id_)
                readers = [reader for reader in range(5) if self.owner(reader) == user]
                self.check_any(readers, trace.model_dump_json())

    def check(self, anima, answer, *, is_past=False):
        self.check_any([anima], answer, is_past=is_past)

    def check_any(self, readers, answer, *, is_past=False):
        """Each word of another anima is of a layer that is granted to one of the readers."""
        now = {
            letter: " ".join(text for (text,) in look(self.path, ROW[table]))
            for letter, table in LAYERS.items()
        }
        for name, number, letter in WORD.findall(answer):
            source = NAMES.index(name)
            if source in readers:
                continue
            granted = set().union(*(self.given.get((source, one), ()) for one in readers))
            assert letter in granted, (name, number, letter)
            assert is_past or f"canary{name}{number}{letter}" in now[letter]


async def refused(asked):
    """Whatever it is, it must not be done."""
    with pytest.raises(ElephantasmError) as caught:
        await asked
    assert not WORD.search(caught.value.explain())


async def play(folder, steps):
    clock = FakeClock()
    async with open_database(folder / FILE) as database:
        ids = CountingIds()
        secret = await database.write(
            anima_store.prepare, user=ids.uuid(), secret=b"secret", now=clock.now()
        )
        core = Core(
            database=database,
            clock=clock,
            ids=ids,
            synthesizer=Storyteller(),
            secret=secret,
            sentences=HashEmbedder(16),
        )
        await index.load_embedders(core)
        users = [LOCAL_USER, add_user(folder / FILE, 2), add_user(folder / FILE, 3)]
        made = [
            await animas.create(core, users[owner], AnimaCreate(name=name))
            for name, owner in zip(NAMES, OWNERS, strict=True)
        ]
        world = World(core, clock, folder / FILE, users, [anima.id for anima, _ in made])
        for anima in range(5):
            await world.tell(anima, 2)
            await world.dream(anima, 0)
        clock.move(HOUR)
        for step, *arguments in steps:
            clock.move(MINUTE)
            with suppress(ElephantasmError):
                await getattr(world, step)(*arguments)
        for anima in range(5):
            for query in QUERIES:
                await world.read(anima, query)
            await world.search(anima, 0)


@settings(max_examples=15)
@given(st.lists(STEPS, min_size=10, max_size=40))
def test_a_word_of_another_anima_is_seen_only_while_a_grant_covers_it(steps):
    with TemporaryDirectory() as folder:
        anyio.run(play, Path(folder), steps)
