"""Embedders of others on the command line: what doctor says of them, and reads without them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal
from programs import Cli

import providers
from elephantasm_mcp.embedding.bundle import WORDS
from providers import BadVectors, Fault

NAME = "openai:model-1@384"
OURS = Path(__file__).parent / "bench" / "golden" / "ours.json"
SAID = "My daughter started kindergarten."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.Providers]:
    """The server, on an event loop of its own, and the settings that name it."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(providers.providers()) as running,
    ):
        monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "openai:model-1")
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


@pytest.mark.usefixtures("server")
def test_doctor_names_the_model_and_what_searches_use(cli: Cli):
    done = cli("doctor")
    assert done.code == 0
    assert f"searches use lexical + {NAME} + {WORDS.name}" in done.out
    assert "384 dimensions" in done.out


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (Fault.UNAUTHORIZED, "refused the key. See OPENAI_API_KEY."),
        (Fault.NO_MODEL, "or the base URL is wrong. See ELEPHANTASM_EMBEDDER and the base URL."),
        (Fault.BAD_REQUEST, "ELEPHANTASM_EMBEDDER must name an embedding model."),
        (Fault.HANG_UP, "was not reached at 127.0.0.1"),
        (Fault.HTML, "gave an answer that cannot be read."),
        (BadVectors.NAN, "vectors without a direction"),
    ],
)
def test_doctor_says_in_one_line_what_is_wrong(
    cli: Cli, server: providers.Providers, fault: str, remedy: str
):
    server.fail([fault])
    report = cli("doctor", "--json").json
    (problem,) = report["problems"]
    assert problem.startswith("openai:model-1 ")
    assert remedy in problem
    assert report["mode"] == f"lexical + {WORDS.name}"
    server.fail([fault])
    done = cli("doctor")
    assert done.code == 1
    assert "NOT USABLE" in done.out


def test_doctor_says_that_a_model_tells_no_texts_apart(cli: Cli, server: providers.Providers):
    server.embed = lambda texts: np.ones((len(texts), 384))
    (problem,) = cli("doctor", "--json").json["problems"]
    assert problem.startswith("openai:model-1 answered with one vector for texts")


def test_doctor_counts_the_rows_that_have_no_vector(cli: Cli, server: providers.Providers):
    server.poison = "PILL"
    cli("extract", SAID)
    cli("extract", "PILL")
    assert "lexical + openai:model-1" in cli("search", "--json", "school").json["mode"]
    (anima,) = cli("doctor", "--json").json["animas"]
    assert anima["unindexed"] == 1
    assert "1 row without a vector: the next search" in cli("doctor").out


def test_openai_without_a_key_is_a_problem(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "openai")
    done = cli("doctor")
    assert done.code == 1
    assert "openai:text-embedding-3-small cannot be asked: OPENAI_API_KEY is not set." in done.out


@pytest.mark.usefixtures("server")
def test_the_benchmark_may_be_asked_of_it(cli: Cli):
    done = cli("bench", "retrieval", str(OURS), "--embedder", "openai:model-1", "--json")
    (benchmark,) = done.json["benchmarks"]
    assert benchmark["mode"] == f"lexical + {NAME} + {WORDS.name}"


def test_a_command_finds_by_meaning_and_without_the_server_by_words(
    cli: Cli, server: providers.Providers
):
    cli("extract", SAID)
    found = cli("search", "--json", "Whose child began school?").json
    assert found["mode"] == f"lexical + {NAME} + {WORDS.name}"
    assert found["hits"][0]["text"] == SAID
    server.fail([Fault.BROKEN])
    found = cli("search", "--json", "kindergarten").json
    assert found["mode"] == f"lexical + {WORDS.name}"
    assert found["hits"][0]["text"] == SAID
