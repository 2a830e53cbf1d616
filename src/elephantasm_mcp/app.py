"""The composition root: from settings to an open application.

Owns which engine, embedder, synthesizer and language model stand behind the ports, and in which
order things open and close. Invariant: everything long-lived is opened here, on one exit stack, and
closed in reverse.
"""

import importlib.util
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import urlsplit

from elephantasm_mcp.embedding import late, remote
from elephantasm_mcp.errors import (
    AuthenticationError,
    ElephantasmError,
    NotBuiltError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.machine import SystemClock, SystemIds
from elephantasm_mcp.memory import forgetting, keys, spooled, uses
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import DatabaseHealth, Embedder, LanguageModel, WordEmbedder
from elephantasm_mcp.projects import PROJECT, project_of
from elephantasm_mcp.prompts import read_prompt
from elephantasm_mcp.providers import openai as protocol
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.spool.folders import Spool, spool_of
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sqlite.database import (
    look_into_database,
    open_database,
    restore_database,
)
from elephantasm_mcp.store.sqlite.foreign import read_foreign
from elephantasm_mcp.synthesis import anthropic, openai
from elephantasm_mcp.synthesis.extractive import ExtractiveSynthesizer
from elephantasm_mcp.synthesis.llm import LlmSynthesizer
from elephantasm_mcp.types.callers import LOCAL_CALLER, Caller
from elephantasm_mcp.types.defaults import brought
from elephantasm_mcp.types.records import LOCAL_USER, User
from elephantasm_mcp.worker import Worker

AUTO = "auto"
HOST = "host"
EXTRACTIVE = "extractive"
SECRET_BYTES = 32
_LOOPBACK_URLS = (("http", "127.0.0.1"), ("http", "localhost"), ("http", "::1"))


@final
@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Whose JSON Web Tokens are taken."""

    name: str
    """As tokens have it in `iss`."""
    audience: str
    jwks_url: str


_asking: Final[ContextVar[Caller]] = ContextVar("asking")
"""Who asks in this task, where a transport has found out."""


@dataclass(frozen=True, slots=True)
class App:
    """An open application. `open_app` makes it."""

    core: Core
    settings: Settings
    worker: Worker
    guarded: bool = False
    """Whether whoever asks must have been found out: True where others can reach it."""

    @property
    def caller(self) -> Caller:
        """Who asks: whom the transport found, else the local user.

        Raises:
            AuthenticationError: `guarded`, and nobody was found.
        """
        caller = _asking.get(None)
        if caller is None and self.guarded:
            raise AuthenticationError("Nobody asked for this.", hint="Send an API key.")
        return caller or LOCAL_CALLER

    @property
    def user(self) -> User:
        """The user of who asks; raises what `caller` raises."""
        return self.caller.user

    @contextmanager
    def asked_by(self, caller: Caller, *, default: str | None = None) -> Iterator[None]:
        """Do what the block does for a caller, whose default anima is `default` if it has one."""
        token = _asking.set(caller)
        try:
            with brought(default):
                yield
        finally:
            _asking.reset(token)


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    background_jobs: bool | None = None,
    guarded: bool = False,
    folder: Path | None = None,
) -> AsyncIterator[App]:
    """Open the database and what stands around it.

    `background_jobs` True runs the whole background task, False only keeps the index up to date,
    None runs nothing in the background. `guarded` does nothing for nobody: see `App.caller`.
    `folder` is where one works, for the anima of its project; None: the process's.

    Raises:
        ValidationError: a setting names something unknown.
        NotBuiltError: a setting names something that comes in a later release.
        StorageError: the database cannot be used.
    """
    refuse_unbuilt(settings)
    sentences, words = choose_embedders(settings)
    model = choose_model(settings)
    project = project_of(folder or Path()) if settings.anima_id == PROJECT else None
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(database_path(settings)))
        clock, ids = SystemClock(), SystemIds()
        secret = await database.write(
            animas.prepare,
            user=ids.uuid(),
            secret=secrets.token_bytes(SECRET_BYTES),
            now=clock.now(),
        )
        core = Core(
            database=database,
            clock=clock,
            ids=ids,
            synthesizer=ExtractiveSynthesizer(),
            secret=secret,
            sentences=sentences,
            words=words,
            default_anima=project.name if project else settings.anima_id,
            project=project,
            redact=settings.redact,
            model=model,
            by_model=partial(LlmSynthesizer, secret=secret),
            daily_tokens=settings.daily_tokens,
            host=read_prompt("host") if llm_of(settings) == HOST else None,
        )
        await forgetting.finish(core)
        spool = spool_of(database_path(settings))
        await _take_in(core, spool)
        stack.push_async_callback(_flush_uses, core)
        worker = Worker(
            core,
            owner=f"{os.getpid()}-{secrets.token_hex(4)}",
            run_jobs=bool(background_jobs),
            spool=spool,
        )
        if background_jobs is not None:
            await stack.enter_async_context(worker.running())
        yield App(core, settings, worker, guarded)


async def _take_in(core: Core, spool: Spool) -> None:
    """Store what hooks left, so that no read misses it; where that cannot be, it waits."""
    with suppress(ElephantasmError, OSError):
        await spooled.deliver(core, LOCAL_USER, spool)
        await spooled.count_shown(core, LOCAL_USER, spool)


@dataclass(frozen=True, slots=True)
class Restored:
    """What restoring a backup came to."""

    database: Path
    kept: Path | None
    """Where the file is that stood there before."""
    schema_version: int
    """Which the backup had."""


async def restore(settings: Settings, backup: Path) -> Restored:
    """Put a backup in the place of the database, whose file is kept beside it.

    Raises:
        ValidationError: the settings name a server, not a file.
        NotFoundError: there is no such backup.
        ConflictError: another program has the database open.
        StorageError: the backup is damaged, no database of ours or too new; nothing was changed.
    """
    refuse_unbuilt(settings)
    path = database_path(settings)
    kept_as = f"{SystemClock().now():replaced-%Y%m%dT%H%M%SZ}"
    done = await restore_database(backup, path, kept_as=kept_as)
    return Restored(path, done.kept, done.schema_version)


async def look_into(path: Path, copy: Path) -> DatabaseHealth:
    """Say how a database file is, and write what it holds to `copy`; the file stays as it is.

    Raises:
        StorageError: it is no database of ours, empty, too new, or cannot be read to its end.
    """
    return await look_into_database(path, copy)


async def _flush_uses(core: Core) -> None:
    """Count the last uses; a disk that is full must not spoil the end of a read."""
    with suppress(StorageError):
        await uses.flush(core)
        await keys.flush(core)


def database_path(settings: Settings) -> Path:
    """The file that the setting names; `~` is the user's home."""
    return Path(settings.database).expanduser()


def rows_of(path: Path, statement: str) -> Iterator[dict[str, Any]]:
    """Rows of another program's database, for an import.

    Raises:
        ValidationError: it is not the database of that program.
    """
    yield from read_foreign(path, statement)


def refuse_unbuilt(settings: Settings) -> None:
    """Say plainly what is not done here, or not yet.

    Raises:
        ValidationError: the value means nothing here.
        NotBuiltError: it will mean something in a later release.
    """
    if settings.endpoint:
        raise ValidationError(
            "This works on a local database only, and ELEPHANTASM_ENDPOINT names a server.",
            field="endpoint",
            hint="Unset it, or name a database.",
        )
    if settings.database.startswith(("postgresql://", "postgres://")):
        raise NotBuiltError(
            "PostgreSQL comes in a later release.", hint="Set ELEPHANTASM_DATABASE to a file."
        )
    llm_of(settings)


def llm_of(settings: Settings) -> str:
    """Who writes memories: `anthropic`, `openai`, `host` or `extractive`.

    Raises:
        ValidationError: the setting means nothing.
    """
    name, colon, model = settings.llm.partition(":")
    if name in (anthropic.PROVIDER, protocol.PROVIDER) and bool(colon) == bool(model.strip()):
        return name
    if settings.llm == AUTO:
        if settings.anthropic_api_key:
            return anthropic.PROVIDER
        return protocol.PROVIDER if settings.openai_api_key else HOST
    if settings.llm in (HOST, EXTRACTIVE):
        return settings.llm
    raise ValidationError(
        f"ELEPHANTASM_LLM is {settings.llm!r}; it must be auto, anthropic, openai, host or"
        " extractive.",
        field="llm",
        hint='A model may stand behind a provider: "anthropic:claude-sonnet-5-5".',
    )


def token_issuer(settings: Settings) -> TokenIssuer | None:
    """Whose tokens the HTTP server takes; None: it takes API keys alone.

    Raises:
        ValidationError: some of the three settings are missing, or keys would come unprotected.
    """
    url, name, audience = settings.jwks_url, settings.jwt_issuer, settings.jwt_audience
    if url is None and name is None and audience is None:
        return None
    if not (url and name and audience):
        raise ValidationError(
            "ELEPHANTASM_JWKS_URL, ELEPHANTASM_JWT_ISSUER and ELEPHANTASM_JWT_AUDIENCE belong "
            "together: tokens are checked against all three.",
            field="jwks_url",
            hint="Set all of them, or none.",
        )
    place = urlsplit(url)
    if place.scheme != "https" and (place.scheme, place.hostname) not in _LOOPBACK_URLS:
        raise ValidationError(
            "ELEPHANTASM_JWKS_URL must begin with https://: whoever changes those keys on their "
            "way makes tokens for anybody.",
            field="jwks_url",
        )
    return TokenIssuer(name=name, audience=audience, jwks_url=url)


def choose_model(settings: Settings) -> LanguageModel | None:
    """The language model that the settings name, not asked yet; None without one.

    Raises:
        ValidationError: the setting means nothing.
    """
    model = settings.llm.partition(":")[2].strip()
    match llm_of(settings):
        case anthropic.PROVIDER:
            return anthropic.AnthropicModel(
                model or anthropic.DEFAULT_MODEL,
                api_key=settings.anthropic_api_key,
                base_url=settings.anthropic_base_url,
            )
        case protocol.PROVIDER:
            return openai.OpenAIModel(
                model or openai.DEFAULT_MODEL,
                api_key=settings.openai_api_key,
                base_url=settings.openai_base_url,
            )
        case _:
            return None


def choose_embedders(settings: Settings) -> tuple[Embedder | None, WordEmbedder | None]:
    """The sentence model and the word vectors, not loaded yet.

    Raises:
        ValidationError: the setting means nothing.
    """
    name, colon, model = settings.embedder.partition(":")
    if name == protocol.PROVIDER and (not colon or model.split() == [model]):
        remote_model = remote.RemoteEmbedder(
            model or remote.DEFAULT_MODEL,
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
        )
        return remote_model, late.words()
    match settings.embedder:
        case "auto":
            runtime = importlib.util.find_spec("onnxruntime") is not None
            return (late.sentences() if runtime else None), late.words()
        case "static":
            return None, late.words()
        case "none":
            return None, None
        case _:
            raise ValidationError(
                f"ELEPHANTASM_EMBEDDER is {settings.embedder!r}; it must be auto, static, openai or"
                " none.",
                field="embedder",
                hint='A model may stand behind a provider: "openai:nomic-embed-text".',
            )
