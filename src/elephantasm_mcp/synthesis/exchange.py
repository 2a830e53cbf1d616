"""One exchange with a language model: what is alike whoever runs it.

Owns the order of the steps from a question to an answer in the shape that was asked for, and what
it took. How a provider is asked and how its answer reads are its own module's. Invariant: an
exchange ends with an answer of that shape, or with a `ModelError` that says why not.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final, final

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.ports import Answer, ModelT, Usage
from elephantasm_mcp.providers.faults import Faults
from elephantasm_mcp.synthesis.prices import cost_usd
from elephantasm_mcp.synthesis.schemas import read_answer

DEADLINE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Said:
    """What we read of a provider's answer."""

    text: str
    refused: bool
    tokens_in: int
    tokens_out: int


@final
class Exchange:
    """The exchanges with one model of one provider."""

    def __init__(self, model: str, *, faults: Faults, is_official: bool) -> None:
        """Where the provider itself is asked (`is_official`), what it takes has a known price."""
        self._model: Final = model
        self._faults: Final = faults
        self._is_official: Final = is_official

    async def hold(
        self,
        shape: type[ModelT],
        *,
        ask: Callable[[], Awaitable[str]],
        read: Callable[[str], Said],
    ) -> Answer[ModelT]:
        """Ask, and read what comes back.

        Raises:
            ModelError: there is no answer of that shape.
        """
        started = perf_counter()
        text = await ask()
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

    def _usage(self, said: Said, *, duration_s: float) -> Usage:
        price = cost_usd(self._model, tokens_in=said.tokens_in, tokens_out=said.tokens_out)
        return Usage(
            model=self._model,
            tokens_in=said.tokens_in,
            tokens_out=said.tokens_out,
            duration_s=duration_s,
            cost_usd=price if self._is_official else None,
        )
