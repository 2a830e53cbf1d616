"""A server on loopback that speaks the protocols of both providers, well or badly.

It answers as a sound model would: one memory with one fact for each event that it is shown, with
quotes; and for texts the vectors of the bundled sentence model. `faults` says what goes wrong with
which call.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any

import anyio
import numpy as np
from anyio.abc import SocketStream

from elephantasm_mcp.embedding.onnx import OnnxEmbedder
from elephantasm_mcp.embedding.remote import RemoteEmbedder
from elephantasm_mcp.synthesis.anthropic import AnthropicModel
from elephantasm_mcp.synthesis.openai import OpenAIModel

DEADLINE_S = 10.0
SHORT_S = 0.3
"""The deadline of a model that will hear nothing."""
FOREIGN = "e4000000000"
INVENTED = "words that nobody ever said"
TOKENS_IN, TOKENS_OUT = 700, 300


class Fault:
    """Names of what can go wrong."""

    SILENCE = "no answer"
    DRIP = "slow drip"
    RESET = "reset mid-body"
    HANG_UP = "hangs up at once"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NO_MODEL = "404"
    BAD_REQUEST = "400"
    RATE = "429 with Retry-After"
    BROKEN = "500"
    OVERLOADED = "529"
    REDIRECT = "redirect elsewhere"
    HTML = "HTML"
    EMPTY = "empty body"
    NO_CONTENT = "an answer without content"
    REFUSAL = "refusal"
    TRUNCATED = "truncated JSON"
    FENCED = "fenced JSON with fences inside"
    UNKNOWN_IDS = "wrong ids"
    HUGE = "10 MB"
    PACKED = "packed"
    SURPLUS = "surplus proposals and fields"
    INVENTED_QUOTES = "invented quotes"
    WRONG_TYPES = "wrong types"
    NOT_JSON = "prose"


class BadVectors:
    """Names of what can be wrong with vectors alone."""

    FEW = "too few vectors"
    MANY = "too many vectors"
    SHORT = "shorter than before"
    NAN = "NaN"
    INFINITE = "infinite"
    ZERO = "zeros"
    INDEX = "indexes of other texts"
    NO_BASE64 = "no base64"
    CUT = "half a number"


STATUSES = {
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.NO_MODEL: 404,
    Fault.BAD_REQUEST: 400,
    Fault.RATE: 429,
    Fault.BROKEN: 500,
    Fault.OVERLOADED: 529,
    Fault.REDIRECT: 307,
}
SLOW = (Fault.SILENCE, Fault.DRIP)
FOR_GOOD = (Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.NO_MODEL, Fault.REDIRECT)
"""No other prompt will do better."""
HARMLESS = (
    Fault.FENCED,
    Fault.SURPLUS,
    Fault.UNKNOWN_IDS,
    Fault.INVENTED_QUOTES,
    Fault.WRONG_TYPES,
)
"""An answer comes, whatever it is worth."""


def _names(kind: type) -> list[str]:
    return sorted(value for name, value in vars(kind).items() if name.isupper())


ALL = _names(Fault)
WORDS_ONLY = (*HARMLESS, Fault.REFUSAL, Fault.TRUNCATED, Fault.NOT_JSON)
"""What can only go wrong with words."""
OF_VECTORS = [*(one for one in ALL if one not in WORDS_ONLY), *_names(BadVectors)]
"""What can go wrong with vectors."""


class Providers:
    """The server, once it runs; `requests` are the bodies that it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: Iterator[str | None] = repeat(None)
        self.propose: Callable[[list[dict[str, Any]]], object] = sound
        self.embed: Callable[[list[str]], Any] = OnnxEmbedder().encode
        self.plain_numbers = False
        """Whether base64 is something that it never heard of."""
        self.longest: int | None = None
        """How many characters of a text it takes."""
        self.poison: str | None = None
        """A word that it breaks over."""

    def fail(self, faults: Iterable[str | None]) -> None:
        """These calls go wrong in these ways; those after them go well."""
        self.faults = chain(faults, repeat(None))

    @property
    def url(self) -> str:
        """The base URL for clients of OpenAI."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each request for vectors."""
        return [one["input"] for one in self.requests if "input" in one]

    def embedder(self, *, deadline_s: float = DEADLINE_S, **options: Any) -> RemoteEmbedder:
        """An embedder that asks this server."""
        given = {"api_key": "sk-test", "base_url": self.url, "deadline_s": deadline_s}
        return RemoteEmbedder("model-1", **(given | options))

    def model(
        self, provider: str = "anthropic", *, deadline_s: float | None = None, **options: Any
    ) -> AnthropicModel | OpenAIModel:
        """A language model that asks this server."""
        kind = {"anthropic": AnthropicModel, "openai": OpenAIModel}[provider]
        path = {"anthropic": "", "openai": "/v1"}[provider]
        given = {
            "api_key": "sk-test",
            "base_url": f"http://127.0.0.1:{self.port}{path}",
            "deadline_s": DEADLINE_S if deadline_s is None else deadline_s,
        }
        return kind("model-1", **(given | options))

    async def serve(self, stream: SocketStream) -> None:
        async with stream:
            try:
                path, headers, body = await _read_request(stream)
                self.headers.append(headers)
                self.requests.append(body)
                await self._answer(stream, path, body, next(self.faults))
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return  # the client went away, as it may

    async def _answer(
        self, stream: SocketStream, path: str, body: dict[str, Any], fault: str | None
    ) -> None:
        texts = body.get("input") if path.endswith("/embeddings") else None
        if texts and self.longest is not None and max(map(len, texts)) > self.longest:
            fault = Fault.BAD_REQUEST
        if texts and self.poison is not None and any(self.poison in text for text in texts):
            fault = Fault.BROKEN
        if fault in STATUSES:
            more = {
                Fault.RATE: "retry-after: 7\r\n",
                Fault.REDIRECT: "location: http://127.0.0.1:9/elsewhere\r\n",
            }.get(fault, "")
            await _send_json(stream, STATUSES[fault], {"error": {"message": "no"}}, more=more)
        elif await _misbehave(stream, fault):
            return
        elif texts is not None:
            vectors = _spoil(np.asarray(self.embed(texts)), fault)
            answer = _vectors(vectors, fault, plain=self.plain_numbers)
            await _send_json(stream, 200, answer)
        else:
            said = _say(self.propose(shown(body)), fault)
            answer = _envelope(path, said, refused=fault == Fault.REFUSAL)
            await _send_json(stream, 200, answer)


