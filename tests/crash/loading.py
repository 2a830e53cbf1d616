"""Server processes under load: many calls at a time, over pipes, and what each was answered."""

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from speaking import command, environment

MAX_LINE_BYTES = 1 << 24
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "load", "version": "1"},
}


@dataclass
class Call:
    """A tool call, and its answer once there is one."""

    tool: str
    arguments: dict[str, Any]
    answer: dict[str, Any] | None = None
    answered: anyio.Event = field(default_factory=anyio.Event)

    @property
    def refused(self) -> str:
        """The sentence of a refusal; empty for a call that worked."""
        assert self.answer is not None
        return self.answer["content"][0]["text"] if self.answer.get("isError") else ""

    @property
    def result(self) -> dict[str, Any]:
        """What a call that worked was answered."""
        assert self.answer is not None, "the server went without an answer"
        assert not self.refused, self.refused
        return self.answer.get("structuredContent") or self.answer


class Server:
    """A server process that is spoken to in lines of JSON."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.calls: list[Call] = []
        self.said = b""
        """What it wrote to standard error; complete once it has ended."""
        self._ids = count()
        self._open: dict[int, Call] = {}

    async def call(self, tool: str, **arguments: Any) -> Call:
        """Call a tool, and wait until it is answered or the process is gone."""
        call = Call(tool, arguments)
        self.calls.append(call)
        await self._ask("tools/call", {"name": tool, "arguments": arguments}, call)
        return call

    async def greet(self) -> None:
        """The handshake."""
        hello = Call("", {})
        await self._ask("initialize", HELLO, hello)
        assert hello.answer is not None, self.said
        await self._send({"method": "notifications/initialized"})

    async def leave(self) -> int:
        """Close its input, and return its exit code."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        return await self.process.wait()

    async def listen(self) -> None:
        """Take in answers, also those that were on their way when the process was killed."""
        assert self.process.stdout is not None
        lines = BufferedByteReceiveStream(self.process.stdout)
        with suppress(anyio.EndOfStream, anyio.IncompleteRead):
            while line := await lines.receive_until(b"\n", MAX_LINE_BYTES):
                message = json.loads(line)
                if "method" not in message:
                    call = self._open.pop(message["id"])
                    call.answer = message["result"]
                    call.answered.set()
        for call in self._open.values():
            call.answered.set()

    async def listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.said += chunk

    async def _ask(self, method: str, params: dict[str, Any], call: Call) -> None:
        id_ = next(self._ids)
        self._open[id_] = call
        await self._send({"id": id_, "method": method, "params": params})
        await call.answered.wait()

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        line = json.dumps({"jsonrpc": "2.0", **message}) + "\n"
        await self.process.stdin.send(line.encode())


@asynccontextmanager
async def serving(database: Path, **settings: str) -> AsyncIterator[Server]:
    """A server process after the handshake, killed at the end of the block if it still runs."""
    process = await anyio.open_process(
        command(), env=environment(database, **settings), stderr=subprocess.PIPE
    )
    server = Server(process)
    async with process, anyio.create_task_group() as group:
        group.start_soon(server.listen)
        group.start_soon(server.listen_to_errors)
        try:
            await server.greet()
            yield server
        finally:
            if process.returncode is None:
                process.kill()
