"""A client of a server: addresses and keys, refusals, and servers that misbehave."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from elephantasm_mcp.errors import (
    AuthenticationError,
    BudgetError,
    ConflictError,
    ElephantasmError,
    NotBuiltError,
    NotFoundError,
    RateLimitError,
    ScopeError,
    ServerError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.sdk import AsyncElephantasm, Elephantasm
from speaking import DEADLINE_S
from strangers import Strange, strange

KEY = "sk_live_a-key-that-nobody-may-see"
EVENT = {
    "id": "0198c2f1-0a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "handle": "e1",
    "anima_id": "0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d",
    "event_type": "message.in",
    "content": "Hello!",
    "created_at": "2026-03-02T10:42:00Z",
    "updated_at": "2026-03-02T10:42:00Z",
}


@contextmanager
def client_of(server: Strange, **options: Any) -> Iterator[Elephantasm]:
    with Elephantasm(KEY, endpoint=server.url, anima_id="mine", **options) as memory:
        yield memory


# Addresses and keys


@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/", "/mcp"])
def test_the_end_of_an_address_does_not_matter(tail: str) -> None:
    with strange((200, [])) as server, Elephantasm(endpoint=server.url + tail) as memory:
        assert memory.animas() == []
        assert server.heard == ["GET /api/animas?limit=1000"]


def test_a_server_may_live_below_a_path() -> None:
    with strange((200, [])) as server, Elephantasm(endpoint=f"{server.url}/memory/") as memory:
        memory.animas()
        assert server.heard == ["GET /memory/api/animas?limit=1000"]


@pytest.mark.parametrize(
    "address",
    [
        "memory.example.org",
        "ftp://example.org",
        "https://",
        "https://a b",
        "http://[::1",
        "https://example.org:99999",
        "https://nadia:secret@example.org",
        "https://example.org?key=secret",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="ELEPHANTASM_ENDPOINT must") as caught:
        Elephantasm(endpoint=address)
    assert "secret" not in caught.value.explain()


def test_a_key_goes_unencrypted_to_ones_own_network_only() -> None:
    for near in ("127.0.0.1:1", "localhost", "[::1]", "10.0.0.7", "memory:8765", "memory.internal"):
        AsyncElephantasm(KEY, endpoint=f"http://{near}")
    for far in ("example.org", "8.8.8.8", "[2606:4700::1111]"):
        with pytest.raises(ValidationError, match="could read the API key") as caught:
            AsyncElephantasm(KEY, endpoint=f"http://{far}")
        assert KEY not in caught.value.explain()
        AsyncElephantasm(KEY, endpoint=f"https://{far}")
        AsyncElephantasm(endpoint=f"http://{far}")


@pytest.mark.parametrize("key", ["sk_live_ä", "sk_live_a\nb", "sk live"])
def test_what_can_be_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="ELEPHANTASM_API_KEY") as caught:
        Elephantasm(key, endpoint="https://example.org")
    assert key not in caught.value.explain()


def test_what_only_a_database_has_is_refused(tmp_path: Path) -> None:
    for options in ({"llm": "extractive"}, {"embedder": "none"}, {"background_jobs": True}):
        with pytest.raises(ValidationError, match=f"`{next(iter(options))}` is for a memory in a"):
            Elephantasm(endpoint="https://example.org", **options)
    with pytest.raises(ValidationError, match="either at `endpoint` or in `database`"):
        Elephantasm(endpoint="https://example.org", database=tmp_path / "memory.sqlite3")


def test_the_environment_names_the_server_unless_a_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with strange((200, [])) as server:
        monkeypatch.setenv("ELEPHANTASM_ENDPOINT", server.url)
        monkeypatch.setenv("ELEPHANTASM_API_KEY", KEY)
        with Elephantasm() as memory:
            assert memory.animas() == []
        assert len(server.heard) == 1
        with Elephantasm(database=tmp_path / "memory.sqlite3", embedder="none") as memory:
            assert memory.animas() == []
        assert len(server.heard) == 1


# Refusals

REFUSALS: list[tuple[int, type[ElephantasmError]]] = [
    (400, ValidationError),
    (401, AuthenticationError),
    (403, ScopeError),
    (404, NotFoundError),
    (409, ConflictError),
    (413, ValidationError),
    (415, ValidationError),
    (422, ValidationError),
    (429, RateLimitError),
    (500, ServerError),
    (501, NotBuiltError),
    (502, ServerError),
    (503, StorageError),
    (599, ServerError),
]


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
def test_a_refusal_is_the_error_that_it_would_be_here(
    status: int, kind: type[ElephantasmError]
) -> None:
    body = {"detail": f"No, not with {KEY}.", "code": "some", "field": "content"}
    with (
        strange((status, body)) as server,
        client_of(server) as memory,
        pytest.raises(kind, match=r"^No, not with …\.$") as caught,
    ):
        memory.search("x", anima_id="A")
    assert type(caught.value) is kind
    assert KEY not in repr(caught.value) + caught.value.explain() + repr(memory)
    if isinstance(caught.value, ValidationError):
        assert caught.value.field == "content"


def test_a_limit_says_when_to_come_back() -> None:
    for header, wait_s in (("7", 7.0), ("soon", 60.0), ("٧", 60.0)):
        reply = (429, {"detail": "Slowly."}, ("Retry-After", header.encode().decode("latin-1")))
        with (
            strange(reply) as server,
            client_of(server) as memory,
            pytest.raises(RateLimitError) as caught,
        ):
            memory.animas()
        assert caught.value.retry_after == wait_s
    with (
        strange((429, {"detail": "Spent.", "code": "budget"})) as server,
        client_of(server) as memory,
        pytest.raises(BudgetError),
    ):
        memory.animas()


# Servers that misbehave


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>A login page</html>"),
        (200, b""),
        (200, {"rows": []}),
        (200, [{"id": 7}]),
        (200, b'[{"id": NaN}]'),
        (200, b"\xff\xfe"),
        (200, [EVENT], ("X-Next-Cursor", "for-ever")),
        (200, [], ("X-Next-Cursor", "a")),
    ],
)
def test_an_answer_that_makes_no_sense_is_the_servers_fault(reply: Any) -> None:
    with (
        strange(reply) as server,
        client_of(server) as memory,
        pytest.raises(ServerError, match=r"127\.0\.0\.1:\d+ gave an answer that makes no"),
    ):
        memory.events("A")


def test_an_html_refusal_is_not_shown() -> None:
    with (
        strange((502, b"<html>nginx</html>")) as server,
        client_of(server) as memory,
        pytest.raises(ServerError, match=r"^The memory server at 127\S+ answered 502\.$"),
    ):
        memory.animas()


def test_a_question_that_is_too_long_for_an_address_is_refused() -> None:
    with strange((200, [])) as server, client_of(server) as memory:
        with pytest.raises(ValidationError, match="too long"):
            memory.search("x" * 100_000, anima_id="A")
        assert server.heard == []


def test_redirects_are_not_followed() -> None:
    with strange((200, [])) as other:
        reply = (307, b"", ("Location", f"{other.url}/api/animas"))
        with (
            strange(reply) as server,
            client_of(server) as memory,
            pytest.raises(ServerError, match="somewhere else") as caught,
        ):
            memory.animas()
        assert "ELEPHANTASM_ENDPOINT" in caught.value.hint
        assert other.heard == []


Call = Callable[[Elephantasm], object]
BROKEN: list[tuple[int, Call]] = [
    (2, lambda m: m.animas()),
    (2, lambda m: m.extract("message.in", "Hello!", anima_id="A", dedupe_key="7")),
    (1, lambda m: m.extract("message.in", "Hello!", anima_id="A")),
    (1, lambda m: m.dream("A")),
    (1, lambda m: m.delete_anima("A")),
    (1, lambda m: m.update_anima("A", name="B")),
]


@pytest.mark.parametrize(("times", "call"), BROKEN)
def test_only_what_may_be_done_twice_is_sent_again(times: int, call: Call) -> None:
    with (
        strange("break") as server,
        client_of(server) as memory,
        pytest.raises(ServerError, match="broke off"),
    ):
        call(memory)
    assert len(server.heard) == times


def test_a_read_outlives_a_broken_connection() -> None:
    with strange((200, []), "break", (200, [EVENT])) as server, client_of(server) as memory:
        assert memory.events("A") == []
        assert [event.content for event in memory.events("A")] == ["Hello!"]


def test_a_server_that_is_not_there_is_named() -> None:
    with strange((200, [])) as server:
        address = server.url
    with Elephantasm(KEY, endpoint=address) as memory:
        with pytest.raises(ServerError, match=r"127\.0\.0\.1:\d+ cannot be reached") as caught:
            memory.animas()
        assert "ELEPHANTASM_ENDPOINT" in caught.value.hint


def test_a_server_that_hangs_is_given_up() -> None:
    with (
        strange("hang") as server,
        client_of(server, timeout=0.1) as memory,
        pytest.raises(ServerError, match=r"`animas` was given up after 0.1 seconds"),
    ):
        memory.animas()


# The default anima


def test_the_default_anima_is_made_when_it_is_missing() -> None:
    missing = (404, {"detail": "There is no anima 'mine'."})
    made = {
        **{name: EVENT[name] for name in ("created_at", "updated_at")},
        "id": EVENT["anima_id"],
        "name": "mine",
    }
    with strange(missing, (201, made), (201, EVENT)) as server, client_of(server) as memory:
        assert memory.extract("message.in", "Hello!").handle == "e1"
        assert server.heard == ["POST /api/events", "POST /api/animas", "POST /api/events"]
    with (
        strange(missing, (200, made), missing) as server,
        client_of(server) as memory,
        pytest.raises(NotFoundError, match="There is no anima 'mine'"),
    ):
        memory.trace("m99")
    assert len(server.heard) == 3
    with (
        strange(missing, (403, {"detail": "No."})) as server,
        client_of(server) as memory,
        pytest.raises(NotFoundError, match="There is no anima 'mine'"),
    ):
        memory.events()


def test_a_key_for_one_anima_means_that_one() -> None:
    overview = {"id": EVENT["anima_id"], "name": "theirs"} | dict.fromkeys(
        ("events", "memories", "knowledge", "dreams", "pending_events"), 0
    )
    replies = [(404, {"detail": "None."}), (403, {"detail": "No."}), (200, [overview]), (200, [])]
    with strange(*replies) as server, Elephantasm(KEY, endpoint=server.url) as memory:
        assert memory.events() == []
        assert f"anima_id={EVENT['anima_id']}" in server.heard[-1]


# How a process ends, and what it loads


def run(script: str, argument: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), argument],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_a_script_that_never_closes_ends_by_itself() -> None:
    script = """
        import sys
        from threading import Thread
        from elephantasm_mcp import Elephantasm, ElephantasmError
        memory = Elephantasm(endpoint=sys.argv[1])
        assert memory.animas() == []
        def hang():
            try: memory.animas()
            except ElephantasmError: pass
        thread = Thread(target=hang, daemon=True)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert not {"apsw", "numpy", "onnxruntime", "mcp"} & set(sys.modules)
    """
    with strange((200, []), "hang") as server:
        ended = run(script, server.url)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_database_needs_no_web_client(tmp_path: Path) -> None:
    script = """
        import sys
        from elephantasm_mcp import Elephantasm
        with Elephantasm(database=sys.argv[1]) as memory:
            memory.animas()
        assert "elephantasm_mcp.sdk.remote" not in sys.modules
    """
    ended = run(script, str(tmp_path / "memory.sqlite3"))
    assert (ended.returncode, ended.stderr) == (0, "")
