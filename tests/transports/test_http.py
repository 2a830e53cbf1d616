"""The HTTP transports, and what they refuse."""

import http.client
import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from elephantasm_mcp.errors import ServerError, ValidationError
from elephantasm_mcp.transports.http import bind, require_loopback
from speaking import DEADLINE_S, command, environment, http_server

LEAVING_S = 5


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_addresses_are_served(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
def test_other_addresses_are_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="not a loopback address") as refused:
        require_loopback(host)
    assert refused.value.field == "host"


def test_a_free_port_is_taken_and_a_taken_one_refused() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"Port {port} on 127"):
            bind("127.0.0.1", port)


def test_the_socket_says_that_it_speaks_tcp() -> None:
    with bind("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_rest_is_served_beside_mcp_to_known_hosts_only(tmp_path: Path) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        address = urlsplit(url).netloc
        for headers, status in (
            ({}, 200),
            ({"Origin": f"http://{address}"}, 200),
            ({"Host": "evil.example"}, 421),
            ({"Origin": "http://evil.example"}, 403),
        ):
            connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
            connection.request("GET", "/api/health", headers=headers)
            assert connection.getresponse().status == status
            connection.close()


@pytest.mark.parametrize("settings", [{"ELEPHANTASM_HOST": "0.0.0.0"}, {}])  # noqa: S104
def test_what_cannot_be_served_ends_with_one_sentence(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    database = tmp_path / "memory.sqlite3"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = subprocess.run(
            command("http"),
            env=environment(database, **{"ELEPHANTASM_PORT": port, **settings}),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert not database.exists()


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/?session_id=0")]
)
def test_strange_hosts_and_origins_are_refused(tmp_path: Path, method: str, path: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        address = urlsplit(url).netloc
        for bad, status in (
            ({"Host": "evil.example"}, 421),
            ({"Host": address, "Origin": "http://evil.example"}, 403),
        ):
            connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
            connection.request(method, path, body=b"{}", headers={**headers, **bad})
            assert connection.getresponse().status == status
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_under_open_streams(
    tmp_path: Path, number: signal.Signals
) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (process, url):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE_S)
        connection.request("GET", "/sse")
        stream = connection.getresponse()
        assert stream.readline() == b"event: endpoint\r\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=LEAVING_S)
        connection.close()
    assert (process.returncode, said) == (0, "")


def post(url: str, body: str) -> dict[str, Any]:
    """The JSON that a 2025-era post to `/mcp` is answered with; a stream's first event counts."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=DEADLINE_S)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    connection.request("POST", "/mcp", body, headers)
    text = connection.getresponse().read().decode()
    connection.close()
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    answer: dict[str, Any] = json.loads(data[-1] if data else text)
    return answer


@pytest.mark.parametrize("body", ["{broken", "[]", '{"jsonrpc": "2.0"}'])
def test_a_post_that_is_no_message_is_refused_in_our_own_words(tmp_path: Path, body: str) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        answer = post(url, body)
    assert answer["error"]["code"] in (-32700, -32600)
    assert "JSON-RPC message" in answer["error"]["message"]


def test_a_lone_surrogate_in_a_post_is_mended(tmp_path: Path) -> None:
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "\ud800", "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        answer = post(url, json.dumps(message))
    assert answer["result"]["serverInfo"]["name"] == "elephantasm"
