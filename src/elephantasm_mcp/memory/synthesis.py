"""Synthesis: pending events become memories and knowledge.

Owns cutting events into batches, checking what a synthesizer proposes, and committing it. Knows no
synthesizer. Invariant: an event is consumed in the transaction that writes its memories, from the
state in which it was read, so it is consumed exactly once, whatever crashes, retries or races.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import echoes, ledger
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, dreams, events, jobs
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.dreams import StoredDream
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.jobs import Job
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceEvent,
    SourceQuote,
    SynthesisBatch,
)
from elephantasm_mcp.types.records import (
    AnimaNo,
    EventState,
    MemoryState,
    RowId,
    Trust,
)

BATCH_TOKENS = 8_000
"""A batch is at most this long, so that an LLM sees it whole (contract §1, work orders)."""
BATCH_EVENTS = 400
"""And at most this many events, so that one transaction stays short."""
LONGEST_SILENCE = timedelta(hours=4)
"""Within one session id, a pause above this ends a batch."""


def cut_batches(found: Sequence[StoredEvent], *, gap: timedelta) -> list[list[StoredEvent]]:
    """Group events by session and pause, in order, within the token and event budgets.

    A pause is `gap` between events without a session id, `LONGEST_SILENCE` with one.
    """
    by_session: dict[str | None, list[StoredEvent]] = {}
    for event in sorted(found, key=lambda one: (one.time, one.id)):
        by_session.setdefault(event.event.session_id, []).append(event)
    batches: list[list[StoredEvent]] = []
    for session, members in by_session.items():
        pause = gap if session is None else LONGEST_SILENCE
        batches += _cut_session(members, pause=pause)
    return sorted(batches, key=lambda batch: (batch[0].time, batch[0].id))


def _cut_session(members: Iterable[StoredEvent], *, pause: timedelta) -> list[list[StoredEvent]]:
    batches: list[list[StoredEvent]] = []
    tokens = 0
    for event in members:
        last = batches[-1] if batches else []
        fits = tokens + event.tokens <= BATCH_TOKENS and len(last) < BATCH_EVENTS
        if not last or not fits or event.time - last[-1].time > pause:
            batches.append([])
            tokens = 0
        batches[-1].append(event)
        tokens += event.tokens
    return batches


async def synthesize(
    core: Core, anima_no: AnimaNo, run: Run, *, include_held: bool, job: Job | None = None
) -> RowId | None:
    """Make memories of all pending events, batch by batch; returns the dream, None without one.

    Each batch is one transaction. One of which another dream consumed an event meanwhile is cut
    anew, once; what that dream takes then is left to it.

    Raises:
        ServerError: the synthesizer failed; batches committed before stay.
        LeaseLostError: `job` went to another worker.
    """
    dream: RowId | None = None
    for held in (include_held, False):  # what an undo holds meanwhile waits for another dream
        anima, found = await core.database.read(_load, anima_no, include_held=held)
        gap = timedelta(minutes=anima.settings.session_gap_min)
        dream, refused = await _synthesize_all(
            core, anima, cut_batches(found, gap=gap), run, dream, job
        )
        if not refused:
            break
    return dream


async def _synthesize_all(
    core: Core,
    anima: StoredAnima,
    batches: Iterable[Sequence[StoredEvent]],
    run: Run,
    dream: RowId | None,
    job: Job | None,
) -> tuple[RowId | None, int]:
    """Propose and commit each batch; returns the dream, and how many batches were refused."""
    refused = 0
    for batch in batches:
        news = await core.database.read(echoes.news_of, anima, batch)
        shown = [event for event in batch if news[event.id]]
        proposals = (
            await core.synthesizer.synthesize(_as_batch(anima, shown, news))
            if shown
            else Proposals()
        )
        checked = check_proposals(proposals, shown)
        uuids = tuple(core.ids.uuid() for _ in range(_rows(checked)))
        try:
            dream = await core.database.write(
                _commit,
                anima.anima_no,
                batch,
                checked,
                repeating=sum(news[event.id] != event.event.content for event in batch),
                run=run,
                dream=dream,
                uuids=uuids,
                provisional=core.synthesizer.provisional,
                job=job,
                now=core.clock.now(),
            )
        except ConflictError:
            refused += 1
    return dream, refused


def check_proposals(proposals: Proposals, batch: Sequence[StoredEvent]) -> Proposals:
    """Keep what names events of the batch, quotes what stands there, and was not said before."""
    texts = {event.event.handle: event.event.content for event in batch}
    memories: dict[tuple[str, ...], MemoryProposal] = {}
    for memory in proposals.memories:
        sources = _check_sources(memory.sources, texts)
        if not sources:
            continue
        knowledge = [
            item.model_copy(update={"sources": kept})
            for item in memory.knowledge
            if (kept := _check_sources(item.sources, texts))
        ]
        checked = memory.model_copy(update={"sources": sources, "knowledge": knowledge})
        handles = sorted({source.event for source in sources})
        memories.setdefault((memory.summary, memory.content, *handles), checked)
    return Proposals(memories=list(memories.values()))


def _check_sources(sources: Iterable[SourceQuote], texts: dict[str, str]) -> list[SourceQuote]:
    """Sources that exist, each once; a quote that does not stand in its event is no source."""
    true = [
        source
        for source in sources
        if source.event in texts
        and (source.quote is None or (source.quote.strip() and source.quote in texts[source.event]))
    ]
    return list({(source.event, source.quote): source for source in true}.values())


def _load(
    tx: Tx, anima_no: AnimaNo, *, include_held: bool
) -> tuple[StoredAnima, list[StoredEvent]]:
    anima = animas.get(tx, anima_no)
    found = events.in_state(tx, anima, EventState.PENDING)
    if include_held:
        found += events.in_state(tx, anima, EventState.HELD)
    return anima, found


def _as_batch(
    anima: StoredAnima, batch: Sequence[StoredEvent], news: Mapping[RowId, str]
) -> SynthesisBatch:
    return SynthesisBatch(
        anima=anima.anima.name,
        events=tuple(
            SourceEvent(
                handle=one.event.handle,
                event_type=one.event.event_type,
                role=one.event.role or "user",
                author=one.event.author or one.event.role or "user",
                text=news[one.id],
                occurred_at=one.time,
                session_id=one.event.session_id,
                importance=one.event.importance_score,
                trust=one.event.trust,
            )
            for one in batch
        ),
    )


def _rows(proposals: Proposals) -> int:
    """How many UUIDs a commit needs: one a row, and one for the dream."""
    return 1 + sum(1 + len(memory.knowledge) for memory in proposals.memories)


def _commit(
    tx: Tx,
    anima_no: AnimaNo,
    batch: Sequence[StoredEvent],
    proposals: Proposals,
    *,
    repeating: int,
    run: Run,
    dream: RowId | None,
    uuids: Sequence[UUID],
    provisional: bool,
    job: Job | None,
    now: datetime,
) -> RowId:
    """One batch, whole: memories, knowledge, links, audit, event states."""
    if job is not None:
        jobs.check(tx, job)
    anima = animas.get(tx, anima_no)
    fresh = iter(uuids)
    uuid = next(fresh)  # not the run's: a run whose dream is undone meanwhile opens another
    dream = _current_dream(tx, dream) or ledger.open_dream(
        tx, anima, replace(run, uuid=uuid), now=now
    )
    state = EventState.PROVISIONAL if provisional else EventState.SETTLED
    before = {event.id: event.event.state for event in batch}
    ledger.consume(tx, anima, dream, before, state=state, now=now)
    changes: list[Change] = []
    for memory in proposals.memories:
        changes += _changes(
            tx, anima, batch, memory, run=run, fresh=fresh, provisional=provisional, now=now
        )
    counts = {
        "events": len(batch),
        "memories": len(proposals.memories),
        "knowledge": len(changes) - len(proposals.memories),
        **({"echoes": repeating} if repeating else {}),
    }
    ledger.apply(tx, anima, dream, changes, counts=counts, now=now)
    return dream


def _current_dream(tx: Tx, dream: RowId | None) -> RowId | None:
    """The running dream, unless a person already undid it."""
    stored: StoredDream | None = dreams.get(tx, dream) if dream is not None else None
    return dream if stored is not None and stored.undone_by is None else None


def _changes(
    tx: Tx,
    anima: StoredAnima,
    batch: Sequence[StoredEvent],
    proposal: MemoryProposal,
    *,
    run: Run,
    fresh: Iterable[UUID],
    provisional: bool,
    now: datetime,
) -> list[Change]:
    """A memory and its knowledge as changes."""
    uuids = iter(fresh)
    known = {event.event.handle: event for event in batch}
    cited = [known[source.event] for source in proposal.sources]
    common: Snapshot = {
        "version": 1,
        "provisional": int(provisional),
        "synthesizer": run.synthesizer,
        "pinned": 0,
        "superseded_by": None,
        "created_at": to_micros(now),
        "updated_at": to_micros(now),
    }
    memory_id = animas.take_number(tx, anima.anima_no, "memory")
    memory: Snapshot = {
        **common,
        "uuid": next(uuids).hex,
        "summary": proposal.summary,
        "content": proposal.content,
        "importance": proposal.importance,
        "confidence": proposal.confidence,
        "state": MemoryState.ACTIVE.value,
        "time_start": to_micros(min(event.time for event in cited)),
        "time_end": to_micros(max(event.time for event in cited)),
        "session_id": batch[0].event.session_id,
        "meta": "{}",
        "trust": _lowest_trust(cited),
        "links": _links(proposal.sources, known),
    }
    changes = [_creation("memory", memory_id, memory, proposal.sources)]
    for item in proposal.knowledge:
        id_ = animas.take_number(tx, anima.anima_no, "knowledge")
        row = {**common, **_knowledge(item, known), "uuid": next(uuids).hex, "memory_id": memory_id}
        changes.append(_creation("knowledge", id_, row, item.sources))
    return changes


def _knowledge(item: KnowledgeProposal, known: dict[str, StoredEvent]) -> Snapshot:
    cited = [known[source.event] for source in item.sources]
    return {
        "type": item.type.value,
        "content": item.content,
        "confidence": item.confidence,
        "valid_from": to_micros(min(event.time for event in cited)),
        "valid_until": None,
        "trust": _lowest_trust(cited),
        "archived": 0,
        "links": _links(item.sources, known),
    }


def _creation(
    layer: DerivedLayer, id_: RowId, row: Snapshot, sources: Sequence[SourceQuote]
) -> Change:
    handles = list(dict.fromkeys(source.event for source in sources))
    return Change(layer=layer, id=id_, after=row, operation="synthesize", sources=handles)


def _links(sources: Sequence[SourceQuote], known: dict[str, StoredEvent]) -> list[list[object]]:
    return [["event", known[source.event].id, source.quote] for source in sources]


def _lowest_trust(cited: Sequence[StoredEvent]) -> str:
    told = all(event.event.trust is Trust.TOLD for event in cited)
    return (Trust.TOLD if told else Trust.REPORTED).value
