"""The Python surface: what its methods do, how clients live and how they end."""

import math
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from elephantasm_mcp.errors import (
    ServerError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.memory import dreams, packs, plans
from elephantasm_mcp.sdk import AsyncElephantasm, Elephantasm
from elephantasm_mcp.types import EventCreate, EventType

DEADLINE_S = 30
TALK = (
    "I am allergic to hazelnuts, so please never suggest praline.",
    "We decided to move billing from MongoDB to PostgreSQL because payments need transactions.",
    "Bogdan must sign off the cut-over plan before Thursday.",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"


@pytest.fixture
def memory(path: Path) -> Iterator[Elephantasm]:
    """A client with the small model: the large one is for the tests that need it."""
    with Elephantasm(database=path, embedder="static") as client:
        yield client


def talk(client: Elephantasm, **fields: Any) -> None:
    """Record a short conversation."""
    for line in TALK:
        client.extract(EventType.MESSAGE_IN, line, author="Nadia", session_id="s1", **fields)


def run(
    script: str, path: Path, *, within_s: float = DEADLINE_S
) -> subprocess.CompletedProcess[str]:
    """A Python process with warnings as errors; `path` is its first argument."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), str(path)],
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )


class Deadline:
    """Says after a while that it is over, so that a wait cannot be endless."""

    def __enter__(self) -> Callable[[], bool]:
        self._over = threading.Event()
        self._timer = threading.Timer(DEADLINE_S, self._over.set)
        self._timer.start()
        return self._over.is_set

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()


# What settings do


def test_reads_index_everything_first(path: Path) -> None:
    with Elephantasm(database=path) as memory:
        talk(memory)
        hits = memory.search("allergic to hazelnuts")
        assert "hazelnuts" in hits[0].text
        assert "minilm" in hits.mode
        assert "partial" not in hits.mode
        assert not hits.weak


def test_an_unknown_setting_names_the_nearest(path: Path) -> None:
    with pytest.raises(ValidationError, match="Did you mean `embedder`"):
        Elephantasm(database=path, embeder="none")
    assert not path.exists()


def test_settings_reach_the_client(path: Path) -> None:
    with Elephantasm(database=path, embedder="none") as memory:
        talk(memory)
        assert memory.search("billing").mode == "lexical"
    with pytest.raises(ValidationError, match="tea"):
        Elephantasm(database=path, llm="tea")
    with pytest.raises(ValidationError, match="either at `endpoint` or in `database`"):
        Elephantasm(database=path, endpoint="https://example.org")


def test_the_environment_gives_what_is_not_given(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELEPHANTASM_DATABASE", str(path))
    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", "theirs")
    with Elephantasm() as memory:
        memory.extract("message.in", "Hello!")
        assert [one.name for one in memory.animas()] == ["theirs"]
    assert path.exists()


# How a client lives and ends


def test_a_bad_database_fails_in_the_constructor_and_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(StorageError, match="is a folder"):
        Elephantasm(database=tmp_path)
    assert set(threading.enumerate()) <= before


def test_a_closed_client_says_so(path: Path) -> None:
    before = set(threading.enumerate())
    memory = Elephantasm(database=path)
    memory.extract("message.in", "Hello!")
    memory.search("Hello")
    memory.close()
    memory.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(StorageError, match="client is closed"):
        memory.extract("message.in", "Hello!")


def test_a_call_in_flight_ends_when_the_client_closes(
    memory: Elephantasm, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = threading.Event()

    async def hang(*_: object, **__: object) -> None:
        started.set()
        await anyio.sleep_forever()

    monkeypatch.setattr(packs, "compile_pack", hang)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(memory.inject)
        assert started.wait(DEADLINE_S)
        memory.close()
        with pytest.raises(StorageError, match="client is closed"):
            call.result(DEADLINE_S)


def test_a_call_that_takes_too_long_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(packs, "compile_pack", hang)
    with Elephantasm(database=path, timeout=0.05) as memory:
        with pytest.raises(
            ServerError, match=r"`inject` was given up after 0.05 seconds"
        ) as caught:
            memory.inject()
        assert "timeout" in caught.value.hint


async def test_plain_calls_work_inside_an_event_loop(memory: Elephantasm) -> None:
    memory.extract("message.in", "Hello!")
    assert len(memory.events()) == 1


def test_a_forgotten_client_ends_its_thread(path: Path) -> None:
    memory = Elephantasm(database=path)
    (thread,) = [one for one in threading.enumerate() if one.name == "elephantasm"]
    del memory
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_background_jobs_make_memories_unasked(path: Path) -> None:
    with Elephantasm(database=path, background_jobs=True, embedder="none") as memory:
        memory.extract_many(
            [
                EventCreate(content=f"{TALK[number % 3]} This is point {number}.", session_id="s1")
                for number in range(20)
            ]
        )
        with Deadline() as over:
            while not memory.memories():
                assert not over()
        assert memory.dreams()[-1].actor == "worker"


# How a process ends, and forks

EXIT_DEADLINE_S = 5
"""Promised is one second; a busy machine gets more."""
FORGETFUL = {
    "a plain read": """
        memory = Elephantasm(database=sys.argv[1])
        memory.extract("message.in", "I am allergic to hazelnuts.")
        assert memory.inject(query="hazelnuts").content["mode"] != "lexical"
    """,
    "a name in a cycle": """
        memory = Elephantasm(database=sys.argv[1])
        memory.itself = memory
    """,
    "an index that is being made": """
        from elephantasm_mcp import EventCreate, StorageError
        memory = Elephantasm(database=sys.argv[1])
        memory.search("load the model")
        words = "some words to embed that go on and on " * 3
        memory.extract_many([EventCreate(content=f"{n} {words}") for n in range(900)])
        def read():
            try: memory.search("words")
            except StorageError: pass
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    """,
    "a closed client whose model is busy": """
        from elephantasm_mcp import EventCreate
        words = "some words to embed that go on and on " * 10
        with Elephantasm(database=sys.argv[1], background_jobs=True) as memory:
            memory.extract_many([EventCreate(content=f"{n} {words}") for n in range(400)])
    """,
    "the functions": """
        from elephantasm_mcp import create_anima, extract, inject
        os.environ["ELEPHANTASM_DATABASE"] = sys.argv[1]
        assert create_anima("default").name == "default"
        threads = [
            threading.Thread(target=extract, args=["message.in", f"Hello {n}!"]) for n in range(4)
        ]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert "Hello 3!" in inject().as_prompt()
        assert len([one for one in threading.enumerate() if one.name == "elephantasm"]) == 1
    """,
    "an unhandled coroutine client": """
        import anyio
        from elephantasm_mcp import AsyncElephantasm
        async def main():
            memory = AsyncElephantasm(database=sys.argv[1])
            await memory.extract("message.in", "Hello!")
            await memory.inject()
            await memory.close()
        anyio.run(main)
    """,
}
TIMED = """
import atexit, os, sys, threading, time
start = []
def left():
    print(time.monotonic() - start[0], *(thread.name for thread in threading.enumerate()), sep="|")
atexit.register(left)  # before any of ours, so it runs after them
from elephantasm_mcp import Elephantasm
"""


@pytest.mark.parametrize("name", FORGETFUL)
def test_a_script_that_never_closes_ends_by_itself(name: str, path: Path) -> None:
    script = TIMED + textwrap.dedent(FORGETFUL[name]) + "\nstart.append(time.monotonic())"
    ended = run(script, path)
    assert (ended.returncode, ended.stderr) == (0, "")
    took_s, *threads = ended.stdout.strip().split("|")
    assert float(took_s) < EXIT_DEADLINE_S
    assert not {"elephantasm", "AnyIO worker thread"} & set(threads)


def test_a_failing_script_shows_its_own_error_alone(path: Path) -> None:
    script = """
        import sys
        from elephantasm_mcp import Elephantasm
        memory = Elephantasm(database=sys.argv[1])
        memory.extract("message.in", "Hello!")
        raise SystemExit("done")
    """
    ended = run(script, path)
    assert (ended.returncode, ended.stderr) == (1, "done\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_told_to_open_a_client_of_its_own(path: Path) -> None:
    script = """
        import os, sys, warnings
        from elephantasm_mcp import Elephantasm, StorageError
        warnings.simplefilter("ignore", DeprecationWarning)
        memory = Elephantasm(database=sys.argv[1], embedder="static")
        memory.extract("message.in", "from the parent")
        child = os.fork()
        if child == 0:
            try:
                memory.extract("message.in", "from the child")
            except StorageError as error:
                print(error.explain(), flush=True)
            memory.close()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        memory.extract("message.in", "from the parent again")
        print(*(event.content for event in memory.events()), sep="|")
    """
    ended = run(script, path)
    assert (ended.returncode, ended.stderr) == (0, "")
    told, kept = ended.stdout.splitlines()
    assert "Open another one in the child" in told
    assert kept == "from the parent|from the parent again"


# Coroutines


async def test_coroutines_do_the_same(path: Path) -> None:
    async with AsyncElephantasm(database=path, embedder="static") as memory:
        event = await memory.extract("message.in", TALK[0])
        assert (await memory.search("hazelnuts"))[0].id == event.id
        report = await memory.dream()
        assert [one.id for one in await memory.dreams()] == [report.id]
        pack = await memory.inject()
        assert pack is not None
    with pytest.raises(StorageError, match="client is closed"):
        await memory.events()


async def test_concurrent_first_calls_open_once(path: Path) -> None:
    memory = AsyncElephantasm(database=path, embedder="none")
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(memory.extract, "message.in", f"Line {number}")
    assert len(await memory.events()) == 10
    assert len([one for one in threading.enumerate() if "connection" in one.name]) <= 3
    await memory.close()
    await memory.close()


async def test_a_first_call_that_fails_lets_the_next_one_try(tmp_path: Path) -> None:
    memory = AsyncElephantasm(database=tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        await memory.events()
    (tmp_path / "folder").rmdir()
    assert await memory.events() == []
    await memory.close()


async def test_background_jobs_of_coroutines_need_the_block(path: Path) -> None:
    memory = AsyncElephantasm(database=path, background_jobs=True)
    with pytest.raises(ValidationError, match="async with"):
        await memory.events()
    async with memory:
        assert await memory.events() == []


async def test_a_dream_takes_what_it_takes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deadline(*_: object, **__: object) -> float:
        return anyio.current_effective_deadline()

    for service, name in ((dreams, "run"), (dreams, "complete"), (plans, "complete")):
        monkeypatch.setattr(service, name, deadline)
    async with AsyncElephantasm(database=path, timeout=5) as memory:
        found = [
            await memory.dream(),
            await memory.complete_dream("order", proposals={"memories": []}),
            await memory.complete_dream("plan", accept=[1]),
        ]
    assert found == [math.inf] * 3


async def test_a_slow_coroutine_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(packs, "compile_pack", hang)
    async with AsyncElephantasm(database=path, timeout=0.05) as memory:
        with pytest.raises(ServerError, match="given up"):
            await memory.inject()
        assert await memory.events() == []
