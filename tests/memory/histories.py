"""Lives with an agent, drawn from a seed, and the packs that were given in the midst of them."""

from random import Random

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import animas, dreams, events, ledger, packs, uses
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import memories
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, EventCreate
from scenes import DAY, HOUR, MINUTE

TOPICS = ("tea", "rum", "billing", "PostgreSQL", "hazelnuts", "Lisbon", "violin", "marathon")
SESSIONS = (None, "morning", "evening")
ASKED = (
    PackQuery(),
    PackQuery(max_tokens=200),
    PackQuery(session_id="morning", max_tokens=400),
    PackQuery(query="who drinks tea with rum?"),
    PackQuery(query="the violin in Lisbon", max_tokens=300),
    PackQuery(query="billing", session_id="evening"),
)


class History:
    """Somebody's life with an agent, drawn from a seed."""

    def __init__(self, core, clock, seed):
        self.core = core
        self.clock = clock
        self.random = Random(seed)  # noqa: S311 - a history, no secret
        self.given = []

    async def live(self, steps):
        """Do one thing after the other, and keep the packs that were given between them."""
        for _ in range(steps):
            self.clock.move(self.random.choice((7 * MINUTE, HOUR, 5 * HOUR, 3 * DAY, 40 * DAY)))
            doing = (self.tell, self.tell, self.tell, self.dream, self.sleep, self.undo)
            await self.random.choice((*doing, self.reword))()
            for asked in self.random.sample(ASKED, 2):
                given = await packs.compile_pack(self.core, LOCAL_USER, asked)
                self.given.append((self.clock.now(), asked, given))

    async def tell(self):
        """Three things at once, some of them long ago."""
        requests = [
            EventCreate(
                content=f"{' or '.join(self.random.sample(TOPICS, 3))}? {self.random.random()}",
                author=self.random.choice(("Nadia", "Bo", None)),
                session_id=self.random.choice(SESSIONS),
                occurred_at=self.clock.now() - self.random.choice((0, 0, 1, 5)) * 9 * HOUR,
                importance_score=self.random.choice((0.1, 0.5, None)),
            )
            for _ in range(3)
        ]
        await events.record(self.core, LOCAL_USER, requests)

    async def dream(self):
        await dreams.run(self.core, LOCAL_USER, anima=None, phase="synthesis")

    async def sleep(self):
        await uses.flush(self.core)
        await dreams.run(self.core, LOCAL_USER, anima=None, phase="light")

    async def reword(self):
        """What no service does yet: a dream that writes two memories anew."""
        anima = await animas.find(self.core, LOCAL_USER, None)
        await self.core.database.write(self._reword, anima, now=self.clock.now())

    def _reword(self, tx, anima, *, now):
        living = memories.list_memories(tx, anima)
        changes = [
            Change(
                layer="memory",
                id=one.id,
                after=ledger.stamp(
                    memories.read_snapshot(tx, "memory", one.id)
                    | {"summary": f"{self.random.choice(TOPICS)} at {now:%H:%M}", "pinned": 1},
                    now=now,
                ),
                operation="reword",
            )
            for one in self.random.sample(living, min(2, len(living)))
        ]
        run = Run(uuid=self.core.ids.uuid(), phase="deep", actor="test", started_at=now)
        ledger.apply(
            tx, anima, ledger.open_dream(tx, anima, run, now=now), changes, counts={}, now=now
        )

    async def undo(self):
        journal = await dreams.journal(self.core, LOCAL_USER)
        for one in self.random.sample(journal, min(3, len(journal))):
            try:
                await dreams.undo(self.core, LOCAL_USER, one.handle)
            except ConflictError:
                continue
