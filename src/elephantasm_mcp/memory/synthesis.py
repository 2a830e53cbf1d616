"""Synthesis: pending events become memories and knowledge.

Owns cutting events into batches and committing what was drafted of them (`drafting.py`). Knows no
synthesizer. Invariant: an event is consumed in the transaction that writes its memories, from the
state in which it was read, so it is consumed exactly once, whatever crashes, retries or races.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import ledger, reworking
from elephantasm_mcp.memory.core import Core, Progress
from elephantasm_mcp.memory.drafting import Draft, Writer
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.store import animas, calls, dreams, events, jobs, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.dreams import StoredDream
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.jobs import Job
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.types.proposals import KnowledgeProposal, MemoryProposal, SourceQuote
from elephantasm_mcp.types.records import (
    AnimaNo,
    EventState,
    MemoryState,
    RowId,
    Trust,
    handle_of,
)

KEPT = "{handle} was kept as it is, because it was pinned, corrected or merged meanwhile."
"""About a provisional row whose events are settled."""
ADOPTED = "It was known already; the memory that it came from was forgotten."
"""About knowledge that outlived its memory."""
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


@dataclass(frozen=True, slots=True)
class Synthesized:
    """What one run of synthesis came to."""

    dream: RowId | None
    """None when there was nothing to do."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it went: a model that failed, a row that was kept."""


@dataclass(slots=True)
class _Work:
    """One run, as far as it got."""

    core: Core
    anima: StoredAnima
    run: Run
    writer: Writer
    job: Job | None
    progress: Progress | None
    dream: RowId | None = None
    done: int = 0
    total: int = 0

    async def report(self, batches: int, what: str) -> None:
        """Say how far it is; `batches` of a batch are done."""
        self.done += batches
        if self.progress is not None:
            await self.progress(self.done, self.total, what)


async def synthesize(
    core: Core,
    anima_no: AnimaNo,
    run: Run,
    *,
    include_held: bool,
    job: Job | None = None,
    progress: Progress | None = None,
) -> Synthesized:
    """Make memories of all pending events, batch by batch, then better those made provisionally.

    Each batch is one transaction. One of which another dream consumed an event meanwhile is cut
    anew, once; what that dream takes then is left to it. What was made provisionally is done again
    as long as there is a language model that answers.

    Raises:
        ServerError: the synthesizer failed; batches committed before stay.
        LeaseLostError: `job` went to another worker.
    """
    anima = await core.database.read(animas.get, anima_no)
    work = _Work(core, anima, run, Writer(core, anima, job=job), job, progress)
    again = await _load_owed(work, include_held=include_held)
    for held in (include_held, False):  # what an undo holds meanwhile waits for another dream
        found = await core.database.read(_load, anima_no, include_held=held)
        if not await _synthesize_all(work, _cut(anima, found)):
            break
    await _rework_all(work, _cut(anima, again))
    return Synthesized(dream=work.dream, notes=tuple(work.writer.notes))


