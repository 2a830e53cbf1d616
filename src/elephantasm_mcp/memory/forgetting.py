"""Forgetting: erasing what a person wants gone, and all that was made of it alone.

Owns what goes with what was named, what is given back, the token that confirms it, and the receipt.
Where words are removed from is `store/erasure.py`'s affair. Invariant: a row stays only if every
word that it shares with what goes is also said by a source that it keeps; an event that was in a
memory in use is in one afterwards, or pending, unless a person named that memory; and nothing is
erased that the preview of the same token did not count.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from elephantasm_mcp.errors import ConflictError, ValidationError
from elephantasm_mcp.memory import animas, places
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import is_granted
from elephantasm_mcp.memory.places import Place
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import day
from elephantasm_mcp.pure.text import STOP_WORDS, stem, words
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import erasure, events, memories, search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.erasure import Rows
from elephantasm_mcp.store.memories import DerivedLayer, Snapshot
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.records import Layer, MemoryState, RowId, User, handle_of
from elephantasm_mcp.types.views import ForgetReport, ForgetRequest

VALID = timedelta(minutes=10)
"""How long a token confirms what was shown."""
TOKEN_CHARS = 32
COPIES_OF_OTHERS = (
    "copies that were made with `backup` or `export`, kept by `restore`, or made by other programs"
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes, and what stays without a part of its sources."""

    anima: StoredAnima
    rows: Rows
    unlinked: tuple[str, ...]
    without_memory: tuple[str, ...]
    kept_sources: tuple[str, ...]
    given_back: tuple[RowId, ...]
    """Events that stay, and that no memory speaks of any more: they are made into memories anew."""
    everything: bool


async def preview(core: Core, user: User, request: ForgetRequest) -> ForgetReport:
    """What would be erased, with the token that confirms it; nothing is changed.

    Raises:
        ValidationError: not exactly one of handles, a session and everything.
        NotFoundError: a row or an anima that does not exist.
    """
    target, wanted = await _named(core, user, request)
    plan = await core.database.read(_plan, target, request, wanted)
    expires_at = core.clock.now() + VALID
    return _report(plan, token=_token(core, user, plan, expires_at), expires_at=expires_at)


async def forget(
    core: Core, user: User, request: ForgetRequest, *, confirmed: bool = False
) -> ForgetReport:
    """Erase what was named, and what was made of it alone; returns the receipt.

    `request.confirm` is the token of a preview of the same rows; `confirmed` does without one.

    Raises:
        ValidationError: as `preview`, or a token that is none.
        NotFoundError: as `preview`.
        ConflictError: the token has expired, or other rows would go now.
        StorageError: the database cannot be written; nothing was erased.
    """
    target, wanted = await _named(core, user, request)
    now = core.clock.now()
    token = None if confirmed else request.confirm or ""
    plan = await core.database.write(_erase, core, user, target, request, wanted, token, now=now)
    drop_copies(core, plan.anima)
    return _report(plan, erased_at=now, unreached=await scrub(core))


async def delete_anima(core: Core, user: User, ref: UUID | str) -> ForgetReport:
    """Remove an anima with all it holds; returns the receipt.

    Raises:
        NotFoundError: an unknown anima.
    """
    target = await animas.find(core, user, ref)
    request, now = ForgetRequest(everything=True), core.clock.now()
    plan = await core.database.read(_plan, target, request, [])
    await core.database.write(erasure.delete_anima, target, now=now)
    drop_copies(core, target)
    return _report(plan, erased_at=now, unreached=await scrub(core))


async def scrub(core: Core) -> list[str]:
    """Leave no deleted byte in the files of the database; returns what could not be reached."""
    scrubbed = await core.database.scrub()
    if not scrubbed.problems:
        await core.database.write(erasure.note_scrub)
    return [*scrubbed.problems, COPIES_OF_OTHERS]


async def finish(core: Core) -> None:
    """Do what a process that ended in the middle of `forget` owes."""
    if await core.database.read(erasure.is_scrub_owed):
        await scrub(core)


def stems_lost(gone: Iterable[str], kept: Iterable[str]) -> frozenset[str]:
    """The words, as stems, that only the first say: little words aside."""
    return _stems(gone) - _stems(kept)


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(stem(word) for text in texts for word in words(text) if word not in STOP_WORDS)


