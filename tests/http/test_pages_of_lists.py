"""Lists in pages: nothing is missing, and nothing comes twice."""

from http import HTTPStatus
from typing import Any

import pytest
from httpx2 import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.app import App
from elephantasm_mcp.types.cursors import Cursor


async def walk(rest: AsyncClient, url: str) -> list[dict[str, Any]]:
    """All rows, by the links from page to page."""
    rows: list[dict[str, Any]] = []
    while url:
        answer = await rest.get(url)
        assert answer.status_code == HTTPStatus.OK, answer.text
        rows += answer.json()
        link = answer.headers.get("Link", "")
        url = link.partition("<")[2].partition(">")[0]
        assert ("X-Next-Cursor" in answer.headers) == bool(url)
    return rows


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    limit=st.integers(1, 13),
    name=st.uuids().map(lambda id_: f"ü/{id_}"),
)
async def test_events_of_any_times_come_once_each(
    rest: AsyncClient, minutes: list[int], limit: int, name: str
) -> None:
    await rest.post("/api/animas", json={"name": name})
    events = [
        {
            "anima_id": name,
            "content": f"Number {number}.",
            "occurred_at": f"2026-03-02T10:0{minute}:00Z",
        }
        for number, minute in enumerate(minutes)
    ]
    await rest.post("/api/events/batch", json={"events": events})
    walked = await walk(rest, f"/api/events?anima_id={name}&limit={limit}")
    whole = (await rest.get("/api/events", params={"anima_id": name})).json()
    assert walked == whole
    assert len(walked) == len(minutes)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_every_list_is_the_same_in_pages(rest: AsyncClient, limit: int) -> None:
    for number, what in enumerate(("hazelnuts", "cats", "pollen")):
        await rest.post("/api/animas", json={"name": f"anima {number}"})
        said = {"content": f"I am allergic to {what}.", "session_id": what}
        await rest.post("/api/events", json=said)
        await rest.post("/api/animas/default/dreams", json={"phase": "synthesis"})
    for path in ("animas", *(f"animas/default/{of}" for of in ("memories", "knowledge", "dreams"))):
        whole = (await rest.get(f"/api/{path}")).json()
        assert len(whole) >= 3
        assert await walk(rest, f"/api/{path}?limit={limit}") == whole


async def test_rows_that_come_and_go_meanwhile_move_no_other(rest: AsyncClient) -> None:
    for minute in range(6):
        said = {"content": f"{minute}.", "occurred_at": f"2026-03-02T10:0{minute}:00Z"}
        await rest.post("/api/events", json=said)
    first = await rest.get("/api/events", params={"limit": 3})
    await rest.post("/api/animas/default/forget", json={"ids": ["e3"], "dry_run": False})
    late = {"content": "Late.", "occurred_at": "2026-03-02T09:00:00Z"}
    await rest.post("/api/events", json=late)
    cursor = first.headers["X-Next-Cursor"]
    second = await rest.get("/api/events", params={"limit": 3, "cursor": cursor})
    assert [event["content"] for event in second.json()] == ["3.", "4.", "5."]


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor(-2_208_988_800_000_000, 341)
    assert Cursor.parse(str(cursor)) == cursor


async def test_a_cursor_of_one_anima_shows_nothing_of_another(rest: AsyncClient, app: App) -> None:
    del app
    for name in ("one", "two"):
        await rest.post("/api/animas", json={"name": name})
        events = [{"anima_id": name, "content": f"{name} {number}."} for number in range(3)]
        await rest.post("/api/events/batch", json={"events": events})
    first = await rest.get("/api/events", params={"anima_id": "one", "limit": 1})
    cursor = first.headers["X-Next-Cursor"]
    other = await rest.get("/api/events", params={"anima_id": "two", "cursor": cursor})
    assert all(event["content"].startswith("two") for event in other.json())
