"""The REST interface against an empty route of the same server, and under very many clients.

A server process as users start it, with one route more that does nothing. The clients are one other
process; each keeps its connection and waits for each answer. Events and questions are made up
(`cli/bench/made_up.py`), each a new one.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from urllib.parse import urlencode

import anyio
from anyio.abc import SocketStream

from elephantasm_mcp.cli.bench.made_up import Storyteller
from measuring import Row, in_turn_async, print_table

SERVE = """
import sys
from elephantasm_mcp import transports
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.transports import http
from starlette.responses import Response
from starlette.routing import Route

async def empty(request):
    await request.body()
    return Response(b"{}", media_type="application/json")

build = http.build_api

def with_empty(app, **options):
    api = build(app, **options)
    api.router.routes.insert(0, Route("/empty", empty, methods=["GET", "POST"]))
    return api

http.build_api = with_empty
sys.exit(transports.serve(load_settings(), transport="http"))
"""
CLIENTS = 64
EVENTS = 1280
READERS = 4
READS = 100
ROUNDS = 3
ROWS = 10_000
BATCH = 500
CROWD = 500
CROWD_S = 60
RATE_GOAL = 1 / 3
RATE_AIM = 1500
EXTRA_S = 0.010
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Client:
    """One connection over HTTP/1.1 that is kept."""

    stream: SocketStream
    rest: bytes = field(default=b"", init=False)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request; status and body of the answer."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        await self.stream.send(head.encode() + body)
        while b"\r\n\r\n" not in self.rest:
            self.rest += await self.stream.receive()
        head_, _, self.rest = self.rest.partition(b"\r\n\r\n")
        fields = head_.lower().split(b"\r\n")
        length = next(int(one[15:]) for one in fields if one.startswith(b"content-length:"))
        while len(self.rest) < length:
            self.rest += await self.stream.receive()
        content, self.rest = self.rest[:length], self.rest[length:]
        return int(fields[0].split()[1]), content


@contextmanager
def server(folder: Path, *, embedder: str) -> Iterator[int]:
    """The port of a server process."""
    environment = {
        "ELEPHANTASM_EMBEDDER": embedder,
        "HOME": str(folder),
        "ELEPHANTASM_DATABASE": str(folder / "memory.sqlite3"),
        "ELEPHANTASM_LLM": "extractive",
        "ELEPHANTASM_PORT": "0",
        "ENABLE_BACKGROUND_JOBS": "false",
    }
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        if process.stderr is None:
            raise EOFError
        line = process.stderr.readline()
        yield int(line.rpartition(":")[2].partition("/")[0])
        process.kill()


@dataclass
class Load:
    """Requests of several clients at once."""

    port: int
    numbers: Iterator[int] = field(default_factory=count)
    teller: Storyteller = field(default_factory=lambda: Storyteller(seed=1))

    def event(self) -> bytes:
        """An event, different from all before."""
        event = {"content": self.teller.sentence(), "session_id": "benchmark"}
        return json.dumps(event | {"dedupe_key": str(next(self.numbers))}).encode()

    def question(self) -> str:
        """The address of a pack for a question."""
        query = urlencode({"query": self.teller.question()})
        return f"/api/animas/default/memory-packs/latest?{query}"

    async def fill(self, rows: int) -> None:
        """Record that many events, and wait until they are indexed."""
        client = await self.client()
        talk = self.teller.talk(rows, anima=None, until=UNTIL)
        while batch := [one.model_dump(mode="json") for one in islice(talk, BATCH)]:
            await client.ask("POST", "/api/events/batch", json.dumps({"events": batch}).encode())
        await client.ask("GET", self.question())

    async def client(self) -> Client:
        """A new connection."""
        return Client(await anyio.connect_tcp("127.0.0.1", self.port))

    async def per_request_s(self, path: str) -> float:
        """Seconds an event takes to be posted there, many clients at once."""
        clients = [await self.client() for _ in range(CLIENTS)]

        async def post(client: Client) -> None:
            for _ in range(EVENTS // CLIENTS):
                await client.ask("POST", path, self.event())

        started = time.perf_counter()
        async with anyio.create_task_group() as group:
            for client in clients:
                group.start_soon(post, client)
        taken_s = time.perf_counter() - started
        for client in clients:
            await client.stream.aclose()
        return taken_s / EVENTS

    async def median_s(self, address: Callable[[], str]) -> float:
        """The median answer to a few readers at once."""
        taken: list[float] = []

        async def read() -> None:
            client = await self.client()
            for _ in range(READS // READERS):
                started = time.perf_counter()
                status, _ = await client.ask("GET", address())
                taken.append(time.perf_counter() - started)
                if status != 200:
                    raise RuntimeError(status)
            await client.stream.aclose()

        async with anyio.create_task_group() as group:
            for _ in range(READERS):
                group.start_soon(read)
        return statistics.median(taken)

    async def crowd(self) -> Counter[str]:
        """What very many clients that come at once are answered."""
        answers: Counter[str] = Counter()

        async def post_once() -> None:
            answer = "none"
            with anyio.move_on_after(CROWD_S):
                client = await self.client()
                status, _ = await client.ask("POST", "/api/events", self.event())
                answer = str(status)
                await client.stream.aclose()
            answers[answer] += 1

        async with anyio.create_task_group() as group:
            for _ in range(CROWD):
                group.start_soon(post_once)
        return answers


async def measure(port: int) -> list[Row]:
    """Rates, and the crowd, where recording has the processor for itself."""
    load = Load(port)
    empty_s, event_s = await in_turn_async(
        ROUNDS, lambda: load.per_request_s("/empty"), lambda: load.per_request_s("/api/events")
    )
    crowd = await load.crowd()
    answers = ", ".join(f"{number} × {answer}" for answer, number in sorted(crowd.items()))
    return [
        (f"an empty route, {CLIENTS} clients", f"{1 / empty_s:,.0f} /s", ""),
        ("`POST /api/events`", f"{1 / event_s:,.0f} /s", f"{RATE_AIM:,} /s"),
        ("ratio", f"{empty_s / event_s:.2f}", f"≥ {RATE_GOAL:.2f}"),
        (f"{CROWD} clients at once", answers, "all are answered"),
    ]


async def measure_indexing(port: int) -> list[Row]:
    """The rate while the index embeds what comes in."""
    load = Load(port)
    await load.fill(BATCH)
    empty_s, event_s = await in_turn_async(
        ROUNDS, lambda: load.per_request_s("/empty"), lambda: load.per_request_s("/api/events")
    )
    return [
        ("`POST /api/events` while events are embedded", f"{1 / event_s:,.0f} /s", ""),
        ("ratio", f"{empty_s / event_s:.2f}", ""),
    ]


async def measure_packs(port: int) -> list[Row]:
    """The rows about packs."""
    load = Load(port)
    await load.fill(ROWS)
    same = load.question()
    empty_s, pack_s, again_s = await in_turn_async(
        ROUNDS,
        lambda: load.median_s(lambda: "/empty"),
        lambda: load.median_s(load.question),
        lambda: load.median_s(lambda: same),
    )
    goal = f"≤ {(empty_s + EXTRA_S) * 1000:.1f} ms"
    return [
        (f"an empty route, {READERS} clients, p50", f"{empty_s * 1000:.1f} ms", ""),
        (f"a pack with a new query, {ROWS:,} rows, p50", f"{pack_s * 1000:.1f} ms", goal),
        ("a pack with a query that was asked before, p50", f"{again_s * 1000:.1f} ms", goal),
    ]


def main() -> None:
    """Measure and print."""
    rows: list[Row] = []
    for each, embedder in ((measure, "none"), (measure_indexing, "auto"), (measure_packs, "auto")):
        with (
            tempfile.TemporaryDirectory() as folder,
            server(Path(folder), embedder=embedder) as port,
        ):
            rows += anyio.run(each, port)
    print_table("REST", rows)


if __name__ == "__main__":
    main()