async def _named(core: Core, user: User, request: ForgetRequest) -> tuple[StoredAnima, list[Place]]:
    """The anima, and the rows that were named.

    Raises:
        ValidationError: not exactly one way to name them, or rows of several animas.
    """
    ways = (request.handles is not None, request.session_id is not None, request.everything)
    if sum(ways) != 1:
        raise ValidationError(
            "Name what to forget in one way: rows (`handles`; `ids` over REST and in Python), "
            "`session_id` or `everything`.",
            field="handles",
            hint='Example: {"session_id": "chat-42"}.',
        )
    named = [
        await places.locate(core, user, handle, anima=request.anima)
        for handle in request.handles or ()
    ]
    if not named:
        return await animas.find(core, user, request.anima), []
    if len({place.anima.anima_no for place in named}) > 1:
        raise ValidationError(
            "These rows are in several animas.", field="handles", hint="Forget them one by one."
        )
    return named[0].anima, named


def _erase(
    tx: Tx,
    core: Core,
    user: User,
    target: StoredAnima,
    request: ForgetRequest,
    wanted: list[Place],
    token: str | None,
    *,
    now: datetime,
) -> _Plan:
    """The deed, whole: `token` None needs no confirmation."""
    plan = _plan(tx, target, request, wanted)
    if token is not None:
        _check_token(core, user, plan, token, now=now)
    if plan.everything:
        erasure.erase_everything(tx, plan.anima, now=now)
        return plan
    said = _said(tx, plan.anima, plan.rows)
    following = _following(tx, plan)

    def carries(snapshot: Snapshot) -> bool:
        kept = _texts(tx, plan.anima, [(link[0], RowId(link[1])) for link in snapshot["kept"]])
        return bool(stems_lost(said, kept) & _stems(_words_of(snapshot)))

    erasure.give_back(tx, plan.given_back, now=now)
    erasure.erase(tx, plan.anima, plan.rows, carries=carries, now=now)
    _erase_identities(tx, plan.anima, plan.rows, said)
    for event in following:
        search.forget_vectors(tx, plan.anima.anima_no, "event", event)
    return plan


def _plan(tx: Tx, target: StoredAnima, request: ForgetRequest, wanted: list[Place]) -> _Plan:
    """What goes: what was named and is there, and what was made of it alone."""
    anima = anima_store.get(tx, target.anima_no)
    if request.everything:
        rows = {layer: erasure.all_rows(tx, anima, layer) for layer in LAYERS}
        return _Plan(anima, rows, (), (), (), (), everything=True)
    going: dict[Layer, set[RowId]] = {layer: set() for layer in LAYERS}
    for place in wanted:
        if not _exists(tx, place):
            raise places.missing(place.handle)
        going[place.layer].add(place.id)
    if request.session_id is not None:
        going["event"] |= set(erasure.rows_of_session(tx, anima, request.session_id))
    named, kept_sources = frozenset(going["memory"]), _sources_of(tx, going)
    staying = _cascade(tx, anima, going)
    unlinked = {one for one in staying if _loses_a_source(tx, *one, _frozen(going))}
    return _Plan(
        anima,
        _frozen(going),
        unlinked=_handles(unlinked),
        without_memory=_handles(staying - unlinked),
        kept_sources=tuple(
            handle_of("event", id_) for id_ in sorted(kept_sources - going["event"])
        ),
        given_back=_given_back(tx, _frozen(going), named=named, kept_sources=kept_sources),
        everything=False,
    )


def _cascade(
    tx: Tx, anima: StoredAnima, going: dict[Layer, set[RowId]]
) -> set[tuple[DerivedLayer, RowId]]:
    """Add to what goes what was made of it alone, until nothing more does; returns what stays."""
    named = frozenset(going["memory"])
    while True:
        rows = _frozen(going)
        said = _said(tx, anima, rows)
        staying: set[tuple[DerivedLayer, RowId]] = set()
        found = 0
        for layer, id_ in erasure.made_of(tx, rows):
            if id_ in going[layer]:
                continue
            if _goes_too(tx, anima, layer, id_, rows, said, named):
                going[layer].add(id_)
                found += 1
            else:
                staying.add((layer, id_))
        if not found:
            return staying


