"""The recall gate: a dream is done only if what it touches can still be found after it.

Owns the probes and the rehearsal. For each row that the dream would change a question is made of
its sources' words, as the self-test makes them; the dream is carried out on a copy in memory, and
the questions that found their row before must find it there, or what it became. Invariant: a dream
that fails leaves no trace among the rows, whatever crashes, for it was never done there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elephantasm_mcp.memory import index, inputs, operations, past, recall, selftest
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.inputs import RowKey
from elephantasm_mcp.memory.ledger import Run, open_dream
from elephantasm_mcp.memory.operations import Done, Planned, Progress
from elephantasm_mcp.memory.selftest import Case
from elephantasm_mcp.memory.survey import Survey, is_weak
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.types.operations import Archive, Merge, Refine, Split
from elephantasm_mcp.types.reading import SearchQuery
from elephantasm_mcp.types.records import AnimaNo, Layer, RowId, User, handle_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

PROBED_LAYERS: tuple[Layer, ...] = ("memory", "knowledge")
"""Events are never touched: that one answers says nothing of the rows."""
TOP = selftest.TOP


@dataclass(frozen=True, slots=True)
class Probe:
    """A question that found its row before the dream."""

    key: RowKey
    case: Case


@dataclass(slots=True)
class Rehearsal:
    """What the dream would do to recall."""

    probes: int = 0
    missed: list[Probe] = field(default_factory=list)


async def rehearse(
    core: Core, survey: Survey, planned: Sequence[Planned], run: Run, progress: Progress
) -> Rehearsal:
    """Carry the operations out on a copy, and ask before and after."""
    weak = {(row.layer, row.id) for row in survey.rows if is_weak(row)}
    await index.load_embedders(core)
    anima_no = survey.anima.anima_no
    cases = await core.database.read(_cases, core, anima_no, planned, weak)
    probes = [probe for probe in cases if await _finds(core, survey, probe.case, _itself(probe))]
    rehearsal = Rehearsal(probes=len(probes))
    if not probes:
        return rehearsal
    now = core.clock.now()
    uuids = [core.ids.uuid() for one in planned for _ in range(_needed(one))]
    async with past.opened(core, anima_no, as_of=now, models=index.models_of(core)) as then:
        done = await then.database.write(_carry_out, anima_no, planned, run, progress, uuids, now)
        await index.index_pending(then, anima_no)
        by_row = {key: one for one in done for key in one.touched}
        for probe in probes:
            answers = await then.database.read(_answers, anima_no, probe, by_row.get(probe.key))
            if not await _finds(then, survey, probe.case, answers):
                rehearsal.missed.append(probe)
    return rehearsal


def _needed(planned: Planned) -> int:
    return operations.uuids_needed(planned.operation)


def _cases(
    tx: Tx, core: Core, anima_no: AnimaNo, planned: Iterable[Planned], weak: set[RowKey]
) -> list[Probe]:
    """A question for each row that would be changed; not for what is put away for being weak."""
    anima = anima_store.get(tx, anima_no)
    corpus = core.corpora.get(tx, anima, index.models_of(core)).corpus
    commonness = selftest.how_common(corpus)
    probes: list[Probe] = []
    for one in planned:
        rows = {
            handle: row
            for handle in one.inputs
            if (row := inputs.find(tx, anima, handle)) is not None
        }
        for layer, id_ in operations.touched_by(one.operation, rows):
            if isinstance(one.operation, Archive) and (layer, id_) in weak:
                continue
            case = selftest.case_for(tx, anima, layer, id_, commonness)
            if case is not None:
                probes.append(Probe((layer, id_), case))
    return probes


def _itself(probe: Probe) -> set[str]:
    return {handle_of(*probe.key)}


async def _finds(core: Core, survey: Survey, case: Case, answers: set[str]) -> bool:
    query = SearchQuery(query=case.question, anima=survey.anima.id, layers=PROBED_LAYERS, limit=TOP)
    hits = await recall.search(core, User(survey.anima.user_no), query)
    return any(hit.handle in answers for hit in hits if not hit.weak)


def _carry_out(
    tx: Tx,
    anima_no: AnimaNo,
    planned: Sequence[Planned],
    run: Run,
    progress: Progress,
    uuids: Sequence[UUID],
    now: datetime,
) -> list[Done]:
    anima = anima_store.get(tx, anima_no)
    dream, fresh = open_dream(tx, anima, run, now=now), iter(uuids)
    outcomes = [
        operations.carry_out(
            tx, anima, dream, one, progress, synthesizer=run.synthesizer, uuids=fresh, now=now
        )
        for one in planned
    ]
    return [one for one in outcomes if isinstance(one, Done)]


def _answers(tx: Tx, anima_no: AnimaNo, probe: Probe, done: Done | None) -> set[str]:
    """What may answer for a row after the dream.

    For a memory whose words were changed or moved, what it became. For one that was put away, or a
    truth that has ended, what lives of the same source too: nobody may lose a source altogether.
    """
    if done is None:
        return _itself(probe)
    became = {handle_of(*key) for key in done.became}
    if isinstance(done.planned.operation, Merge | Split | Refine):
        return became
    anima = anima_store.get(tx, anima_no)
    layers: tuple[DerivedLayer, ...] = ("memory", "knowledge")
    if probe.key[0] == "memory":
        layers = ("memory",)
    return became | _of_same_sources(tx, anima, probe, layers)


def _of_same_sources(
    tx: Tx, anima: StoredAnima, probe: Probe, layers: Sequence[DerivedLayer]
) -> set[str]:
    """The living rows that were made of the same events."""
    layer, id_ = probe.key
    found: set[tuple[DerivedLayer, RowId]] = set()
    for link in memories.links_of(tx, layer, id_):
        if link.source_layer == "event":
            found |= set(memories.links_to(tx, "event", link.source_id))
    handles = [handle_of(*key) for key in found if key[0] in layers and key != probe.key]
    rows = [inputs.find(tx, anima, handle) for handle in handles]
    return {row.handle for row in rows if row is not None and inputs.lives(row)}
