"""Work orders: the connected agent as the language model.

Owns which events an agent is asked to make memories of, and taking in what it hands back; checking
and storing are not its matter. Invariant: an order is completed once, and what an agent proposes
touches nothing but the events of its order and what was provisionally made of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from elephantasm_mcp.errors import ConflictError, NotFoundError
from elephantasm_mcp.memory import grounding, synthesis
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.drafting import Draft, shown
from elephantasm_mcp.memory.grounding import Grounded
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.memory.masking import mask_for
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import animas, events, memories
from elephantasm_mcp.store import work_orders as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent, speaker
from elephantasm_mcp.store.work_orders import OrderState, StoredOrder
from elephantasm_mcp.types.proposals import Proposals, with_wishes
from elephantasm_mcp.types.records import RowId, User, handle_of, parse_uuid
from elephantasm_mcp.types.screening import screen
from elephantasm_mcp.types.views import Accepted, OrderedEvent, Rejected, WorkOrder

LASTS: Final = timedelta(hours=24)
ORDER_TOKENS: Final = 8_000
"""The events of an order are at most this long."""
LINE_TOKENS: Final = 40
"""What an event takes beside its text: handle, type, author, time, punctuation."""
MOST_EVENTS: Final = ORDER_TOKENS // LINE_TOKENS


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of what an agent handed in."""

    anima: StoredAnima
    dream: RowId | None
    """None where nothing was accepted: that is no dream."""
    accepted: list[Accepted]
    rejected: list[Rejected]
    notes: list[str]


async def offer(core: Core, anima: StoredAnima) -> WorkOrder | None:
    """The open work order of an anima, or a new one; None without a host or without work."""
    if core.host is None:
        return None
    return await core.database.write(
        _offer, anima, instructions=core.host, uuid=core.ids.uuid(), now=core.clock.now()
    )


async def complete(
    core: Core, user: User, order: str, *, proposals: object, run: Run
) -> Completion:
    """Store what is sound of an agent's proposals, and settle the events that they answer.

    What is not sound is named, and its events stay provisional. Where nothing is accepted the order
    stays open; but for events of which nothing was made so far either: they were small talk.

    Raises:
        NotFoundError: the caller has no such order.
        ConflictError: it has expired, was completed or withdrawn, or its events changed meanwhile.
        ValidationError: the proposals are nothing of the kind.
    """
    screened = screen(proposals)
    now = core.clock.now()
    found, anima, batch = await core.database.read(_load, user, parse_uuid(order), now=now)
    mask = mask_for(anima.settings, secrets=core.redact)
    grounded = grounding.ground(screened, shown(batch), must_quote=True, mask=mask)
    rejected = [Rejected(index=one.place, reason=one.reason) for one in grounded.refused]
    made = await core.database.read(memories.rows_of_events, [event.id for event in batch])
    if not grounded.kept and (rejected or made):
        note = _STAYS_OPEN if rejected else _NOTHING_PROPOSED
        return Completion(anima, None, [], rejected, [note])
    draft = Draft(grounded.proposals, synthesizer=run.synthesizer, provisional=False)
    stored, left = await core.database.write(
        _complete,
        found,
        _settled(batch, grounded),
        draft,
        run=run,
        uuids=synthesis.uuids_for(core, draft),
        now=now,
    )
    notes = [synthesis.KEPT.format(handle=handle) for handle in stored.kept]
    if left:
        notes.append(f"{counted(left, 'event')} left: `dream` gives the next work order.")
    return Completion(anima, stored.dream, _accepted(grounded, stored.memories), rejected, notes)


_STAYS_OPEN: Final = "Nothing was accepted; the work order stays open."
_NOTHING_PROPOSED: Final = (
    "Nothing was proposed, so what was made of these events before stands, and the work order stays"
    " open; `curate_memory` archives what is not worth keeping."
)


def _accepted(grounded: Grounded, handles: Sequence[str]) -> list[Accepted]:
    return [
        Accepted(
            index=kept.place,
            handle=handle,
            dropped=[Rejected(index=one.place, reason=one.reason) for one in kept.dropped],
        )
        for kept, handle in zip(grounded.kept, handles, strict=True)
    ]


def _settled(batch: Sequence[StoredEvent], grounded: Grounded) -> list[StoredEvent]:
    """The events that an accepted memory cites, or none at all."""
    cited = {source.event for kept in grounded.kept for source in kept.memory.sources}
    in_vain = {event for one in grounded.refused for event in one.cites} - cited
    return [one for one in batch if one.event.handle not in in_vain]


def _load(
    tx: Tx, user: User, uuid: UUID | None, *, now: datetime
) -> tuple[StoredOrder, StoredAnima, list[StoredEvent]]:
    """An order that can be completed, with its events that still wait."""
    order = store.find(tx, uuid) if uuid is not None else None
    anima = None if order is None else animas.get(tx, order.anima_no)
    if order is None or anima is None or not anima.is_seen_by(user):
        raise _unknown()
    _check_open(order, now=now)
    return order, anima, _waiting(tx, anima, order)


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such work order.", hint="`dream` gives one.")


