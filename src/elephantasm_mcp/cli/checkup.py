"""The check-up behind `doctor`: what there is, and what is wrong with it.

Owns what is looked at. Does not print. Invariant: nothing that is wrong ends it; it stands in
`problems`, in plain words.
"""

import importlib.util
import os
import platform
import re
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import anyio

from elephantasm_mcp.app import (
    App,
    choose_embedders,
    choose_model,
    database_path,
    llm_of,
    open_app,
    refuse_unbuilt,
    token_issuer,
)
from elephantasm_mcp.clients.machine import this_machine
from elephantasm_mcp.clients.survey import Finding, survey
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.http.hosts import is_loopback
from elephantasm_mcp.memory import accumulation, keys, selftest
from elephantasm_mcp.memory.animas import find
from elephantasm_mcp.memory.calls import day_of
from elephantasm_mcp.memory.selftest import SelfTest
from elephantasm_mcp.ports import DatabaseHealth, Embedder, Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.settings import Settings, load_settings, origin, variable
from elephantasm_mcp.store import animas, calls, jobs, search
from elephantasm_mcp.store.calls import ModelCalls
from elephantasm_mcp.store.jobs import JobState, WorkerRow
from elephantasm_mcp.types.records import User

SECRET_FIELDS: Final = frozenset({"api_key", "anthropic_api_key", "openai_api_key"})
PACKAGES: Final = ("elephantasm-mcp", "mcp", "apsw", "sqlite-vec", "onnxruntime", "numpy")
_PASSWORD: Final = re.compile(r"(?<=://)([^/@\s]*:)[^/@\s]*(?=@)")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it holds now."""

    variable: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class EmbedderRow:
    """One embedder that the settings ask for."""

    role: str
    name: str
    dimensions: int
    ready: bool
    load_ms: int
    """What loading it took, its check-sums included."""


@dataclass(frozen=True, slots=True)
class AnimaRow:
    """What an anima holds, and what waits in it."""

    name: str
    events: int
    memories: int
    knowledge: int
    dreams: int
    unindexed: int
    """Rows that the next search or pack will index first."""
    pending_events: int
    score: float
    threshold: float
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job of the background task."""

    anima: str
    kind: str
    state: str
    age_s: float
    attempts: int
    last_error: str | None


@dataclass(slots=True)
class Checkup:
    """Everything that `doctor` knows."""

    versions: dict[str, str]
    settings: list[SettingRow] = field(default_factory=list)
    server: str = ""
    """How the server is, where the settings name one: then nothing here is looked at."""
    database: DatabaseHealth | None = None
    """None where it cannot be opened, or is not there yet."""
    database_note: str = ""
    embedders: list[EmbedderRow] = field(default_factory=list)
    mode: str = ""
    """The models that searches will use."""
    animas: list[AnimaRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    queue_age_s: float | None = None
    """How long the longest-waiting job has been due."""
    recall: list[SelfTest] = field(default_factory=list)
    """How much of each anima can be found; empty unless that was asked."""
    writer: str = ""
    """Who makes memories: a language model, the connected agent, or nobody but ourselves."""
    calls: list[ModelCalls] = field(default_factory=list)
    """What each language model was asked so far, all animas together."""
    tokens_today: int = 0
    """What counts against the day's budget."""
    daily_tokens: int = 0
    keys: int = 0
    """API keys that open something."""
    keys_made: int = 0
    """All of them, with those that were revoked or have expired."""
    issuer: str = ""
    """Whose tokens the HTTP server takes."""
    workers: list[WorkerRow] = field(default_factory=list)
    """The background tasks of the servers that are running."""
    clients: list[Finding] = field(default_factory=list)
    """The clients that were told of this server, and whether what they start answers."""
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"ok": self.ok, **asdict(self)}


async def examine(*, env_file: Path | None, recall: bool = False, **given: str | None) -> Checkup:
    """Look at everything; `given` are the settings of the command line.

    With `recall` each anima, or the one that is given, is asked for what it holds.
    """
    found = Checkup(versions=dict(_versions()))
    with _noting_problems(found):
        named = {"endpoint": ""} if given.get("database") else {}
        settings = load_settings(env_file=env_file, **given, **named)
        found.settings = list(_settings(settings, env_file=env_file, given=given))
        found.clients = await survey(this_machine())
        found.problems += [
            f"{one.client} ({one.file}): {one.detail} {one.remedy}"
            for one in found.clients
            if one.state != "works"
        ]
        if settings.endpoint:
            found.server = await _examine_server(settings)
            return found
        with _noting_problems(found):
            refuse_unbuilt(settings)
        with _noting_problems(found):
            await _examine_embedders(found, settings)
        with _noting_problems(found):
            _examine_writer(found, settings)
        with _noting_problems(found):
            issuer = token_issuer(settings)
            found.issuer = issuer.name if issuer is not None else ""
        await _examine_database(found, settings)
        if not (is_loopback(settings.host) or found.issuer or found.keys_made):
            found.problems.append(
                f"{variable('host')} is {settings.host}, which other machines reach, but there is "
                "no API key: `serve --transport http` will refuse to start."
            )
        if recall:
            with _noting_problems(found):
                await _examine_recall(found, settings, anima=given.get("anima_id"))
    return found


async def _examine_server(settings: Settings) -> str:
    """Ask the server for what only a good key is told.

    Raises:
        ElephantasmError: it cannot be asked, or does not answer well.
    """
    from elephantasm_mcp.sdk import AsyncElephantasm

    async with AsyncElephantasm(
        settings.api_key, endpoint=settings.endpoint, timeout=settings.timeout
    ) as memory:
        return f"it answers, and shows {len(await memory.animas()):,} animas"


