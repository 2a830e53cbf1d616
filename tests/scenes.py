"""What tests of the services do again and again: tell things, look into the file, break writes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import apsw

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.memory import animas, events, ledger
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import CountingIds, FakeClock
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Synthesizer, Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import jobs
from elephantasm_mcp.store.jobs import Job, JobKind
from elephantasm_mcp.store.sqlite.database import open_database
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
    SynthesisBatch,
)
from elephantasm_mcp.types.records import (
    LOCAL_USER,
    EventCreate,
    KnowledgeType,
    User,
    UserNo,
    row_id,
)
from elephantasm_mcp.types.views import RecordedEvent

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FILE = "memory.sqlite3"
"""The name of the file behind the fixture `core`, in `tmp_path`."""

DERIVED_ROWS = (
    "SELECT id, hex(uuid), version, summary, content, importance, confidence, state, time_start,"
    " time_end, session_id, meta, provisional, synthesizer, pinned, trust, superseded_by,"
    " created_at, updated_at FROM memories ORDER BY id",
    "SELECT id, hex(uuid), version, type, content, confidence, valid_from, valid_until, memory_id,"
    " provisional, synthesizer, pinned, trust, superseded_by, archived, created_at, updated_at"
    " FROM knowledge ORDER BY id",
    "SELECT * FROM links ORDER BY layer, id, position",
    "SELECT * FROM identities ORDER BY id",
    "SELECT * FROM conflicts ORDER BY id",
)
ROWS = {
    "event": "SELECT id FROM events",
    "memory": "SELECT id FROM memories",
    "knowledge": "SELECT id FROM knowledge",
}


BEHIND = """
SELECT anima_no FROM animas
JOIN (SELECT 'event' AS layer UNION ALL SELECT 'memory' UNION ALL SELECT 'knowledge')
LEFT JOIN index_marks AS marks USING (anima_no, layer)
WHERE ifnull(model, ?1) = ?1 AND ifnull(upto, 0) <>
  CASE layer WHEN 'event' THEN event_seq WHEN 'memory' THEN memory_seq ELSE knowledge_seq END
"""
"""Animas whose rows are not all marked as indexed under a model."""


class EachEvent:
    """A synthesizer that makes one memory, with one fact, of every event."""

    name = "each-1"

    def __init__(self, *, provisional: bool = False) -> None:
        self.provisional = provisional

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        return Proposals(
            memories=[
                propose(
                    f"Heard: {event.text[:200]}",
                    event.handle,
                    quote=event.text,
                    importance=0.5 if event.importance is None else event.importance,
                    facts=[f"It was said: {event.text[:200]}"],
                )
                for event in batch.events
            ]
        )


def propose(
    summary: str,
    *handles: str,
    quote: str | None = None,
    importance: float = 0.5,
    facts: list[str] | None = None,
) -> MemoryProposal:
    """A memory of these events, with these facts."""
    sources = [SourceQuote(event=handle, quote=quote) for handle in handles]
    return MemoryProposal(
        summary=summary,
        content=summary,
        importance=importance,
        confidence=0.8,
        sources=sources,
        knowledge=[
            KnowledgeProposal(
                type=KnowledgeType.FACT, content=fact, confidence=0.9, sources=sources
            )
            for fact in facts or []
        ],
    )


@asynccontextmanager
async def open_core(
    path: Path, *, clock: FakeClock, synthesizer: Synthesizer, dimensions: int = 16
) -> AsyncIterator[Core]:
    """The ports over a new database: for tests that need one for each of many histories."""
    async with open_database(path) as database:
        ids = CountingIds()
        secret = await database.write(
            anima_store.prepare, user=ids.uuid(), secret=b"secret", now=clock.now()
        )
        yield Core(
            database=database,
            clock=clock,
            ids=ids,
            synthesizer=synthesizer,
            secret=secret,
            sentences=HashEmbedder(dimensions),
        )


async def tell(
    core: Core, *texts: str, user: User = LOCAL_USER, **fields: Any
) -> list[RecordedEvent]:
    """Record these texts in one call."""
    requests = [EventCreate(content=text, **fields) for text in texts]
    return (await events.record(core, user, requests)).events


async def write_rows(core: Core, *changes: Change) -> None:
    """Change rows of the default anima as a dream does."""
    anima = await animas.find(core, LOCAL_USER, None)

    def write(tx: Tx) -> None:
        now = core.clock.now()
        run = Run(uuid=core.ids.uuid(), phase="deep", actor="worker", started_at=now)
        dream = ledger.open_dream(tx, anima, run, now=now)
        ledger.apply(tx, anima, dream, changes, counts={}, now=now)

    await core.database.write(write)


def identity(core: Core, prose: str, *, number: int = 1) -> Change:
    """A version of who the agent is."""
    row = {
        **_fresh(core),
        "personality_type": None,
        "communication_style": "terse",
        "self_reflection": None,
        "prose": prose,
        "statements": "[]",
        "synthesizer": "test-1",
    }
    return Change(layer="identity", id=row_id(1, number), after=row, operation="identity")


def conflict(core: Core, question: str) -> Change:
    """The first two pieces of knowledge say different things, and nobody knows which holds."""
    row = {
        **_fresh(core),
        "links": [["knowledge", row_id(1, 1), None], ["knowledge", row_id(1, 2), None]],
        "of_layer": "knowledge",
        "first_id": row_id(1, 1),
        "second_id": row_id(1, 2),
        "question": question,
        "state": "open",
        "kept_id": None,
    }
    return Change(layer="conflict", id=row_id(1, 1), after=row, operation="conflict")


def _fresh(core: Core) -> dict[str, Any]:
    now = to_micros(core.clock.now())
    return {
        "uuid": core.ids.uuid().hex,
        "links": [],
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


async def claim(core: Core, *, kind: JobKind = JobKind.SYNTHESIS, lease_s: float = 60) -> Job:
    """A leased job for the default anima."""
    anima = await animas.find(core, LOCAL_USER, None)
    now = core.clock.now()
    await core.database.write(jobs.add, anima.anima_no, kind, now=now)
    until = now + timedelta(seconds=lease_s)
    job = await core.database.write(jobs.claim, owner="test", now=now, lease_until=until)
    assert job is not None
    return job


def look(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of the file, read past all our code."""
    connection = apsw.Connection(str(path))
    try:
        return list(connection.execute(sql, values))
    finally:
        connection.close()


