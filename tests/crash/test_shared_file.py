"""Several server processes on one file, all of them busy, each with its background task."""

import random
from itertools import chain
from pathlib import Path
from typing import Any

import anyio
from loading import Call, Server, serving
from wholeness import assert_whole

PROCESSES = 4
CALLERS = 5
CALLS = 100
"""For each caller: 2,000 in all."""
ANIMAS = ("one", "two", "three")
MIXTURE = {
    "extract_event": 70,
    "dream": 10,
    "undo_dream": 5,
    "get_memory_pack": 5,
    "search_memory": 10,
}
FAIR_REFUSALS = ("cannot be undone", "was already undone", "There is no dream")


async def test_four_processes_share_a_file_without_an_error_or_a_loss(
    database: Path, thorough: int
) -> None:
    servers: list[Server] = []
    async with serving(database) as server:
        for anima in ANIMAS:
            await server.call("create_anima", name=anima)
    async with anyio.create_task_group() as group:
        for process in range(PROCESSES):
            group.start_soon(_serve_and_load, database, servers, process, CALLS * thorough)
    calls = list(chain.from_iterable(server.calls for server in servers))
    assert len(calls) == PROCESSES * CALLERS * CALLS * thorough
    assert [call.refused for call in calls if not _is_fair(call)] == []
    stored = [call.result["events"][0]["id"] for call in calls if call.tool == "extract_event"]
    assert len(set(stored)) == len(stored)
    async with serving(database) as server:
        listed = (await server.call("list_animas")).result["animas"]
    assert sum(anima["events"] for anima in listed) == len(stored)
    await assert_whole(database)


def _is_fair(call: Call) -> bool:
    """Whether the call worked, or was an undo that may well be refused."""
    undo = call.tool == "undo_dream"
    return not call.refused or (undo and any(known in call.refused for known in FAIR_REFUSALS))


async def _serve_and_load(database: Path, servers: list[Server], process: int, calls: int) -> None:
    async with serving(database, ELEPHANTASM_EMBEDDER="static") as server:
        servers.append(server)
        async with anyio.create_task_group() as group:
            for caller in range(CALLERS):
                group.start_soon(_load, server, process * CALLERS + caller, calls)
        assert await server.leave() == 0
    assert server.said == b""


async def _load(server: Server, caller: int, calls: int) -> None:
    chance = random.Random(caller)  # noqa: S311 - it mixes calls, it keeps no secret
    tools = chance.choices(list(MIXTURE), weights=MIXTURE.values(), k=calls)
    for turn, tool in enumerate(tools):
        arguments = _arguments(tool, chance, name=f"c{caller}t{turn}")
        await server.call(tool, anima=chance.choice(ANIMAS), **arguments)


def _arguments(tool: str, chance: random.Random, *, name: str) -> dict[str, Any]:
    match tool:
        case "extract_event":
            return {"content": f"Nadia is allergic to {name}. We meet in Berlin on Thursday."}
        case "dream":
            return {"phase": chance.choice(["auto", "synthesis", "light"])}
        case "undo_dream":
            return {"dream": f"d{chance.randint(1, 40)}"}
        case _:
            return {"query": name}
