"""The stdio transport: one client on standard input and output.

Owns the two pipes for as long as it serves. Everything else that reads standard input finds it
empty, and everything else that prints lands on standard error. Invariant: what was read before the
client closed its end is answered, unless that takes longer than the grace.
"""

import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final, TypeAlias

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from elephantasm_mcp.app import open_app
from elephantasm_mcp.server import build_server
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.transports.garbage import collect_garbage
from elephantasm_mcp.transports.leaving import exit_in_time, wait_for_signal
from elephantasm_mcp.transports.lines import TooLong, parse_line, split_lines

Serve: TypeAlias = Callable[
    [ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]], Coroutine[Any, Any, None]
]
"""What answers the messages of one connection."""

GRACE_S: Final = 0.6
"""For answers to what was read before the client closed its end."""
CHUNK_BYTES: Final = 65536
READ_AHEAD: Final = 16
"""Lines that wait for the server."""
CANCELLED: Final = "notifications/cancelled"
NEVER_ANSWERED: Final = "subscriptions/listen"
"""A request that stays open as long as the client."""


class Wire:
    """The client's end of the two pipes."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)

    def read(self) -> Iterator[bytes]:
        """What the client writes, until it closes its end. Blocks between chunks."""
        with suppress(OSError):
            while chunk := os.read(self._in, CHUNK_BYTES):
                yield chunk

    def write(self, line: bytes) -> None:
        """Send a line. Blocks while the client does not read.

        Raises:
            OSError: the client is gone.
        """
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._out, rest) :]


class Unanswered:
    """The requests that were read and have no answer yet."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._none = anyio.Event()
        self._none.set()

    def read(self, message: object) -> None:
        """Note what came in: a request, or the cancelling of one."""
        if isinstance(message, JSONRPCRequest) and message.method != NEVER_ANSWERED:
            self._ids.add(message.id)
            self._none = anyio.Event()
        elif isinstance(message, JSONRPCNotification) and message.method == CANCELLED:
            self._drop((message.params or {}).get("requestId"))

    def written(self, message: object) -> None:
        """Note what went out."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._drop(message.id)

    async def wait_for_none(self) -> None:
        """Return once everything is answered."""
        while self._ids:
            await self._none.wait()

    def _drop(self, id_: RequestId | None) -> None:
        if id_ is not None:
            self._ids.discard(id_)
        if not self._ids:
            self._none.set()


async def serve_stdio(settings: Settings) -> None:
    """Serve the client on standard input and output until it leaves or a signal comes.

    Raises:
        ElephantasmError: the app cannot be opened.
    """
    wire = Wire()
    async with anyio.create_task_group() as group:
        group.start_soon(cancel_on_signal, group.cancel_scope)
        async with open_app(settings, background_jobs=settings.background_jobs) as app:
            server = build_server(app)
            collect_garbage()
            async with server.watcher.watching():
                await converse(server.serve, wire)
        group.cancel_scope.cancel()


async def cancel_on_signal(scope: anyio.CancelScope) -> None:
    """Cancel what is served once the process was told to end."""
    await wait_for_signal()
    scope.cancel()


async def converse(serve: Serve, wire: Wire) -> None:
    """Carry messages between the wire and what serves them until one of them ends."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    unanswered = Unanswered()
    async with anyio.create_task_group() as group:
        group.start_soon(serve, from_client, to_client.clone())
        group.start_soon(_write, wire, from_server, unanswered, group.cancel_scope)
        async with to_server, to_client:
            async for line in _lines(wire):
                message = parse_line(line)
                if isinstance(message, JSONRPCError):
                    await to_client.send(SessionMessage(message))
                else:
                    unanswered.read(message.message)
                    await to_server.send(message)
            with anyio.move_on_after(GRACE_S):
                await unanswered.wait_for_none()


async def _write(
    wire: Wire,
    messages: MemoryObjectReceiveStream[SessionMessage],
    unanswered: Unanswered,
    scope: anyio.CancelScope,
) -> None:
    """Put the server's messages on the wire; a client that is gone ends the conversation."""
    async with messages:
        async for each in messages:
            line = each.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
            try:
                await anyio.to_thread.run_sync(wire.write, line.encode(), abandon_on_cancel=True)
            except OSError:
                exit_in_time()
                scope.cancel()
            unanswered.written(each.message)


async def _lines(wire: Wire) -> AsyncIterator[bytes | TooLong]:
    """The client's lines that are not blank.

    They are read on a thread of our own, a daemon: a read that blocks cannot be cancelled and must
    not keep the process alive.
    """
    send, receive = anyio.create_memory_object_stream[bytes | TooLong](READ_AHEAD)
    room = threading.Semaphore(READ_AHEAD)
    arguments = (wire, send, room, anyio.lowlevel.current_token())
    threading.Thread(target=_read, args=arguments, name="stdin", daemon=True).start()
    async with receive:
        async for line in receive:
            room.release()
            yield line


def _read(
    wire: Wire,
    lines: MemoryObjectSendStream[bytes | TooLong],
    room: threading.Semaphore,
    token: anyio.lowlevel.EventLoopToken,
) -> None:
    with suppress(anyio.RunFinishedError, anyio.BrokenResourceError):
        for line in split_lines(wire.read()):
            if isinstance(line, TooLong) or line.strip():
                room.acquire()
                anyio.from_thread.run_sync(lines.send_nowait, line, token=token)
        exit_in_time()
        anyio.from_thread.run_sync(lines.close, token=token)
