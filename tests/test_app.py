"""The composition root: what settings open, in which order, and what they refuse."""

import importlib.util
import time
from uuid import UUID

import anyio
import pytest

from elephantasm_mcp.app import SystemClock, SystemIds, database_path, open_app
from elephantasm_mcp.embedding.bundle import SENTENCES, WORDS
from elephantasm_mcp.errors import NotBuiltError, NotFoundError, StorageError, ValidationError
from elephantasm_mcp.memory import dreams, packs
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from scenes import MINUTE, look, tell


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "memory.sqlite3"


@pytest.fixture
def use(path):
    """Settings for a database in a folder that is not there yet."""

    def load(**options):
        return load_settings(database=str(path), **({"embedder": "none"} | options))

    return load


async def test_an_app_is_ready_to_use_and_keeps_what_was_told(use):
    async with open_app(use()) as app:
        assert app.user == LOCAL_USER
        await tell(app.core, "Tea is good.")
        secret = app.core.secret
        assert len(secret) == 32
    async with open_app(use()) as app:
        assert app.core.secret == secret
        found = await packs.compile_pack(app.core, app.user, PackQuery())
        assert "Tea is good." in found.as_prompt()


async def test_two_databases_have_two_secrets(use, tmp_path):
    other = load_settings(database=str(tmp_path / "other"), embedder="none")
    async with open_app(use()) as one, open_app(other) as two:
        assert one.core.secret != two.core.secret


async def test_uses_are_written_down_when_it_closes(use, path):
    async with open_app(use()) as app:
        await tell(app.core, "Nadia is allergic to hazelnuts, and she likes tea.")
        await dreams.run(app.core, app.user, anima=None)
        await packs.compile_pack(app.core, app.user, PackQuery())
        used = sum(app.core.uses.values())
    assert sum(uses for (uses,) in look(path, "SELECT uses FROM accesses")) == used


@pytest.mark.parametrize(
    ("jobs", "state", "events"),
    [
        (None, "off", {"pending"}),
        (False, "idle", {"pending"}),
        (True, "idle", {"provisional", "settled"}),
    ],
)
async def test_the_background_task_runs_as_far_as_it_is_asked_to(use, path, jobs, state, events):
    async with open_app(use(), background_jobs=jobs) as app:
        await tell(app.core, *(f"Bo's order {n} is late." for n in range(25)), session_id="s")
        app.worker.wake()
        with anyio.fail_after(20):
            while (await app.worker.status()).state != state or not states(path) <= events:
                await anyio.lowlevel.checkpoint()


def states(path):
    return {state for (state,) in look(path, "SELECT DISTINCT state FROM events")}


async def test_an_error_of_the_caller_arrives_as_it_is(use):
    for jobs in (None, False, True):
        with pytest.raises(NotFoundError):
            async with open_app(use(), background_jobs=jobs):
                raise NotFoundError("It is not there.")


async def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    (tmp_path / "not").write_text("no database, but a text that is long enough to be one" * 20)
    with pytest.raises(StorageError):
        async with open_app(load_settings(database=str(tmp_path / "not"), embedder="none")):
            pass


@pytest.mark.parametrize(
    "options",
    [
        {"database": "postgresql://localhost/x"},
        {"database": "postgres://localhost/x"},
    ],
)
async def test_what_comes_later_is_refused_in_one_sentence(options):
    with pytest.raises(NotBuiltError) as caught:
        async with open_app(load_settings(**options)):
            pass
    assert "later release" in str(caught.value)
    assert caught.value.hint


async def test_a_database_is_not_opened_where_a_server_is_named():
    with pytest.raises(ValidationError, match="local database only") as caught:
        async with open_app(load_settings(endpoint="https://example.org")):
            pass
    assert caught.value.field == "endpoint"


@pytest.mark.parametrize(
    ("options", "model", "host"),
    [
        ({}, None, True),
        ({"llm": "host", "openai_api_key": "k"}, None, True),
        ({"llm": "extractive", "anthropic_api_key": "k"}, None, False),
        ({"anthropic_api_key": "k", "openai_api_key": "k"}, "anthropic:claude-haiku-5-5", False),
        ({"openai_api_key": "k"}, "openai:gpt-5.6-luna", False),
        ({"openai_base_url": "http://127.0.0.1:1/v1"}, None, True),
        ({"llm": "openai:qwen3:8b"}, "openai:qwen3:8b", False),
        ({"llm": "anthropic:claude-sonnet-5-5"}, "anthropic:claude-sonnet-5-5", False),
    ],
)
async def test_the_settings_say_who_writes_memories(use, options, model, host):
    async with open_app(use(**options)) as app:
        core = app.core
        assert (core.model.name if core.model else None) == model
        assert (core.host is not None) == host


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"llm": "gpt"}, "llm"),
        ({"llm": "auto:x"}, "llm"),
        ({"llm": "anthropic:"}, "llm"),
        ({"llm": "host:x"}, "llm"),
        ({"embedder": "big"}, "embedder"),
        ({"embedder": "static:x"}, "embedder"),
        ({"embedder": "openai:"}, "embedder"),
        ({"embedder": "openai:a b"}, "embedder"),
    ],
)
async def test_what_means_nothing_is_refused(use, options, field):
    with pytest.raises(ValidationError) as caught:
        async with open_app(use(**options)):
            pass
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("embedder", "names"),
    [
        ("auto", [SENTENCES.name, WORDS.name]),
        ("static", [None, WORDS.name]),
        ("openai", ["openai:text-embedding-3-small", WORDS.name]),
        ("openai:nomic-embed-text:v1.5", ["openai:nomic-embed-text:v1.5", WORDS.name]),
        ("none", [None, None]),
    ],
)
async def test_the_embedders_are_chosen_and_not_loaded(use, embedder, names):
    async with open_app(use(embedder=embedder)) as app:
        chosen = (app.core.sentences, app.core.words)
        assert [one and one.name for one in chosen] == names
        assert not any(one and one.loaded for one in chosen)


async def test_without_the_runtime_the_word_vectors_stand_in(use, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "onnxruntime" else find(name)
    )
    async with open_app(use(embedder="auto")) as app:
        assert app.core.sentences is None
        assert app.core.words.name == WORDS.name


def test_a_tilde_is_the_users_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert database_path(load_settings(database="~/m.sqlite3")) == tmp_path / "m.sqlite3"


def test_ids_are_uuids_of_version_7_that_ascend():
    ids = SystemIds()
    made = [ids.uuid() for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == 2000
    assert {(one.version, one.variant) for one in made} == {(7, UUID(int=1 << 63).variant)}
    millis = made[0].int >> 80
    assert abs(millis / 1000 - time.time()) < 60  # noqa: TID251 - the port itself is tested


def test_the_clock_is_aware():
    assert SystemClock().now().utcoffset() == 0 * MINUTE
