"""What the database holds: whether it is sound, what waits in it, whether it can be found.

Owns what is said of it. Invariant: rows are never changed; `fix` makes anew what is derived.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from elephantasm_mcp.app import App, database_path, open_app
from elephantasm_mcp.cli.checkup.findings import REPORT, AnimaRow, Checkup
from elephantasm_mcp.memory import accumulation, keys, selftest, soundness
from elephantasm_mcp.memory.animas import find
from elephantasm_mcp.ports import DatabaseHealth, Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.store import animas, backups, search
from elephantasm_mcp.types.records import User

BACKUP_AGE: Final = timedelta(days=30)
_RESTORE: Final = (
    "Run `elephantasm-mcp restore FILE` with a backup, or write what can be read with"
    " `elephantasm-mcp export --markdown FOLDER`."
)


async def examine(
    found: Checkup, app: App, *, fix: bool, copied: DatabaseHealth | None = None
) -> None:
    """Look into the open database; `copied` is how the file was that it is a copy of."""
    found.database = copied or await app.core.database.health()
    for problem in found.database.problems:
        found.wrong("integrity", problem, "" if "read-only" in problem else _RESTORE)
    now = app.core.clock.now()
    models = [one.name for one in found.embedders if one.ready]
    found.animas = await app.core.database.read(_anima_rows, app.user, models, now=now)
    made = await keys.list_all(app.core)
    found.keys_made = len(made)
    found.keys = sum(one.state == "active" for one in made)
    await _examine_soundness(found, app, fix=fix)
    found.backed_up_at = await app.core.database.read(backups.last)
    if copied is None and any(one.events for one in found.animas):
        _examine_backup(found, now=now)


async def examine_recall(found: Checkup, settings: Settings, *, anima: str | None) -> None:
    """Ask the animas for what they hold, with the models that are usable."""
    if not database_path(settings).exists():
        return
    usable = settings.embedder if found.embedders else "none"
    async with open_app(
        settings.model_copy(update={"llm": "extractive", "embedder": usable})
    ) as app:
        chosen = (
            [await find(app.core, app.user, anima)]
            if anima
            else await app.core.database.read(animas.list_for, app.user)
        )
        found.recall = [await selftest.examine(app.core, app.user, one) for one in chosen]
    for one in found.recall:
        if one.missed:
            found.wrong(
                "recall",
                "Not found by the words of their sources: "
                f"{len(one.missed)} of {counted(one.asked, 'row')} of the anima {one.anima}.",
            )


async def _examine_soundness(found: Checkup, app: App, *, fix: bool) -> None:
    for anima in await app.core.database.read(animas.list_for, app.user):
        for one in await soundness.examine(app.core, anima):
            derived = one.fault in soundness.DERIVED
            if derived and fix:
                await soundness.mend(app.core, one)
                found.fixed("integrity", f"{one.text} It is made anew.")
            elif derived:
                remedy = "Run `elephantasm-mcp doctor --fix`."
                found.wrong("integrity", one.text, remedy, fixable=True)
            else:
                found.wrong("integrity", one.text, f"{_RESTORE} {REPORT}")


def _examine_backup(found: Checkup, *, now: datetime) -> None:
    remedy = "Run `elephantasm-mcp backup FILE`."
    if found.backed_up_at is None:
        found.advise("backup", "There was no backup of this database yet.", remedy)
    elif now - found.backed_up_at > BACKUP_AGE:
        days = (now - found.backed_up_at).days
        found.advise("backup", f"The last backup was made {counted(days, 'day')} ago.", remedy)


def _anima_rows(tx: Tx, user: User, models: Sequence[str], *, now: datetime) -> list[AnimaRow]:
    rows: list[AnimaRow] = []
    for stored in animas.list_for(tx, user):
        accumulated = accumulation.accumulate(stored, now=now)
        rows.append(
            AnimaRow(
                name=stored.anima.name,
                unindexed=search.unindexed(tx, stored, models),
                pending_events=accumulated.pending_events,
                score=accumulated.score,
                threshold=accumulated.threshold,
                last_event_at=stored.last_event_at,
                **animas.counts(tx, stored.anima_no),
            )
        )
    return rows
