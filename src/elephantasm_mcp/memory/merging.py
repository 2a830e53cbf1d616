"""Merging: all that one anima holds goes into another.

Owns what may be merged and what is said of it; how rows are renumbered is `store/merging.py`'s
affair. Invariant: it happens as a whole or not at all, and afterwards every row, source, quote and
dream of both is in the one, each once.
"""

from uuid import UUID

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import animas, ledger
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.forgetting import drop_copies
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas as store
from elephantasm_mcp.store import dreams, grants, merging
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.types.records import User, handle_of
from elephantasm_mcp.types.views import MergeReport


async def preview(core: Core, user: User, source: UUID | str, target: UUID | str) -> MergeReport:
    """What would come from `source` into `target`; nothing is changed.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: both are the same.
    """
    await animas.find(core, user, source)
    await animas.find(core, user, target)

    def read(tx: Tx) -> MergeReport:
        both = _both(tx, core, user, source, target)
        return _report(tx, *both, joined=len(merging.repeated(tx, *both)))

    return await core.database.read(read)


async def merge(
    core: Core, user: User, source: UUID | str, target: UUID | str, *, actor: str = "user"
) -> MergeReport:
    """Put all that `source` holds into `target`; it stays, empty, with its name and settings.

    Events that the target has already are joined with those. The target's identity, settings and
    grants stay as they are. What light sleep and deep sleep make of it, the next dreams say.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: both are the same.
        StorageError: the database cannot be written; nothing was moved.
    """
    now = core.clock.now()
    run = Run(uuid=core.ids.uuid(), phase=ledger.MERGE, actor=actor, started_at=now)

    def write(tx: Tx) -> tuple[MergeReport, StoredAnima, StoredAnima]:
        both = _both(tx, core, user, source, target)
        before = _report(tx, *both, joined=0)
        joined = merging.move(tx, *both, now=now)
        report = before.model_copy(update={"joined": len(joined), "merged_at": now})
        dream = ledger.open_dream(tx, both[1], run, now=now)
        counts = {
            "events": report.events - report.joined,
            "memories": report.memories,
            "knowledge": report.knowledge,
        }
        dreams.extend(tx, dream, counts=counts, tokens=0, finished_at=now)
        dreams.annotate(tx, dream, f"Came from the anima {report.source!r}, with its dreams.")
        return report.model_copy(update={"dream": handle_of("dream", dream)}), *both

    report, *both = await core.database.write(write)
    for anima in both:
        drop_copies(core, anima)
    return report


def _both(
    tx: Tx, core: Core, user: User, source: UUID | str, target: UUID | str
) -> tuple[StoredAnima, StoredAnima]:
    found = tuple(animas.find_or_make(tx, core, user, one) for one in (source, target))
    if found[0].anima_no == found[1].anima_no:
        raise ValidationError(
            f"{found[0].anima.name!r} cannot be merged into itself.",
            field="into",
            hint="Name another anima.",
        )
    return found[0], found[1]


def _report(tx: Tx, source: StoredAnima, target: StoredAnima, *, joined: int) -> MergeReport:
    held = store.counts(tx, source.anima_no)
    return MergeReport(
        source=source.anima.name,
        source_id=source.id,
        target=target.anima.name,
        target_id=target.id,
        joined=joined,
        pending=source.pending_events,
        readers=[
            store.get(tx, number).anima.name for number in grants.readers_of(tx, target.anima_no)
        ],
        events=held["events"],
        memories=held["memories"],
        knowledge=held["knowledge"],
        dreams=held["dreams"],
    )