def _goes_too(
    tx: Tx,
    anima: StoredAnima,
    layer: DerivedLayer,
    id_: RowId,
    rows: Rows,
    said: list[str],
    named: frozenset[RowId],
) -> bool:
    """Whether a row has nothing else to stand on, or repeats words of what goes alone.

    What was extracted from a memory goes with it where a person `named` it: they mean what it says.
    """
    row = memories.read_snapshot(tx, layer, id_)
    if row is None:
        return False
    links = [(link[0], RowId(link[1])) for link in row["links"]]
    kept = [link for link in links if link[1] not in rows[link[0]]]
    if links and not kept:
        return True
    if row.get("memory_id") in named and _is_of_that_memory_alone(tx, row):
        return True
    return bool(stems_lost(said, _texts(tx, anima, kept)) & _stems(_words_of(row)))


def _given_back(
    tx: Tx, rows: Rows, *, named: frozenset[RowId], kept_sources: set[RowId]
) -> tuple[RowId, ...]:
    """The events that lose their last memory because of other events, and are to be gone through.

    Of memories that were superseded or archived nothing returns: they were in no pack. Nor does
    what a person wanted no memory of: the sources of rows that were named.
    """
    lost = [
        snapshot
        for id_ in rows["memory"] - named
        if (snapshot := memories.read_snapshot(tx, "memory", id_)) is not None
        and snapshot["superseded_by"] is None
        and snapshot["state"] != MemoryState.ARCHIVED
    ]
    sources = {RowId(id_) for one in lost for layer, id_, _ in one["links"] if layer == "event"}
    candidates = sources - rows["event"] - kept_sources
    return tuple(sorted(one for one in candidates if not _is_in_memory(tx, rows, one)))


def _is_in_memory(tx: Tx, rows: Rows, event: RowId) -> bool:
    """Whether a memory of an event is left, which nothing that is left supersedes."""
    for layer, id_ in memories.links_to(tx, "event", event):
        if layer == "memory" and id_ not in rows["memory"]:
            snapshot = memories.read_snapshot(tx, "memory", id_)
            if snapshot is not None and (
                snapshot["superseded_by"] is None or snapshot["superseded_by"] in rows["memory"]
            ):
                return True
    return False


def _is_of_that_memory_alone(tx: Tx, row: Snapshot) -> bool:
    """Whether a piece of knowledge cites only what the memory cites from which it was extracted."""
    of_memory = {link.source_id for link in memories.links_of(tx, "memory", row["memory_id"])}
    return all(RowId(link[1]) in of_memory for link in row["links"])


def _said(tx: Tx, anima: StoredAnima, rows: Rows) -> list[str]:
    """All that goes says: events with who said it, derived rows in their own words."""
    return _texts(tx, anima, [(layer, id_) for layer, ids in rows.items() for id_ in ids])


def _texts(tx: Tx, anima: StoredAnima, rows: Iterable[tuple[Layer, RowId]]) -> list[str]:
    texts: list[str] = []
    by_layer: dict[Layer, list[RowId]] = {layer: [] for layer in LAYERS}
    for layer, id_ in rows:
        by_layer[layer].append(id_)
    for one in events.get_many(tx, anima, by_layer["event"]):
        event = one.event
        said = (event.content, event.author, event.summary, str(event.meta), day(one.time))
        texts += [text for text in said if text]
    texts += [
        f"{one.memory.summary} {one.memory.content}"
        for one in memories.get_memories(tx, anima, by_layer["memory"])
    ]
    texts += [
        one.knowledge.content
        for one in memories.get_knowledge_many(tx, anima, by_layer["knowledge"])
    ]
    return texts


def _words_of(row: Snapshot) -> list[str]:
    """What a derived row says in its own words."""
    return [str(row.get(name) or "") for name in ("summary", "content", "meta")]


def _sources_of(tx: Tx, going: dict[Layer, set[RowId]]) -> set[RowId]:
    """The events that the named memories and knowledge were made of: they are not erased."""
    sources: set[RowId] = set()
    for layer in ("memory", "knowledge"):
        for id_ in going[layer]:
            links = memories.links_of(tx, layer, id_)
            sources |= {link.source_id for link in links if link.source_layer == "event"}
    return sources


def _erase_identities(tx: Tx, anima: StoredAnima, rows: Rows, said: list[str]) -> None:
    """Remove each version of the identity that rests on what goes, or has a word of it alone."""
    versions = erasure.identities(tx, anima)
    if versions:
        kept = _texts(tx, anima, [("event", id_) for id_ in erasure.all_rows(tx, anima, "event")])
        lost = stems_lost(said, kept)
        gone = {handle_of(layer, id_) for layer, ids in rows.items() for id_ in ids}
        for version, text in versions:
            if lost & _stems([text]) or not gone.isdisjoint(words(text)):
                erasure.erase_identity(tx, version)