async def _misbehave(stream: SocketStream, fault: str | None) -> bool:  # noqa: C901 - a table
    """Answer in a way that no model's words are in; False when it is none of these faults."""
    match fault:
        case Fault.SILENCE:
            await _until_it_leaves(stream)
        case Fault.HANG_UP:
            pass
        case Fault.DRIP:
            await stream.send(_head(200, length=1_000_000))
            await _drip(stream)
        case Fault.RESET:
            await stream.send(_head(200, length=1_000_000) + b'{"content": [')
        case Fault.HTML:
            page = b"<!doctype html><title>Welcome</title>"
            await stream.send(_head(200, length=len(page), kind="text/html") + page)
        case Fault.EMPTY:
            await stream.send(_head(200, length=0))
        case Fault.NO_CONTENT:
            await _send_json(stream, 200, {"id": "x", "content": [], "choices": []})
        case Fault.HUGE:
            await stream.send(_head(200, length=10_000_000))
            for _ in range(100):
                await stream.send(b" " * 100_000)
        case Fault.PACKED:
            packed = b"\x1f\x8b not really"
            head = _head(200, length=len(packed), more="content-encoding: gzip\r\n")
            await stream.send(head + packed)
        case _:
            return False
    return True


@asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    """The server, for as long as the block lasts."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no database
    server = Providers(port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        try:
            yield server
        finally:
            group.cancel_scope.cancel()


def shown(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events in a request, as the model sees them."""
    text = body["messages"][-1]["content"]
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def sound(events: list[dict[str, Any]]) -> object:
    """One memory with one fact for each event."""
    return {"memories": [memory_of(event) for event in events]}


