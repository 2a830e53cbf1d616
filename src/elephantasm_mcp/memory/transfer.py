"""Transfer: events that come from files.

Owns how the events that a reader finds (`memory/formats`) reach the store, and what is said of it.
Opens no file, and makes no memories: a dream does that. Invariant: whatever ends an import, what
was stored stays stored, in the file's order, and is not stored again; what cannot be stored is
reported with its place and keeps nothing else out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

import anyio
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ElephantasmError, NotFoundError, StorageError, ValidationError
from elephantasm_mcp.memory import animas, events
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.formats.items import Candidate, Item, Passed, Rejected
from elephantasm_mcp.projects import DEFAULT, project_of
from elephantasm_mcp.store.events import NewEvent
from elephantasm_mcp.types.records import AnimaCreate, User, parse_uuid

BATCH_EVENTS: Final = 1_000
"""How many events share a transaction: 20,000 took 4.8 s by 200, 4.1 s by 1,000."""
STREAM_EVENTS: Final = 200
"""The same for what comes out of a pipe, perhaps slowly: it is stored without a long wait."""
BATCH_CHARS: Final = 8_000_000
"""Or how much text: what is held at a time does not grow with the file, nor with its events."""
MAX_REPORTED: Final = 5
_Target: TypeAlias = tuple[UUID | str | None, str | None]
"""What an event names as its anima, and the folder whose project's it is else."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event of a file that is there already."""

    place: str
    handle: str
    """Of the one that is there; empty for one that the same dry run counted before."""
    anima: str


@dataclass(slots=True)
class ImportReport:
    """What became of a file; of a dry run: what would."""

    dry_run: bool = False
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    redactions: int = 0
    """Secrets that were masked in what was stored."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What was not taken on purpose, by what it is."""
    first_rejected: list[Rejected] = field(default_factory=list)
    """The first of them; `rejected` counts all."""
    first_duplicates: list[Duplicate] = field(default_factory=list)
    animas: dict[str, int] = field(default_factory=dict)
    """Stored events and duplicates by the anima's name."""
    created: list[str] = field(default_factory=list)
    """Names of the animas that were made for it."""


