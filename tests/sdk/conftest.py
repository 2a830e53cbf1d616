"""Clients of both kinds: of a database of this process, and of a server process."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from elephantasm_mcp.sdk import Elephantasm
from speaking import http_server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that remembers nothing yet; each test leaves it so."""
    database = tmp_path_factory.mktemp("server") / "memory.sqlite3"
    settings = {"ELEPHANTASM_LLM": "auto", "ELEPHANTASM_EMBEDDER": "static"}
    with http_server(database, ENABLE_BACKGROUND_JOBS="false", **settings) as (_, url):
        yield url


@pytest.fixture(params=["embedded", "remote"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Elephantasm]]:
    """How a client of one memory is opened."""
    if request.param == "embedded":
        yield partial(Elephantasm, database=tmp_path / "memory.sqlite3", embedder="static")
        return
    endpoint = request.getfixturevalue("url")
    yield partial(Elephantasm, endpoint=endpoint)
    with Elephantasm(endpoint=endpoint) as cleaner:
        for anima in cleaner.animas():
            cleaner.delete_anima(anima.id)


@pytest.fixture
def memory(opened: Callable[..., Elephantasm]) -> Iterator[Elephantasm]:
    with opened() as client:
        yield client
