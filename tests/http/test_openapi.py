"""The OpenAPI document and its pages."""

import re
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import jsonschema
import pytest
from httpx2 import AsyncClient

from elephantasm_mcp.access import NEEDS
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.http import api as apis
from elephantasm_mcp.http.api import Api
from elephantasm_mcp.http.pages import ASSETS, KINDS

METHODS = ("GET", "POST", "PATCH", "DELETE")


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    return api.openapi()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_what_is_served_is_what_the_table_has(api: Api, document: dict[str, Any]) -> None:
    table = {name for name in NEEDS if name.startswith(METHODS)}
    assert set(apis.routes(api)) == table
    assert set(operations(document)) == {name for name in table if "/api/" in name}


async def test_a_route_that_the_table_does_not_have_is_not_served(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def register(api: Api, app: App) -> None:
        del app

        @api.get("/api/secrets")
        async def secrets() -> None:
            """Nobody thought of who may read them."""

    monkeypatch.setattr(apis, "register_routes", register)
    with pytest.raises(ServerError, match="GET /api/secrets"):
        apis.build_api(app)


async def test_every_route_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert operation["security"] == ([] if NEEDS[name] is None else [{"bearer": []}])
        for status in ("401", "403", "404", "422", "429", "500"):
            (content,) = operation["responses"][status]["content"].values()
            if name != "GET /api/health":
                assert content["schema"]["$ref"].endswith("/ErrorAnswer")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_every_example_is_of_its_schema(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        contents = [*operation.get("requestBody", {}).get("content", {}).values()]
        assert bool(contents) == (name.startswith(("POST", "PATCH")) and "undo" not in name), name
        for status in ("200", "201"):
            contents += operation["responses"].get(status, {}).get("content", {}).values()
        for content in contents:
            schema = content["schema"] | {"components": document["components"]}
            jsonschema.validate(content["example"], schema)


class Loaded(HTMLParser):
    """What a page loads, and the scripts that stand in it."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [given[name] or "" for name in ("src", "href") if name in given]
        self.inline += tag == "style" or (tag == "script" and "src" not in given)
        assert not any(name.startswith("on") for name in given)


@pytest.mark.parametrize("url", ["/docs", "/redoc"])
async def test_a_page_loads_nothing_from_elsewhere(rest: AsyncClient, url: str) -> None:
    page = await rest.get(url)
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert not re.search(r"https?:", policy)
    loaded = Loaded()
    loaded.feed(page.text)
    assert loaded.inline == 0
    for address in loaded.addresses:
        if address == "data:,":
            continue
        assert address.startswith("/docs/")
        assert (await rest.get(address)).status_code == HTTPStatus.OK


async def test_what_pages_load_is_in_the_package_and_nothing_else_is_served(
    rest: AsyncClient,
) -> None:
    for name, kind in KINDS.items():
        answer = await rest.get(f"/docs/{name}")
        assert answer.headers["content-type"].startswith(kind)
        assert "cdn.redoc.ly" not in answer.text
        assert "fonts.googleapis" not in answer.text
    for name in ("LICENSE-redoc", "swagger.html", "__init__.py"):
        assert (await rest.get(f"/docs/{name}")).status_code == HTTPStatus.NOT_FOUND
    for name in ("swagger-ui", "swagger-ui-bundle", "redoc", "redoc-bundle"):
        assert (ASSETS / f"LICENSE-{name}").stat().st_size


async def test_the_document_is_served_as_json(rest: AsyncClient, document: dict[str, Any]) -> None:
    assert (await rest.get("/openapi.json")).json() == document