async def take_in(
    core: Core,
    user: User,
    items: Iterable[Item],
    *,
    anima: str | None = None,
    dry_run: bool = False,
    report: ImportReport | None = None,
    batch_events: int = BATCH_EVENTS,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Store the events of a file, batch by batch; an anima that is missing is made.

    `anima` is for events that name none. `on_progress` is told the position after each batch. A
    dry run reads alone. `report` is filled batch by batch: whoever hands one in has it, whatever
    ends the import.

    Raises:
        StorageError: the database failed; earlier batches are stored.
    """
    report = ImportReport() if report is None else report
    report.dry_run = dry_run
    intake = _Intake(core, user, anima, report=report)
    for batch in _batches(items, most=batch_events):
        await intake.take(batch)
        on_progress(batch[-1].position)
    return report


def chosen(items: Iterable[Item], *, only: str | None) -> Iterator[Item]:
    """The items of one conversation, session, person or note, by its id or name; None: all.

    What is not usable and of which nobody knows what it is part of, may be part of it.

    Raises:
        NotFoundError: nothing in the file is called that; raised once it is read to its end.
    """
    if only is None:
        yield from items
        return
    wanted, any_found, known = only.casefold(), False, dict[str, None]()
    for item in items:
        if isinstance(item, Passed):
            continue
        if wanted in (name.casefold() for name in item.group):
            any_found = True
            yield item
        elif isinstance(item, Rejected) and not item.group:
            yield item
        elif item.group and len(known) < MAX_REPORTED:
            known[item.group[-1]] = None
    if not any_found:
        hint = f"It has, among others: {', '.join(known)}." if known else "Leave out --only."
        raise NotFoundError(f"Nothing in the file is called {only!r}.", hint=hint)


def _batches(items: Iterable[Item], *, most: int) -> Iterator[list[Item]]:
    batch, chars = list[Item](), 0
    for item in items:
        batch.append(item)
        chars += len(item.request.content) if isinstance(item, Candidate) else 0
        if len(batch) >= most or chars >= BATCH_CHARS:
            yield batch
            batch, chars = list[Item](), 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True, eq=False)
class _Home:
    """Where events go; there is one for each anima and way to it."""

    ref: UUID | str | None
    name: str
    core: Core


class _Intake:
    """One import on its way."""

    def __init__(self, core: Core, user: User, anima: str | None, *, report: ImportReport) -> None:
        self._core = core
        self._user = user
        self._anima = anima
        # an anima that the user set as default beats that of a project, as it does for hooks
        self._by_project = core.project is not None or core.default_anima == DEFAULT
        self._known: dict[_Target, _Home] = {}
        self._counted: dict[str, set[str]] = {}
        """The keys that a dry run has counted, by anima: there is no row to find them by."""
        self.report = report

    async def take(self, batch: list[Item]) -> None:
        """Store what can be stored of a batch, and count the rest."""
        candidates = [item for item in batch if isinstance(item, Candidate)]
        for item in batch:
            if isinstance(item, Rejected):
                self._reject(item)
            elif isinstance(item, Passed):
                self._leave_out(item.what, item.count)
        for home, found in (await self._ready(candidates)).items():
            await self._store(home, found)

    async def _ready(
        self, candidates: Sequence[Candidate]
    ) -> dict[_Home, list[tuple[Candidate, NewEvent]]]:
        """What can be stored, by where it goes."""
        ready: dict[_Home, list[tuple[Candidate, NewEvent]]] = {}
        for one, new in zip(candidates, await self._clean(candidates), strict=True):
            try:
                if isinstance(new, ElephantasmError):
                    raise new
                ready.setdefault(await self._home(one), []).append((one, new))
            except StorageError:
                raise
            except ElephantasmError as error:
                self._reject(Rejected(one.place, one.position, error.explain()))
        return ready

    async def _clean(self, candidates: Sequence[Candidate]) -> list[NewEvent | ElephantasmError]:
        now = self._core.clock.now()

        def clean() -> list[NewEvent | ElephantasmError]:
            return [_clean(self._core, one, now=now) for one in candidates]

        return await anyio.to_thread.run_sync(clean, abandon_on_cancel=True)

    async def _store(self, home: _Home, found: Sequence[tuple[Candidate, NewEvent]]) -> None:
        new = [event for _, event in found]
        if self.report.dry_run:
            fates = await self._core.database.read(
                events.foresee, home.core, self._user, home.ref, new, self._seen(home.name)
            )
        else:
            now = self._core.clock.now()
            fates = await self._core.database.write(
                events.store_keyed, home.core, self._user, home.ref, new, now=now
            )
        for (one, event), fate in zip(found, fates, strict=True):
            self._count(one, event, fate, home.name)

    def _count(self, one: Candidate, event: NewEvent, fate: events.Fate, anima: str) -> None:
        report = self.report
        if fate.note:
            self._leave_out(fate.note, 1)
            return
        report.animas[anima] = report.animas.get(anima, 0) + 1
        if not fate.duplicate:
            report.stored += 1
            report.redactions += event.redactions
            return
        report.duplicates += 1
        if len(report.first_duplicates) < MAX_REPORTED:
            report.first_duplicates.append(Duplicate(one.place, fate.handle, anima))

    def _leave_out(self, what: str, count: int) -> None:
        self.report.left_out[what] = self.report.left_out.get(what, 0) + count

    def _seen(self, anima: str) -> set[str]:
        return self._counted.setdefault(anima, set())

    async def _home(self, item: Candidate) -> _Home:
        """The anima of an event, made where there is none of that name.

        Raises:
            NotFoundError: an id that nothing has; it cannot be given to a new anima.
            ValidationError: a name that no anima can have.
        """
        ref = item.request.anima_id or self._anima
        target = (ref, item.folder if ref is None and self._by_project else None)
        home = self._known.get(target)
        if home is None:
            home = self._known[target] = await self._find(*target)
        return home

    async def _find(self, ref: UUID | str | None, folder: str | None) -> _Home:
        core = self._core
        if folder is not None:
            project = project_of(Path(folder))
            core = replace(core, project=project, default_anima=project.name)
        there = await core.database.read(animas.look_up, core, self._user, ref)
        if there is not None:
            return _Home(there.anima.id, there.anima.name, core)
        if isinstance(ref, UUID) or (ref is not None and parse_uuid(ref)):
            raise NotFoundError(f"There is no anima {str(ref)!r}.", hint="Name one instead.")
        name = core.default_anima if ref is None else _new_anima(ref).name
        if self.report.dry_run:
            self.report.created.append(name)
            return _Home(ref, name, core)
        if ref is None:
            made = await animas.resolve(core, self._user, None)
        else:
            made, _ = await animas.create(core, self._user, _new_anima(ref))
        self.report.created.append(made.name)
        return _Home(made.id, made.name, core)

    def _reject(self, rejected: Rejected) -> None:
        self.report.rejected += 1
        if len(self.report.first_rejected) < MAX_REPORTED:
            self.report.first_rejected.append(rejected)


def _clean(core: Core, one: Candidate, *, now: datetime) -> NewEvent | ElephantasmError:
    new = events.cleaned(core, one.request, now=now)
    if isinstance(new, ElephantasmError) or not one.redactions:
        return new
    return replace(new, redactions=new.redactions + one.redactions)


def _new_anima(name: str) -> AnimaCreate:
    try:
        return AnimaCreate(name=name)
    except PydanticValidationError as error:
        raise ValidationError("An anima's name has 1 to 255 characters.", field="anima") from error
