"""Plans: what light or deep sleep would do, to be read and accepted step by step.

Owns dry runs and completing them. Invariant: a dry run changes nothing but the table of plans, and
completing one does what was accepted and nothing else; what changed meanwhile is refused singly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, deep_sleep, dreams, inputs, light_sleep, survey
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.deep_sleep import Outcome, Proposal
from elephantasm_mcp.memory.inputs import Row
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.memory.light_sleep import Move
from elephantasm_mcp.memory.operations import Planned
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import identities
from elephantasm_mcp.store import plans as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.plans import StoredPlan
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.operations import (
    Conflict,
    Identity,
    Merge,
    Operation,
    Reclassify,
    Refine,
    Split,
    Supersede,
    handles_of,
)
from elephantasm_mcp.types.reading import AnimaRef, PackLine
from elephantasm_mcp.types.records import MemoryState, User, handle_of, parse_uuid
from elephantasm_mcp.types.views import Accepted, DreamReport, Phase, Plan, PlanStep, Rejected

LIFETIME: Final = timedelta(hours=24)
NEW: Final = "new"
"""Stands for the handle of a row that there is not yet."""
_OPERATION: Final[TypeAdapter[Operation]] = TypeAdapter(Operation)
_MOVES: Final = TypeAdapter(list[Move])


async def dry_run(
    core: Core, user: User, *, anima: AnimaRef, phase: Phase = "deep", actor: str = "user"
) -> DreamReport:
    """What deep or light sleep would do now, numbered, as a report with a `plan`; nothing is done.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: a phase that makes no plan.
    """
    if phase == "synthesis":
        raise ValidationError(
            "Synthesis has no dry run: what it would come to is only known once it is written.",
            field="phase",
            hint='Leave `dry_run` out, and undo_dream takes all of it back; "deep" and "light" have'
            " one.",
        )
    target = await animas.find(core, user, anima)
    if phase == "light":
        return await _dry_light_sleep(core, target, actor=actor)
    started = core.clock.now()
    proposal = await deep_sleep.propose(
        core, target.anima_no, even_declined=True, adviser=dreams.adviser_of(core, target.anima_no)
    )
    now = core.clock.now()
    plan = StoredPlan(
        uuid=core.ids.uuid(),
        anima_no=target.anima_no,
        phase="deep",
        synthesizer=proposal.synthesizer,
        tokens=proposal.tokens,
        calls=proposal.calls,
        operations=to_json([_as_json(one) for one in proposal.planned]),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    await core.database.write(store.add, plan)
    steps = await core.database.read(_steps, target, proposal.planned)
    report = _planned(plan, target, steps, actor=actor, started=started)
    return report.model_copy(update={"note": proposal.note})


async def _dry_light_sleep(core: Core, target: StoredAnima, *, actor: str) -> DreamReport:
    now = core.clock.now()
    moves = await core.database.read(light_sleep.propose, target.anima_no, now=now)
    plan = StoredPlan(
        uuid=core.ids.uuid(),
        anima_no=target.anima_no,
        phase="light",
        synthesizer="",
        tokens=0,
        calls=(),
        operations=to_json(_MOVES.dump_python(list(moves), mode="json")),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    await core.database.write(store.add, plan)
    steps = await core.database.read(_light_steps, target, moves)
    return _planned(plan, target, steps, actor=actor, started=now)


def _planned(
    plan: StoredPlan,
    target: StoredAnima,
    steps: list[PlanStep],
    *,
    actor: str,
    started: datetime,
) -> DreamReport:
    """A dry run as a report."""
    return DreamReport(
        id=plan.uuid,
        handle="",
        anima_id=target.id,
        phase=plan.phase,
        state="planned",
        actor=actor,
        synthesizer=plan.synthesizer,
        started_at=started,
        finished_at=plan.created_at,
        counts={},
        tokens=plan.tokens,
        plan=Plan(id=plan.uuid, expires_at=plan.expires_at, steps=steps),
    )


async def complete(
    core: Core, user: User, plan: UUID | str, *, accept: Sequence[int], actor: str
) -> DreamReport:
    """Do what was accepted of a plan, by its numbers, and nothing else.

    What deep sleep does goes through the recall gate, as ever.

    `accepted` and `rejected` of the report say which were done, and why others were not. A plan of
    which nothing could be done stays open.

    Raises:
        NotFoundError: no such plan, or somebody else's.
        ConflictError: it expired, or was completed before.
        ValidationError: it has none of these numbers.
    """
    target, found = await _find(core, user, plan)
    steps = len(from_json(found.operations))
    chosen = [number for number in dict.fromkeys(accept) if 1 <= number <= steps]
    if accept and not chosen:
        numbers = f"it has 1 to {steps}" if steps else "nothing is to do"
        raise ValidationError(f"The plan has no number {accept[0]}; {numbers}.", field="accept")
    run = Run(
        uuid=core.ids.uuid(),
        phase=found.phase,
        actor=actor,
        started_at=core.clock.now(),
        synthesizer=found.synthesizer,
    )
    do = _sleep_lightly if found.phase == "light" else _sleep_deeply
    outcome = await do(core, target, found, chosen, run)
    return await _report(core, target, outcome, chosen, accept)


async def _sleep_lightly(
    core: Core, target: StoredAnima, found: StoredPlan, chosen: Sequence[int], run: Run
) -> Outcome:
    planned = _MOVES.validate_json(found.operations)
    moves = [planned[number - 1] for number in chosen]
    moved = await core.database.write(
        light_sleep.carry_out, target.anima_no, moves, run, plan=found.uuid, now=core.clock.now()
    )
    return Outcome(moved.dream, done=moved.done, refused=moved.refused)


async def _sleep_deeply(
    core: Core, target: StoredAnima, found: StoredPlan, chosen: Sequence[int], run: Run
) -> Outcome:
    planned = [_from_json(one) for one in from_json(found.operations)]
    proposal = Proposal(
        survey=await core.database.read(survey.take, target.anima_no),
        planned=[planned[number - 1] for number in chosen],
        synthesizer=found.synthesizer,
        tokens=found.tokens,
        calls=found.calls,
        note="" if chosen else light_sleep.NOTHING_ACCEPTED,
    )
    return await deep_sleep.carry_through(core, proposal, run, plan=found.uuid)


async def _report(
    core: Core,
    target: StoredAnima,
    outcome: Outcome,
    chosen: Sequence[int],
    accept: Sequence[int],
) -> DreamReport:
    if outcome.dream is None:
        raise LookupError
    report = await dreams.report(core, target, outcome.dream)
    rejected = [Rejected(index=chosen[at], reason=why) for at, why in outcome.refused.items()]
    rejected += [
        Rejected(index=number, reason="The plan has no such number.")
        for number in dict.fromkeys(accept)
        if number not in chosen
    ]
    return report.model_copy(
        update={
            "accepted": [Accepted(index=chosen[at]) for at in outcome.done],
            "rejected": rejected,
        }
    )


async def _find(core: Core, user: User, plan: UUID | str) -> tuple[StoredAnima, StoredPlan]:
    uuid = plan if isinstance(plan, UUID) else parse_uuid(plan)
    found = None if uuid is None else await core.database.read(_owned, user, uuid)
    if found is None:
        raise NotFoundError(
            f"There is no plan {str(plan)!r}.", hint="`dream` with `dry_run` makes one."
        )
    _, stored = found
    again = "Make another one: `dream` with `dry_run`."
    if stored.completed_at is not None:
        raise ConflictError("This plan was completed before.", hint=again)
    if stored.expires_at <= core.clock.now():
        raise ConflictError("This plan has expired: plans last 24 hours.", hint=again)
    return found


def _owned(tx: Tx, user: User, uuid: UUID) -> tuple[StoredAnima, StoredPlan] | None:
    stored = store.find(tx, uuid)
    if stored is None:
        return None
    anima = anima_store.get(tx, stored.anima_no)
    return (anima, stored) if anima.is_seen_by(user) else None


def _as_json(one: Planned) -> dict[str, object]:
    return {
        "operation": one.operation.model_dump(mode="json"),
        "inputs": dict(one.inputs),
        "model": one.model,
        "tokens": one.tokens,
    }


def _from_json(one: dict[str, object]) -> Planned:
    kept: Mapping[str, str] = TypeAdapter(dict[str, str]).validate_python(one["inputs"])
    return Planned(
        operation=_OPERATION.validate_python(one["operation"]),
        inputs=kept,
        model=str(one["model"]),
        tokens=TypeAdapter(int).validate_python(one["tokens"]),
    )


# The plan as a diff


def _steps(tx: Tx, anima: StoredAnima, planned: Sequence[Planned]) -> list[PlanStep]:
    steps: list[PlanStep] = []
    for number, one in enumerate(planned, start=1):
        found = (inputs.find(tx, anima, handle) for handle in handles_of(one.operation))
        rows = {row.handle: row for row in found if row is not None}
        before = identities.current(tx, anima) if isinstance(one.operation, Identity) else None
        removed = _removed(one.operation, rows)
        if before is not None:
            removed.append(PackLine(handle=before.handle, text=before.prose))
        steps.append(
            PlanStep(
                number=number,
                operation=one.operation.kind,
                reasoning=one.operation.reasoning,
                removed=removed,
                added=_added(one.operation, rows),
                model=one.model,
            )
        )
    return steps


def _light_steps(tx: Tx, anima: StoredAnima, moves: Sequence[Move]) -> list[PlanStep]:
    """What each move does to the state that a memory is shown with; an archived one is not."""
    handles = [handle_of("memory", move.id) for move in moves]
    found = [inputs.find(tx, anima, handle) for handle in handles]
    return [
        PlanStep(
            number=number,
            operation=move.verb,
            reasoning=move.reasoning,
            removed=[_line(row, kind=row.snapshot["state"])],
            added=[] if move.state is MemoryState.ARCHIVED else [_line(row, kind=move.state.value)],
            model="",
        )
        for number, (move, row) in enumerate(zip(moves, found, strict=True), start=1)
        if row is not None
    ]


def _removed(operation: Operation, rows: Mapping[str, Row]) -> list[PackLine]:
    """The lines that would go."""
    match operation:
        case Merge():
            handles = [*([operation.keep] if operation.text else []), *operation.others]
        case Supersede():
            handles = [operation.older]
        case Conflict() | Identity():
            return []
        case _:
            handles = [operation.target]
    return [_line(rows[handle]) for handle in handles]


def _added(operation: Operation, rows: Mapping[str, Row]) -> list[PackLine]:
    """The lines that would come."""
    match operation:
        case Merge() if operation.text:
            return [PackLine(handle=operation.keep, text=operation.text)]
        case Split():
            return [PackLine(handle=NEW, text=part.text) for part in operation.parts]
        case Refine():
            return [PackLine(handle=operation.target, text=operation.text)]
        case Reclassify():
            return [_line(rows[operation.target], kind=operation.knowledge_type.value)]
        case Conflict():
            return [PackLine(handle=NEW, text=operation.question)]
        case Identity():
            return [PackLine(handle=NEW, text=operation.prose)]
        case _:
            return []


def _line(row: Row, *, kind: str | None = None) -> PackLine:
    """A row as its line reads; knowledge with its kind."""
    text = str(row.snapshot.get("summary") or row.snapshot.get("content") or "")
    kind = kind or row.snapshot.get("type")
    return PackLine(handle=row.handle, text=f"[{kind}] {text}" if kind else text)
