"""Hooks with ELEPHANTASM_ENDPOINT: the same, on a server."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import call_hook, texts

from elephantasm_mcp import Elephantasm
from elephantasm_mcp.hooks.opening import OPENING
from elephantasm_mcp.projects import Project
from elephantasm_mcp.spool import diary, parts
from elephantasm_mcp.spool.folders import spool_of
from elephantasm_mcp.spool.parts import Part
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


@pytest.fixture
def make_key(tmp_path: Path) -> Callable[..., str]:
    """Makes a key of the server."""

    def make(*options: str) -> str:
        program = [sys.executable, "-m", "elephantasm_mcp", "keys", "create", "k", *options]
        program += ["--database", str(tmp_path / "server.sqlite3"), "--json"]
        done = subprocess.run(program, capture_output=True, check=True, timeout=60)
        return json.loads(done.stdout)["key"]

    return make


def test_a_key_in_the_file_that_is_named_is_used(session, url: str, make_key, tmp_path: Path):
    key = make_key("--user", "nadia")
    file = tmp_path / "settings.env"
    file.write_text(f"ELEPHANTASM_API_KEY={key}\n")
    first = session("first")
    first.write("user", "The staging server is called heron.")
    call_hook("Stop", first.payload("Stop"), "--env-file", str(file))
    with Elephantasm(endpoint=url, api_key=key) as memory:
        (anima,) = memory.animas()
        assert texts(memory.events(anima.id)) == ["The staging server is called heron."]


@pytest.mark.usefixtures("url")
def test_what_a_server_refuses_keeps_no_pack_back(session, make_key, monkeypatch):
    session("first").turn("The staging server is called heron.", "Good to know.")
    monkeypatch.setenv("ELEPHANTASM_API_KEY", make_key("--scopes", "read"))
    second = session("second")
    second.turn("It stands in Porto.", "Good to know too.")
    assert "heron" in second.start()
    assert "heron" in session("third").start()
    assert "deliver" in diary.last_lines(1)[0]


def test_one_part_that_is_refused_keeps_no_other_back(session, url: str):
    first = session("first")
    first.write("user", "The staging server is called heron.")
    call_hook("Stop", first.payload("Stop"), "--anima", "n" * 300)
    first.write("user", "It stands in Porto.")
    call_hook("Stop", first.payload("Stop"))
    with Elephantasm(endpoint=url) as memory:
        (anima,) = memory.animas()
        assert texts(memory.events(anima.id)) == ["It stands in Porto."]


def test_an_event_that_a_server_refuses_keeps_no_other_back(session, url: str):
    spool = spool_of(Path(), endpoint=url)
    project = Project("shop-1f3c9a2e", Path("/home/nadia/shop"), "root folder")
    contents = ("It is called heron.", " ", "x" * 1_100_000, "It stands in Porto.")
    events = [{"content": one, "dedupe_key": f"k{n}"} for n, one in enumerate(contents)]
    parts.put(spool, "a", Part(project, None, events))
    session("first").turn("Hello.", "Hello!")
    assert (len(parts.waiting(spool)), len(parts.aside(spool))) == (0, 1)
    with Elephantasm(endpoint=url) as memory:
        assert texts(memory.events(project.name)) == [contents[0], contents[3]]


def test_a_prompt_recalls_no_knowledge_that_this_session_alone_gave(session, url: str):
    first = session("first")
    first.turn("I am allergic to hazelnuts.", "Good to know.")
    with Elephantasm(endpoint=url) as memory:
        (anima,) = memory.animas()
        memory.dream(anima_id=anima.id)
        assert memory.knowledge(anima.id)
    asked = "What am I allergic to? Hazelnuts?"
    assert first.turn(asked, "To hazelnuts.") == ""
    assert "hazelnuts" in session("second").turn(asked, "To hazelnuts.")
