"""Hooks with ELEPHANTASM_ENDPOINT: the same, on a server."""

from pathlib import Path

import pytest
from calling import texts

from elephantasm_mcp import Elephantasm
from elephantasm_mcp.hooks.opening import OPENING
from speaking import http_server


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server with a database of its own; hooks are told of it."""
    with http_server(tmp_path / "server.sqlite3") as (_, found):
        monkeypatch.setenv("ELEPHANTASM_ENDPOINT", found)
        yield found


def test_a_session_on_a_server_is_known_to_the_next(session, url: str, database: Path):
    first = session("first")
    assert first.start() == f"{OPENING}\n"
    first.turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    assert "heron" in second.start()
    assert second.turn("What is the staging server called?", "heron") == ""
    assert not database.exists()
    with Elephantasm(endpoint=url) as memory:
        (anima,) = memory.animas()
        assert anima.name.startswith("shop-")
        assert texts(memory.events(anima.id))[:2] == [
            "The staging server is called heron.",
            "Good to know.",
        ]


def test_what_a_server_does_not_take_waits_for_it(session, url: str, monkeypatch):
    first = session("first")
    with monkeypatch.context() as away:
        away.setenv("ELEPHANTASM_API_KEY", "sk_live_wrong")
        first.turn("The staging server is called heron.", "Good to know.")
    first.turn("It stands in Porto.", "Good to know too.")
    with Elephantasm(endpoint=url) as memory:
        assert len(memory.events(memory.animas()[0].id)) == 4
