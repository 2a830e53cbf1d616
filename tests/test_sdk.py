"""The Python surface: what its methods do, how clients live and how they end."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest

from elephantasm_mcp.errors import (
    ConflictError,
    NotFoundError,
    ServerError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.memory import packs
from elephantasm_mcp.sdk import AsyncElephantasm, Elephantasm
from elephantasm_mcp.types import EventCreate, EventState, EventType, MemoryState, PackChanges

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


# What the methods do


def test_an_event_keeps_what_was_said_of_it(memory: Elephantasm) -> None:
    event = memory.extract(
        "message.in",
        "Hello!",
        session_id="s1",
        role="user",
        author="Nadia",
        occurred_at=datetime(2026, 3, 2, 10, 30, tzinfo=UTC),
        summary="A greeting",
        meta={"channel": "email"},
        source_uri="https://example.org/a",
        importance_score=0.25,
        dedupe_key="message-7",
    )
    assert (event.content, event.event_type, event.session_id) == ("Hello!", "message.in", "s1")
    assert (event.role, event.author, event.summary) == ("user", "Nadia", "A greeting")
    assert (event.meta, event.source_uri) == ({"channel": "email"}, "https://example.org/a")
    assert (event.importance_score, event.dedupe_key) == (0.25, "message-7")
    assert memory.events() == [event]


def test_a_repeated_event_yields_the_earlier_one(memory: Elephantasm) -> None:
    first = memory.extract(EventType.MESSAGE_IN, "Hello!")
    assert memory.extract(EventType.MESSAGE_IN, "Hello!").id == first.id


def test_ingest_is_extract_by_another_name(memory: Elephantasm) -> None:
    event = memory.ingest(content="Hello!", event_type="message.out", session_id="s1")
    assert (event.content, event.event_type, event.session_id) == ("Hello!", "message.out", "s1")


def test_many_events_are_answered_in_input_order(memory: Elephantasm) -> None:
    earlier = memory.extract("message.in", "two")
    found = memory.extract_many([EventCreate(content=text) for text in ("one", "two", "one")])
    assert [event.content for event in found] == ["one", "two", "one"]
    assert found[1].id == earlier.id
    assert found[2].id == found[0].id
    assert memory.extract_many([]) == []


def test_a_naive_time_is_utc(memory: Elephantasm) -> None:
    event = memory.extract("message.in", "Hello!", occurred_at="2026-03-02T10:30:00")
    assert event.occurred_at == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    later = datetime(2026, 3, 3)  # noqa: DTZ001 - naive on purpose
    assert memory.events(until=later) == [event]
    assert memory.events(since=later) == []


def test_broken_unicode_is_mended_and_stored(memory: Elephantasm) -> None:
    assert memory.extract("message.in", "a\udc80b").content == "a\ufffdb"
    with pytest.raises(NotFoundError):
        memory.events("a\udc80b")


def test_an_anima_is_made_once_and_named_by_id_or_name(memory: Elephantasm) -> None:
    made = memory.create_anima("Researcher", description="Finds", meta={"role": "research"})
    assert memory.create_anima("Researcher", description="other") == made
    by_id = memory.extract("message.in", "one", anima_id=made.id)
    by_text = memory.extract("message.in", "two", anima_id=str(made.id))
    by_name = memory.extract("message.in", "three", anima_id="Researcher")
    assert memory.events("Researcher") == [by_id, by_text, by_name]
    assert memory.events() == []


def test_animas_are_listed_with_what_they_hold(memory: Elephantasm) -> None:
    memory.create_anima("A")
    memory.extract("message.in", "Hello!", anima_id="A")
    (first, *rest) = memory.animas()
    assert (first.name, first.events, first.default, rest) == ("A", 1, False, [])


def test_the_default_anima_is_the_clients(path: Path) -> None:
    with Elephantasm(database=path, anima_id="mine") as memory:
        memory.extract("message.in", "Hello!")
        assert [(one.name, one.default) for one in memory.animas()] == [("mine", True)]


def test_an_anima_can_be_renamed_and_described(memory: Elephantasm) -> None:
    made = memory.create_anima("A", description="old", meta={"a": 1})
    changed = memory.update_anima("A", name="B")
    assert (changed.id, changed.name) == (made.id, "B")
    assert (changed.description, changed.meta) == ("old", {"a": 1})
    changed = memory.update_anima(made.id, description="new", meta={"b": 2})
    assert (changed.name, changed.description, changed.meta) == ("B", "new", {"b": 2})
    assert memory.create_anima("B") == changed


def test_an_anima_cannot_take_anothers_name(memory: Elephantasm) -> None:
    memory.create_anima("A")
    other = memory.create_anima("B", description="old")
    with pytest.raises(ConflictError, match="already is an anima 'A'"):
        memory.update_anima("B", name="A", description="new")
    assert memory.create_anima("B") == other


def test_an_anima_without_events_has_no_pack(memory: Elephantasm) -> None:
    assert memory.inject() is None
    assert memory.inject(query="anything") is None


def test_a_pack_tells_what_was_said(memory: Elephantasm) -> None:
    talk(memory)
    pack = memory.inject(query="Which nuts are dangerous?", session_id="s1", max_tokens=500)
    assert pack is not None
    assert "hazelnuts" in pack.as_prompt()
    assert (pack.max_tokens, pack.preset_name) == (500, "conversational")


def test_reads_index_everything_first(path: Path) -> None:
    with Elephantasm(database=path) as memory:
        talk(memory)
        hits = memory.search("allergic to hazelnuts")
        assert "hazelnuts" in hits[0].text
        assert "minilm" in hits.mode
        assert "partial" not in hits.mode
        assert not hits.weak


def test_a_search_is_limited_by_what_is_asked(memory: Elephantasm) -> None:
    talk(memory)
    assert len(memory.search("billing plan", limit=2)) == 2
    assert memory.search("billing", layers=["knowledge"]) == []
    assert memory.search("billing", session_id="another") == []
    assert memory.search("billing", since=datetime.now(UTC) + timedelta(days=1)) == []  # noqa: TID251


def test_a_search_without_a_word_finds_nothing_and_says_why(memory: Elephantasm) -> None:
    talk(memory)
    for query in ("", " ", "?!", "→"):
        hits = memory.search(query)
        assert (list(hits), hits.mode) == ([], "no query")
        pack = memory.inject(query=query)
        assert pack is not None
        assert pack.content["mode"] == "no query"


def test_a_pack_says_what_changed_since_the_last_one(memory: Elephantasm, path: Path) -> None:
    assert memory.inject() is None
    talk(memory)
    handles = [[line.handle for line in _changes(memory).added] for _ in range(2)]
    assert handles == [["e1", "e2", "e3"], []]
    memory.close()
    with Elephantasm(database=path, embedder="static") as another:
        assert _changes(another).added == []


def _changes(memory: Elephantasm) -> PackChanges:
    pack = memory.inject()
    assert pack is not None
    assert pack.layers.changes is not None
    return pack.layers.changes


def test_a_pack_of_the_past_knows_what_was_known_then(memory: Elephantasm) -> None:
    talk(memory)
    moment = memory.events()[-1].created_at
    memory.dream()
    for as_of in (moment, moment.isoformat()):
        pack = memory.inject(as_of=as_of)
        assert pack is not None
        assert pack.knowledge == []
        assert [line.handle for line in pack.session_memories] == ["e1", "e2", "e3"]
    assert memory.inject(query="billing", as_of=moment - timedelta(days=1)) is None


def test_a_work_order_is_completed(memory: Elephantasm) -> None:
    memory.extract(EventType.MESSAGE_IN, "I am allergic to hazelnuts.", author="Nadia")
    order = memory.dream().work_order
    assert order is not None
    sources = [{"event": order.events[0].handle, "quote": "allergic to hazelnuts"}]
    proposal = {
        "summary": "Nadia is allergic to hazelnuts.",
        "content": "She said so.",
        "importance": 0.9,
        "confidence": 0.9,
        "sources": sources,
    }
    report = memory.complete_dream(order.id, proposals={"memories": [proposal, {}]})
    assert [one.index for one in report.accepted] == [0]
    assert [one.index for one in report.rejected] == [1]
    assert [one.summary for one in memory.memories(state=MemoryState.ACTIVE)] == [
        "Nadia is allergic to hazelnuts."
    ]
    with pytest.raises(ConflictError, match="already completed"):
        memory.complete_dream(order.id, proposals={"memories": []})
    with pytest.raises(ValidationError, match="proposals"):
        memory.complete_dream(order.id)


def test_a_dream_makes_memories_and_an_undo_takes_them_back(memory: Elephantasm) -> None:
    talk(memory)
    report = memory.dream()
    made = memory.memories()
    assert made
    assert report.actions
    assert memory.memories(state=MemoryState.ACTIVE) == made
    assert memory.memories(state="archived") == []
    assert memory.knowledge() == memory.knowledge(include_superseded=True)
    assert memory.trace(made[0].id).handle == memory.trace(made[0].handle).handle
    undone = memory.undo_dream(report.id)
    assert undone.dream == report.handle
    assert memory.memories() == []
    assert {event.state for event in memory.events()} == {EventState.HELD}


def test_listings_come_in_their_order_and_stop_at_their_limit(memory: Elephantasm) -> None:
    talk(memory)
    first, second = memory.dream(), memory.dream(phase="light")
    assert [event.content for event in memory.events()] == list(TALK)
    assert [event.content for event in memory.events(limit=2)] == list(TALK[:2])
    assert [dream.handle for dream in memory.dreams()] == [second.handle, first.handle]
    assert [dream.handle for dream in memory.dreams(limit=1)] == [second.handle]
    assert memory.memories(limit=1) == memory.memories()[:1]
    assert memory.knowledge(limit=1) == memory.knowledge()[:1]


def test_nothing_is_known_of_the_identity_yet(memory: Elephantasm) -> None:
    assert memory.identity() is None
    with pytest.raises(NotFoundError):
        memory.identity("nobody")


# What is refused

Call = Callable[[Elephantasm], object]
NEW = EventCreate(content="x")
BAD: list[tuple[str, str, Call]] = [
    ("event_type", "`message.in`", lambda m: m.extract("message", "Hello!")),
    ("content", "missing", lambda m: m.extract("message.in", None)),
    ("importance_score", "0 to 1", lambda m: m.extract("message.in", "x", importance_score=2)),
    ("importance_score", "0 to 1", lambda m: m.extract("message.in", "x", importance_score=True)),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at="soon")),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at=1_772_447_400)),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at="1772447400")),
    ("meta", "JSON", lambda m: m.extract("message.in", "x", meta={"a": object()})),
    ("meta", "JSON", lambda m: m.extract("message.in", "x", meta={"\udc80": "a"})),
    ("meta", "JSON", lambda m: m.extract_many([EventCreate(content="x", meta={"a": object()})])),
    ("events[1].role", "64", lambda m: m.extract_many([NEW, {"content": "x", "role": "r" * 65}])),
    ("anima_id", "id or a name", lambda m: m.inject(3)),
    ("preset", "`conversational`", lambda m: m.inject(preset="chatty")),
    ("max_tokens", "1", lambda m: m.inject(max_tokens=0)),
    ("as_of", "ISO 8601", lambda m: m.inject(as_of="yesterday")),
    ("as_of", "ISO 8601", lambda m: m.inject(as_of="2026")),
    ("as_of", "at most now", lambda m: m.inject(as_of="2199-01-01")),
    ("layers[0]", "`memory`", lambda m: m.search("x", layers=["dream"])),
    ("limit", "200", lambda m: m.search("x", limit=201)),
    ("limit", "whole number", lambda m: m.events(limit=0)),
    ("since", "ISO 8601", lambda m: m.events(since="yesterday")),
    ("until", "ISO 8601", lambda m: m.search("x", until=2026)),
    ("state", "`decaying`", lambda m: m.memories(state="gone")),
    ("phase", "`synthesis`", lambda m: m.dream(phase="REM")),
    ("name", "255", lambda m: m.create_anima("n" * 256)),
    ("name", "blank", lambda m: m.create_anima(" ")),
    ("id", "missing", lambda m: m.update_anima(None)),
    ("threshold", "0.01 to 100000", lambda m: m.create_anima("A", settings={"threshold": -1})),
    ("treshold", "`threshold`", lambda m: m.create_anima("A", settings={"treshold": 5})),
    (
        "event_types[0]",
        "`message.in`",
        lambda m: m.create_anima("A", settings={"event_types": ["x"]}),
    ),
    (
        "never_store",
        "3 characters",
        lambda m: m.create_anima("A", settings={"never_store": ["*a*"]}),
    ),
    ("handles", "one way", lambda m: m.forget()),
    ("action", "`correct`", lambda m: m.curate("m1", "improve")),
    ("handle", "m12", lambda m: m.trace("nonsense")),
    ("dream", "d3", lambda m: m.undo_dream("m1")),
]


@pytest.mark.parametrize(("field", "says", "call"), BAD)
def test_a_bad_value_is_named_with_its_rule(
    memory: Elephantasm, field: str, says: str, call: Call
) -> None:
    with pytest.raises(ValidationError) as caught:
        call(memory)
    assert says in caught.value.explain()
    assert caught.value.field == field
    assert "pydantic" not in caught.value.explain()


def test_what_does_not_exist_is_not_found(memory: Elephantasm) -> None:
    with pytest.raises(NotFoundError, match="'nobody'"):
        memory.extract("message.in", "Hello!", anima_id="nobody")
    with pytest.raises(NotFoundError):
        memory.trace(UUID(int=7))
    with pytest.raises(NotFoundError):
        memory.undo_dream(UUID(int=7))


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


def test_threads_share_a_client(memory: Elephantasm) -> None:
    def extract(number: int) -> str:
        return memory.extract("message.in", f"Line {number}").content

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(extract, range(40)))
    assert said == [f"Line {number}" for number in range(40)]
    assert len(memory.events()) == 40


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


async def test_a_slow_coroutine_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(packs, "compile_pack", hang)
    async with AsyncElephantasm(database=path, timeout=0.05) as memory:
        with pytest.raises(ServerError, match="given up"):
            await memory.inject()
        assert await memory.events() == []
