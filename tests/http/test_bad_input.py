"""What is refused, with which status, and in whose words."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus

import httpx2
import pytest
from httpx2 import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import UnreadableError
from elephantasm_mcp.http.api import build_api
from elephantasm_mcp.http.bodies import DRAINED_BYTES, MAX_BYTES, MAX_DEPTH, parse
from elephantasm_mcp.types.callers import LOCAL_CALLER, Scope

JSON = {"Content-Type": "application/json"}


def deep(levels: int) -> str:
    return '{"content": "x", "meta": ' + '{"a":' * levels + "1" + "}" * levels + "}"


@pytest.mark.parametrize(
    "body",
    [
        b"{broken",
        b'{"content": NaN}',
        b'{"content": "x", "importance_score": 1e999}',
        b'{"content": "\xff"}',
        "{}".encode("utf-16"),
        deep(MAX_DEPTH).encode(),
        b"[" * 100_000,
        b'{"content": "x", "meta": {"n": ' + b"9" * 5_000 + b"}}",
        b"",
    ],
)
async def test_what_cannot_be_read_is_a_bad_request(rest: AsyncClient, body: bytes) -> None:
    answer = await rest.post("/api/events", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.BAD_REQUEST, "unreadable")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"contnt": "x"},
            "Unknown argument `contnt` of `POST /api/events`. Did you mean `content`?",
        ),
        ({}, "`content` of `POST /api/events` is missing"),
        ({"content": ""}, "a text that is not empty"),
        ({"content": "   "}, "`content` is empty."),
        ({"content": 7}, "`content` of `POST /api/events` must be a text"),
        ({"content": "x", "importance_score": 2}, "a number from 0 to 1"),
        ({"content": "x", "importance_score": True}, "a number from 0 to 1"),
        ({"content": "x", "occurred_at": "yesterday"}, "a date and time in ISO 8601"),
        ({"content": "x", "occurred_at": 1_700_000_000}, "a date and time in ISO 8601"),
        ({"content": "x", "occurred_at": "0001-01-01T00:00:00+14:00"}, "`occurred_at`"),
        ({"content": "x", "occurred_at": "9999-12-31T23:59:59-14:00"}, "`occurred_at`"),
        ({"content": "x", "event_type": "shout"}, "one of `message.in`"),
        ({"content": "x", "meta": []}, "an object"),
        ({"content": "x", "session_id": "s" * 256}, "a text of at most 255 characters"),
        (["x"], "no JSON object"),
        ("x", "no JSON object"),
        (None, "no JSON object"),
    ],
)
async def test_a_bad_field_is_named_with_its_rule(
    rest: AsyncClient, body: object, said: str
) -> None:
    answer = await rest.post("/api/events", content=json.dumps(body), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert said in answer.json()["detail"]
    assert "pydantic" not in answer.text


async def test_a_bad_event_of_a_batch_is_named_by_its_place(rest: AsyncClient) -> None:
    answer = await rest.post("/api/events/batch", json={"events": [{"content": "x"}, {"x": 1}]})
    assert "Unknown argument `x` of `events[1]`" in answer.json()["detail"]
    many = {"events": [{"content": "x"}] * 1_001}
    assert "at most 1000 items" in (await rest.post("/api/events/batch", json=many)).text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/api/events?limt=3", "Did you mean `limit`?"),
        ("/api/events?limit=0", "a whole number from 1 to 1000"),
        ("/api/events?limit=99999999999999999999999", "a whole number from 1 to 1000"),
        ("/api/events?cursor=nowhere", "`cursor` is not one that a list gave."),
        ("/api/events?cursor=1.99999999999", "`cursor` is not one that a list gave."),
        ("/api/events?since=2026", "a date and time in ISO 8601"),
        ("/api/animas?cursor=1.1", "`cursor` is not one that this list gave."),
        ("/api/animas/default/search", "`query` of `GET /api/animas/{anima}/search` is missing"),
        ("/api/animas/default/search?query=x&layers=dreams", "one of `event`"),
        ("/api/animas/default/memories?state=lost", "one of `active`"),
        ("/api/animas/default/memory-packs/latest?max_tokens=0", "a whole number from 1"),
        ("/api/animas/default/memory-packs/latest?preset=grim", "one of `conversational`"),
    ],
)
async def test_a_bad_query_is_named_with_its_rule(rest: AsyncClient, url: str, said: str) -> None:
    await rest.post("/api/events", json={"content": "Hello."})
    answer = await rest.get(url)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\U0001f418", "‮abc", "𝕬", " ", "x" * 100_000])
async def test_strange_texts_are_kept_or_refused_and_never_our_fault(
    rest: AsyncClient, text: str
) -> None:
    recorded = await rest.post(
        "/api/events", json={"content": text, "author": text[:255], "meta": {text: text}}
    )
    named = await rest.post("/api/animas", json={"name": text[:255]})
    found = await rest.get("/api/events", params={"anima_id": text[:255], "session_id": text[:99]})
    packed = await rest.get("/api/animas/default/memory-packs/latest", params={"query": text[:999]})
    for answer in (recorded, named, found, packed):
        assert answer.status_code in (200, 201, 404, 422), answer.text


async def test_a_lone_surrogate_is_mended(rest: AsyncClient) -> None:
    body = b'{"content": "a\\ud800b", "meta": {"\\udc00": "\\ud83d\\udc18"}}'
    answer = await rest.post("/api/events", content=body, headers=JSON)
    assert answer.json()["content"] == "a\ufffdb"
    assert answer.json()["meta"] == {"\ufffd": "🐘"}


async def test_a_body_that_says_that_it_is_no_json_is_refused(rest: AsyncClient) -> None:
    answer = await rest.post("/api/events", data={"content": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    unsaid = await rest.post("/api/events", content=b'{"content": "x"}')
    assert unsaid.status_code == HTTPStatus.CREATED


@pytest.mark.parametrize("size_bytes", [MAX_BYTES + 1, DRAINED_BYTES + 1])
async def test_a_body_over_the_limit_is_refused_however_it_comes(
    rest: AsyncClient, size_bytes: int
) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, size_bytes, 65_536):
            yield b" " * min(65_536, size_bytes - start)

    for content in (b" " * size_bytes, in_pieces()):
        answer = await rest.post("/api/events", content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_unknown_paths_and_methods_are_refused_in_the_same_form(rest: AsyncClient) -> None:
    for url in ("/api/nothing", "/api/events/", "/nothing", "/", "/docs/../access.py", "/docs/x"):
        answer = await rest.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await rest.delete("/api/events")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


async def test_what_fails_inside_is_logged_and_not_told(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(app, core=replace(app.core, database=None))
    transport = httpx2.ASGITransport(app=build_api(broken))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.post("/api/events", json={"content": "x"})
    assert (answer.status_code, answer.json()["code"]) == (500, "server")
    assert answer.json()["detail"].startswith("Something failed inside elephantasm")
    assert "NoneType" not in answer.text
    assert "NoneType" in caplog.text


async def test_nobody_and_those_without_the_scope_are_refused_before_the_body_is_read(
    app: App,
) -> None:
    transport = httpx2.ASGITransport(app=build_api(replace(app, guarded=True)))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        nobody = await client.post("/api/events", content=b"{broken")
        health = await client.get("/api/health")
        reader = replace(LOCAL_CALLER, scopes=frozenset({Scope.READ}))
        with app.asked_by(reader):
            refused = await client.post("/api/events", content=b"{broken")
            read = await client.get("/api/events")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (health.status_code, read.status_code) == (200, 200)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        value = parse(raw)
    except UnreadableError:
        return
    json.dumps(value, allow_nan=False).encode()
