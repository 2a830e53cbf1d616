"""Hooks, on a database and a data folder of the test's own."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from calling import ClaudeCode

from elephantasm_mcp.app import open_app
from elephantasm_mcp.memory.events import list_events
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types import Event


@pytest.fixture(autouse=True)
def database(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The file that hooks use, in whichever process."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # many processes are started
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.getbasetemp() / "bytecode"))
    path = tmp_path / "memory.sqlite3"
    monkeypatch.setenv("ELEPHANTASM_DATABASE", str(path))
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "none")
    return path


@pytest.fixture
def environment() -> Callable[..., dict[str, str]]:
    """The environment of a process, with something else in it."""
    return lambda **more: {**os.environ, **more}  # noqa: TID251 - a client has it too


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a project."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def session(shop: Path, tmp_path: Path) -> Callable[[str], ClaudeCode]:
    """Makes a session of a script in that folder."""

    def make(name: str) -> ClaudeCode:
        return ClaudeCode(shop, name, transcripts=tmp_path / "transcripts")

    return make


@pytest.fixture
def stored(shop: Path) -> Callable[[], list[Event]]:
    """Reads the events of the project's memory."""

    async def read() -> list[Event]:
        async with open_app(load_settings(anima_id="project"), folder=shop) as app:
            return await list_events(app.core, app.user, None)

    return lambda: anyio.run(read)