def _check_open(order: StoredOrder, *, now: datetime) -> None:
    """Let only an open order be completed.

    Raises:
        ConflictError: it was completed, was withdrawn, or has expired.
    """
    if order.state is OrderState.WITHDRAWN:
        raise ConflictError(
            "This work order was withdrawn: words that it shows were forgotten or masked.",
            hint="`dream` gives a new one.",
        )
    if order.state is OrderState.COMPLETED:
        by = "" if order.dream is None else f" by {handle_of('dream', order.dream)}"
        raise ConflictError(
            f"This work order was already completed{by}.", hint="`dream` gives the next one."
        )
    if order.state is OrderState.EXPIRED or order.expires_at <= now:
        raise ConflictError("This work order has expired.", hint="`dream` gives a new one.")


def _waiting(tx: Tx, anima: StoredAnima, order: StoredOrder) -> list[StoredEvent]:
    """The events of an order that nobody settled meanwhile."""
    return synthesis.still_owed(tx, events.get_many(tx, anima, order.events))


def _complete(
    tx: Tx,
    order: StoredOrder,
    batch: Sequence[StoredEvent],
    draft: Draft,
    *,
    run: Run,
    uuids: Sequence[UUID],
    now: datetime,
) -> tuple[synthesis.Stored, int]:
    """Store a draft and close its order; also say how many events are left.

    Raises:
        ConflictError: somebody else completed the order since it was read, it was withdrawn, or
            its events changed.
        NotFoundError: its anima is gone.
    """
    current = store.find(tx, order.uuid)
    if current is None:  # with its anima
        raise _unknown()
    _check_open(current, now=now)
    stored = synthesis.commit(
        tx, order.anima_no, batch, draft, run=run, dream=None, uuids=uuids, job=None, now=now
    )
    store.close(tx, order, state=OrderState.COMPLETED, dream=stored.dream)
    return stored, events.count_owed(tx, animas.get(tx, order.anima_no))


def _offer(
    tx: Tx, anima: StoredAnima, *, instructions: str, uuid: UUID, now: datetime
) -> WorkOrder | None:
    order = store.find_open(tx, anima_no=anima.anima_no, user_no=anima.user_no)
    left = events.count_owed(tx, anima)
    if order is not None:
        chosen = _waiting(tx, anima, order)
        if chosen and now < order.expires_at:
            return _present(anima, order, chosen, left=left, instructions=instructions)
        store.close(tx, order, state=OrderState.EXPIRED)
    chosen = _choose(synthesis.owed(tx, anima, include_held=True, limit=MOST_EVENTS))
    if not chosen:
        return None
    store.add(
        tx,
        uuid=uuid,
        anima_no=anima.anima_no,
        user_no=anima.user_no,
        events=[one.id for one in chosen],
        now=now,
        expires_at=now + LASTS,
    )
    order = store.find_open(tx, anima_no=anima.anima_no, user_no=anima.user_no)
    if order is None:
        raise LookupError(uuid)
    return _present(anima, order, chosen, left=left, instructions=instructions)


def _choose(waiting: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The oldest events that fit; one in any case."""
    chosen: list[StoredEvent] = []
    tokens = 0
    for one in waiting:
        tokens += estimate_tokens(one.event.content) + LINE_TOKENS
        if chosen and tokens > ORDER_TOKENS:
            break
        chosen.append(one)
    return chosen


def _present(
    anima: StoredAnima,
    order: StoredOrder,
    chosen: Sequence[StoredEvent],
    *,
    left: int,
    instructions: str,
) -> WorkOrder:
    return WorkOrder(
        id=order.uuid,
        anima=anima.anima.name,
        events=[
            OrderedEvent(
                handle=one.event.handle,
                type=one.event.event_type,
                author=speaker(one.event.author, one.event.role),
                when=one.time,
                text=_fitting(one.event.content),
            )
            for one in chosen
        ],
        remaining=left - len(chosen),
        instructions=with_wishes(instructions, anima.settings.instructions),
        schema=_schema(),
        expires_at=order.expires_at,
    )


def _fitting(text: str) -> str:
    """A text, cut where it alone is longer than an order."""
    tokens = estimate_tokens(text)
    if tokens <= ORDER_TOKENS - LINE_TOKENS:
        return text
    return text[: len(text) * (ORDER_TOKENS - LINE_TOKENS) // tokens]


@cache
def _schema() -> dict[str, Any]:
    """What proposals look like, without the titles that pydantic adds."""
    return _without_titles(Proposals.model_json_schema())


def _without_titles(part: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        return [_without_titles(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_titles(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str)) and key != "additionalProperties"
    }
