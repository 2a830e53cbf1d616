"""Curation: a person's hand on one memory or piece of knowledge.

Owns what each action does to a row. It is a dream of one action like any other: the ledger writes
it, and it can be undone. Invariant: what a person corrected or reclassified says so
(`ledger.PERSON`), and no dream but another curation overwrites it.
"""

from datetime import datetime

from elephantasm_mcp.errors import ConflictError, ValidationError
from elephantasm_mcp.memory import conflicts, dreams, ledger, places
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.memory.masking import mask_for
from elephantasm_mcp.memory.places import Place
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.text import cut, repair, to_line
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.types.records import MemoryState, RowId, User, handle_of
from elephantasm_mcp.types.views import CurateReport, Curation

SUMMARY_CHARS = 200
"""The summary of a corrected memory is its beginning, to this length."""


async def curate(core: Core, user: User, request: Curation, *, actor: str = "user") -> CurateReport:
    """Do one action to one row; the report has the row before and after, and can be undone.

    `settle` names the row that holds of two that contradict each other; the other gives way.

    Raises:
        ValidationError: an event, or an action without what it needs or with what it does not take.
        NotFoundError: no such row.
        ConflictError: there is nothing to change, or something superseded the row.
    """
    _check(request)
    place = await places.locate(core, user, request.handle, anima=request.anima)
    if place.layer == "event":
        raise ValidationError(
            f"{place.handle} is an event: what was said is not curated.",
            field="handle",
            hint="Correct the memory or knowledge made of it (trace_memory names them), or erase "
            "it with forget_memory.",
        )
    request = _clean(core, place, request)
    uuid = core.ids.uuid()
    run = Run(uuid=uuid, phase=ledger.CURATION, actor=actor, started_at=core.clock.now())
    await core.database.write(_curate, place, place.layer, request, run, now=run.started_at)
    report = await dreams.show(core, user, str(uuid))
    related = await core.database.read(_related, place, place.layer)
    return CurateReport(**dict(report), related=related)


def _check(request: Curation) -> None:
    """Whether the action has what it needs, and no more."""
    needed = {"correct": "content", "reclassify": "knowledge_type"}.get(request.action)
    for field in ("content", "knowledge_type"):
        given = getattr(request, field) is not None
        if given and field != needed:
            raise ValidationError(
                f"`{request.action}` takes no `{field}`.", field=field, hint="Leave it out."
            )
        if not given and field == needed:
            example = "Nadia is allergic to walnuts." if field == "content" else "PRINCIPLE"
            raise ValidationError(
                f"`{request.action}` needs `{field}`.", field=field, hint=f'Example: "{example}".'
            )


def _clean(core: Core, place: Place, request: Curation) -> Curation:
    """The request with its texts mended and masked."""
    mask = mask_for(place.anima.settings, secrets=core.redact)
    texts = {
        name: mask(repair(text)[0].strip())[0]
        for name in ("content", "reason")
        if (text := getattr(request, name)) is not None
    }
    if texts.get("content") == "":
        raise ValidationError(
            "`content` is empty.",
            field="content",
            hint="`archive` takes a row out of packs.",
        )
    return request.model_copy(update=texts)


def _curate(
    tx: Tx, place: Place, layer: DerivedLayer, request: Curation, run: Run, *, now: datetime
) -> None:
    before = memories.read_snapshot(tx, layer, place.id)
    if before is None:
        raise places.missing(place.handle)
    if request.action == "settle":
        conflicts.settle(
            tx,
            place.anima,
            place.handle,
            run,
            keep=place.handle,
            reason=request.reason or "",
            now=now,
        )
        return
    after = ledger.stamp(_after(place, layer, request, before), now=now)
    dream = ledger.open_dream(tx, place.anima, run, now=now)
    change = Change(
        layer=layer,
        id=place.id,
        after=after,
        operation=request.action,
        sources=_sources(before),
        reasoning=request.reason or "",
    )
    ledger.apply(tx, place.anima, dream, [change], counts={"curated": 1}, now=now)
    if request.action == "restore" and layer == "memory":  # else it would fade again tonight
        memories.add_accesses(tx, {place.id: 1}, now=now)


def _after(place: Place, layer: DerivedLayer, request: Curation, before: Snapshot) -> Snapshot:
    """The row as the action leaves it."""
    if before["superseded_by"] is not None:
        newer = handle_of(layer, before["superseded_by"])
        raise ConflictError(
            f"{place.handle} was superseded by {newer}.",
            hint=f"Curate {newer}, or undo the dream that made it.",
        )
    match request.action:
        case "correct":
            after = _corrected(layer, before, request.content or "")
        case "reclassify":
            after = _reclassified(place, layer, before, request)
        case "pin" | "unpin":
            after = {**before, "pinned": int(request.action == "pin")}
        case _:
            after = {**before, **_shelf(layer, archived=request.action == "archive")}
    if after == before:
        raise ConflictError(f"{place.handle} {_ALREADY[request.action]}; nothing was changed.")
    return after


def _corrected(layer: DerivedLayer, before: Snapshot, text: str) -> Snapshot:
    """The row in a person's words. Its trust stays: it comes from the sources alone."""
    words: Snapshot = {"content": text}
    if layer == "memory":
        words["summary"] = cut(to_line(text), max_chars=SUMMARY_CHARS)
    if all(before[name] == value for name, value in words.items()):
        return before
    return {**before, **words, **_BY_PERSON, "confidence": 1.0}


def _reclassified(
    place: Place, layer: DerivedLayer, before: Snapshot, request: Curation
) -> Snapshot:
    if layer == "memory" or request.knowledge_type is None:
        raise ValidationError(
            f"{place.handle} is a memory: only knowledge has a type.",
            field="handle",
            hint='Give the handle of a piece of knowledge, such as "k7".',
        )
    if before["type"] == request.knowledge_type.value:
        return before
    return {**before, **_BY_PERSON, "type": request.knowledge_type.value}


def _shelf(layer: DerivedLayer, *, archived: bool) -> Snapshot:
    """Where a row stands once it is archived or restored."""
    if layer == "knowledge":
        return {"archived": int(archived)}
    return {"state": (MemoryState.ARCHIVED if archived else MemoryState.ACTIVE).value}


def _related(tx: Tx, place: Place, layer: DerivedLayer) -> list[str]:
    """What packs may show that was made of the same events: it may say the same."""
    made: dict[DerivedLayer, set[RowId]] = {"memory": set(), "knowledge": set()}
    for link in memories.links_of(tx, layer, place.id):
        for derived, id_ in memories.links_to(tx, link.source_layer, link.source_id):
            made[derived].add(id_)
    made[layer].discard(place.id)
    living = [
        one.memory.handle
        for one in memories.get_memories(tx, place.anima, made["memory"])
        if not one.superseded and one.memory.state is not MemoryState.ARCHIVED
    ]
    return living + [
        one.knowledge.handle
        for one in memories.get_knowledge_many(tx, place.anima, made["knowledge"])
        if not (one.superseded or one.archived)
    ]


def _sources(row: Snapshot) -> list[str]:
    """Handles of what the row was made of."""
    return list(dict.fromkeys(handle_of(layer, id_) for layer, id_, _ in row["links"]))


_BY_PERSON: Snapshot = {"synthesizer": ledger.PERSON, "provisional": 0}
_ALREADY = {
    "correct": "already says that",
    "reclassify": "already has that type",
    "pin": "is already pinned",
    "unpin": "is not pinned",
    "archive": "is already archived",
    "restore": "is not archived",
}