@contextmanager
def _noting_problems(found: Checkup) -> Generator[None, None, None]:
    """What fails in this block stands among the problems, once."""
    try:
        yield
    except ElephantasmError as error:
        problem = error.explain()
    except OSError as error:
        problem = f"The database cannot be reached: {error.strerror}."
    else:
        return
    if problem not in found.problems:
        found.problems.append(problem)


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"
    yield "sqlite3 of Python", sqlite3.sqlite_version


def _settings(
    settings: Settings, *, env_file: Path | None, given: dict[str, str | None]
) -> Iterator[SettingRow]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        source = "command line" if given.get(name) else origin(name, env_file=env_file)
        yield SettingRow(variable(name), _masked(name, value), source)


def _masked(name: str, value: object) -> str:
    if value is None or value == "":
        return "-"
    return "********" if name in SECRET_FIELDS else _PASSWORD.sub(r"\1********", str(value))


async def _examine_embedders(found: Checkup, settings: Settings) -> None:
    sentences, words = choose_embedders(settings)
    if settings.embedder == "auto" and importlib.util.find_spec("onnxruntime") is None:
        found.problems.append(
            "onnxruntime is not installed: searches use word vectors alone. "
            "Install it, or set ELEPHANTASM_EMBEDDER to static."
        )
    for role, embedder in (("sentences", sentences), ("words", words)):
        if embedder is not None:
            found.embedders.append(await _load(found, embedder, role=role))
    found.mode = " + ".join(["lexical", *(one.name for one in found.embedders if one.ready)])


async def _load(found: Checkup, embedder: Embedder, *, role: str) -> EmbedderRow:
    started = perf_counter()
    try:
        await anyio.to_thread.run_sync(embedder.load)
    except ElephantasmError as error:
        found.problems.append(error.explain())
    return EmbedderRow(
        role=role,
        name=embedder.name,
        dimensions=embedder.dimensions,
        ready=embedder.loaded,
        load_ms=round(1000 * (perf_counter() - started)),
    )


def _examine_writer(found: Checkup, settings: Settings) -> None:
    """Say who makes memories, and whether a key is missing; nobody is asked."""
    writer = llm_of(settings)
    model = choose_model(settings)
    found.daily_tokens = settings.daily_tokens
    found.writer = model.name if model is not None else writer
    keys = {
        "anthropic": settings.anthropic_api_key,
        "openai": settings.openai_api_key or settings.openai_base_url,
    }
    if writer in keys and not keys[writer]:
        found.problems.append(
            f"{variable(f'{writer}_api_key')} is not set: {found.writer} cannot be asked, and"
            " memories are made extractively."
        )


async def _survey_calls(found: Checkup, app: App) -> None:
    """What language models were asked, and whether the one that is set up answers."""
    read = app.core.database.read
    found.calls = await read(calls.by_model)
    found.tokens_today = await read(calls.tokens_since, day_of(app.core.clock.now()))
    last = await read(calls.last, found.writer)
    if last is not None and last.outcome == "failed":
        found.problems.append(f"The last call of a language model failed: {last.error}")


async def _examine_database(found: Checkup, settings: Settings) -> None:
    """Look into the database, whatever the other settings are."""
    settings = settings.model_copy(update={"llm": "extractive", "embedder": "none"})
    refuse_unbuilt(settings)
    path = database_path(settings)
    if not path.exists():
        found.database_note = f"{path} is not there yet; the first use makes it."
        if not _can_be_made(path):
            found.problems.append(f"The database {path} cannot be made: its folder is read-only.")
        return
    found.database_note = str(path)
    async with open_app(settings) as app:
        found.database = await app.core.database.health()
        found.problems += found.database.problems
        await _survey(found, app)


async def _examine_recall(found: Checkup, settings: Settings, *, anima: str | None) -> None:
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
    found.problems += [
        "Not found by the words of their sources: "
        f"{len(one.missed)} of {counted(one.asked, 'row')} of the anima {one.anima}."
        for one in found.recall
        if one.missed
    ]


def _can_be_made(path: Path) -> bool:
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


async def _survey(found: Checkup, app: App) -> None:
    now = app.core.clock.now()
    found.animas = await app.core.database.read(
        _anima_rows, app.user, [one.name for one in found.embedders if one.ready], now=now
    )
    found.jobs = await app.core.database.read(_job_rows, now=now)
    workers = await app.core.database.read(jobs.list_workers)
    found.workers = [one for one in workers if _is_running(one.owner)]
    found.problems += [
        f"The background task of the server {one.owner} fails: {one.last_error}"
        for one in found.workers
        if one.state == "failing"
    ]
    await _survey_calls(found, app)
    made = await keys.list_all(app.core)
    found.keys_made = len(made)
    found.keys = sum(one.state == "active" for one in made)
    since = await app.core.database.read(jobs.waiting_since, now=now)
    found.queue_age_s = None if since is None else max(0.0, (now - since).total_seconds())
    found.problems += [
        f"The job {job.kind} of anima {job.anima} was set aside after {job.attempts} attempts: "
        f"{job.last_error or 'no reason is known.'}"
        for job in found.jobs
        if job.state == JobState.QUARANTINED
    ]


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


def _is_running(owner: str) -> bool:
    """Whether the process that calls itself so still runs on this machine."""
    try:
        os.kill(int(owner.partition("-")[0]), 0)
    except (OSError, ValueError):
        return False
    return True


def _job_rows(tx: Tx, *, now: datetime) -> list[JobRow]:
    return [
        JobRow(
            anima=anima,
            kind=job.kind,
            state=job.state,
            age_s=max(0.0, (now - job.created_at).total_seconds()),
            attempts=job.attempts,
            last_error=job.last_error,
        )
        for anima, job in jobs.list_all(tx)
    ]
