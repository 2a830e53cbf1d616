"""The port `Database` in memory alone: an empty store of the same schema, for one use.

Owns one connection. Invariant: nothing of it reaches a disk or another caller, and it is gone when
its block ends.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar, final

import anyio

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.ports import DatabaseHealth, Scrubbed, Tx
from elephantasm_mcp.store.sql import Migration
from elephantasm_mcp.store.sqlite.driver import (
    LIBRARY_ERRORS,
    Connection,
    Connector,
    ended_transaction,
    explain,
    plain_errors,
)
from elephantasm_mcp.store.sqlite.link import Link, open_link
from elephantasm_mcp.store.sqlite.schema import open_in_memory
from elephantasm_mcp.store.sqlite.transaction import SqliteTx

P = ParamSpec("P")
T = TypeVar("T")

_NAME: Final = "in memory"


@asynccontextmanager
async def open_scratch(
    connector: Connector, migrations: Sequence[Migration], statements: Mapping[str, str]
) -> AsyncIterator["Scratch"]:
    """Open an empty store; what it holds is gone at the end.

    Raises:
        StorageError: there is not enough memory.
    """
    with plain_errors(_NAME):
        link = await open_link(partial(open_in_memory, connector, migrations))
    try:
        another = partial(open_scratch, connector, migrations, statements)
        yield Scratch(link, statements, another, schema_version=len(migrations))
    finally:
        with anyio.CancelScope(shield=True):
            await link.close()


@final
class Scratch:
    """An open store in memory. `open_scratch` makes it."""

    def __init__(
        self,
        link: Link,
        statements: Mapping[str, str],
        another: "Callable[[], AbstractAsyncContextManager[Scratch]]",
        *,
        schema_version: int,
    ) -> None:
        self._link: Final = link
        self._statements: Final = statements
        self._another: Final = another
        self._schema_version: Final = schema_version

    @property
    def schema_version(self) -> int:
        """See `Database.schema_version`."""
        return self._schema_version

    async def write(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write`; here durable means until the end of the block."""
        return await self._run(lambda tx: fn(tx, *args, **kwargs), query_only=False)

    async def read(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        return await self._run(lambda tx: fn(tx, *args, **kwargs), query_only=True)

    async def data_version(self) -> int:
        """See `Database.data_version`: nobody else can commit here."""
        return 0

    async def health(self) -> DatabaseHealth:
        """See `Database.health`: there is no file that could be damaged."""
        return DatabaseHealth(
            engine="SQLite",
            location=_NAME,
            schema_version=self._schema_version,
            size_bytes=0,
            writable=True,
        )

    async def scrub(self) -> Scrubbed:
        """See `Database.scrub`: there is no file."""
        return Scrubbed()

    async def back_up(self, target: Path, *, replace: bool = False) -> int:
        """See `Database.back_up`: nobody wants this back."""
        verb = "replace" if replace else "make"
        raise StorageError(f"What is in memory alone cannot {verb} {target.name}.")

    def scratch(self) -> AbstractAsyncContextManager["Scratch"]:
        """See `Database.scratch`."""
        return self._another()

    async def _run(self, call: Callable[[Tx], T], *, query_only: bool) -> T:
        results: list[T] = []
        errors: list[BaseException] = []

        def hop(connection: Connection) -> None:
            try:
                results.append(self._transact(call, connection, query_only=query_only))
            except BaseException as error:  # noqa: BLE001 - it is the caller's, who gets it
                errors.append(error)

        await self._link.hop(hop)
        if errors:
            raise errors.pop()
        return results[0]

    def _transact(self, call: Callable[[Tx], T], connection: Connection, *, query_only: bool) -> T:
        tx = SqliteTx(connection, self._statements, name=_NAME)
        try:
            connection.execute(f"PRAGMA query_only = {int(query_only)}")
            with ended_transaction(connection):
                connection.execute("BEGIN")
                result = call(tx)
                connection.execute("COMMIT")
        except LIBRARY_ERRORS as error:
            raise explain(error, name=_NAME) from error
        finally:
            tx.end()
        return result