def tamper(path: Path, sql: str, *values: object) -> None:
    """Change the file past all our code."""
    look(path, sql, *values)


def kill_beside(path: Path, killed: Path, sql: str) -> None:
    """Leave a file and its log at `killed`, as a program does that is killed after it ran `sql`."""
    connection = apsw.Connection(str(path))
    try:
        list(connection.execute("PRAGMA journal_mode = WAL"))
        list(connection.execute(sql))
        for end in ("", "-wal", "-shm"):
            copy(f"{path}{end}", f"{killed}{end}")
    finally:
        connection.close()


def add_user(path: Path, number: int = 2) -> User:
    """Another user of the same database."""
    tamper(path, "INSERT INTO users VALUES (?, randomblob(16), ?, 0)", number, f"user-{number}")
    return User(UserNo(number))


def derived_rows(path: Path) -> list[list[tuple[Any, ...]]]:
    """Everything that the journal answers for."""
    return [look(path, sql) for sql in DERIVED_ROWS]


def check_counters(path: Path) -> None:
    """What animas count as pending is what is pending."""
    counted = look(
        path, "SELECT anima_no, pending_events, pending_tokens, pending_since FROM animas"
    )
    for anima_no, *counters in counted:
        (found,) = look(
            path,
            "SELECT count(*), ifnull(sum(tokens), 0), min(created_at) FROM events"
            " WHERE id >> 32 = ? AND state = 'pending'",
            anima_no,
        )
        assert tuple(counters) == found


def check_consumption(path: Path) -> None:
    """Each event that is no longer pending or held was consumed by one dream that stands."""
    standing = look(
        path,
        "SELECT events.state, count(dreams.id) FROM events"
        " LEFT JOIN dream_events ON event_id = events.id"
        " LEFT JOIN dreams ON dreams.id = dream_id AND undone_by IS NULL GROUP BY events.id",
    )
    for state, dreams in standing:
        assert dreams == (state in ("provisional", "settled"))


def check_index(path: Path) -> None:
    """No vector is of a row that is not there, and up to its mark a model has seen every row."""
    rows = {layer: {id_ for (id_,) in look(path, sql)} for layer, sql in ROWS.items()}
    vectors = set(look(path, "SELECT layer, model, id FROM vectors"))
    assert {(layer, id_) for layer, _, id_ in vectors} <= {
        (layer, id_) for layer, ids in rows.items() for id_ in ids
    }
    marks = look(path, "SELECT anima_no, layer, model, upto FROM index_marks")
    seen = {
        (layer, model, id_)
        for anima_no, layer, model, upto in marks
        for id_ in rows[layer]
        if anima_no << 32 < id_ <= (anima_no << 32) + upto
    }
    assert seen <= vectors
    assert {(layer, model) for layer, model, _ in vectors} <= {mark[1:3] for mark in marks}


def check_index_is_whole(path: Path, *models: str) -> None:
    """Every row has its vector under these models, and the marks say so."""
    check_index(path)
    assert look(path, "SELECT layer, model, id FROM vectors ORDER BY 1, 2, 3") == [
        (layer, model, id_)
        for layer in sorted(ROWS)
        for model in sorted(models)
        for (id_,) in sorted(look(path, ROWS[layer]))
    ]
    for model in models:
        assert look(path, BEHIND, model) == []


class CrashError(Exception):
    """What a broken write raises: nothing that our code knows."""


class Fragile:
    """A database whose next write breaks at its n-th statement, inside the transaction."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.break_at: int | None = None
        self.only: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.break_at is None or (self.only is not None and fn.__name__ != self.only):
            return await self._database.write(fn, *args, **kwargs)
        breaking_at, self.break_at = self.break_at, None
        return await self._database.write(
            lambda tx: fn(_FragileTx(tx, breaking_at), *args, **kwargs)
        )


class _FragileTx:
    """A transaction in which the n-th statement is never reached."""

    def __init__(self, tx: Tx, statements: int) -> None:
        self._tx = tx
        self._left = statements

    def __getattr__(self, name: str) -> Any:
        if self._left == 0:
            raise CrashError
        self._left -= 1
        return getattr(self._tx, name)


def fragile(core: Core) -> tuple[Core, Fragile]:
    """The same core over a database that can break."""
    database = Fragile(core.database)
    return replace(core, database=database), database
