"""A server that is not ours: it answers what a test tells it to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Event as Flag
from threading import Thread
from typing import Any

from typing_extensions import override

from speaking import DEADLINE_S


class Strange(ThreadingHTTPServer):
    """A server that answers what it is told to, in turn; the last answer for ever."""

    daemon_threads = True

    def __init__(self, *replies: Any) -> None:
        super().__init__(("127.0.0.1", 0), StrangeHandler)
        self.replies = list(replies)
        self.heard: list[str] = []
        self.bodies: list[bytes] = []
        self.left = Flag()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class StrangeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Strange

    def answer(self) -> None:
        self.server.heard.append(f"{self.command} {self.path}")
        self.server.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply == "hang":
            self.server.left.wait(DEADLINE_S)
        if not isinstance(reply, tuple):
            self.connection.shutdown(SHUT_RDWR)
            self.close_connection = True
            return
        status, body, *headers = reply
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the library's names

    @override
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def strange(*replies: Any) -> Iterator[Strange]:
    with Strange(*replies) as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        yield server
        server.left.set()
        server.shutdown()
        thread.join()
