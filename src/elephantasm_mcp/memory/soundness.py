"""Soundness: whether what must agree in an anima agrees, and putting right what can be derived.

Owns what is compared. Invariant: looking changes nothing; what is put right was derived from rows,
and no row is touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.events import content_hash
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas, segments
from elephantasm_mcp.store import soundness as store
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.records import AnimaNo, handle_of

MOST_NAMED: Final = 5
Fault = Literal["hash", "journal", "source", "chain", "packed", "pending"]
DERIVED: Final[frozenset[Fault]] = frozenset({"packed", "pending"})
"""What is derived of rows, and can be made anew."""


@dataclass(frozen=True, slots=True)
class Unsound:
    """Something in an anima that does not agree."""

    anima_no: AnimaNo
    anima: str
    fault: Fault
    text: str


async def examine(core: Core, anima: StoredAnima) -> list[Unsound]:
    """What does not agree in an anima. May take seconds for a large one."""
    return await core.database.read(_examine, anima.anima_no)


async def mend(core: Core, found: Unsound) -> None:
    """Make anew what is derived: packed rows by the index, when it runs next."""
    await core.database.write(_mend, found)


def examine_rows(tx: Tx, anima_no: AnimaNo) -> list[Unsound]:
    """What does not agree in the rows of an anima, leaving aside what is derived of them."""
    anima = animas.get(tx, anima_no)
    name = anima.anima.name

    def fault(kind: Fault, handles: Iterable[str], what: str) -> list[Unsound]:
        named = list(handles)
        if not named:
            return []
        more = ", …" if len(named) > MOST_NAMED else ""
        text = f"{what}: {', '.join(named[:MOST_NAMED])}{more} of the anima {name}."
        return [Unsound(anima_no, name, kind, text)]

    changed = (
        handle_of("event", id_)
        for id_, event_type, content, author, session, digest in store.events(tx, anima)
        if content_hash(event_type, content, author, session) != digest
    )
    found = fault("hash", changed, "The words of events are not those that were stored")
    found += fault(
        "journal", store.unlike_journal(tx, anima), "Rows are not as the journal left them"
    )
    found += fault("source", store.loose(tx, anima), "Rows name events that are not there")
    return found + fault(
        "chain", store.unfollowed(tx, anima), "Rows were replaced by none that is there"
    )


def _examine(tx: Tx, anima_no: AnimaNo) -> list[Unsound]:
    anima = animas.get(tx, anima_no)
    name = anima.anima.name
    found = examine_rows(tx, anima_no)
    if store.has_segments(tx, anima) and not store.is_packed_alike(tx, anima):
        text = f"What is packed for a quick start is not what the rows of the anima {name} say."
        found.append(Unsound(anima_no, name, "packed", text))
    if _miscounts(tx, anima):
        text = f"The events that wait in the anima {name} are miscounted."
        found.append(Unsound(anima_no, name, "pending", text))
    return found


def _miscounts(tx: Tx, anima: StoredAnima) -> bool:
    row = tx.one("pending_of", **animas.id_range(anima.anima_no)) or {}
    return (row["events"], row["tokens"]) != (anima.pending_events, anima.pending_tokens)


def _mend(tx: Tx, found: Unsound) -> None:
    if found.fault == "packed":
        segments.drop(tx, found.anima_no)
    elif found.fault == "pending":
        animas.recount_pending(tx, found.anima_no)
