"""The port `Database` for a process that asks a few things of the file and ends.

Owns transactions on connections of the calling thread: no other thread, no event loop, nothing
grouped. Knows no table. Invariant: `write` returns a result only after the COMMIT that made it
durable, and no call ever suspends its caller, so that a service can be run to its end without a
loop.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar, final

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.ports import Database, DatabaseHealth, Scrubbed, Tx
from elephantasm_mcp.store.sql import load_migrations, load_statements
from elephantasm_mcp.store.sqlite.driver import (
    Connection,
    choose_connector,
    connect,
    ended_transaction,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.lock import lock_of
from elephantasm_mcp.store.sqlite.opening import open_writer
from elephantasm_mcp.store.sqlite.schema import schema_version
from elephantasm_mcp.store.sqlite.transaction import SqliteTx

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE: Final = "elephantasm_mcp.store.sqlite"


@contextmanager
def open_briefly(path: Path, *, patience_s: float) -> Iterator["BriefDatabase"]:
    """The file at `path`; it is made, or brought up to date, with the first write.

    `patience_s` bounds each wait for another process.
    """
    with ExitStack() as stack:
        yield BriefDatabase(path, stack, patience_s=patience_s)


@final
class BriefDatabase:
    """A file that is opened when it is first asked. `open_briefly` makes it."""

    def __init__(self, path: Path, stack: ExitStack, *, patience_s: float) -> None:
        self._path: Final = path
        self._stack: Final = stack
        self._patience_s: Final = patience_s
        self._statements: Final[Mapping[str, str]] = load_statements(_PACKAGE)
        self._lock: Final = lock_of(path, timeout_s=patience_s)
        self._reader: Connection | None = None
        self._writer: Connection | None = None

    async def write(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write`."""
        writer = self._writer or self._open_writer()
        with plain_errors(self._path.name), self._lock.held(), ended_transaction(writer):
            writer.execute("BEGIN IMMEDIATE")
            result = self._run(writer, lambda tx: fn(tx, *args, **kwargs))
            writer.execute("COMMIT")
        return result

    async def read(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        reader = self._reader or self._open_reader()
        with plain_errors(self._path.name), ended_transaction(reader):
            reader.execute("BEGIN")
            return self._run(reader, lambda tx: fn(tx, *args, **kwargs))

    async def data_version(self) -> int:
        """See `Database.data_version`."""
        reader = self._reader or self._open_reader()
        with plain_errors(self._path.name):
            return reader.integer("PRAGMA data_version")

    async def health(self) -> DatabaseHealth:
        """Not done in a hurry."""
        raise self._not_here()

    @property
    def schema_version(self) -> int:
        """See `Database.schema_version`."""
        return len(load_migrations(_PACKAGE))

    async def back_up(self, target: Path, *, replace: bool = False) -> int:
        """Not done in a hurry."""
        del target, replace
        raise self._not_here()

    async def scrub(self) -> Scrubbed:
        """Not done in a hurry."""
        raise self._not_here()

    def scratch(self) -> AbstractAsyncContextManager[Database]:
        """Not done in a hurry."""
        raise self._not_here()

    def _not_here(self) -> StorageError:
        return StorageError(f"{self._path.name} is open for a moment only.")

    def _run(self, connection: Connection, fn: Callable[[Tx], T]) -> T:
        tx = SqliteTx(connection, self._statements, name=self._path.name)
        try:
            return fn(tx)
        finally:
            tx.end()

    def _open_reader(self) -> Connection:
        latest = len(load_migrations(_PACKAGE))
        with plain_errors(self._path.name):
            reader = connect(
                choose_connector(), self._path, mode="read", timeout_s=self._patience_s
            )
            self._stack.callback(reader.close)
            version = schema_version(reader, latest=latest, name=self._path.name)
        if version != latest:  # a writer brings it up to date
            self._open_writer()
        self._reader = reader
        return reader

    def _open_writer(self) -> Connection:
        writer = open_writer(
            choose_connector(),
            self._path,
            load_migrations(_PACKAGE),
            self._lock,
            timeout_s=self._patience_s,
        )
        self._stack.callback(self._lock.close)
        self._stack.callback(writer.close)
        self._writer = writer
        return writer
