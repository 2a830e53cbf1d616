"""Whatever is asked, the answer is one that the OpenAPI document promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from httpx2 import ASGITransport, AsyncClient, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from elephantasm_mcp.access import NEEDS
from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.http.api import Api, build_api
from elephantasm_mcp.http.guard import Guard
from elephantasm_mcp.http.hosts import hosts_of
from elephantasm_mcp.memory import keys
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.callers import Scope

ROUTES = sorted(name for name in NEEDS if " /api/" in name)
CASES = 15
"""Of each route and way to ask; `--thorough 5` makes 5,000 of all."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
REAL = {"anima": ["default"], "row": ["e1", "m1", "k1", "m9"], "dream": ["d1", "d2", "d9"]}
"""Names of what there is: guessed ones nearly never mean anything."""
URL = "http://127.0.0.1"


@contextmanager
def serving(
    database: Path, *, shows: str = "none needed"
) -> Iterator[tuple[Api, AsyncClient, BlockingPortal]]:
    """An interface over something that was said and dreamt of, on a thread of its own.

    `shows` is what a client shows where keys are asked for: a `good` one, or `nothing`.
    """
    settings = load_settings(database=str(database), embedder="none", rate_per_min=0)
    opened = open_app(settings, guarded=shows != "none needed")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened) as app:
        api = portal.call(build_api, app)
        served: Any = api
        headers: dict[str, str] = {}
        if app.guarded:
            served = Guard(api, app, hosts=hosts_of(settings))
            headers = portal.call(_key, app)
        transport = ASGITransport(app=served, raise_app_exceptions=False)
        client = AsyncClient(transport=transport, base_url=URL, headers=headers)
        with portal.wrap_async_context_manager(client):
            portal.call(_live, client)
            if shows == "nothing":
                del client.headers["Authorization"]
            yield api, client, portal


async def _key(app: App) -> dict[str, str]:
    _, key = await keys.create(app.core, "mine", scopes=list(Scope))
    return {"Authorization": f"Bearer {key}"}


async def _live(client: AsyncClient) -> None:
    said = {"content": "I am allergic to hazelnuts.", "author": "Nadia", "session_id": "s"}
    await client.post("/api/events", json=said)
    await client.post("/api/animas/default/dreams", json={"phase": "synthesis"})


async def _send(client: AsyncClient, case: Any) -> Response:
    asked = requests.Request(**case.as_transport_kwargs(base_url=URL)).prepare()
    headers = dict(asked.headers or {})
    return await client.request(
        str(asked.method), str(asked.url), content=asked.body, headers=headers
    )


@pytest.mark.parametrize("shows", ["none needed", "good", "nothing"])
@pytest.mark.parametrize("route", ROUTES)
def test_no_answer_is_outside_its_schema(
    tmp_path: Path, route: str, shows: str, thorough: int
) -> None:
    method, path = route.split()
    with serving(tmp_path / "memory.sqlite3", shows=shows) as (api, client, portal):
        operation = schemathesis.openapi.from_dict(api.openapi())[path][method]
        cases = operation.as_strategy()
        if method != "GET" or "{" in path:
            cases |= operation.as_strategy(GenerationMode.NEGATIVE)
        named = st.fixed_dictionaries({k: st.sampled_from(names) for k, names in REAL.items()})
        real = st.just({}) | named | named
        answered: list[int] = []

        @settings(
            max_examples=CASES * thorough,
            phases=[Phase.generate],
            derandomize=thorough == 1,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, real=real)
        def ask(case: Any, real: dict[str, str]) -> None:
            case.path_parameters |= {k: v for k, v in real.items() if k in case.path_parameters}
            answer = portal.call(_send, client, case)
            answered.append(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        ask()
        assert len(answered) >= CASES or method == "GET"
