"""The stdio transport, as a process."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp_types import INVALID_REQUEST, PARSE_ERROR

from elephantasm_mcp.transports.lines import MAX_LINE_BYTES
from speaking import DEADLINE_S, SLOW_SEARCH, SLOW_SYNTHESIS, command, environment

LEAVING_S = 5
"""The promise is one second; a busy machine gets more before a test calls it broken."""
HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
NOISY_SEARCH = """
import os
from elephantasm_mcp.memory import recall
from elephantasm_mcp.types.reading import (SearchHits)
async def search(*_):
    print("a stray print", flush=True)
    os.write(1, b"a stray write\\n")
    return SearchHits([], mode="none")
recall.search = search
"""


def call(id_: int, tool: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params}


class Raw:
    """A server process that is spoken to in bytes."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = BufferedByteReceiveStream(process.stdout)
        self.stderr = BufferedByteReceiveStream(process.stderr)

    async def send(self, *messages: object) -> None:
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode()
            await self.stdin.send(line + b"\n")

    async def receive(self) -> dict[str, Any]:
        """The next answer; every line of standard output has to be JSON-RPC."""
        while True:
            message: dict[str, Any] = json.loads(await self.stdout.receive_until(b"\n", 1 << 20))
            assert message["jsonrpc"] == "2.0"
            if "method" not in message:
                return message

    async def ask(self, message: object) -> dict[str, Any]:
        await self.send(message)
        return await self.receive()

    async def until_it_says(self, word: bytes) -> None:
        await self.stderr.receive_until(word, 1 << 20)

    async def ends_quietly(self) -> None:
        with anyio.fail_after(LEAVING_S):
            assert await self.process.wait() == 0
        rest = b"".join([chunk async for chunk in self.stderr])
        assert b"Traceback" not in rest


@asynccontextmanager
async def raw_server(database: Path, *, first: str = "") -> AsyncIterator[Raw]:
    """A server process after the handshake."""
    with anyio.fail_after(DEADLINE_S):
        process = await anyio.open_process(
            command(first=first), env=environment(database), stderr=subprocess.PIPE
        )
        async with process:
            raw = Raw(process)
            try:
                await raw.ask(HELLO)
                await raw.send(INITIALIZED)
                yield raw
            finally:
                if process.returncode is None:
                    process.kill()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"


async def test_a_broken_line_is_answered_and_the_next_one_served(database: Path) -> None:
    async with raw_server(database) as raw:
        broken = await raw.ask(b'{"jsonrpc": "2.0", "id": 1, ')
        assert (broken["id"], broken["error"]["code"]) == (None, PARSE_ERROR)
        batch = await raw.ask([call(1, "list_animas")])
        assert (batch["id"], batch["error"]["code"]) == (None, INVALID_REQUEST)
        await raw.send(b"", b"   ")
        assert (await raw.ask(call(2, "list_animas")))["result"]["isError"] is False


async def test_a_line_over_the_limit_is_skipped(database: Path) -> None:
    async with raw_server(database) as raw:
        refused = await raw.ask(call(1, "extract_event", content="x" * MAX_LINE_BYTES))
        assert refused["error"]["code"] == INVALID_REQUEST
        assert "8 MiB" in refused["error"]["message"]
        assert (await raw.ask(call(2, "list_animas")))["id"] == 2


@pytest.mark.parametrize("broken", [rb"caf\ud800", b"caf\xe9"])
async def test_broken_unicode_is_stored_mended_and_said(database: Path, broken: bytes) -> None:
    line = json.dumps(call(1, "extract_event", content="WORD au lait")).encode()
    async with raw_server(database) as raw:
        said = await raw.ask(line.replace(b"WORD", broken))
        assert said["result"]["structuredContent"]["events"][0]["repaired"] is True
        sound = await raw.ask(call(2, "extract_event", content="café"))
        assert "repaired" not in sound["result"]["structuredContent"]["events"][0]


async def test_what_others_print_does_not_reach_the_client(database: Path) -> None:
    async with raw_server(database, first=NOISY_SEARCH) as raw:
        assert (await raw.ask(call(1, "search_memory", query="x")))["id"] == 1
        await raw.until_it_says(b"a stray print")
        await raw.until_it_says(b"a stray write")


def test_requests_before_the_end_of_input_are_answered(database: Path) -> None:
    lines = [HELLO, INITIALIZED, *(call(n, "extract_event", content=f"{n}") for n in range(1, 9))]
    ended = subprocess.run(
        command(),
        input="\n".join(json.dumps(line) for line in lines),
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    sent = [json.loads(line) for line in ended.stdout.splitlines()]
    answers = [message for message in sent if "method" not in message]
    assert {answer["id"] for answer in answers} == set(range(9))
    assert all("result" in answer for answer in answers)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_at_rest_ends_the_process(database: Path, number: signal.Signals) -> None:
    async with raw_server(database) as raw:
        raw.process.send_signal(number)
        await raw.ends_quietly()


async def test_the_end_of_input_ends_the_process(database: Path) -> None:
    async with raw_server(database) as raw:
        await raw.stdin.aclose()
        await raw.ends_quietly()


def test_a_client_that_stops_reading_ends_the_process(database: Path) -> None:
    with subprocess.Popen(
        command(), env=environment(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(json.dumps(HELLO).encode() + b"\n")
        process.stdin.flush()
        assert process.wait(timeout=DEADLINE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, None])
@pytest.mark.parametrize(
    ("first", "tool", "arguments"),
    [
        (SLOW_SEARCH, "search_memory", {"query": "x"}),
        (SLOW_SYNTHESIS, "dream", {"phase": "synthesis"}),
    ],
)
async def test_nothing_that_hangs_keeps_the_process_alive(
    database: Path,
    number: signal.Signals | None,
    first: str,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    async with raw_server(database, first=first) as raw:
        await raw.ask(call(1, "extract_event", content="I am allergic to hazelnuts."))
        await raw.send(call(2, tool, **arguments))
        await raw.until_it_says(b"hanging")
        if number is None:
            await raw.stdin.aclose()
        else:
            raw.process.send_signal(number)
        await raw.ends_quietly()


async def test_what_was_acknowledged_survives_the_sudden_end(database: Path) -> None:
    async with raw_server(database, first=SLOW_SEARCH) as raw:
        await raw.ask(call(1, "extract_event", content="I am allergic to hazelnuts."))
        await raw.send(call(2, "search_memory", query="x"))
        await raw.until_it_says(b"hanging")
        raw.process.send_signal(signal.SIGTERM)
        await raw.ends_quietly()
    async with raw_server(database) as raw:
        listed = await raw.ask(call(1, "list_animas"))
    assert listed["result"]["structuredContent"]["animas"][0]["events"] == 1


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        command(),
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert str(tmp_path.parent) not in ended.stderr


def test_a_start_imports_no_model_no_provider_and_no_rest() -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, elephantasm_mcp.transports.stdio\n"
            "print(*{'onnxruntime', 'anthropic', 'openai', 'fastapi'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert found.stdout.strip() == ""
