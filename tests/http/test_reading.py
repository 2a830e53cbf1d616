"""Packs, search, traces, layers and export over REST."""

import json
from http import HTTPStatus

import pytest
from httpx2 import AsyncClient

from elephantasm_mcp.types import IdentityContext, Knowledge, Memory, MemoryPack, SearchHit, Trace

TOLD = "Nadia is allergic to hazelnuts. We decided to move billing to PostgreSQL."


@pytest.fixture
async def told(rest: AsyncClient) -> AsyncClient:
    """An anima called default in which something was said and dreamt of."""
    await rest.post("/api/events", json={"content": TOLD, "session_id": "s"})
    dreamt = await rest.post("/api/animas/default/dreams", json={"phase": "synthesis"})
    assert dreamt.status_code == HTTPStatus.OK
    return rest


async def test_the_latest_pack_is_a_pack_without_handles(told: AsyncClient) -> None:
    answer = await told.get(
        "/api/animas/default/memory-packs/latest",
        params={"query": "allergies", "max_tokens": 500, "preset": "self_determined"},
    )
    pack = MemoryPack.model_validate(answer.json())
    assert "hazelnuts" in pack.as_prompt()
    assert "(k1" not in pack.as_prompt()
    assert (pack.max_tokens, pack.preset_name) == (500, "self_determined")


async def test_a_brand_new_anima_has_no_pack(rest: AsyncClient) -> None:
    await rest.post("/api/animas", json={"name": "new"})
    answer = await rest.get("/api/animas/new/memory-packs/latest")
    assert (answer.status_code, answer.json()) == (HTTPStatus.OK, None)


async def test_a_second_read_says_what_changed_since_the_first(told: AsyncClient) -> None:
    url = "/api/animas/default/memory-packs/latest"
    first = MemoryPack.model_validate((await told.get(url)).json()).layers
    again = MemoryPack.model_validate((await told.get(url)).json()).layers
    assert first.changes is not None
    assert first.changes.added
    assert again.changes is not None
    assert (again.changes.since, again.changes.added) == (first.hash, [])


async def test_a_pack_of_the_future_is_refused(told: AsyncClient) -> None:
    answer = await told.get(
        "/api/animas/default/memory-packs/latest", params={"as_of": "2199-01-01T00:00:00Z"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_search_finds_rows_of_the_layers_that_are_asked_for(told: AsyncClient) -> None:
    asked = {"query": "allergic to hazelnuts", "layers": ["knowledge", "memory"], "limit": 3}
    answer = (await told.get("/api/animas/default/search", params=asked)).json()
    hits = [SearchHit.model_validate(hit) for hit in answer["hits"]]
    assert hits
    assert {hit.layer for hit in hits} <= {"knowledge", "memory"}
    assert "lexical" in answer["mode"]


async def test_a_trace_leads_down_to_the_words(told: AsyncClient) -> None:
    answer = await told.get("/api/animas/default/trace/m1", params={"query": "allergies"})
    traced = Trace.model_validate(answer.json())
    assert [source.content for source in traced.sources] == [TOLD]
    assert traced.standing.query == "allergies"
    gone = await told.get("/api/animas/default/trace/m99")
    assert gone.status_code == HTTPStatus.NOT_FOUND


async def test_a_trace_for_a_question_that_finds_nothing_names_its_mode(told: AsyncClient) -> None:
    answer = await told.get("/api/animas/default/trace/m1", params={"query": "ªÊÌüçHÅ"})
    assert "lexical" in str(Trace.model_validate(answer.json()).standing.mode)


async def test_layers_are_listed_as_they_are(told: AsyncClient) -> None:
    memories = (await told.get("/api/animas/default/memories")).json()
    known = (await told.get("/api/animas/default/knowledge")).json()
    assert [Memory.model_validate(one).handle for one in memories] == ["m1"]
    assert Knowledge.model_validate(known[0]).handle == "k1"
    archived = await told.get("/api/animas/default/memories", params={"state": "archived"})
    assert archived.json() == []


async def test_an_identity_is_null_until_there_is_one(told: AsyncClient) -> None:
    assert (await told.get("/api/animas/default/identity")).json() is None
    await told.post("/api/animas/default/dreams", json={"phase": "deep"})
    answer = (await told.get("/api/animas/default/identity")).json()
    assert answer is None or IdentityContext.model_validate(answer)


async def test_an_export_is_an_archive_of_that_anima_alone(told: AsyncClient) -> None:
    await told.post("/api/animas", json={"name": "another"})
    answer = await told.get("/api/animas/default/export")
    assert answer.headers["content-type"] == "application/jsonl"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    kinds = [row["kind"] for row in rows]
    assert (kinds[:3], kinds[-1]) == (["archive", "anima", "event"], "end")
    assert {"event", "memory", "knowledge", "dream", "action"} <= set(kinds)
    assert kinds.count("anima") == 1
    assert rows[-1]["rows"] == len(rows) - 2
    absent = await told.get("/api/animas/nobody/export")
    assert absent.status_code == HTTPStatus.NOT_FOUND


async def test_health_says_how_the_server_is_and_nothing_of_the_machine(
    rest: AsyncClient,
) -> None:
    answer = await rest.get("/api/health")
    assert answer.status_code == HTTPStatus.OK
    assert answer.json().keys() == {"status", "version", "database", "worker"}
    assert answer.json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/api/health", "/docs", "/api/animas"])
async def test_head_is_answered_as_get(rest: AsyncClient, path: str) -> None:
    assert (await rest.head(path)).status_code == HTTPStatus.OK
