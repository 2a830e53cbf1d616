"""Whatever several users ask for, by whichever names and ids: nobody reads a word of another's."""

import json
import logging
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas, dreams, events, keys
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.synthesis.fakes import AnsweringModel
from elephantasm_mcp.types.callers import Caller, Scope
from elephantasm_mcp.types.records import AnimaCreate, EventCreate
from scenes import FILE, look
from serving import Answer, ask, bearer, guarded_app, send, serving

STEPS = 300
"""In the long run, `--thorough 67`, twenty thousand."""
OWNED = {"ann": ("work", "home"), "bob": ("work", "den"), "cyd": ("home",)}
LIMITED = "ann at work"
"""A key of Ann's for one anima."""
NOBODY = UUID("0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d")
TABLES = ("events", "memories", "knowledge", "dreams", "work_orders", "grants", "plans")
ACTIONS = ("pin", "archive", "restore", "settle", "unpin")
READING = ("GET", "get_", "search_", "trace_", "resource", "prompt")
PATHS = ("identity", "export", "grants", "usefulness", "memories", "knowledge", "dreams")


def canary(user: str, name: str) -> str:
    """The word that stands in every row of an anima, and nowhere else."""
    return f"zq{user}{name}"


@dataclass(frozen=True)
class World:
    """A server, who may ask there, and what each of them may read."""

    url: str
    keys: dict[str, str]
    ids: dict[str, UUID]
    """By canary."""
    seen: dict[str, set[str]]
    """The canaries that each key may see."""


@pytest.fixture
def model() -> AnsweringModel:
    return AnsweringModel(lambda _: {})


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock, model: AnsweringModel) -> AsyncIterator[App]:
    async with guarded_app(tmp_path, clock, rate_per_min=0) as opened:
        for user, names in OWNED.items():
            await furnish(opened, user, names)
        yield replace(opened, core=replace(opened.core, model=model))


async def furnish(app: App, user: str, names: tuple[str, ...]) -> None:
    """Animas with events, memories, knowledge and a journal."""
    who = await keys.user_of(app.core, user)
    with app.asked_by(Caller(who, frozenset(Scope))):
        for name in names:
            word = canary(user, name)
            anima, _ = await animas.create(
                app.core, who, AnimaCreate(name=name, description=f"About {word}.")
            )
            said = (
                f"I am allergic to {word}. My favourite drink is {word} tea, and I live in {word}."
            )
            await events.record(
                app.core, who, [EventCreate(anima_id=anima.id, content=said, author=word)]
            )
            await dreams.run(app.core, who, anima=anima.id)
            await events.record(
                app.core, who, [EventCreate(anima_id=anima.id, content=f"The {word} is late.")]
            )


@pytest.fixture
async def world(app: App, thorough: int) -> AsyncIterator[World]:
    made: dict[str, str] = {}
    seen = {user: {canary(user, name) for name in names} for user, names in OWNED.items()}
    ids: dict[str, UUID] = {}
    for user, names in OWNED.items():
        _, made[user] = await keys.create(app.core, user, user=user, scopes=list(Scope))
        who = await keys.user_of(app.core, user)
        for name in names:
            ids[canary(user, name)] = (await animas.find(app.core, who, name)).id
    _, made[LIMITED] = await keys.create(
        app.core, "limited", user="ann", scopes=list(Scope), only=["work"]
    )
    async with serving(app, deadline_s=STEPS * thorough) as url:
        yield World(url, made, ids, seen | {LIMITED: {canary("ann", "work")}})


