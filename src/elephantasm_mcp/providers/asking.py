"""Asking a provider once: what is alike whoever is asked, and for what.

Owns the deadline, and what each failure of a provider's library means. Invariant: it ends within
the deadline, with the body of an answer or with a `ModelError` that says why there is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import anyio

if TYPE_CHECKING:
    from httpx2 import Response

    from elephantasm_mcp.providers.faults import Faults

ClientT = TypeVar("ClientT", bound=AbstractAsyncContextManager[Any])


class _Answered(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...


@runtime_checkable
class _StatusError(Protocol):
    """What the libraries raise for an HTTP status that says no."""

    status_code: int
    response: _Answered


async def ask(
    client: ClientT,
    request: Callable[[ClientT], Awaitable[Response]],
    *,
    faults: Faults,
    deadline_s: float,
    failures: type[Exception],
    no_connection: type[Exception],
) -> str:
    """The body of the answer to one request; the client is closed after it.

    `failures` are all errors that the client's library raises, `no_connection` those of them that
    mean that nobody answered.

    Raises:
        ModelError: there is no answer.
    """
    from elephantasm_mcp.providers.transport import TooLongError  # httpx2: not at start-up

    try:
        with anyio.fail_after(deadline_s):
            async with client:
                return (await request(client)).text
    except TimeoutError:
        raise faults.of_silence(deadline_s) from None
    except failures as error:
        if isinstance(error, _StatusError):
            raise faults.of_status(error.status_code, error.response.headers) from error
        if isinstance(error.__cause__, TooLongError):
            raise faults.too_long() from error
        if isinstance(error, no_connection):
            raise faults.of_connection() from error
        raise faults.unreadable(None) from error
