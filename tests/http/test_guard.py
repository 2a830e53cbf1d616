"""Whom the guard lets in, and how it refuses the others."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.http import limits
from elephantasm_mcp.memory import keys
from elephantasm_mcp.memory.fakes import FakeClock
from serving import Answer, ask, bearer, guarded_app, send, serving

RESOURCE = "/.well-known/oauth-protected-resource"


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with guarded_app(tmp_path, clock, rate_per_min=30) as opened:
        yield opened


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    async with serving(app) as served:
        yield served


async def get(url: str, key: str | None = None, path: str = "/api/animas") -> Answer:
    return await send(f"{url}{path}", "GET", bearer(key))


@pytest.mark.usefixtures("app")
async def test_where_no_key_was_ever_made_everybody_is_the_local_user(url: str) -> None:
    await ask(url, None, "tools/call", name="create_anima", arguments={"name": "mine"})
    for shown in (None, "sk_live_whatever", "not-even-a-key"):
        got = await get(url, shown)
        assert (got.status, [one["name"] for one in json.loads(got.text)]) == (200, ["mine"])


@pytest.mark.usefixtures("app")
async def test_that_is_for_this_machine_alone_even_behind_a_proxy(url: str) -> None:
    for address, status in (("10.0.0.1", 401), ("127.0.0.1", 200), ("::1", 200)):
        got = await send(f"{url}/api/animas", "GET", {"X-Forwarded-For": address})
        assert got.status == status


async def test_from_the_first_key_on_nobody_is_let_in_without_one(app: App, url: str) -> None:
    assert (await get(url)).status == 200
    made, key = await keys.create(app.core, "first")
    assert (await get(url)).status == 401
    assert (await get(url, key)).status == 200
    await keys.revoke(app.core, "first")
    assert (await get(url, key)).status == 401
    assert (await get(url)).status == 401
    assert made.name == "first"


async def test_a_key_is_no_longer_good_from_its_end_on(
    app: App, url: str, clock: FakeClock
) -> None:
    end = clock.now() + timedelta(hours=1)
    _, key = await keys.create(app.core, "short", expires_at=end)
    clock.move(timedelta(minutes=59))
    assert (await get(url, key)).status == 200
    clock.move(timedelta(minutes=1))
    assert (await get(url, key)).status == 401


@pytest.mark.parametrize(
    "shown",
    [
        "KEY",
        "Bearer",
        "Basic KEY",
        "Token KEY",
        "Bearer KEY KEY",
        "Bearer KEYx",
        "Bearer sk_live_",
        "Bearer " + "x" * 20_000,
        "Bearer a.b.c",
        "Bearer \xe9",
    ],
)
async def test_what_is_not_the_key_is_not_taken_for_it(app: App, url: str, shown: str) -> None:
    _, key = await keys.create(app.core, "mine")
    header = shown.replace("KEY", key).encode("latin-1")
    got = await send(f"{url}/api/animas", "GET", {"Authorization": header})  # type: ignore[dict-item]
    assert got.status == 401
    assert key not in got.text
    assert key not in str(got.headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_word_before_the_key_may_be_written_in_any_case(
    app: App, url: str, scheme: str
) -> None:
    _, key = await keys.create(app.core, "mine")
    headers = {"Authorization": f"{scheme} {key}"}
    assert (await send(f"{url}/api/animas", "GET", headers)).status == 200


@pytest.mark.parametrize("place", ["?api_key=KEY", "?access_token=KEY", "?authorization=KEY"])
async def test_a_key_in_an_address_opens_nothing(app: App, url: str, place: str) -> None:
    _, key = await keys.create(app.core, "mine")
    assert (await get(url, path=f"/api/animas{place.replace('KEY', key)}")).status == 401


async def test_two_keys_at_once_are_none(app: App, url: str) -> None:
    _, key = await keys.create(app.core, "mine")
    headers = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert (await send(f"{url}/api/animas", "GET", headers)).status == 401  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["/api/health", "/docs", "/redoc", "/openapi.json", f"{RESOURCE}/mcp"]
)
async def test_what_everybody_may_see_needs_no_key(app: App, url: str, path: str) -> None:
    await keys.create(app.core, "mine")
    assert (await get(url, path=path)).status in (200, 404)
    assert (await send(f"{url}{path}", "POST", {})).status == 401


@pytest.mark.parametrize(
    "path", ["/docsx", "/api/healthx", "/openapi.json.bak", "/", "/API/HEALTH"]
)
async def test_what_only_looks_like_it_does(app: App, url: str, path: str) -> None:
    await keys.create(app.core, "mine")
    assert (await get(url, path=path)).status == 401


async def test_a_refusal_says_where_it_is_said_how_to_get_in(app: App, url: str) -> None:
    await keys.create(app.core, "mine")
    refused = await get(url, path="/mcp")
    assert refused.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{url}{RESOURCE}/mcp"'
    )
    wrong = await get(url, "sk_live_x")
    assert wrong.headers["www-authenticate"].endswith(', error="invalid_token"')
    for path in ("", "/mcp", "/api"):
        told = json.loads((await get(url, path=f"{RESOURCE}{path}")).text)
        assert told["resource"] == f"{url}{path}"
        assert told["scopes_supported"] == ["read", "write", "admin"]
        assert "authorization_servers" not in told


async def test_a_key_that_asks_too_often_is_told_when_it_may_again(
    app: App, url: str, clock: FakeClock
) -> None:
    _, busy = await keys.create(app.core, "busy")
    _, quiet = await keys.create(app.core, "quiet")
    seen = {(await get(url, busy)).status for _ in range(30)}
    refused = await get(url, busy)
    assert (seen, refused.status, refused.headers["retry-after"]) == ({200}, 429, "2")
    assert json.loads(refused.text)["code"] == "rate_limited"
    assert (await get(url, quiet)).status == 200
    clock.move(timedelta(seconds=2))
    assert (await get(url, busy)).status == 200
    assert (await get(url, busy)).status == 429


async def test_after_ten_wrong_keys_more_from_that_address_wait_and_a_good_one_does_not(
    app: App, url: str, clock: FakeClock
) -> None:
    _, key = await keys.create(app.core, "mine")
    for _ in range(limits.MAX_FAILURES):
        assert (await get(url, f"sk_live_{'x' * 43}")).status == 401
    refused = await get(url, "sk_live_x")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert (await get(url, key)).status == 200
    assert (await get(url)).status == 401
    clock.move(limits.WINDOW)
    assert (await get(url, "sk_live_x")).status == 401


async def test_behind_a_proxy_of_this_machine_each_client_has_its_own_address(
    app: App, url: str
) -> None:
    await keys.create(app.core, "mine")
    there, elsewhere = {"X-Forwarded-For": "10.0.0.1"}, {"X-Forwarded-For": "10.9.9.9, 10.0.0.2"}
    for _ in range(limits.MAX_FAILURES):
        await send(f"{url}/api/animas", "GET", {**bearer("sk_live_x"), **there})
    for where, status in ((there, 429), (elsewhere, 401)):
        got = await send(f"{url}/api/animas", "GET", {**bearer("sk_live_x"), **where})
        assert got.status == status
    refused = await send(f"{url}/mcp", "GET", {"X-Forwarded-Proto": "https"})
    assert 'resource_metadata="https://127.0.0.1:' in refused.headers["www-authenticate"]


async def test_asking_without_a_key_is_no_wrong_key(app: App, url: str) -> None:
    _, key = await keys.create(app.core, "mine")
    for _ in range(2 * limits.MAX_FAILURES):
        assert (await get(url)).status == 401
    assert (await get(url, key)).status == 200


async def test_an_unreadable_store_is_our_fault_and_lets_nobody_in(tmp_path: Path) -> None:
    async with guarded_app(tmp_path, FakeClock()) as app:
        _, key = await keys.create(app.core, "mine")
        async with serving(app) as url:
            assert (await get(url, key)).status == 200
            await app.core.database.close()  # type: ignore[attr-defined]
            got = await get(url, key)
    assert (got.status, json.loads(got.text)["code"]) == (503, "storage")
