"""Deep sleep: memories and knowledge are put in order, by rules and, where there is one, a model.

Owns what is proposed, what of it is chosen, and carrying it out behind the recall gate. Invariant:
at most a fifth of an anima's rows change in one run, none is destroyed, and a dream after which a
touched row could not be found any more is not done at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import anyio

from elephantasm_mcp.errors import ConflictError
from elephantasm_mcp.memory import (
    advice,
    gate,
    identity,
    inputs,
    ledger,
    operations,
    survey,
    tidying,
)
from elephantasm_mcp.memory.advice import Advice
from elephantasm_mcp.memory.calls import Metered
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.gate import Rehearsal
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.memory.operations import Planned, Progress
from elephantasm_mcp.memory.survey import Survey
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, calls, dreams, jobs, plans
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.jobs import Job
from elephantasm_mcp.types.operations import Operation, handles_of
from elephantasm_mcp.types.records import AnimaNo, RowId

RULES: Final = "rules-2"
"""Who proposed it when no model did; moves when the rules would propose something else."""
_NAMED_MISSES: Final = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one night would do: within the caps, and not taken back before."""

    survey: Survey
    planned: list[Planned]
    synthesizer: str
    tokens: int = 0
    calls: tuple[int, ...] = ()
    """The calls of a language model that it took, by number."""
    note: str = ""
    """What went wrong on the way."""


@dataclass(slots=True)
class Outcome:
    """What became of a proposal."""

    dream: RowId | None
    done: list[int] = field(default_factory=list)
    """Which of the planned operations, counted from 0."""
    refused: dict[int, str] = field(default_factory=dict)
    rolled_back: bool = False


def is_due(anima: StoredAnima, *, now: datetime) -> bool:
    """Whether something changed since the last deep sleep, and its interval is over."""
    interval = timedelta(hours=anima.settings.dream_interval_h)
    since = anima.deep_sleep_at or anima.anima.created_at
    return anima.last_action > anima.deep_sleep_upto and now - since >= interval


async def sleep_deeply(
    core: Core,
    anima_no: AnimaNo,
    run: Run,
    *,
    dream: RowId | None = None,
    job: Job | None = None,
    even_declined: bool = False,
    adviser: Metered | None = None,
) -> RowId | None:
    """Propose, rehearse and do; returns the dream, None when nothing was to do.

    What a person took back is left alone until its inputs change, or with `even_declined`.

    Raises:
        LeaseLostError: `job` went to another worker.
    """
    proposal = await propose(core, anima_no, even_declined=even_declined, adviser=adviser)
    outcome = await carry_through(core, proposal, run, dream=dream, job=job)
    return outcome.dream


async def propose(
    core: Core, anima_no: AnimaNo, *, even_declined: bool, adviser: Metered | None
) -> Proposal:
    """What a night would do now; changes nothing."""
    surveyed = await core.database.read(survey.take, anima_no)
    tidied = await anyio.to_thread.run_sync(tidying.tidy, surveyed, abandon_on_cancel=True)
    planned = await core.database.read(_with_inputs, surveyed, tidied)
    taken = {handle for one in tidied for handle in handles_of(one)}
    found = Advice()
    if adviser is not None:
        found = await advice.seek(core, surveyed, taken, adviser.answer)
    planned += found.planned
    if not found.model:
        planned += await core.database.read(_identity_by_rules, surveyed)
    chosen = await core.database.read(_choose, surveyed, planned, even_declined=even_declined)
    return Proposal(
        survey=surveyed,
        planned=chosen,
        synthesizer=found.model or RULES,
        tokens=0 if adviser is None else adviser.tokens,
        calls=() if adviser is None else tuple(adviser.call_nos),
        note=found.note,
    )


async def carry_through(
    core: Core,
    proposal: Proposal,
    run: Run,
    *,
    dream: RowId | None = None,
    job: Job | None = None,
    plan: UUID | None = None,
) -> Outcome:
    """Do what was proposed if recall stands it, else only say so in the journal.

    Raises:
        LeaseLostError: `job` went to another worker.
        ConflictError: `plan` was completed meanwhile.
    """
    rehearsal = Rehearsal()
    if proposal.planned:
        rehearsal = await gate.rehearse(
            core, proposal.survey, proposal.planned, run, _progress(proposal.survey)
        )
    uuids = [core.ids.uuid()]
    uuids += [
        core.ids.uuid()
        for one in proposal.planned
        for _ in range(operations.uuids_needed(one.operation))
    ]
    return await core.database.write(
        _commit,
        proposal,
        rehearsal,
        run=run,
        dream=dream,
        job=job,
        plan=plan,
        uuids=uuids,
        now=core.clock.now(),
    )