class Stranger:
    """Asks at random for what there is, what is somebody else's and what is not there."""

    def __init__(self, world: World, path: Path, chance: random.Random) -> None:
        self._world = world
        self._path = path
        self._chance = chance
        self._rows: list[UUID] = []
        self._numbers = count()

    async def step(self) -> None:
        """Ask once; by an id of somebody else's also for nobody's, which must answer alike."""
        if not self._rows or self._chance.random() < 0.02:
            self._rows = [
                UUID(bytes=uuid)
                for table in TABLES
                for (uuid,) in look(self._path, f"SELECT uuid FROM {table}")  # noqa: S608 - ours
            ]
        who = self._chance.choice(list(self._world.keys))
        foreign = [
            id_ for word, id_ in self._world.ids.items() if word not in self._world.seen[who]
        ]
        anima, row = self._anima(who, foreign), self._row(foreign)
        method, request = self._request()
        got = await self._ask(who, method, request, anima, row)
        self._judge(who, got, asked=json.dumps(request))
        if method.startswith(READING) and any(str(id_) in anima for id_ in foreign):
            absent = anima
            for id_ in foreign:
                absent = absent.replace(str(id_), str(NOBODY))
            other = await self._ask(who, method, request, absent, row)
            assert got.status == other.status, (who, method, request, anima, row)
            one, two = (
                each.text.replace(anima.strip(), "ID").replace(absent.strip(), "ID")
                for each in (got, other)
            )
            assert one == two

    def _judge(self, who: str, got: Answer, *, asked: str) -> None:
        assert got.status < 500, got.text
        told = got.text + str(got.headers)
        for word in self._world.ids.keys() - self._world.seen[who]:
            assert word not in told or word in asked, (who, word, got.text)

    def _anima(self, who: str, foreign: list[UUID]) -> str:
        own = sorted(word for word in self._world.seen[who])
        somebody = str(self._chance.choice(foreign))
        return self._chance.choice(
            [
                *(str(self._world.ids[word]) for word in own),
                *("work", "home", "den", "default", "w\u03bfrk", "Work", "work\u200b"),
                *(somebody, somebody, somebody, f" {somebody} ", somebody.upper()),
                *(somebody.replace("-", ""), f"urn:uuid:{somebody}", f"{{{somebody}}}"),
                *(str(NOBODY), "*", "%", "..", "work' OR '1'='1"),
            ]
        )

    def _row(self, foreign: list[UUID]) -> str:
        row = str(self._chance.choice(self._rows))
        handle = f"{self._chance.choice('emkd')}{self._chance.randint(1, 4)}"
        somebody = self._chance.choice(foreign)
        return self._chance.choice(
            [row, row, row, row.upper(), f" {row}", handle, f"den:{handle}", str(somebody), "e0"]
        )

    def _request(self) -> tuple[str, dict[str, Any]]:
        """A tool, resource, prompt or route, with `ANIMA` and `ROW` where they go."""
        query = self._chance.choice(["allergic", "tea", "zqannwork", "zqbobden", "late", "*"])
        action = self._chance.choice(ACTIONS)
        said = f"Hello {next(self._numbers)}."
        requests: list[tuple[str, dict[str, Any]]] = [
            ("get_memory_pack", {"anima": "ANIMA"}),
            ("get_memory_pack", {"anima": "ANIMA", "query": query}),
            ("search_memory", {"anima": "ANIMA", "query": query, "include_archived": True}),
            ("trace_memory", {"anima": "ANIMA", "handle": "ROW", "query": query}),
            ("list_animas", {}),
            ("extract_event", {"anima": "ANIMA", "content": said, "meta": {"anima_id": "ROW"}}),
            ("extract_event", {"anima": "ANIMA", "content": said, "session_id": "ROW"}),
            ("create_anima", {"name": self._chance.choice(["work", "home", "den"])}),
            ("curate_memory", {"anima": "ANIMA", "handle": "ROW", "action": action}),
            ("forget_memory", {"anima": "ANIMA", "handles": ["ROW"]}),
            ("forget_memory", {"anima": "ANIMA", "session_id": "ROW"}),
            ("dream", {"anima": "ANIMA", "phase": self._chance.choice(["auto", "light", "deep"])}),
            ("dream", {"anima": "ANIMA", "phase": "deep", "dry_run": True}),
            ("complete_dream", {"work_order": "ROW", "proposals": {"memories": []}}),
            ("complete_dream", {"plan": "ROW", "accept": [1]}),
            ("undo_dream", {"anima": "ANIMA", "dream": "ROW"}),
            ("resource", {"uri": f"anima://ANIMA/{self._chance.choice(['pack', 'dreams'])}"}),
            ("prompt", {"name": "about_me", "arguments": {"anima": "ANIMA"}}),
            ("GET /api/animas", {}),
            ("GET /api/events", {"anima_id": "ANIMA", "session_id": "ROW"}),
            ("GET /api/events", {"anima_id": "ANIMA", "cursor": "ROW"}),
            ("GET /api/animas/ANIMA/search", {"query": query}),
            ("GET /api/animas/ANIMA/memory-packs/latest", {"query": query}),
            ("GET /api/animas/ANIMA/trace/ROW", {}),
            (f"GET /api/animas/ANIMA/{self._chance.choice(PATHS)}", {}),
            ("GET /api/animas/ANIMA/dreams/ROW", {}),
            ("POST /api/animas/ANIMA/dreams/ROW/undo", {}),
            ("POST /api/animas/ANIMA/curate", {"id": "ROW", "action": action}),
            ("POST /api/animas/ANIMA/forget", {"ids": ["ROW"], "dry_run": True}),
            ("POST /api/animas/ANIMA/dreams/complete", {"plan": "ROW", "accept": [1]}),
            ("POST /api/events", {"anima_id": "ANIMA", "content": said, "dedupe_key": "ROW"}),
            ("PATCH /api/animas/ANIMA", {"meta": {"anima_id": "ROW"}}),
            ("DELETE /api/animas/ANIMA/grants/ROW", {}),
        ]
        return self._chance.choice(requests)

    async def _ask(
        self, who: str, method: str, request: dict[str, Any], anima: str, row: str
    ) -> Answer:
        url, key = self._world.url, self._world.keys[who]
        filled = json.loads(
            json.dumps(request)
            .replace("ANIMA", json.dumps(anima)[1:-1])
            .replace("ROW", json.dumps(row)[1:-1])
        )
        if method == "resource":
            uri = request["uri"].replace("ANIMA", quote(anima, safe=""))
            return await ask(url, key, "resources/read", uri=uri)
        if method == "prompt":
            return await ask(url, key, "prompts/get", **filled)
        if " " not in method:
            return await ask(url, key, "tools/call", name=method, arguments=filled)
        verb, path = method.split()
        path = path.replace("ANIMA", quote(anima, safe="")).replace("ROW", quote(row, safe=""))
        if verb == "GET":
            return await send(f"{url}{path}?{urlencode(filled)}", verb, bearer(key))
        headers = {**bearer(key), "Content-Type": "application/json"}
        return await send(url + path, verb, headers, json.dumps(filled))


