"""The port `Database` on a SQLite file: one writing connection, two reading ones.

Owns transactions: their grouping, their isolation from each other, their end. Knows no table.
Invariant: `write` returns a result only after the COMMIT that made it durable, and whatever fails
or is cancelled leaves no transaction open.

Writes that wait together share one commit, since its fsync costs more than they do. A caller
appends its function to a queue and, unless one is on its way, sends a `drain` to the writing
thread. A drain takes what waits, up to 256 functions, of which one that fails undoes its own work
only, and wakes their callers with one call to the event loop: one for each would cost more than
they do. One event loop uses a database.
"""

import glob
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, final

import anyio
from anyio.lowlevel import current_token

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.ports import DatabaseHealth, Scrubbed, Tx
from elephantasm_mcp.store.sql import Migration, load_migrations, load_statements
from elephantasm_mcp.store.sqlite.copies import Restored, back_up, look_into, restore
from elephantasm_mcp.store.sqlite.driver import (
    LIBRARY_ERRORS,
    Connection,
    Connector,
    choose_connector,
    connect,
    ended_transaction,
    engine,
    explain,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.link import Link, open_link
from elephantasm_mcp.store.sqlite.lock import FileLock, lock_of
from elephantasm_mcp.store.sqlite.opening import open_writer
from elephantasm_mcp.store.sqlite.schema import find_problems
from elephantasm_mcp.store.sqlite.scratch import Scratch, open_scratch
from elephantasm_mcp.store.sqlite.transaction import SqliteTx

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE: Final = "elephantasm_mcp.store.sqlite"
_READERS: Final = 2
_GROUP: Final = 256
_GRACE_S: Final = 1.0
_PAUSE_S: Final = 0.05
_LOG_IS_READ: Final = "the write-ahead log: another program keeps reading an older state"


@asynccontextmanager
async def open_database(
    path: Path,
    *,
    statements: Mapping[str, str] | None = None,
    migrations: Sequence[Migration] | None = None,
    busy_timeout_s: float = 5.0,
    close_timeout_s: float = 5.0,
    scrub_timeout_s: float = 30.0,
    connector: Connector | None = None,
) -> AsyncIterator["SqliteDatabase"]:
    """Open the file at `path`, made with its folder when missing, and close it at the end.

    Without `statements`, `migrations` or `connector` they are this package's own. `busy_timeout_s`
    bounds each wait for another process. What is queued at the end gets `close_timeout_s` to
    finish, and a scrub waits so long for readers of older states.

    Raises:
        StorageError: the file cannot be used; it was not changed then.
    """
    if statements is None:
        statements = load_statements(_PACKAGE)
    if migrations is None:
        migrations = load_migrations(_PACKAGE)
    connector = connector or choose_connector()
    lock = lock_of(path, timeout_s=busy_timeout_s)
    writer = await open_link(
        partial(open_writer, connector, path, migrations, lock, timeout_s=busy_timeout_s)
    )
    database = SqliteDatabase(
        path,
        writer,
        statements,
        lock=lock,
        close_timeout_s=close_timeout_s,
        scrub_timeout_s=scrub_timeout_s,
        scratch=partial(open_scratch, connector, migrations, statements),
        migrations=migrations,
        connector=connector,
    )
    try:
        await database.open_readers(timeout_s=busy_timeout_s)
        yield database
    finally:
        await database.close()


async def restore_database(source: Path, path: Path, *, kept_as: str) -> Restored:
    """Put a copy in the place of the file at `path`: see `copies.restore`, also for errors."""
    work = partial(
        restore,
        choose_connector(),
        source,
        path,
        kept_as=kept_as,
        migrations=load_migrations(_PACKAGE),
    )
    return await anyio.to_thread.run_sync(work)


async def look_into_database(path: Path, copy: Path) -> DatabaseHealth:
    """Copy a file that is not to be changed: see `copies.look_into`, also for errors."""
    migrations = load_migrations(_PACKAGE)
    work = partial(look_into, choose_connector(), path, copy, migrations=migrations)
    return await anyio.to_thread.run_sync(work)


@final
class SqliteDatabase:
    """An open file. `open_database` makes it."""

    def __init__(
        self,
        path: Path,
        writer: Link,
        statements: Mapping[str, str],
        *,
        lock: FileLock,
        close_timeout_s: float,
        scrub_timeout_s: float,
        scratch: Callable[[], AbstractAsyncContextManager[Scratch]],
        migrations: Sequence[Migration],
        connector: Connector,
    ) -> None:
        self._path: Final = path
        self._statements: Final = statements
        self._writer: Final = writer
        self._readers: Final[list[Link]] = []
        self._reads: Final = [0] * _READERS
        self._queue: Final[deque[_Item]] = deque()
        self._lock: Final = lock
        self._close_timeout_s: Final = close_timeout_s
        self._scrub_timeout_s: Final = scrub_timeout_s
        self._open_scratch: Final = scratch
        self._migrations: Final = migrations
        self._connector: Final = connector
        self._drain_asked = False
        self._closed = False
        self._abandoned = False

    @property
    def schema_version(self) -> int:
        """See `Database.schema_version`."""
        return len(self._migrations)

    async def write(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write`."""
        self._require_open()
        results: list[T] = []
        settled = anyio.Event()
        item = _Item(lambda tx: results.append(fn(tx, *args, **kwargs)), settled)
        self._queue.append(item)
        self._ask_for_drain(current_token().native_token)
        try:
            await settled.wait()
        finally:
            item.wanted = False
        item.check(name=self._path.name)
        return results[-1]

    async def read(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        self._require_open()
        results: list[T] = []
        item = _Item(lambda tx: results.append(fn(tx, *args, **kwargs)))
        reader = self._reads.index(min(self._reads))
        self._reads[reader] += 1
        try:
            with plain_errors(self._path.name):
                await self._readers[reader].hop(partial(self._look, item))
        finally:
            self._reads[reader] -= 1
        item.check(name=self._path.name)
        return results[0]

    async def data_version(self) -> int:
        """See `Database.data_version`: always from the same reader, whose own number it is."""
        return await self._ask(lambda connection: connection.integer("PRAGMA data_version"))

    async def health(self) -> DatabaseHealth:
        """See `Database.health`. `location` is the full path: it is for the file's owner alone."""
        problems: list[str] = []
        try:
            await self.write(lambda _: None)
        except StorageError as error:
            problems.append(error.explain())
        writable = not problems
        problems += await self._ask(
            lambda connection: find_problems(connection, self._connector, self._migrations)
        )
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        return DatabaseHealth(
            engine=await self._ask(engine),
            location=str(self._path),
            schema_version=self.schema_version,
            size_bytes=sum(file.stat().st_size for file in files if file.exists()),
            writable=writable,
            problems=tuple(problems),
        )

    async def scrub(self) -> Scrubbed:
        """See `Database.scrub`.

        Deleting overwrites, but pages that were split before keep old copies of rows: only a file
        that is written anew has none (3 of 1,000 deleted rows stood in one that was not). Copies
        from before a migration go as a whole.
        """
        self._require_open()
        problems: list[str] = []
        with plain_errors(self._path.name):
            await self._writer.hop(partial(self._write_anew, problems))
            with anyio.move_on_after(self._scrub_timeout_s):
                await self._writer.hop(partial(self._empty_log, problems))
                while problems and problems[-1] == _LOG_IS_READ:
                    await anyio.sleep(_PAUSE_S)
                    await self._writer.hop(partial(self._empty_log, problems))
        removed = await anyio.to_thread.run_sync(_remove_copies, self._path, problems)
        return Scrubbed(tuple(removed), tuple(dict.fromkeys(problems)))

    async def back_up(self, target: Path, *, replace: bool = False) -> int:
        """See `Database.back_up`."""
        self._require_open()
        copy = partial(
            back_up,
            self._connector,
            self._path,
            target,
            replace=replace,
            migrations=self._migrations,
        )
        return await anyio.to_thread.run_sync(copy)

    def scratch(self) -> AbstractAsyncContextManager[Scratch]:
        """See `Database.scratch`."""
        return self._open_scratch()

    async def open_readers(self, *, timeout_s: float) -> None:
        """Open the reading connections; `open_database` calls it once."""
        opening = partial(connect, self._connector, self._path, mode="read", timeout_s=timeout_s)
        with plain_errors(self._path.name):
            while len(self._readers) < _READERS:
                self._readers.append(await open_link(opening))

    async def close(self) -> None:
        """Finish what is queued, then close. May be called twice.

        What is not finished in time is interrupted and leaves no trace; its callers get a
        StorageError.
        """
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(self._close_timeout_s) as patience:
                await self._finish()
            if patience.cancelled_caught:
                self._abandoned = True
                for link in (self._writer, *self._readers):
                    with suppress(ValueError):  # already closed
                        await link.interrupt()
                with anyio.move_on_after(_GRACE_S):
                    await self._finish()

    async def _finish(self) -> None:
        links = (*self._readers, self._writer)
        for link in links:  # a link that waits here, unlike one that closes, can be interrupted
            with suppress(ValueError):  # already closed
                await link.hop(lambda _: None)
                while link is self._writer and (self._queue or self._drain_asked):
                    await link.hop(lambda _: None)  # each drain sends the next behind this
        for link in links:
            await link.close()
        self._lock.close()

    def _require_open(self) -> None:
        if self._closed:
            raise self._closed_error()

    def _closed_error(self) -> StorageError:
        return StorageError(f"The database {self._path.name} is closed.", hint="Open it again.")

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        """Put a question that needs no statement and no transaction to the first reader."""
        self._require_open()
        with plain_errors(self._path.name):
            return await self._readers[0].hop(question)

    def _ask_for_drain(self, loop: Any) -> None:  # noqa: ANN401 - the event loop of the backend
        """See that a drain comes after what is queued now; `loop` is where its callers wait.

        It is sent when those who are ready now have queued theirs as well: a drain that begins
        beside them takes few, and both threads wait for each other at every statement.
        """
        if not self._drain_asked:
            self._drain_asked = True
            loop.call_soon(self._send_drain, loop)

    def _send_drain(self, loop: Any) -> None:  # noqa: ANN401 - see _ask_for_drain
        self._writer.post(partial(self._drain, loop))

    # what follows runs on the connections' threads

    def _write_anew(self, problems: list[str], connection: Connection) -> None:
        try:
            with self._lock.held():
                connection.execute("PRAGMA temp_store = FILE")  # as large as the file itself
                connection.execute("VACUUM")
        except (StorageError, *LIBRARY_ERRORS) as error:
            problems.append(
                f"the database file could not be written anew: {_why(error, self._path)}"
            )

    def _empty_log(self, problems: list[str], connection: Connection) -> None:
        """Take the log into the file and empty it; the problem is noted while that cannot be."""
        if problems and problems[-1] == _LOG_IS_READ:
            problems.pop()
        patience_ms = connection.integer("PRAGMA busy_timeout")
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA busy_timeout = 0")  # nobody shall wait for this to succeed
            with self._lock.held():
                busy = connection.integer("PRAGMA wal_checkpoint(TRUNCATE)")
        except (StorageError, *LIBRARY_ERRORS):
            busy = 1
        finally:
            connection.execute(f"PRAGMA busy_timeout = {patience_ms}")
        if busy:
            problems.append(_LOG_IS_READ)

    def _look(self, item: "_Item", connection: Connection) -> None:
        """Run one reading function on a snapshot."""
        with ended_transaction(connection):
            connection.execute("BEGIN")
            self._run(item, connection)
        item.done = True

    def _drain(self, loop: Any, connection: Connection) -> None:  # noqa: ANN401 - see above
        """Run the functions that wait, and wake their callers."""
        self._drain_asked = False  # before looking: who comes later asks for another
        group = self._next_group()
        if self._queue:
            self._send_drain(loop)
        try:
            self._commit([item for item in group if item.error is None], connection)
        except BaseException as error:  # noqa: BLE001 - whoever waits must be told
            for item in group:
                item.error = item.error or error
        with suppress(RuntimeError):  # the event loop has ended, and nobody waits
            loop.call_soon_threadsafe(_wake, group)

    def _commit(self, group: Sequence["_Item"], connection: Connection) -> None:
        """Run these functions as one transaction, or make all of them fail."""
        if not group:
            return
        try:
            with self._lock.held():
                if not self._run_together(group, connection) and len(group) > 1:
                    self._run_apart(group, connection)
        except LIBRARY_ERRORS as error:
            for item in group:
                item.fail(error, name=self._path.name)

    def _run_together(self, group: Sequence["_Item"], connection: Connection) -> bool:
        """Run and commit all; False, and nothing is changed, when one of them fails."""
        with ended_transaction(connection):
            connection.execute("BEGIN IMMEDIATE")
            for item in group:
                self._run(item, connection)
                if item.error is not None:
                    return False
            connection.execute("COMMIT")
        for item in group:
            item.done = True
        return True

    def _run_apart(self, group: Sequence["_Item"], connection: Connection) -> None:
        """Run and commit all anew, each in a savepoint, so that a failure undoes its own work only.

        That costs two statements a function, and failures are rare.
        """
        with ended_transaction(connection):
            connection.execute("BEGIN IMMEDIATE")
            for item in group:
                item.error = None
                self._run_alone(item, connection)
            connection.execute("COMMIT")
        for item in group:
            item.done = True

    def _next_group(self) -> list["_Item"]:
        group: list[_Item] = []
        while self._queue and len(group) < _GROUP:
            item = self._queue.popleft()
            if self._abandoned:
                item.error = self._closed_error()
            if item.wanted:
                group.append(item)
        return group

    def _run_alone(self, item: "_Item", connection: Connection) -> None:
        """Run one function so that its failure undoes its own work only.

        Raises:
            LIBRARY_ERRORS: SQLite has ended the transaction of all (disk full, I/O, memory).
        """
        connection.execute("SAVEPOINT item")
        self._run(item, connection)
        if item.error is not None and connection.in_transaction:
            connection.execute("ROLLBACK TO item")
        connection.execute("RELEASE item")

    def _run(self, item: "_Item", connection: Connection) -> None:
        tx = SqliteTx(connection, self._statements, name=self._path.name)
        try:
            item.call(tx)
        except BaseException as error:  # noqa: BLE001  it is the caller's, who gets it
            item.error = error
        finally:
            tx.end()
        if tx.failure is not None and not connection.in_transaction:
            raise tx.failure


@dataclass(slots=True)
class _Item:
    """One caller's function on its way through a thread."""

    call: Callable[[Tx], None]
    settled: anyio.Event | None = None
    """Set on the event loop once it has run or failed."""
    wanted: bool = True
    done: bool = False
    error: BaseException | None = None

    def fail(self, error: Exception, *, name: str) -> None:
        """Make `error`, which ended the whole transaction, this caller's too."""
        if self.error is None:
            self.error = explain(error, name=name)
            self.error.__cause__ = error

    def check(self, *, name: str) -> None:
        """Raise what kept the function from being done."""
        error = self.error or (None if self.done else explain(RuntimeError(), name=name))
        self.error = None  # else the error's traceback would hold the error
        if error is not None:
            raise error


def _wake(group: Sequence[_Item]) -> None:
    for item in group:
        if item.settled is not None:
            item.settled.set()


def _why(error: Exception, path: Path) -> str:
    return str(error if isinstance(error, StorageError) else explain(error, name=path.name))


def _remove_copies(path: Path, problems: list[str]) -> list[str]:
    """Remove the copies that migrations made of the file before them."""
    removed: list[str] = []
    for copy in sorted(path.parent.glob(f"{glob.escape(path.name)}.v*.bak*")):
        try:
            copy.unlink()
            removed.append(copy.name)
        except OSError:
            problems.append(f"{copy.name}, a copy from before an update, cannot be removed")
    return removed
