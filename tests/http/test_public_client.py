"""The public client, `elephantasm` 0.2.0, against the real server: nobody here wrote it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import elephantasm
import pytest
from elephantasm import functions

from speaking import http_server

AT = datetime(2026, 3, 2, 10, 42, tzinfo=UTC)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[elephantasm.Elephantasm]:
    with (
        http_server(tmp_path / "memory.sqlite3") as (_, url),
        elephantasm.Elephantasm(api_key="sk_live_any", endpoint=url) as client,
    ):
        yield client


def test_everything_that_it_can_do_works(client: elephantasm.Elephantasm) -> None:
    anima = client.create_anima("agent", description="The assistant.", meta={"team": "blue"})
    assert (anima.name, anima.meta) == ("agent", {"team": "blue"})
    assert client.create_anima("agent").id == anima.id
    assert client.inject(anima.id) is None

    client.anima_id = str(anima.id)
    event = client.extract(
        elephantasm.EventType.MESSAGE_IN,
        "I am allergic to hazelnuts.",
        session_id="chat-42",
        role="user",
        author="Nadia",
        occurred_at=AT,
        meta={"channel": "email"},
        importance_score=0.8,
    )
    assert (event.author, event.occurred_at, event.meta) == ("Nadia", AT, {"channel": "email"})
    assert (event.anima_id, event.importance_score) == (anima.id, 0.8)
    for kind in ("MESSAGE_OUT", "tool.call", elephantasm.EventType.TOOL_RESULT, "system"):
        assert client.extract(kind, f"Something of the type {kind}.").anima_id == anima.id

    pack = client.inject(query="what is Nadia allergic to?", preset="self_determined")
    assert pack is not None
    assert "hazelnuts" in pack.as_prompt()
    assert (pack.anima_id, pack.preset_name) == (anima.id, "self_determined")
    assert pack.temporal_context is not None
    assert [*pack.session_memories, *pack.long_term_memories]
    assert pack.identity is None
    assert pack.knowledge == []


def test_its_errors_are_ours(client: elephantasm.Elephantasm) -> None:
    nobodys = "00000000-0000-7000-8000-000000000000"
    with pytest.raises(elephantasm.NotFoundError, match="There is no anima"):
        client.inject(nobodys)
    with pytest.raises(elephantasm.ValidationError, match="`content` is empty"):
        client.extract("system", " ", anima_id=client.create_anima("agent").id)
    with pytest.raises(elephantasm.ElephantasmError, match="longer than") as refused:
        client.extract("system", "x" * 1_000_001, anima_id=client.create_anima("agent").id)
    assert refused.value.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_its_functions_work(
    client: elephantasm.Elephantasm, monkeypatch: pytest.MonkeyPatch
) -> None:
    anima = client.create_anima("agent")
    client.anima_id = str(anima.id)
    monkeypatch.setattr(functions, "_default_client", client)
    assert elephantasm.create_anima("agent").id == anima.id
    assert elephantasm.extract("message.in", "I am allergic to hazelnuts.").anima_id == anima.id
    pack = elephantasm.inject(query="allergies")
    assert pack is not None
    assert "hazelnuts" in pack.as_prompt()
