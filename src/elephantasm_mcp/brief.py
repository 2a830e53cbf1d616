"""The composition root of what only reads, or hands in, a few things and ends: hooks.

Owns which engine and which embedder stand behind the ports then. No language model, no background
task, and none of what they need is imported: a process that must answer in a blink has no time for
it. Invariant: it opens the same database, by the same rules, as `app`.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from elephantasm_mcp.errors import NotBuiltError
from elephantasm_mcp.machine import SystemClock, SystemIds
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.store import animas
from elephantasm_mcp.store.sqlite.brief import open_briefly

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from elephantasm_mcp.ports import Tx, WordEmbedder
    from elephantasm_mcp.projects import Project
    from elephantasm_mcp.types.proposals import Proposals, SynthesisBatch

T = TypeVar("T")

PATIENCE_S: Final = 0.5
"""How long another process is waited for."""
SECRET_BYTES: Final = 32


@final
class NoSynthesizer:
    """Where no memories are made."""

    name = "none"
    provisional = True

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """Not here.

        Raises:
            NotBuiltError: always.
        """
        raise NotBuiltError(f"Nothing is made of {len(batch.events)} events here.")


@contextmanager
def open_core(
    path: Path,
    *,
    anima: str | None = None,
    project: Project | None = None,
    redact: bool = True,
    models: bool = True,
) -> Iterator[Core]:
    """The services' ports over the file at `path`.

    The default anima is `anima`, else that of the project. With `models` there are word vectors;
    the sentence model takes too long to load. A file that is not there is made.

    Raises:
        StorageError: the database cannot be used.
    """
    with open_briefly(path, patience_s=PATIENCE_S) as database:
        clock, ids = SystemClock(), SystemIds()
        secret = run_through(database.read(_secret)) if path.is_file() else b""
        if not secret:
            secret = run_through(
                database.write(
                    animas.prepare,
                    user=ids.uuid(),
                    secret=secrets.token_bytes(SECRET_BYTES),
                    now=clock.now(),
                )
            )
        yield Core(
            database=database,
            clock=clock,
            ids=ids,
            synthesizer=NoSynthesizer(),
            secret=secret,
            words=_words() if models else None,
            default_anima=anima or (project.name if project else "default"),
            project=None if anima else project,
            redact=redact,
        )


def run_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing but such a database, without an event loop.

    Raises:
        RuntimeError: it waits for something else.
    """
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError("It waits for something.")


def _secret(tx: Tx) -> bytes:
    return animas.secret_of(tx)


def _words() -> WordEmbedder:
    from elephantasm_mcp.embedding import late

    return late.words()