def _following(tx: Tx, plan: _Plan) -> list[RowId]:
    """The events whose vectors were made with one before them that goes."""
    found: set[RowId] = set()
    for event in events.get_many(tx, plan.anima, plan.rows["event"]):
        after = events.neighbours(tx, plan.anima, event)[1]
        if after is not None and after.id not in plan.rows["event"]:
            found.add(after.id)
    return sorted(found)


def _exists(tx: Tx, place: Place) -> bool:
    if place.layer == "event":
        return events.get(tx, place.anima, place.id) is not None
    return memories.read_snapshot(tx, place.layer, place.id) is not None


def _frozen(going: dict[Layer, set[RowId]]) -> Rows:
    return {layer: frozenset(ids) for layer, ids in going.items()}


def drop_copies(core: Core, anima: StoredAnima) -> None:
    """Let go of what this process holds in memory; others find out by the anima's epoch."""
    core.corpora.clear()
    core.packs.clear()
    core.shown.pop(anima.anima_no, None)
    for reader, read in list(core.reads.items()):
        if reader.anima_no == anima.anima_no or any(map(is_granted, read.lines)):
            del core.reads[reader]
    for id_ in [one for one in core.uses if anima_store.anima_of(one) == anima.anima_no]:
        del core.uses[id_]


def _token(core: Core, user: User, plan: _Plan, expires_at: datetime) -> str:
    """What confirms exactly these rows, for this caller, until then: no state is kept of it."""
    expires = int(expires_at.timestamp())
    rows = [sorted(plan.rows[layer]) for layer in LAYERS]
    text = f"forget {user.no} {plan.anima.anima_no} {plan.everything} {expires} {rows}"
    digest = hmac.new(core.secret, text.encode(), sha256).hexdigest()[:TOKEN_CHARS]
    return f"{expires:x}-{digest}"


def _check_token(core: Core, user: User, plan: _Plan, token: str, *, now: datetime) -> None:
    expires, _, _ = token.partition("-")
    try:
        expires_at = now.fromtimestamp(int(expires, 16), now.tzinfo)
    except (ValueError, OverflowError, OSError) as error:
        raise ValidationError(
            "`confirm` is not a token.",
            field="confirm",
            hint="Ask without `confirm` first: the answer has one.",
        ) from error
    if now >= expires_at:
        raise ConflictError(
            "The token has expired; nothing was erased.", hint="Ask for another one."
        )
    if not hmac.compare_digest(token.encode(), _token(core, user, plan, expires_at).encode()):
        raise ConflictError(
            "The token is not for these rows: what would be erased has changed, or it was given to "
            "somebody else. Nothing was erased.",
            hint="Ask without `confirm` to see what would be erased now.",
        )


def _loses_a_source(tx: Tx, layer: DerivedLayer, id_: RowId, rows: Rows) -> bool:
    """Whether a row that stays cites what goes; else it only came from a memory that does."""
    links = memories.links_of(tx, layer, id_)
    return any(link.source_id in rows[link.source_layer] for link in links)


def _handles(rows: Iterable[tuple[DerivedLayer, RowId]]) -> tuple[str, ...]:
    return tuple(sorted((handle_of(*one) for one in rows), key=_place_in_lists))


def _place_in_lists(handle: str) -> tuple[str, int]:
    return handle[0], int(handle[1:])


def _report(
    plan: _Plan,
    *,
    token: str | None = None,
    expires_at: datetime | None = None,
    erased_at: datetime | None = None,
    unreached: Iterable[str] = (),
) -> ForgetReport:
    handles = {
        layer: [handle_of(layer, id_) for id_ in sorted(plan.rows[layer])] for layer in LAYERS
    }
    return ForgetReport(
        anima_id=plan.anima.id,
        anima=plan.anima.anima.name,
        events=handles["event"],
        memories=handles["memory"],
        knowledge=handles["knowledge"],
        unlinked=list(plan.unlinked),
        kept_sources=list(plan.kept_sources),
        given_back=[handle_of("event", id_) for id_ in plan.given_back],
        without_memory=list(plan.without_memory),
        confirm=token,
        expires_at=expires_at,
        erased_at=erased_at,
        unreached=list(unreached),
    )
