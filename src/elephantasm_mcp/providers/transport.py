"""The HTTP client under all providers: what comes in is bounded.

Owns how much a provider may send, and that nothing is followed elsewhere. Import it late: httpx2
costs a quarter of a second. Invariant: no more of a body than was allowed is ever held.
"""

from collections.abc import AsyncIterator
from functools import cache, partial
from ssl import SSLContext
from typing import Final, final

import httpx2
from typing_extensions import override

MOST_BYTES: Final = 2_000_000
"""The longest answer that we ask for has some 40,000 characters."""


class TooLongError(httpx2.TransportError):
    """A body is longer than any answer, or packed so that nobody knows how long it is."""


def bounded_client(*, timeout_s: float, most_bytes: int = MOST_BYTES) -> httpx2.AsyncClient:
    """A client that reads at most `most_bytes` of an answer and follows no redirect."""
    return httpx2.AsyncClient(
        timeout=timeout_s,
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [partial(_bound, most_bytes=most_bytes)]},
        verify=_trusted(),
    )


@cache
def _trusted() -> SSLContext:
    """Whom we believe: reading it takes 50 ms, which a search shall not wait for each time."""
    return httpx2.create_ssl_context()


async def _bound(response: httpx2.Response, *, most_bytes: int) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise TooLongError("The answer is packed.")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream, most_bytes)


@final
class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error once it is too long."""

    def __init__(self, body: httpx2.AsyncByteStream, most_bytes: int) -> None:
        self._body: Final = body
        self._most_bytes: Final = most_bytes

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._body:
            size += len(chunk)
            if size > self._most_bytes:
                raise TooLongError("The answer is too long.")
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._body.aclose()
