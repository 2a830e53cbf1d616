"""The HTTP transports, and what they refuse."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.transports.http import bind
from speaking import DEADLINE_S, command, environment, http_server

LEAVING_S = 5


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


@pytest.mark.parametrize("path", ["/mcp", "/messages/?session_id=0"])
def test_a_post_of_more_than_a_megabyte_is_refused(tmp_path: Path, path: str) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        place = urlsplit(url)
        connection = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=DEADLINE_S
        )
        connection.request("POST", path, b"x" * 1_000_001, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
    assert response.status == 413
    assert answer["code"] == "too_large"
    assert "1,000,000 bytes" in answer["detail"]


def serve_everywhere(database: Path, **settings: str) -> subprocess.Popen[str]:
    """A server process that other machines could reach."""
    return subprocess.Popen(
        command("http"),
        env=environment(
            database,
            ELEPHANTASM_PORT="0",
            ELEPHANTASM_HOST="0.0.0.0",  # noqa: S104
            **settings,
        ),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_other_machines_are_served_once_there_is_a_key(tmp_path: Path) -> None:
    database = tmp_path / "memory.sqlite3"
    for make in (None, ["animas", "create", "work"]):
        if make:
            run_command(database, *make)
        process = serve_everywhere(database)
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 1
        assert "0.0.0.0 is not a loopback address" in said
        assert "keys create" in said
        assert len(said.splitlines()) == 1
    run_command(database, "keys", "create", "k")
    run_command(database, "keys", "revoke", "k")
    process = serve_everywhere(database)
    assert process.stderr is not None
    assert "Only requests for 127.0.0.1, localhost, [::1] are answered" in process.stderr.readline()
    process.kill()
    process.communicate()
    process = serve_everywhere(database, ELEPHANTASM_ALLOWED_HOSTS="team.example")
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Listening on ")
        port = urlsplit(line.split()[-1]).port
        for host, status in (("team.example", 401), ("evil.example", 421), (f"x:{port}", 421)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
            connection.request("GET", "/mcp", headers={"Host": host})
            assert connection.getresponse().status == status
            connection.close()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "settings",
    [
        {"ELEPHANTASM_JWT_ISSUER": "https://login.example/"},
        {"ELEPHANTASM_JWKS_URL": "https://login.example/keys", "ELEPHANTASM_JWT_AUDIENCE": "a"},
    ],
)
def test_half_of_the_settings_for_tokens_ends_with_one_sentence(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    process = serve_everywhere(tmp_path / "memory.sqlite3", **settings)
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "belong together" in said
    assert len(said.splitlines()) == 1


def run_command(database: Path, *arguments: str) -> None:
    """Run a command of the program on that database."""
    subprocess.run(
        [sys.executable, "-m", "elephantasm_mcp", *arguments],
        env=environment(database),
        capture_output=True,
        timeout=DEADLINE_S,
        check=True,
    )