def _cut(anima: StoredAnima, found: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
    return cut_batches(found, gap=timedelta(minutes=anima.settings.session_gap_min))


async def _synthesize_all(work: _Work, batches: Sequence[Sequence[StoredEvent]]) -> int:
    """Draft and commit each batch; returns how many were refused."""
    refused = 0
    work.total += len(batches)
    for batch in batches:
        await work.report(0, f"Making memories of {counted(len(batch), 'event')}")
        draft = await work.writer.draft(batch)
        try:
            await _store(work, batch, draft)
        except ConflictError:
            refused += 1
        await work.report(1, "Stored")
    return refused


async def _rework_all(work: _Work, batches: Sequence[Sequence[StoredEvent]]) -> None:
    """Do batches again that were done provisionally, while the model answers."""
    work.total += len(batches)
    for batch in batches:
        if not work.writer.asks:
            return
        await work.report(0, f"Going through {counted(len(batch), 'event')} again")
        draft = await work.writer.rework(batch)
        if draft is not None:
            with suppress(ConflictError):  # another dream was faster: what it took is its own
                await _store(work, batch, draft)
        else:
            await _note_unmade(work)
        await work.report(1, "Stored")


async def _store(work: _Work, batch: Sequence[StoredEvent], draft: Draft) -> None:
    """Commit a batch, whole.

    Raises:
        ConflictError: another dream consumed one of its events meanwhile.
    """
    core = work.core
    stored = await core.database.write(
        commit,
        work.anima.anima_no,
        batch,
        draft,
        run=work.run,
        dream=work.dream,
        uuids=uuids_for(core, draft),
        job=work.job,
        now=core.clock.now(),
    )
    work.dream = stored.dream
    for handle in stored.kept:
        work.writer.notes[KEPT.format(handle=handle)] = None
    await _note_unmade(work)


async def _note_unmade(work: _Work) -> None:
    """Remember what the model makes nothing of, so that only a person has it asked again."""
    events = [event.id for event in work.writer.unmade]
    work.writer.unmade.clear()
    if events and work.core.model is not None:
        await work.core.database.write(
            calls.note_unmade, events, model=work.core.model.name, now=work.core.clock.now()
        )


def _load(tx: Tx, anima_no: AnimaNo, *, include_held: bool) -> list[StoredEvent]:
    """What nothing was made of yet; of held events those of which nothing stands."""
    anima = animas.get(tx, anima_no)
    found = events.in_state(tx, anima, EventState.PENDING)
    if include_held:
        held = events.in_state(tx, anima, EventState.HELD)
        standing = _told(tx, held)
        found += [one for one in held if one.id not in standing]
    return found


def owed(
    tx: Tx, anima: StoredAnima, *, include_held: bool, limit: int = events.NO_LIMIT
) -> list[StoredEvent]:
    """The first events that memories were made of, but only provisionally.

    With `include_held` also those whose better memories were taken back.
    """
    found = events.in_state(tx, anima, EventState.PROVISIONAL, limit=limit)
    if include_held:
        found += still_owed(tx, events.in_state(tx, anima, EventState.HELD))
    return sorted(found, key=lambda one: (one.time, one.id))


def still_owed(tx: Tx, found: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Those of these events that a dream consumed, but made nothing better than provisional of.

    Of what was held it must still be told: what else was made of it may have been forgotten.
    """
    made = dreams.consumed(tx, [one.id for one in found])
    standing = _told(tx, found)
    return [
        one
        for one in found
        if one.id in made
        and (
            one.event.state is EventState.PROVISIONAL
            or (one.event.state is EventState.HELD and one.id in standing)
        )
    ]


def _told(tx: Tx, found: Sequence[StoredEvent]) -> set[RowId]:
    """Those of these events that a dream consumed which stands, and that a memory tells of."""
    ids = [one.id for one in found]
    return dreams.consumed(tx, ids) & memories.told_events(tx, ids)


async def _load_owed(work: _Work, *, include_held: bool) -> list[StoredEvent]:
    """What the model is to do again; unasked, not what it was found to make nothing of."""
    core, anima = work.core, work.anima
    if core.model is None or not work.writer.asks:
        return []
    found = await core.database.read(owed, anima, include_held=include_held)
    if work.job is None:
        return found
    unmade = await core.database.read(calls.unmade, anima, model=core.model.name)
    return [one for one in found if one.id not in unmade]


def uuids_for(core: Core, draft: Draft) -> tuple[UUID, ...]:
    """The UUIDs that a commit needs: one a row, and one for the dream."""
    rows = sum(1 + len(memory.knowledge) for memory in draft.proposals.memories)
    return tuple(core.ids.uuid() for _ in range(1 + rows))


@dataclass(frozen=True, slots=True)
class Stored:
    """What a commit did."""

    dream: RowId
    kept: list[str]
    """Provisional rows that stay because somebody touched them, although all is settled."""
    memories: list[str]
    """Handles of the memories, in the order of the draft."""


def commit(
    tx: Tx,
    anima_no: AnimaNo,
    batch: Sequence[StoredEvent],
    draft: Draft,
    *,
    run: Run,
    dream: RowId | None,
    uuids: Sequence[UUID],
    job: Job | None,
    now: datetime,
) -> Stored:
    """One batch, whole: memories, knowledge, links, what they replace, audit, event states.

    Raises:
        ConflictError: another dream consumed one of its events meanwhile.
        LeaseLostError: `job` went to another worker.
    """
    if job is not None:
        jobs.check(tx, job)
    anima = animas.get(tx, anima_no)
    fresh = iter(uuids)
    uuid = next(fresh)  # not the run's: a run whose dream is undone meanwhile opens another
    dream = _current_dream(tx, dream) or ledger.open_dream(
        tx, anima, replace(run, uuid=uuid, synthesizer=draft.synthesizer), now=now
    )
    calls.attach(tx, draft.calls, dream)
    state = EventState.PROVISIONAL if draft.provisional else EventState.SETTLED
    before = {event.id: event.event.state for event in batch}
    ledger.consume(tx, anima, dream, before, state=state, now=now)
    orphans = _orphans(tx, batch, draft)
    changes: list[Change] = []
    for memory in draft.proposals.memories:
        made = _changes(tx, anima, batch, memory, draft=draft, fresh=fresh, now=now)
        changes += [_adopted(tx, orphans, one, now=now) for one in made]
    counts = {
        "events": len(batch),
        "memories": len(draft.proposals.memories),
        "knowledge": len(changes) - len(draft.proposals.memories),
        **({"echoes": draft.repeating} if draft.repeating else {}),
    }
    ledger.apply(tx, anima, dream, changes, counts=counts, tokens=draft.tokens, now=now)
    made = [handle_of(one.layer, one.id) for one in changes if one.layer == "memory"]
    if draft.provisional:
        return Stored(dream, kept=[], memories=made)
    reworked = reworking.supersede(tx, before, now=now)
    if reworked.changes:
        count = {"superseded": len(reworked.changes)}
        ledger.apply(tx, anima, dream, reworked.changes, counts=count, now=now)
    return Stored(dream, kept=reworked.kept, memories=made)


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
    draft: Draft,
    fresh: Iterable[UUID],
    now: datetime,
) -> list[Change]:
    """A memory and its knowledge as changes."""
    uuids = iter(fresh)
    known = {event.event.handle: event for event in batch}
    cited = [known[source.event] for source in proposal.sources]
    common: Snapshot = {
        "version": 1,
        "provisional": int(draft.provisional),
        "synthesizer": draft.synthesizer,
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
        "session_id": cited[0].event.session_id,
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


def _orphans(tx: Tx, batch: Sequence[StoredEvent], draft: Draft) -> dict[str, RowId]:
    """Knowledge of these events whose memory was forgotten, by whatever words it ever had.

    What is provisional gives way to what is not, as always.
    """
    found: dict[str, RowId] = {}
    for id_ in memories.orphans_of(tx, [event.id for event in batch]):
        row = memories.read_snapshot(tx, "knowledge", id_)
        if row is not None and (draft.provisional or not row["provisional"]):
            found |= dict.fromkeys([row["content"], *dreams.wordings_of(tx, id_)], id_)
    return found


def _adopted(tx: Tx, orphans: dict[str, RowId], change: Change, *, now: datetime) -> Change:
    """The change, or the one that gives what is already known its new memory instead."""
    proposed = change.after
    if change.layer != "knowledge" or proposed is None:
        return change
    id_ = orphans.get(proposed["content"])
    row = None if id_ is None else memories.read_snapshot(tx, "knowledge", id_)
    if id_ is None or row is None:
        return change
    for text in [text for text, one in orphans.items() if one == id_]:
        del orphans[text]
    after = ledger.stamp({**row, "memory_id": proposed["memory_id"]}, now=now)
    return replace(change, id=id_, after=after, reasoning=ADOPTED)


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