def _progress(surveyed: Survey) -> Progress:
    return Progress(
        operations.allowance(memories=len(surveyed.memories), knowledge=len(surveyed.knowledge))
    )


def _identity_by_rules(tx: Tx, surveyed: Survey) -> list[Planned]:
    said = identity.replies(tx, surveyed.anima)
    found = identity.by_rules(said, surveyed.identity, rules=RULES)
    return [] if found is None else _with_inputs(tx, surveyed, [found])


def _with_inputs(tx: Tx, surveyed: Survey, proposed: Iterable[Operation]) -> list[Planned]:
    """Rules see every row that they name."""
    return [Planned(one, inputs.digests(tx, surveyed.anima, handles_of(one))) for one in proposed]


def _choose(
    tx: Tx, surveyed: Survey, planned: Iterable[Planned], *, even_declined: bool
) -> list[Planned]:
    """What may be done, in order, within the caps."""
    progress, chosen = _progress(surveyed), list[Planned]()
    for one in planned:
        if not even_declined and operations.is_declined(tx, surveyed.anima, one, surveyed.declined):
            continue
        rows = operations.check(tx, surveyed.anima, one, progress)
        if isinstance(rows, str):
            continue
        progress.changed.update(operations.touched_by(one.operation, rows))
        chosen.append(one)
    return chosen


def _commit(
    tx: Tx,
    proposal: Proposal,
    rehearsal: Rehearsal,
    *,
    run: Run,
    dream: RowId | None,
    job: Job | None,
    plan: UUID | None,
    uuids: Sequence[UUID],
    now: datetime,
) -> Outcome:
    """All operations of a night, in one transaction."""
    if job is not None:
        jobs.check(tx, job)
    anima, fresh = animas.get(tx, proposal.survey.anima.anima_no), iter(uuids)
    outcome = Outcome(dream)
    asked = bool(proposal.calls) and job is None and plan is None  # a person sees what it took
    if proposal.planned or proposal.note or asked:
        uuid = next(fresh)
        outcome.dream = dream or ledger.open_dream(tx, anima, replace(run, uuid=uuid), now=now)
        if rehearsal.missed:
            _refuse_all(tx, anima, outcome, proposal, rehearsal, now=now)
        else:
            _do_all(tx, anima, outcome, proposal, fresh=fresh, now=now)
        calls.attach(tx, proposal.calls, outcome.dream)
    if plan is None:
        animas.set_deep_sleep(tx, anima.anima_no, now=now)
    elif (outcome.done or not proposal.planned) and not plans.complete(tx, plan, now=now):
        raise ConflictError("This plan was completed meanwhile; nothing was changed.")
    return outcome


def _do_all(
    tx: Tx,
    anima: StoredAnima,
    outcome: Outcome,
    proposal: Proposal,
    *,
    fresh: Iterable[UUID],
    now: datetime,
) -> None:
    dream = _opened(outcome)
    progress, uuids = _progress(proposal.survey), iter(fresh)
    for place, one in enumerate(proposal.planned):
        done = operations.carry_out(
            tx, anima, dream, one, progress, synthesizer=RULES, uuids=uuids, now=now
        )
        if isinstance(done, str):
            outcome.refused[place] = done
        else:
            outcome.done.append(place)
    ledger.apply(tx, anima, dream, [], counts={}, now=now, tokens=proposal.tokens)
    if proposal.note:
        dreams.annotate(tx, dream, proposal.note)


def _refuse_all(
    tx: Tx,
    anima: StoredAnima,
    outcome: Outcome,
    proposal: Proposal,
    rehearsal: Rehearsal,
    *,
    now: datetime,
) -> None:
    """Nothing is done; the journal says why, and it is not proposed again on the same inputs."""
    dream = _opened(outcome)
    outcome.rolled_back = True
    counts = {"rolled_back": len(proposal.planned)}
    ledger.apply(tx, anima, dream, [], counts=counts, now=now, tokens=proposal.tokens)
    dreams.annotate(tx, dream, " ".join(filter(None, [_why(rehearsal), proposal.note])))
    for place, one in enumerate(proposal.planned):
        operations.decline(tx, anima, one)
        outcome.refused[place] = "Rolled back with the whole dream."


def _opened(outcome: Outcome) -> RowId:
    if outcome.dream is None:
        raise LookupError
    return outcome.dream


def _why(rehearsal: Rehearsal) -> str:
    named = [f"{one.case.handle} (“{one.case.question}”)" for one in rehearsal.missed]
    shown = ", ".join(named[:_NAMED_MISSES])
    more = len(named) - _NAMED_MISSES
    rest = f" and {more} more" if more > 0 else ""
    return f"Rolled back: by the words of their sources one could not find {shown}{rest} any more."
