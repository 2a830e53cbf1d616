"""Every tool, resource, prompt and route × everybody who may ask, generated from the table."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from elephantasm_mcp.access import NEEDS
from elephantasm_mcp.app import App
from elephantasm_mcp.http.api import build_api, routes
from elephantasm_mcp.http.examples import BODIES
from elephantasm_mcp.memory import animas, dreams, events, keys, work_orders
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.types.callers import Caller, Scope
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, EventCreate
from scenes import FILE, derived_rows, look
from serving import JSON, Answer, ask, bearer, guarded_app, send, serving

CANARY = "xylophone"
NOBODY = UUID("0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d")
"""An id that does not exist."""
ROUTES = [name for name in NEEDS if "/api/" in name]
MCP_NAMES = [name for name in NEEDS if " /" not in name]
SCOPED = {"read": Scope.READ, "write": Scope.WRITE, "admin": Scope.ADMIN}
LET_IN = [*SCOPED, "limited to it"]
UNKNOWN = ["no key", "revoked", "expired", "made up"]
ELSEWHERE = ["other user's", "limited to another"]
HARMLESS = {"list_animas", "create_anima"}
"""What names no anima, or only a new one."""
TOOLS: dict[str, dict[str, Any]] = {
    "get_memory_pack": {"anima": "ANIMA"},
    "search_memory": {"anima": "ANIMA", "query": "instrument"},
    "trace_memory": {"anima": "ANIMA", "handle": "m1"},
    "list_animas": {},
    "extract_event": {"anima": "ANIMA", "content": "Hello."},
    "create_anima": {"name": "diary"},
    "curate_memory": {"anima": "ANIMA", "handle": "m1", "action": "pin"},
    "forget_memory": {"anima": "ANIMA", "handles": ["e1"]},
    "dream": {"anima": "ANIMA", "phase": "synthesis"},
    "complete_dream": {"work_order": "ORDER", "proposals": {"memories": []}},
    "undo_dream": {"anima": "ANIMA", "dream": "d1"},
}


ROWS = {"row": "m1", "dream": "d1", "grant": "1"}


def body_for(name: str, anima: str, order: str) -> str:
    """What is sent to a route: the example of its documentation, about this anima."""
    about: dict[str, dict[str, Any]] = {
        "POST /api/events": {"anima_id": anima, "content": "Hello."},
        "POST /api/events/batch": {"events": [{"anima_id": anima, "content": "Hello."}]},
        "POST /api/animas": {"name": "diary"},
        "POST /api/animas/{anima}/dreams": {"phase": "synthesis"},
        "POST /api/animas/{anima}/dreams/complete": {
            "work_order": order,
            "proposals": {"memories": []},
        },
        "POST /api/animas/{anima}/curate": {"id": "m1", "action": "pin"},
        "POST /api/animas/{anima}/forget": {"ids": ["e1"], "dry_run": True},
    }
    return json.dumps(about.get(name, BODIES[name])) if name in BODIES else ""


@dataclass(frozen=True)
class World:
    """Ann's diary, and everybody who asks for it."""

    url: str
    anima: UUID
    order: str
    keys: dict[str, str | None]

    async def ask(self, who: str, name: str, *, absent: bool = False) -> Answer:
        """Ask as somebody for what is called so in the table, of the diary or of none."""
        anima = str(NOBODY if absent else self.anima)
        order = str(NOBODY) if absent else self.order
        key = self.keys[who]
        if name in ROUTES:
            method, path = re.sub(r"\{anima\}", anima, name).split()
            url = self.url + re.sub(r"\{([a-z]+)\}", lambda match: ROWS[match[1]], path)
            if name == "GET /api/events":
                url += f"?anima_id={anima}"
            return await send(url, method, bearer(key) | JSON, body_for(name, anima, order))
        if name.startswith("anima://"):
            return await ask(self.url, key, "resources/read", uri=name.format(anima=anima))
        if name.startswith("prompt "):
            prompt = name.removeprefix("prompt ")
            arguments = {"anima": anima}
            return await ask(self.url, key, "prompts/get", name=prompt, arguments=arguments)
        filled = json.dumps(TOOLS[name]).replace("ANIMA", anima).replace("ORDER", order)
        return await ask(self.url, key, "tools/call", name=name, arguments=json.loads(filled))


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with guarded_app(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def world(app: App, clock: FakeClock) -> AsyncIterator[World]:
    core = app.core
    ann = await keys.user_of(core, "ann")
    made: dict[str, str | None] = {"no key": None, "made up": f"sk_live_{'x' * 43}"}
    _, made["expired"] = await keys.create(
        core, "old", user="ann", scopes=list(Scope), expires_at=clock.now() + timedelta(days=1)
    )
    clock.move(timedelta(days=1))
    diary, _ = await animas.create(core, ann, AnimaCreate(name="diary"))
    await animas.create(core, ann, AnimaCreate(name="other"))
    said = f"I play the {CANARY}, my favourite instrument. I am allergic to hazelnuts."
    await events.record(core, ann, [EventCreate(anima_id=diary.id, content=said)])
    with app.asked_by(Caller(ann, frozenset(Scope))):
        await dreams.run(core, ann, anima=diary.id)
        order = await work_orders.offer(core, await animas.find(core, ann, diary.id))
    assert order is not None
    for who, scope in SCOPED.items():
        _, made[who] = await keys.create(core, who, user="ann", scopes=[scope])
    _, made["limited to it"] = await keys.create(
        core, "this", user="ann", scopes=list(Scope), only=["diary"]
    )
    _, made["limited to another"] = await keys.create(
        core, "another", user="ann", scopes=list(Scope), only=["other"]
    )
    _, made["other user's"] = await keys.create(core, "bob", user="bob", scopes=list(Scope))
    revoked, made["revoked"] = await keys.create(core, "gone", user="ann", scopes=list(Scope))
    await keys.revoke(core, str(revoked.id))
    async with serving(app) as url:
        yield World(url, diary.id, str(order.id), made)


def covers(who: str, name: str) -> bool:
    """Whether the scope of a key is enough."""
    needed = NEEDS[name]
    caller = Caller(LOCAL_USER, frozenset({SCOPED.get(who, Scope.ADMIN)}))
    return needed is None or caller.may(needed)


def test_every_way_to_ask_for_what_mcp_serves_is_tried_here() -> None:
    assert set(TOOLS) == {name for name in MCP_NAMES if " " not in name and "/" not in name}


@pytest.mark.parametrize("name", [name for name in NEEDS if NEEDS[name] is not None])
async def test_whoever_is_not_known_is_refused_before_anything_is_looked_at(
    world: World, name: str
) -> None:
    for who in UNKNOWN:
        got = await world.ask(who, name)
        assert got.status == 401, who
        assert got.headers["www-authenticate"].startswith("Bearer")
        assert set(json.loads(got.text)) == {"detail", "code"}
        assert CANARY not in got.text


@pytest.mark.parametrize("name", MCP_NAMES)
async def test_a_key_is_good_for_what_its_scope_covers(world: World, name: str) -> None:
    first = True
    for who in LET_IN:
        got = await world.ask(who, name)
        assert got.status < 500
        if not covers(who, name):
            assert got.is_error, who
            assert f"it needs the scope `{NEEDS[name]}`" in got.text, who
            assert CANARY not in got.text
        elif first:
            assert not got.is_error, got.text
            first = False
        else:
            assert "scope" not in got.text, who


@pytest.mark.parametrize("name", MCP_NAMES)
async def test_what_is_somebody_elses_answers_like_what_does_not_exist(
    world: World, name: str
) -> None:
    for who in ELSEWHERE:
        got = await world.ask(who, name)
        assert CANARY not in got.text, who
        if name not in HARMLESS and name != "prompt dream":
            absent = await world.ask(who, name, absent=True)
            assert got.is_error, who
            assert (got.status, forget_ids(got, world)) == (
                absent.status,
                forget_ids(absent, world),
            )


def forget_ids(got: Answer, world: World) -> str:
    """What is answered, whichever id was asked for."""
    text = got.text.replace(str(NOBODY), "ID").replace(world.order, "ID")
    return text.replace(str(world.anima), "ID")


async def test_the_table_has_the_routes_that_are_served_and_no_others(app: App) -> None:
    assert set(routes(build_api(app))) == {name for name in NEEDS if " /" in name}


@pytest.mark.parametrize("name", ROUTES)
async def test_a_route_lets_in_whom_its_scope_says(world: World, name: str) -> None:
    for who in LET_IN:
        got = await world.ask(who, name)
        assert (got.status == 403) is not covers(who, name), who
        assert got.status not in (401, 500, 503)


@pytest.mark.parametrize("name", ROUTES)
async def test_a_route_answers_for_somebody_elses_as_for_nothing(world: World, name: str) -> None:
    for who in ELSEWHERE:
        got, absent = await world.ask(who, name), await world.ask(who, name, absent=True)
        assert CANARY not in got.text
        if name == "POST /api/animas":  # makes one of its own
            continue
        assert (got.status, forget_ids(got, world)) == (absent.status, forget_ids(absent, world))
        if "{anima}" in name:
            assert got.status in (404, 422)


# By the ids of rows, which are good in any anima

BY_ROW: list[tuple[str, dict[str, Any]]] = [
    ("trace_memory", {"handle": "ROW"}),
    ("trace_memory", {"handle": "ROW", "query": "instrument"}),
    ("curate_memory", {"handle": "ROW", "action": "archive"}),
    ("curate_memory", {"handle": "ROW", "action": "settle"}),
    ("forget_memory", {"handles": ["ROW"]}),
    ("undo_dream", {"dream": "ROW"}),
    ("complete_dream", {"plan": "ROW", "accept": [1]}),
    ("complete_dream", {"work_order": "ROW", "proposals": {"memories": []}}),
    ("extract_event", {"content": "Hello.", "anima": "ROW"}),
    ("get_memory_pack", {"anima": "ROW"}),
]


@pytest.mark.parametrize("who", ELSEWHERE)
@pytest.mark.parametrize(("tool", "arguments"), BY_ROW)
async def test_a_row_of_somebody_else_is_not_there_by_any_id(
    world: World, tmp_path: Path, tool: str, arguments: dict[str, Any], who: str
) -> None:
    key = world.keys[who]
    tables = ("events", "memories", "knowledge", "dreams", "work_orders")
    ids = [str(world.anima)] + [
        str(UUID(bytes=uuid))
        for table in tables
        for (uuid,) in look(tmp_path / FILE, f"SELECT uuid FROM {table}")  # noqa: S608 - names of ours
    ]
    assert len(ids) > len(tables)
    before = derived_rows(tmp_path / FILE)

    async def said(row: str) -> str:
        filled = json.loads(json.dumps(arguments).replace("ROW", row))
        got = await ask(world.url, key, "tools/call", name=tool, arguments=filled)
        assert got.is_error
        return got.text.replace(row.strip(), "ROW")

    spellings = [*ids, ids[2].upper(), f" {ids[2]} ", ids[2].replace("-", "")]
    for row in spellings:
        assert await said(row) == await said(spelled(NOBODY, like=row))
    assert derived_rows(tmp_path / FILE) == before


def spelled(id_: UUID, *, like: str) -> str:
    """An id in the spelling of another."""
    text = str(id_) if "-" in like else id_.hex
    text = text.upper() if like.isupper() else text
    return f" {text} " if like.startswith(" ") else text
