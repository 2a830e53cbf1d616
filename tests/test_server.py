"""The server as a whole: what it announces, and how it refuses."""

import json
from dataclasses import replace
from functools import partial

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.server import build_server
from elephantasm_mcp.worker import WorkerStatus
from speaking import ERAS, connected, refusal

TOOLS = [
    "get_memory_pack",
    "extract_event",
    "search_memory",
    "trace_memory",
    "list_animas",
    "create_anima",
    "curate_memory",
    "forget_memory",
    "dream",
    "complete_dream",
    "undo_dream",
]
WRITES = {
    "extract_event",
    "create_anima",
    "curate_memory",
    "forget_memory",
    "dream",
    "complete_dream",
    "undo_dream",
}


async def test_it_introduces_itself(app: App) -> None:
    async with connected(app) as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version[0].isdigit()) == (
            "elephantasm",
            True,
        )
        assert 0 < len((client.instructions or "").encode()) <= 2048


async def test_the_2025_era_hears_that_resources_can_be_subscribed_to(app: App) -> None:
    async with connected(app) as client:
        resources = client.server_capabilities.resources
        assert resources is not None
        assert (resources.subscribe, resources.list_changed) == (True, True)


async def test_tools_come_in_a_fixed_order_with_titles_and_hints(app: App) -> None:
    async with connected(app) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert tool.title
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name not in WRITES)
        assert tool.annotations.destructive_hint is (tool.name == "forget_memory")
        assert tool.annotations.idempotent_hint is not None
        assert tool.annotations.open_world_hint is False


async def test_the_tools_cost_a_model_little(app: App) -> None:
    async with connected(app) as client:
        listed = await client.list_tools()
    wire = json.dumps(listed.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert len(wire.encode()) <= 12 * 1024
    assert all(len((tool.description or "").encode()) <= 2048 for tool in listed.tools)


async def test_schemas_hold_neither_null_arms_nor_titles(app: App) -> None:
    async with connected(app) as client:
        listed = await client.list_tools()
    schemas = json.dumps([tool.input_schema for tool in listed.tools])
    assert '"null"' not in schemas
    assert '"title":' not in schemas


async def test_an_unknown_tool_names_the_nearest(app: App) -> None:
    async with connected(app) as client:
        said = await refusal(client, "serch_memory", query="x")
    assert said.startswith("There is no tool `serch_memory`. Did you mean `search_memory`?")


async def test_an_unknown_argument_names_the_nearest(app: App) -> None:
    async with connected(app) as client:
        said = await refusal(client, "extract_event", content="Hello.", anmia="work")
    assert said.startswith(
        "Unknown argument `anmia` of `extract_event`. Did you mean `anima`? It takes: content, "
    )


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        (
            "search_memory",
            {},
            "`query` of `search_memory` is missing; it must be a text. "
            'Example: "hazelnut allergy".',
        ),
        (
            "search_memory",
            {"query": "x", "limit": 201},
            "`limit` of `search_memory` must be a whole number from 1 to 200. Example: 10.",
        ),
        (
            "search_memory",
            {"query": "x", "layers": ["dreams"]},
            "`layers[0]` of `search_memory` must be one of `event`, `memory`, `knowledge`. "
            'Example: "event".',
        ),
        (
            "search_memory",
            {"query": "x", "since": "yesterday"},
            "`since` of `search_memory` must be a date and time in ISO 8601. "
            'Example: "2026-03-02T10:30:00Z".',
        ),
        (
            "get_memory_pack",
            {"max_tokens": 0},
            "`max_tokens` of `get_memory_pack` must be a whole number from 1 to 200000. "
            "Example: 4000.",
        ),
        (
            "get_memory_pack",
            {"preset": "quiet"},
            "`preset` of `get_memory_pack` must be one of `conversational`, `self_determined`. "
            'Example: "conversational".',
        ),
        (
            "create_anima",
            {"name": "x" * 256},
            "`name` of `create_anima` must be a text of 1 to 255 characters. "
            'Example: "my-project".',
        ),
        (
            "dream",
            {"phase": "REM"},
            "`phase` of `dream` must be one of `auto`, `synthesis`, `light`, `deep`. "
            'Example: "auto".',
        ),
    ],
)
async def test_a_bad_value_is_told_by_field_rule_and_example(
    app: App, tool: str, arguments: dict[str, object], said: str
) -> None:
    async with connected(app) as client:
        assert await refusal(client, tool, **arguments) == said


async def test_null_means_left_out(app: App) -> None:
    async with connected(app) as client:
        result = await client.call_tool("get_memory_pack", {"anima": None, "max_tokens": None})
    assert not result.is_error


async def test_an_unknown_anima_lists_the_known_ones(app: App) -> None:
    async with connected(app) as client:
        await client.call_tool("create_anima", {"name": "work"})
        said = await refusal(client, "get_memory_pack", anima="wrok")
    assert "'wrok'" in said
    assert "work" in said
    assert "create_anima" in said


async def test_what_fails_inside_is_one_sentence_without_its_cause(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(build_server(_with_broken_database(app, KeyError("/secret/path")))) as client:
        said = await refusal(client, "list_animas")
    assert said.startswith("Something failed inside elephantasm while `list_animas` ran;")
    assert "doctor" in said
    assert "secret" not in said
    assert "Failed while `list_animas` ran." in caplog.messages


async def test_a_failing_store_says_its_own_sentence(app: App) -> None:
    async with Client(build_server(_with_broken_database(app, StorageError("Full.")))) as client:
        assert await refusal(client, "list_animas") == "Full."


async def test_an_internal_error_says_when_the_background_task_fails_too(app: App) -> None:
    ill = replace(_with_broken_database(app, KeyError()), worker=_FailingWorker())
    async with Client(build_server(ill)) as client:
        said = await refusal(client, "list_animas")
    assert said.endswith("The background task fails too: The disk is full.")


async def test_a_worker_that_cannot_be_asked_changes_nothing(app: App) -> None:
    ill = replace(_with_broken_database(app, StorageError("Full.")), worker=_MuteWorker())
    async with Client(build_server(ill)) as client:
        assert await refusal(client, "list_animas") == "Full."


@pytest.mark.parametrize("era", ERAS)
async def test_outside_tools_too_a_failure_keeps_its_cause_to_itself(app: App, era: str) -> None:
    server = build_server(_with_broken_database(app, KeyError("/secret/path")))
    async with Client(server, mode=era) as client:
        for ask in (
            client.list_resources,
            partial(client.read_resource, "anima://default/pack"),
            partial(client.get_prompt, "recall"),
        ):
            with pytest.raises(MCPError, match="Something failed inside elephantasm") as refused:
                await ask()
            assert refused.value.code == INTERNAL_ERROR
            assert "secret" not in refused.value.message


class _BrokenDatabase:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def read(self, *_: object, **__: object) -> None:
        raise self._error


class _FailingWorker:
    async def status(self) -> WorkerStatus:
        return WorkerStatus(state="failing", last_error="The disk is full.", queue_age_s=None)


class _MuteWorker:
    async def status(self) -> WorkerStatus:
        raise StorageError("Full.")


def _with_broken_database(app: App, error: Exception) -> App:
    return replace(app, core=replace(app.core, database=_BrokenDatabase(error)))
