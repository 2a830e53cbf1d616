"""Under which names the server may be addressed, and which web pages may ask it."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.http.hosts import Hosts, hosts_of, is_loopback
from elephantasm_mcp.memory import keys
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.settings import load_settings
from serving import JSON, bearer, guarded_app, send, serving

OURS = ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]:8765", "team.example", "ip.example:99"]
THEIRS = [
    "evil.example",
    "localhost.evil.example",
    "evil.example:8765",
    "localhost:8765@evil.example",
    "localhost:evil",
    "team.example.",
    "team.example:8765:1",
    "other.example:98",
    "other.example",
    "[::2]",
    "0.0.0.0",  # noqa: S104
    "127.0.0.1 evil.example",
    "\uff4cocalhost",
    "",
]
SURFACES = ["/mcp", "/sse", "/messages/?session_id=0", "/api/animas", "/api/health", "/docs", "/"]
METHODS = ["GET", "POST", "DELETE", "OPTIONS"]
HOSTILE = [
    {"Host": "evil.example"},
    {"Host": "localhost.evil.example:80"},
    {"Origin": "http://evil.example"},
    {"Origin": "https://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": "file://"},
    {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    {"Origin": "http://127.0.0.1:1@evil.example"},
]


@pytest.fixture
def hosts() -> Hosts:
    return Hosts(["Team.example", "ip.example:99", "other.example:97"])


@pytest.mark.parametrize("host", OURS)
def test_known_names_are_known_with_any_port_or_with_theirs(hosts: Hosts, host: str) -> None:
    assert hosts.knows(host)
    assert hosts.trusts(f"http://{host}")
    assert hosts.trusts(f"HTTPS://{host}")


@pytest.mark.parametrize("host", THEIRS)
def test_other_names_are_not(hosts: Hosts, host: str) -> None:
    assert not hosts.knows(host)
    assert not hosts.trusts(f"http://{host}")


@pytest.mark.parametrize("origin", ["null", "", "localhost", "file://localhost", "ws://localhost"])
def test_what_is_no_origin_of_a_web_page_is_not_trusted(hosts: Hosts, origin: str) -> None:
    assert not hosts.trusts(origin)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("192.168.1.5", "192.168.1.5:8765"),
        ("fd00::5", "[fd00::5]:8765"),
        ("team.lan", "team.lan:8765"),
    ],
)
def test_the_address_that_is_listened_on_is_a_name_and_any_address_is_none(
    host: str, known: str
) -> None:
    assert hosts_of(load_settings(host=host)).knows(known)
    everywhere = hosts_of(load_settings(host="0.0.0.0", allowed_hosts=" a.example ,"))  # noqa: S104
    assert not everywhere.knows(known)
    assert not everywhere.knows("0.0.0.0")  # noqa: S104
    assert everywhere.knows("a.example:1")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.1.5", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_what_only_this_machine_reaches_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[App]:
    async with guarded_app(tmp_path, clock) as opened:
        yield opened


@pytest.mark.parametrize("with_key", [False, True])
async def test_every_surface_refuses_every_hostile_host_and_origin(
    app: App, with_key: bool
) -> None:
    key = (await keys.create(app.core, "mine"))[1] if with_key else None
    async with serving(app) as url:
        for surface, method, hostile in product(SURFACES, METHODS, HOSTILE):
            headers = {**JSON, **bearer(key), **hostile}
            got = await send(f"{url}{surface}", method, headers, "" if method == "GET" else "{}")
            assert got.status == (421 if "Host" in hostile else 403), (surface, method, hostile)
            assert not [name for name in got.headers if name.startswith("access-control")]


async def test_no_surface_lets_a_web_page_of_another_origin_read_answers(app: App) -> None:
    async with serving(app) as url:
        for surface, method in product(SURFACES, ["POST", "OPTIONS"]):
            headers = {**JSON, "Origin": "http://localhost:3000"}
            got = await send(f"{url}{surface}", method, headers, "{}")
            assert not [name for name in got.headers if name.startswith("access-control")]
