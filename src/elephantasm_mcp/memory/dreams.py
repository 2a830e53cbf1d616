"""Dreams: running one, taking one back, reading the journal.

Owns what a dream consists of and how it is reported. The changes themselves are the ledger's.
Invariant: a dream that a person asks for always stands in the journal, even when it found nothing
to do; one of the background task only when it did something, and what is handed in for a work order
only when something of it is accepted.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    ledger,
    light_sleep,
    synthesis,
    work_orders,
)
from elephantasm_mcp.memory import calls as model_calls
from elephantasm_mcp.memory.calls import Metered
from elephantasm_mcp.memory.core import Core, Progress
from elephantasm_mcp.memory.ledger import Run, Undone
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import calls, jobs
from elephantasm_mcp.store import dreams as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.dreams import StoredAction, StoredDream
from elephantasm_mcp.store.jobs import Job, JobKind
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import from_json, from_micros
from elephantasm_mcp.types.cursors import Cursor
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import (
    AnimaNo,
    JournalLayer,
    RowId,
    User,
    handle_of,
    parse_handle,
    parse_uuid,
    row_id,
)
from elephantasm_mcp.types.views import DreamAction, DreamReport, Phase, UndoReport

_TIMES = frozenset(
    ("time_start", "time_end", "valid_from", "valid_until", "created_at", "updated_at")
)
_ROWS = frozenset(("superseded_by", "memory_id", "first_id", "second_id", "kept_id"))
_JSON = frozenset(("meta", "statements", "self_reflection"))
_FLAGS = frozenset(("provisional", "pinned", "archived"))
DEEP_SLEEP = "deep_sleep"
"""What calls of the language model are recorded for."""
WORKER = "worker"
"""The actor of what the background task does."""


async def run(
    core: Core,
    user: User,
    *,
    anima: AnimaRef,
    phase: Phase = "auto",
    actor: str = "user",
    progress: Progress | None = None,
) -> DreamReport:
    """Dream now, whatever the threshold says, and report what was done.

    In host mode the report has a work order, as long as there is something to better.

    Raises:
        NotFoundError: an unknown anima.
        ServerError: the synthesizer failed; what was committed before stays.
    """
    target = await animas.find(core, user, anima)
    started = _run(core, phase=phase, actor=actor)
    dream: RowId | None = None
    await core.database.write(_forgive_jobs, target.anima_no, phase, now=core.clock.now())
    notes: tuple[str, ...] = ()
    if phase in ("auto", "synthesis"):
        made = await synthesis.synthesize(
            core, target.anima_no, started, include_held=True, progress=progress
        )
        dream, notes = made.dream, made.notes
    if phase in ("auto", "light"):
        dream = await light_sleep.sleep_lightly(
            core, target.anima_no, started, dream=dream, even_declined=True
        )
    if phase == "deep" or (phase == "auto" and await _is_due_for_deep_sleep(core, target)):
        from elephantasm_mcp.memory import deep_sleep  # its tables of words: not at start-up

        dream = await deep_sleep.sleep_deeply(
            core,
            target.anima_no,
            started,
            dream=dream,
            even_declined=True,
            adviser=adviser_of(core, target.anima_no),
        )
    if dream is None:
        dream = await core.database.write(ledger.open_dream, target, started, now=core.clock.now())
    report = await core.database.read(as_report, target, dream)
    order = await work_orders.offer(core, target) if phase in ("auto", "synthesis") else None
    return report.model_copy(update={"notes": list(notes), "work_order": order})


async def run_job(core: Core, job: Job) -> RowId | None:
    """Do what a job of the background task asks for; returns the dream, None when nothing was done.

    Raises:
        LeaseLostError: another worker took the job over.
        ServerError: the synthesizer failed; what was committed before stays.
    """
    started = _run(core, phase=job.kind.value, actor=WORKER)
    match job.kind:
        case JobKind.SYNTHESIS:
            made = await synthesis.synthesize(
                core, job.anima_no, started, include_held=False, job=job
            )
            return made.dream
        case JobKind.LIGHT_SLEEP:
            return await light_sleep.sleep_lightly(core, job.anima_no, started, job=job)
        case JobKind.DEEP_SLEEP:
            from elephantasm_mcp.memory import deep_sleep  # its tables of words: not at start-up

            return await deep_sleep.sleep_deeply(
                core, job.anima_no, started, job=job, adviser=adviser_of(core, job.anima_no)
            )


async def _is_due_for_deep_sleep(core: Core, target: StoredAnima) -> bool:
    anima = await core.database.read(anima_store.get, target.anima_no)
    from elephantasm_mcp.memory import deep_sleep  # its tables of words: not at start-up

    return deep_sleep.is_due(anima, now=core.clock.now())


def adviser_of(core: Core, anima_no: AnimaNo) -> Metered | None:
    """The language model as deep sleep asks it; None without one that answers."""
    if not model_calls.may_ask(core, anima_no, purpose=DEEP_SLEEP):
        return None
    return Metered(core, anima_no, purpose=DEEP_SLEEP)


async def report(core: Core, anima: StoredAnima, dream: RowId) -> DreamReport:
    """What a run of an anima did."""
    return await core.database.read(as_report, anima, dream)


async def complete(
    core: Core,
    user: User,
    order: str,
    *,
    proposals: object,
    host: str,
    actor: str = "user",
) -> DreamReport:
    """Take in what a connected agent (`host`) made of a work order.

    Raises:
        NotFoundError: the caller has no such order.
        ConflictError: it has expired, was completed, or its events changed meanwhile.
        ValidationError: the proposals are nothing of the kind.
    """
    started = replace(_run(core, phase="synthesis", actor=actor), synthesizer=f"host:{host}")
    done = await work_orders.complete(core, user, order, proposals=proposals, run=started)
    report = (
        _refused(core, done.anima, started)
        if done.dream is None
        else await core.database.read(as_report, done.anima, done.dream)
    )
    return report.model_copy(
        update={"accepted": done.accepted, "rejected": done.rejected, "notes": done.notes}
    )


def _refused(core: Core, anima: StoredAnima, run: Run) -> DreamReport:
    """What was handed in and refused whole: it stands in no journal."""
    return DreamReport(
        id=run.uuid,
        handle="",
        anima_id=anima.id,
        phase=run.phase,
        state="refused",
        actor=run.actor,
        synthesizer=run.synthesizer,
        started_at=run.started_at,
        finished_at=core.clock.now(),
        counts={},
    )


async def undo(
    core: Core, user: User, dream: str, *, anima: AnimaRef = None, actor: str = "user"
) -> UndoReport:
    """Take a dream back: its rows as they were before it, its events held.

    Raises:
        NotFoundError: no such dream.
        ConflictError: it cannot be undone; the message names the later dream in the way.
    """
    target, found = await _find(core, user, dream, anima=anima)
    started = _run(core, phase=ledger.UNDO, actor=actor)
    undone = await core.database.write(ledger.undo, target, found, started, now=core.clock.now())
    return _undo_report(found, undone)


async def journal(
    core: Core,
    user: User,
    *,
    anima: AnimaRef = None,
    after: Cursor | None = None,
    limit: int | None = None,
) -> list[DreamReport]:
    """The dreams of an anima with their actions, newest first, behind a cursor.

    All of them without a limit.
    """
    target = await animas.find(core, user, anima)
    return await core.database.read(_journal, target, after, limit)


async def show(core: Core, user: User, dream: str, *, anima: AnimaRef = None) -> DreamReport:
    """One dream with its actions.

    Raises:
        NotFoundError: no such dream.
    """
    target, found = await _find(core, user, dream, anima=anima)
    return await core.database.read(as_report, target, found.id)


def _forgive_jobs(tx: Tx, anima_no: AnimaNo, phase: Phase, *, now: datetime) -> None:
    """What a person does now, the background task may try again."""
    for kind in JobKind:
        if phase in ("auto", kind):
            jobs.forgive(tx, anima_no, kind, now=now)


def _run(core: Core, *, phase: str, actor: str) -> Run:
    return Run(
        uuid=core.ids.uuid(),
        phase=phase,
        actor=actor,
        started_at=core.clock.now(),
        synthesizer=_synthesizer(core, phase),
    )


def _synthesizer(core: Core, phase: str) -> str:
    match phase:
        case "auto" | "synthesis":
            return core.synthesizer.name if core.model is None else core.model.name
        case "deep":
            from elephantasm_mcp.memory import deep_sleep  # its tables of words: not at start-up

            return deep_sleep.RULES if core.model is None else core.model.name
        case _:
            return ""


async def _find(
    core: Core, user: User, dream: str, *, anima: AnimaRef
) -> tuple[StoredAnima, StoredDream]:
    """A dream by handle or UUID; a UUID wins over `anima`."""
    uuid = parse_uuid(dream)
    if uuid is not None:
        found = await core.database.read(_find_by_uuid, user, uuid)
    else:
        found = await _find_by_handle(core, user, dream, anima=anima)
    if found is None:
        raise NotFoundError(
            f"There is no dream {dream!r}.", hint="The journal of the anima lists its dreams."
        )
    return found


async def _find_by_handle(
    core: Core, user: User, dream: str, *, anima: AnimaRef
) -> tuple[StoredAnima, StoredDream] | None:
    handle = parse_handle(dream)
    if handle is None or handle[0] != "d":
        raise ValidationError(
            f"{dream!r} is not a dream.",
            field="dream",
            hint='Give a handle such as "d3", or an id.',
        )
    target = await animas.find(core, user, anima)
    stored = await core.database.read(store.get, row_id(target.anima_no, handle[1]))
    return (target, stored) if stored is not None else None


def _find_by_uuid(tx: Tx, user: User, uuid: UUID) -> tuple[StoredAnima, StoredDream] | None:
    stored = store.find(tx, uuid)
    if stored is None:
        return None
    anima = anima_store.get(tx, anima_store.anima_of(stored.id))
    return (anima, stored) if anima.is_seen_by(user) else None


def _journal(
    tx: Tx, anima: StoredAnima, after: Cursor | None, limit: int | None
) -> list[DreamReport]:
    found = store.list_for(tx, anima, after=after, limit=-1 if limit is None else limit)
    return [_report(tx, anima, dream) for dream in found]


def as_report(tx: Tx, anima: StoredAnima, dream: RowId) -> DreamReport:
    """A dream with its actions, as it stands in the journal."""
    stored = store.get(tx, dream)
    if stored is None:
        raise LookupError(dream)
    return _report(tx, anima, stored)


def _report(tx: Tx, anima: StoredAnima, dream: StoredDream) -> DreamReport:
    actions = [_as_action(action) for action in store.actions_of(tx, dream.id)]
    called = calls.sum_of(tx, dream.id)
    return DreamReport(
        id=dream.uuid,
        handle=dream.handle,
        anima_id=anima.id,
        phase=dream.phase,
        state="undone" if dream.undone_by is not None else "done",
        actor=dream.actor,
        synthesizer=dream.synthesizer,
        started_at=dream.started_at,
        finished_at=dream.finished_at,
        counts=dream.counts,
        tokens=dream.tokens,
        note=dream.note,
        calls=called.calls,
        cost_usd=called.cost_usd,
        actions=actions,
        undoes=None if dream.undoes is None else handle_of("dream", dream.undoes),
    )


def _as_action(action: StoredAction) -> DreamAction:
    return DreamAction(
        kind=action.kind,
        operation=action.operation,
        layer=action.layer,
        handle=handle_of(action.layer, action.row_id),
        row=_uuid(action),
        before=_readable(action.layer, action.before),
        after=_readable(action.layer, action.after),
        sources=action.sources,
        reasoning=action.reasoning,
        model=action.model,
        tokens=action.tokens,
    )


def _uuid(action: StoredAction) -> UUID | None:
    row = action.after or action.before
    return None if row is None else UUID(hex=row["uuid"])


def _readable(layer: JournalLayer, snapshot: Snapshot | None) -> Snapshot | None:
    """A snapshot as people read it: times as ISO 8601, rows as handles, flags as booleans."""
    if snapshot is None:
        return None
    row = {
        name: _readable_value(snapshot.get("of_layer", layer), name, value)
        for name, value in snapshot.items()
        if name not in ("uuid", "links")
    }
    row["sources"] = [
        {"source": handle_of(kind, id_), "quote": quote} for kind, id_, quote in snapshot["links"]
    ]
    return row


def _readable_value(layer: JournalLayer, name: str, value: Any) -> Any:  # noqa: ANN401 - a column
    if value is None:
        return None
    if name in _TIMES:
        return from_micros(value).isoformat()
    if name in _FLAGS:
        return bool(value)
    if name in _ROWS:
        return handle_of("memory" if name == "memory_id" else layer, value)
    return from_json(value) if name in _JSON else value


def _undo_report(dream: StoredDream, undone: Undone) -> UndoReport:
    parts = [
        _part("removed", undone.removed),
        _part("restored", undone.restored),
        _part("held", undone.held, what="event"),
    ]
    gone = ", ".join(undone.forgotten)
    stayed = f" Forgotten meanwhile, and not put back: {gone}." if gone else ""
    said = "; ".join(part for part in parts if part) or "it had changed nothing"
    held = " Held events wait for the next explicit `dream`." if undone.held else ""
    return UndoReport(
        dream=dream.handle,
        undone_by=undone.dream.handle,
        removed=undone.removed,
        restored=undone.restored,
        events_held=undone.held,
        forgotten=undone.forgotten,
        message=f"{dream.handle} is undone: {said}.{held}{stayed}",
    )


def _part(verb: str, handles: list[str], *, what: str = "row") -> str:
    if not handles:
        return ""
    return f"{counted(len(handles), what)} {verb}"
