"""Recording and listing events over REST."""

from http import HTTPStatus

from httpx2 import ASGITransport, AsyncClient
from pydantic import TypeAdapter

from elephantasm_mcp.app import App
from elephantasm_mcp.http.api import build_api
from elephantasm_mcp.types import Event

EVENTS = TypeAdapter(list[Event])


async def test_a_new_event_is_created_and_a_repeated_one_is_the_earlier(rest: AsyncClient) -> None:
    said = {"content": "I am allergic to hazelnuts.", "author": "Nadia", "session_id": "s"}
    first = await rest.post("/api/events", json=said)
    again = await rest.post("/api/events", json=said)
    assert (first.status_code, again.status_code) == (HTTPStatus.CREATED, HTTPStatus.OK)
    assert first.json() == again.json()
    event = Event.model_validate(first.json())
    assert (event.handle, event.author, event.role) == ("e1", "Nadia", "user")


async def test_an_event_of_a_type_that_is_not_kept_is_acknowledged(rest: AsyncClient) -> None:
    await rest.post(
        "/api/animas", json={"name": "few", "settings": {"event_types": ["message.in"]}}
    )
    passed = await rest.post(
        "/api/events",
        json={"anima_id": "few", "event_type": "system", "content": "The disk is nearly full."},
    )
    assert passed.status_code == HTTPStatus.OK
    assert passed.json()["handle"] == ""


async def test_a_batch_is_answered_in_its_order(rest: AsyncClient) -> None:
    events = [{"content": text} for text in ("One.", "Two.", "One.")]
    answer = await rest.post("/api/events/batch", json={"events": events})
    assert answer.status_code == HTTPStatus.CREATED
    assert [one["handle"] for one in answer.json()] == ["e1", "e2", "e1"]
    again = await rest.post("/api/events/batch", json={"events": events})
    assert (again.status_code, again.json()) == (HTTPStatus.OK, answer.json())
    assert (await rest.post("/api/events/batch", json={"events": []})).json() == []


async def test_of_a_batch_with_one_bad_event_nothing_is_stored(rest: AsyncClient) -> None:
    events = [{"content": "Good."}, {"content": " "}]
    answer = await rest.post("/api/events/batch", json={"events": events})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await rest.get("/api/events")).json() == []


async def test_events_are_listed_by_session_and_time(rest: AsyncClient) -> None:
    anima = (await rest.post("/api/animas", json={"name": "räksmörgås/日本"})).json()["id"]
    for day in (3, 1, 2):
        said = {
            "anima_id": anima,
            "content": f"Day {day}.",
            "session_id": f"s{day % 2}",
            "occurred_at": f"2026-03-0{day}T10:00:00Z",
        }
        await rest.post("/api/events", json=said)

    async def listed(**asked: str) -> list[str]:
        answer = await rest.get("/api/events", params={"anima_id": anima, **asked})
        return [event.content for event in EVENTS.validate_json(answer.content)]

    assert await listed() == ["Day 1.", "Day 2.", "Day 3."]
    assert await listed(session_id="s1") == ["Day 1.", "Day 3."]
    assert await listed(since="2026-03-02T00:00:00Z", until="2026-03-02") == []
    assert await listed(since="2026-03-02T00:00:00Z") == ["Day 2.", "Day 3."]
    assert await listed(anima_id="räksmörgås/日本", limit="1") == ["Day 1."]


async def test_an_unknown_anima_is_not_found_by_id_or_name(rest: AsyncClient) -> None:
    for anima in ("00000000-0000-7000-8000-000000000000", "nobody"):
        recorded = await rest.post("/api/events", json={"anima_id": anima, "content": "Hello."})
        listed = await rest.get("/api/events", params={"anima_id": anima})
        assert recorded.status_code == listed.status_code == HTTPStatus.NOT_FOUND
        assert recorded.json() == listed.json()
        assert recorded.json()["code"] == "not_found"


async def test_the_background_task_is_woken_by_events(rest: AsyncClient, app: App) -> None:
    async with app.worker.running():
        await rest.post("/api/events", json={"content": "I am allergic to hazelnuts."})
        answer = await rest.get("/api/animas/default/search", params={"query": "allergic"})
    assert answer.json()["hits"][0]["handle"] == "e1"


async def test_who_watches_for_changes_hears_of_writes_alone(app: App) -> None:
    heard: list[str] = []
    api = build_api(app, written=lambda: heard.append("written"))
    async with AsyncClient(transport=ASGITransport(app=api), base_url="http://127.0.0.1") as client:
        await client.get("/api/events")
        assert heard == []
        await client.post("/api/events", json={"content": "Hello."})
        assert heard == ["written"]


async def test_an_event_of_a_forgotten_key_is_acknowledged_and_not_kept(rest: AsyncClient) -> None:
    said = {"content": "I am allergic to hazelnuts.", "dedupe_key": "letter 7"}
    first = (await rest.post("/api/events", json=said)).json()
    forget = f"/api/animas/{first['anima_id']}/forget"
    shown = (await rest.post(forget, json={"everything": True})).json()
    await rest.post(forget, json={"everything": True, "confirm": shown["confirm"]})
    again = await rest.post("/api/events", json=said)
    assert (again.status_code, again.json()["handle"]) == (HTTPStatus.OK, "")
    assert again.json()["note"].startswith("Not kept")
