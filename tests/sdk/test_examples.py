"""The documented ways to use the Python surface, as users write them, in both modes."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import anyio
import anyio.to_thread
import pytest

from elephantasm_mcp.sdk import Elephantasm

Opened = Callable[..., Elephantasm]


@pytest.fixture
def elephantasm(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[ModuleType]:
    """The package as a user has it who has set the environment: no client is made yet."""
    del opened
    if request.node.callspec.params["opened"] == "remote":
        monkeypatch.setenv("ELEPHANTASM_ENDPOINT", request.getfixturevalue("url"))
        monkeypatch.setenv("ELEPHANTASM_API_KEY", "sk_live_any")
    else:
        monkeypatch.setenv("ELEPHANTASM_DATABASE", str(tmp_path / "memory.sqlite3"))
        monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "static")
    import elephantasm_mcp
    from elephantasm_mcp import sdk

    monkeypatch.setattr(sdk, "_shared", None)
    yield elephantasm_mcp
    shared = sys.modules["elephantasm_mcp.sdk"]._shared
    if shared is not None:
        shared.close()


class StubModel:
    """Answers with what it can read in its prompt."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def complete(self, messages: list[dict[str, str]]) -> str:
        self.prompts.append(messages[0]["content"])
        return f"You said: {messages[-1]['content']}"


def test_quickstart(elephantasm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    anima = elephantasm.create_anima("my-agent", description="My first agent")
    assert elephantasm.inject(anima.id) is None
    elephantasm.extract("message.in", "Hello!", role="user", anima_id=anima.id)

    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", str(anima.id))
    with elephantasm.Elephantasm() as client:
        pack = client.inject()
        assert "Hello!" in f"You are a helpful assistant.\n\n{pack.as_prompt()}"
        client.extract(elephantasm.EventType.MESSAGE_IN, "Hello again!", role="user")
        client.extract(elephantasm.EventType.MESSAGE_OUT, "Hi there!", role="assistant")
        assert [event.role for event in client.events()] == ["user", "user", "assistant"]
        assert client.create_anima("my-agent", description="Personal assistant").id == anima.id


async def test_quickstart_in_coroutines(elephantasm: ModuleType) -> None:
    extract, inject = elephantasm.extract, elephantasm.inject
    await anyio.to_thread.run_sync(elephantasm.create_anima, "my-agent")
    await anyio.to_thread.run_sync(lambda: extract("message.in", "Hello!", anima_id="my-agent"))
    pack = await anyio.to_thread.run_sync(lambda: inject(anima_id="my-agent"))
    assert "Hello!" in pack.as_prompt()
    async with elephantasm.AsyncElephantasm(anima_id="my-agent") as client:
        assert [event.content for event in await client.events()] == ["Hello!"]


def test_separate_animas(elephantasm: ModuleType) -> None:
    with elephantasm.Elephantasm(api_key="sk_live_any") as client:
        researcher = client.create_anima(
            name="Researcher",
            description="Finds and retrieves information",
            meta={"role": "research"},
        )
        analyzer = client.create_anima(name="Analyzer", meta={"role": "analysis"})
        client.extract(
            elephantasm.EventType.MESSAGE_OUT,
            "The paper says 42.",
            anima_id=str(researcher.id),
            session_id="s1",
            author="researcher",
        )
        assert "42" in client.inject(anima_id=str(researcher.id)).as_prompt()
        assert client.inject(anima_id=str(analyzer.id)) is None
        assert client.search("paper", anima_id=analyzer.id) == []


def test_one_anima_a_user(elephantasm: ModuleType) -> None:
    client = elephantasm.Elephantasm(api_key="sk_live_any")

    def handle(user: str, message: str) -> str:
        anima = client.create_anima(
            name=f"assistant-{user}",
            description=f"Personal assistant for user {user}",
            meta={"user_id": user, "created": "auto"},
        )
        pack = client.inject(anima_id=str(anima.id))
        client.ingest(anima_id=str(anima.id), content=message, event_type="message.in")
        return pack.asPrompt() if pack else ""

    assert handle("a", "I like tea.") == handle("b", "I like coffee.") == ""
    assert "tea" in handle("a", "And biscuits.")
    assert "tea" not in handle("b", "And milk.")
    assert len(client.animas()) == 2
    client.close()


def test_full_chat(elephantasm: ModuleType) -> None:
    model = StubModel()

    def chat(user_message: str) -> str:
        pack = elephantasm.inject()
        memory = pack.as_prompt() if pack else ""
        messages = [
            {"role": "system", "content": f"You are a helpful assistant.\n\n{memory}"},
            {"role": "user", "content": user_message},
        ]
        reply = model.complete(messages)
        elephantasm.extract(elephantasm.EventType.MESSAGE_IN, user_message, role="user")
        elephantasm.extract(elephantasm.EventType.MESSAGE_OUT, reply, role="assistant")
        return reply

    chat("I am allergic to hazelnuts.")
    chat("What should I bake?")
    assert "hazelnuts" not in model.prompts[0]
    assert "hazelnuts" in model.prompts[1]
    with pytest.raises(elephantasm.NotFoundError):
        elephantasm.inject(anima_id="nobody")
