"""A client of the REST interface, in this process."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.http.api import Api, build_api


@pytest.fixture
def api(app: App) -> Api:
    return build_api(app)


@pytest.fixture
async def rest(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """What `raise_app_exceptions` off hides from it is what a server would log."""
    transport = httpx2.ASGITransport(app=api, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
