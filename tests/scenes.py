"""What tests of the services do again and again: tell things, look into the file, break writes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw

from elephantasm_mcp.memory import animas, events
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import jobs
from elephantasm_mcp.store.jobs import Job, JobKind
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
    SynthesisBatch,
)
from elephantasm_mcp.types.records import LOCAL_USER, EventCreate, KnowledgeType, UserNo
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
)
INDEXED = {
    "event": "SELECT id, indexed_words FROM events WHERE indexed_words IS NOT NULL",
    "memory": "SELECT id, indexed_words FROM memories WHERE indexed_words IS NOT NULL",
    "knowledge": "SELECT id, indexed_words FROM knowledge WHERE indexed_words IS NOT NULL",
}
IN_TEXT = {
    "event": "SELECT rowid FROM event_text ORDER BY rowid",
    "memory": "SELECT rowid FROM memory_text ORDER BY rowid",
    "knowledge": "SELECT rowid FROM knowledge_text ORDER BY rowid",
}


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


async def tell(
    core: Core, *texts: str, user: UserNo = LOCAL_USER, **fields: Any
) -> list[RecordedEvent]:
    """Record these texts in one call."""
    requests = [EventCreate(content=text, **fields) for text in texts]
    return (await events.record(core, user, requests)).events


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


def add_user(path: Path, number: int = 2) -> UserNo:
    """Another user of the same database."""
    tamper(path, "INSERT INTO users VALUES (?, randomblob(16), ?, 0)", number, f"user-{number}")
    return UserNo(number)


def derived_rows(path: Path) -> list[list[tuple[Any, ...]]]:
    """Everything that the journal answers for: memories, knowledge, links."""
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
    """What the index holds is of rows that exist, and what it counts is what it holds."""
    expected: dict[tuple[int, str, str], tuple[int, int]] = {}
    for layer in INDEXED:
        rows = look(path, INDEXED[layer])
        in_text = [id_ for (id_,) in look(path, IN_TEXT[layer])]
        assert in_text == sorted(id_ for id_, _ in rows)
        vectors = look(path, "SELECT id, model FROM vectors WHERE layer = ?", layer)
        assert {id_ for id_, _ in vectors} <= set(in_text)
        for id_, model, count in [(*row, 0) for row in vectors] + [
            (id_, "text", count) for id_, count in rows
        ]:
            known = expected.get((id_ >> 32, layer, model), (0, 0))
            expected[id_ >> 32, layer, model] = (known[0] + 1, known[1] + count)
    totals = look(path, "SELECT anima_no, layer, model, rows, words FROM index_totals")
    assert {tuple(key): (rows, count) for *key, rows, count in totals if rows or count} == expected


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