def misplaced(path: Path, ids: dict[str, UUID]) -> Iterator[str]:
    """Texts of rows that hold the word of an anima that they are not of."""
    numbers = {
        UUID(bytes=uuid): number for number, uuid in look(path, "SELECT anima_no, uuid FROM animas")
    }
    for table, column in (
        ("events", "content"),
        ("memories", "content"),
        ("knowledge", "content"),
        ("identities", "prose"),
    ):
        for row, text in look(path, f"SELECT id, {column} FROM {table}"):  # noqa: S608 - ours
            for word, id_ in ids.items():
                if word in (text or "") and row >> 32 != numbers[id_]:
                    yield text


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_nobody_reads_a_word_of_somebody_elses_whatever_is_asked(
    world: World,
    tmp_path: Path,
    model: AnsweringModel,
    thorough: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = Stranger(world, tmp_path / FILE, random.Random(thorough))  # noqa: S311 - a test
    for _ in range(STEPS * thorough):
        await stranger.step()
    assert not list(misplaced(tmp_path / FILE, world.ids))
    for prompt in model.prompts:
        assert sum(word in prompt.data for word in world.ids) <= 1
    ours = [record.getMessage() for record in caplog.records if "elephantasm" in record.name]
    assert not [line for line in ours for word in world.ids if word in line]
