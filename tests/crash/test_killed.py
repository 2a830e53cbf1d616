"""A server process that is killed, again and again, under load."""

import random
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import anyio
import pytest
from loading import Call, Server, serving
from wholeness import assert_whole

ANIMAS = tuple(f"anima {number}" for number in range(12))
AT_A_TIME = 3
"""Animas under load between two kills: a job that a killed process had leased waits a minute."""
CALLERS = 2
"""For each of them."""
EXCHANGE = (
    "I am allergic to {}",
    "We moved the meeting with Bogdan to Thursday because of {}",
    "My favourite dish is {}",
)
"""Events of one call, which are stored all or none."""
LATEST_KILL_S = 0.8


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_server_loses_nothing_it_acknowledged(
    database: Path, thorough: int, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it picks moments, not secrets
    calls: list[Call] = []
    async with serving(database) as server:
        for anima in ANIMAS:
            await server.call("create_anima", name=anima)
    for kill in range(25 * thorough):
        animas = [ANIMAS[(AT_A_TIME * kill + next_) % len(ANIMAS)] for next_ in range(AT_A_TIME)]
        embedder = chance.choice(["static", "none"])
        async with serving(database, ELEPHANTASM_EMBEDDER=embedder) as server:
            with anyio.move_on_after(chance.uniform(0, LATEST_KILL_S)):
                await _load(server, animas, name=f"s{seed}k{kill}")
            server.process.kill()
        assert b"Traceback" not in server.said
        calls += server.calls
    acknowledged = dict(_acknowledged(calls))
    assert len(acknowledged) > 25 * thorough
    async with serving(database, ELEPHANTASM_EMBEDDER="static") as server:
        for anima in ANIMAS:
            assert not (await server.call("dream", anima=anima)).refused
        for anima, handle in chance.sample(sorted(acknowledged), 25):
            query = acknowledged[anima, handle]
            found = await server.call("search_memory", query=query, anima=anima, layers=["event"])
            assert handle in [hit["handle"] for hit in found.result["hits"]]
        assert await server.leave() == 0
    await assert_whole(database)


def _acknowledged(calls: Iterable[Call]) -> Iterable[tuple[tuple[str, str], str]]:
    """Anima and handle of each event that the client heard of, with its words."""
    for call in calls:
        if call.tool == "extract_event" and call.answer is not None:
            said = [event["content"] for event in call.arguments["events"]]
            stored = [event["handle"] for event in call.result["events"]]
            anima = call.arguments["anima"]
            yield from (((anima, h), words) for h, words in zip(stored, said, strict=True))


async def _load(server: Server, animas: list[str], *, name: str) -> None:
    async with anyio.create_task_group() as group:
        for anima in animas:
            for caller in range(CALLERS):
                group.start_soon(_record, server, anima, f"{name}c{caller}")
        group.start_soon(_dream, server, animas[0])


async def _record(server: Server, anima: str, name: str) -> None:
    for exchange in count():
        events = [{"content": said.format(f"{name}x{exchange}")} for said in EXCHANGE]
        await server.call("extract_event", anima=anima, events=events)


async def _dream(server: Server, anima: str) -> None:
    while True:
        await server.call("dream", anima=anima)