def memory_of(event: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A proposal that its event bears."""
    sources = [{"event": event["event"], "quote": event["text"]}]
    memory = {
        "summary": f"{event['author']} said: {event['text']}",
        "content": event["text"],
        "importance": 0.5,
        "confidence": 0.9,
        "sources": sources,
        "knowledge": [
            {"type": "FACT", "content": event["text"], "confidence": 0.9, "sources": sources}
        ],
    }
    return memory | changed


def _say(proposals: Any, fault: str | None) -> str:  # noqa: C901 - a table
    """What the model says: JSON as a rule."""
    memories = proposals.get("memories", [])
    match fault:
        case Fault.TRUNCATED:
            return json.dumps(proposals)[:-20]
        case Fault.FENCED:
            for one in memories:
                one["content"] += "\n```python\nprint()\n```"
            return f"Here you are:\n```json\n{json.dumps(proposals, indent=1)}\n```\nDone."
        case Fault.NOT_JSON:
            return "I would rather talk about something else."
        case Fault.UNKNOWN_IDS:
            for one in memories:
                one["sources"] = [{"event": FOREIGN, "quote": "x"}]
        case Fault.INVENTED_QUOTES:
            for one in memories:
                one["sources"] = [{**source, "quote": INVENTED} for source in one["sources"]]
        case Fault.WRONG_TYPES:
            for one in memories:
                one["importance"] = "very"
        case Fault.SURPLUS:
            for one in memories:
                one["delete"] = ["m1", "k1"]
            proposals = {"memories": memories * 200, "operations": [{"archive": "m1"}]}
    return json.dumps(proposals)


def _envelope(path: str, said: str, *, refused: bool) -> dict[str, Any]:
    if path.endswith("/messages"):
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "model-1",
            "content": [] if refused else [{"type": "text", "text": said}],
            "stop_reason": "refusal" if refused else "end_turn",
            "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT},
        }
    message = {"role": "assistant", "content": None if refused else said}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": message | ({"refusal": "No."} if refused else {}),
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT},
    }


def _spoil(vectors: Any, fault: str | None) -> Any:
    """The vectors, or what is wrong with them."""
    match fault:
        case BadVectors.FEW:
            return vectors[1:]
        case BadVectors.MANY:
            return np.concatenate([vectors, vectors[:1]])
        case BadVectors.SHORT:
            return vectors[:, 1:]
        case BadVectors.NAN | BadVectors.INFINITE:
            spoiled = vectors.copy()
            spoiled[-1, 0] = np.nan if fault == BadVectors.NAN else np.inf
            return spoiled
        case BadVectors.ZERO:
            return vectors * 0
    return vectors


def _vectors(vectors: Any, fault: str | None, *, plain: bool) -> dict[str, Any]:
    """An answer with vectors, the last first: they are told apart by their indexes."""
    data = []
    for index, vector in reversed(list(enumerate(vectors))):
        packed = vector.astype("<f4").tobytes()
        if fault == BadVectors.CUT:
            packed = packed[:-1]
        encoded = "?!" if fault == BadVectors.NO_BASE64 else base64.b64encode(packed).decode()
        data.append(
            {
                "object": "embedding",
                "index": index + (fault == BadVectors.INDEX),
                "embedding": vector.tolist() if plain else encoded,
            }
        )
    return {"object": "list", "data": data, "model": "model-1", "usage": {"prompt_tokens": 9}}


async def _read_request(stream: SocketStream) -> tuple[str, dict[str, str], dict[str, Any]]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive()
    return first.split()[1], headers, json.loads(body or b"{}")


def _head(status: int, *, length: int, kind: str = "application/json", more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n"
        f"{more}connection: close\r\n\r\n"
    ).encode()


async def _send_json(stream: SocketStream, status: int, value: object, *, more: str = "") -> None:
    body = json.dumps(value).encode()
    await stream.send(_head(status, length=len(body), more=more) + body)


async def _until_it_leaves(stream: SocketStream) -> None:
    while True:
        await stream.receive()


async def _drip(stream: SocketStream) -> None:
    """A blank now and then, until the client has had enough."""
    while True:
        await stream.send(b" ")
        with anyio.move_on_after(SHORT_S / 10):
            await _until_it_leaves(stream)
