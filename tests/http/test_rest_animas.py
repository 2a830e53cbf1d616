"""Animas over REST."""

from http import HTTPStatus

from httpx2 import AsyncClient

from elephantasm_mcp.types import Anima, AnimaOverview, ForgetReport


async def test_a_new_anima_is_created_and_one_of_the_same_name_returned(rest: AsyncClient) -> None:
    first = await rest.post("/api/animas", json={"name": "agent", "meta": {"team": "blue"}})
    again = await rest.post("/api/animas", json={"name": "agent", "meta": {"team": "red"}})
    assert (first.status_code, again.status_code) == (HTTPStatus.CREATED, HTTPStatus.OK)
    assert first.json() == again.json()
    assert Anima.model_validate(first.json()).meta == {"team": "blue"}


async def test_animas_are_listed_with_what_they_hold(rest: AsyncClient) -> None:
    await rest.post("/api/animas", json={"name": "first"})
    await rest.post("/api/events", json={"anima_id": "first", "content": "Hello."})
    await rest.post("/api/animas", json={"name": "second"})
    listed = [AnimaOverview.model_validate(one) for one in (await rest.get("/api/animas")).json()]
    assert [(one.name, one.events) for one in listed] == [("first", 1), ("second", 0)]


async def test_what_is_given_of_an_anima_is_changed(rest: AsyncClient) -> None:
    made = (await rest.post("/api/animas", json={"name": "agent", "description": "Old."})).json()
    url = f"/api/animas/{made['id']}"
    changed = await rest.patch(url, json={"name": "other", "settings": {"threshold": 5}})
    assert changed.status_code == HTTPStatus.OK
    anima = Anima.model_validate(changed.json())
    assert (anima.name, anima.description, anima.settings.threshold) == ("other", "Old.", 5)


async def test_a_name_that_is_taken_is_a_conflict(rest: AsyncClient) -> None:
    for name in ("one", "two"):
        await rest.post("/api/animas", json={"name": name})
    refused = await rest.patch("/api/animas/two", json={"name": "one"})
    assert (refused.status_code, refused.json()["code"]) == (HTTPStatus.CONFLICT, "conflict")


async def test_a_deleted_anima_is_gone_and_the_answer_is_the_receipt(rest: AsyncClient) -> None:
    await rest.post("/api/animas", json={"name": "agent"})
    await rest.post("/api/events", json={"anima_id": "agent", "content": "Hello."})
    deleted = await rest.delete("/api/animas/agent")
    assert ForgetReport.model_validate(deleted.json()).events == ["e1"]
    assert (await rest.get("/api/animas")).json() == []
    assert (await rest.delete("/api/animas/agent")).status_code == HTTPStatus.NOT_FOUND


async def test_an_anima_that_went_is_no_place_in_the_list(rest: AsyncClient) -> None:
    for name in ("one", "two", "three"):
        await rest.post("/api/animas", json={"name": name})
    first = await rest.get("/api/animas", params={"limit": 1})
    await rest.delete("/api/animas/one")
    rest_of_it = await rest.get("/api/animas", params={"cursor": first.headers["X-Next-Cursor"]})
    assert rest_of_it.status_code == HTTPStatus.NOT_FOUND
