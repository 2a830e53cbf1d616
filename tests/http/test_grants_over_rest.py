"""Grants over REST."""

from http import HTTPStatus

import pytest
from httpx2 import AsyncClient

from elephantasm_mcp.types import Grant

RULE = "I am allergic to hazelnuts."
NOBODYS = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def two(rest: AsyncClient) -> AsyncClient:
    """`house-rules` knows a rule, `coder` has heard something."""
    for name, said in (("house-rules", RULE), ("coder", "Hello.")):
        await rest.post("/api/animas", json={"name": name})
        event = {"anima_id": name, "content": said, "author": "Nadia"}
        await rest.post("/api/events", json=event)
        await rest.post(f"/api/animas/{name}/dreams", json={"phase": "synthesis"})
    return rest


async def test_what_is_granted_is_in_the_pack_without_handles_until_it_is_revoked(
    two: AsyncClient,
) -> None:
    granted = await two.post("/api/animas/house-rules/grants", json={"to": "coder"})
    given = Grant.model_validate(granted.json())
    pack = (await two.get("/api/animas/coder/memory-packs/latest")).json()
    (line,) = [one for one in pack["content"]["knowledge"] if one["origin"]]
    assert (line["handle"], line["origin"]["anima"]) == ("house-rules:k1", "house-rules")
    assert "house-rules:" not in pack["content"]["context"]
    found = (await two.get("/api/animas/coder/search", params={"query": "hazelnuts"})).json()
    assert [one["handle"] for one in found["hits"] if one["origin"]] == ["house-rules:k1"]
    traced = await two.get("/api/animas/coder/trace/house-rules:k1")
    assert traced.json()["origin"]["grant"] == str(given.id)
    for anima in ("house-rules", "coder"):
        assert (await two.get(f"/api/animas/{anima}/grants")).json() == [granted.json()]
    ended = await two.delete(f"/api/animas/coder/grants/{given.id}")
    assert ended.json()["revoked_by"] == "local"
    assert "hazelnuts" not in (await two.get("/api/animas/coder/memory-packs/latest")).text
    traced = await two.get("/api/animas/coder/trace/house-rules:k1")
    assert traced.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"to": "house-rules"}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"to": "coder", "events": True}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"to": "coder", "knowledge": False}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"to": "no-such"}, HTTPStatus.NOT_FOUND),
        ({"to": NOBODYS, "to_user": "nobody"}, HTTPStatus.NOT_FOUND),
    ],
)
async def test_what_cannot_be_granted_is_refused_in_a_sentence(
    two: AsyncClient, body: dict[str, object], status: HTTPStatus
) -> None:
    refused = await two.post("/api/animas/house-rules/grants", json=body)
    assert refused.status_code == status
    assert refused.json()["detail"].endswith(".")
    assert (await two.get("/api/animas/coder/grants")).json() == []


async def test_a_grant_that_is_not_there_is_not_found(two: AsyncClient) -> None:
    for one in (NOBODYS, "k1"):
        refused = await two.delete(f"/api/animas/coder/grants/{one}")
        assert refused.status_code == HTTPStatus.NOT_FOUND


async def test_a_row_of_another_is_not_curated_over_rest(two: AsyncClient) -> None:
    await two.post("/api/animas/house-rules/grants", json={"to": "coder"})
    refused = await two.post(
        "/api/animas/coder/curate", json={"id": "house-rules:k1", "action": "archive"}
    )
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "a grant lets you read it" in refused.json()["detail"]
