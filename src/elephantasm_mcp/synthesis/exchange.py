"""One exchange with a provider: what is alike whoever is asked.

Owns the deadline, the order of the steps, and what each failure of a provider's library means. How
a provider is asked and how its answer reads are its own module's. Invariant: an exchange ends with
an answer in the shape that was asked for, or with a `ModelError` that says why not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Protocol, TypeVar, final, runtime_checkable

import anyio
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.ports import Answer, ModelT, Usage
from elephantasm_mcp.synthesis.faults import Faults, host_of
from elephantasm_mcp.synthesis.prices import cost_usd
from elephantasm_mcp.synthesis.schemas import read_answer

DEADLINE_S: Final = 120.0
ClientT = TypeVar("ClientT")


@dataclass(frozen=True, slots=True)
class Said:
    """What we read of a provider's answer."""

    text: str
    refused: bool
    tokens_in: int
    tokens_out: int


class _Response(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...


@runtime_checkable
class _StatusError(Protocol):
    """What the libraries raise for an HTTP status that says no."""

    status_code: int
    response: _Response


@final
class Exchange:
    """The exchanges with one model of one provider."""

    def __init__(
        self,
        *,
        provider: str,
        model: str,
        api_key: str | None,
        key_variable: str,
        base_url: str,
        is_official: bool,
        deadline_s: float,
    ) -> None:
        """Where the provider itself is asked (`is_official`), what it takes has a known price."""
        self.name: Final = f"{provider}:{model}"
        self._model: Final = model
        self._api_key: Final = api_key
        self._is_official: Final = is_official
        self._deadline_s: Final = deadline_s
        self._faults: Final = Faults(
            name=self.name, key_variable=key_variable, where=host_of(base_url)
        )

    async def hold(
        self,
        shape: type[ModelT],
        *,
        connect: Callable[[], ClientT],
        post: Callable[[ClientT], Awaitable[str]],
        read: Callable[[str], Said],
    ) -> Answer[ModelT]:
        """Connect (on a thread: it imports a library), post, and read what comes back.

        Raises:
            ModelError: there is no answer of that shape.
        """
        self._faults.check(self._api_key)
        client = await anyio.to_thread.run_sync(connect)
        started = perf_counter()
        try:
            with anyio.fail_after(self._deadline_s):
                text = await post(client)
        except TimeoutError:
            raise self._faults.of_silence(self._deadline_s) from None
        try:
            said = read(text)
        except PydanticValidationError:
            raise self._faults.unreadable(None) from None
        usage = self._usage(said, duration_s=perf_counter() - started)
        if said.refused:
            raise self._faults.refused(usage)
        value = read_answer(said.text, shape)
        if value is None:
            raise self._faults.unreadable(usage)
        return Answer(value=value, usage=usage)

    @contextmanager
    def translating(
        self, errors: type[Exception], *, connection: type[Exception]
    ) -> Generator[None, None, None]:
        """Say in our words what a library raises in this block: `errors` are all that it may.

        Raises:
            ModelError: it raised something.
        """
        from elephantasm_mcp.synthesis.transport import TooLongError  # httpx2: not at start-up

        try:
            yield
        except errors as error:
            if isinstance(error, _StatusError):
                raise self._faults.of_status(error.status_code, error.response.headers) from error
            if isinstance(error.__cause__, TooLongError):
                raise self._faults.too_long() from error
            if isinstance(error, connection):
                raise self._faults.of_connection() from error
            raise self._faults.unreadable(None) from error

    def _usage(self, said: Said, *, duration_s: float) -> Usage:
        price = cost_usd(self._model, tokens_in=said.tokens_in, tokens_out=said.tokens_out)
        return Usage(
            model=self._model,
            tokens_in=said.tokens_in,
            tokens_out=said.tokens_out,
            duration_s=duration_s,
            cost_usd=price if self._is_official else None,
        )
