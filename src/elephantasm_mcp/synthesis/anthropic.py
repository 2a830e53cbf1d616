"""Language models of Anthropic, and of whatever speaks its Messages API.

Owns one call of that API. Retries, budgets and records are not its matter (`memory/calls.py`).
Invariant: one `answer` is one HTTP request; the model gets no tools.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, final

import anyio
from pydantic import BaseModel, Field
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.ports import Answer, ModelT, Prompt, Usage
from elephantasm_mcp.providers.faults import Faults, host_of
from elephantasm_mcp.synthesis.prices import cost_usd
from elephantasm_mcp.synthesis.schemas import read_answer, strict_schema

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

PROVIDER: Final = "anthropic"
DEFAULT_MODEL: Final = "claude-haiku-5-5"
"""The fastest and cheapest: made for extraction."""
DEFAULT_URL: Final = "https://api.anthropic.com"
DEADLINE_S: Final = 120.0


class _Block(BaseModel):
    type: str
    text: str = ""


class _Tokens(BaseModel):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(BaseModel):
    """What we read of an answer; the SDK would take any JSON for a message."""

    content: list[_Block]
    stop_reason: str | None = None
    usage: _Tokens = Field(default_factory=_Tokens)


@final
class AnthropicModel:
    """`LanguageModel` over the Messages API."""

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        api_key: str | None,
        base_url: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._model: Final = model
        self._api_key: Final = api_key
        self._base_url: Final = base_url or DEFAULT_URL
        self._deadline_s: Final = deadline_s
        self._faults: Final = Faults(
            name=self.name,
            key_variable="ANTHROPIC_API_KEY",
            where=host_of(self._base_url),
        )

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return f"{PROVIDER}:{self._model}"

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """See `LanguageModel.answer`."""
        self._faults.check(self._api_key)
        client = await anyio.to_thread.run_sync(self._connect)
        started = perf_counter()
        try:
            with anyio.fail_after(self._deadline_s):
                text = await self._post(client, prompt, shape)
        except TimeoutError:
            raise self._faults.of_silence(self._deadline_s) from None
        try:
            message = _Message.model_validate_json(text)
        except PydanticValidationError:
            raise self._faults.unreadable(None) from None
        usage = self._usage(message.usage, duration_s=perf_counter() - started)
        if message.stop_reason == "refusal":
            raise self._faults.refused(usage)
        said = "".join(block.text for block in message.content if block.type == "text")
        value = read_answer(said, shape)
        if value is None:
            raise self._faults.unreadable(usage)
        return Answer(value=value, usage=usage)

    async def _post(self, client: AsyncAnthropic, prompt: Prompt, shape: type[ModelT]) -> str:
        """The body of the answer.

        Raises:
            ModelError: there is none.
        """
        import anthropic  # half a second: `_connect` loaded it on a thread

        from elephantasm_mcp.providers.transport import TooLongError

        try:
            async with client:
                raw = await client.messages.with_raw_response.create(
                    model=self._model,
                    max_tokens=prompt.max_tokens,
                    system=prompt.instructions,
                    messages=[{"role": "user", "content": prompt.data}],
                    output_config={
                        "format": {"type": "json_schema", "schema": strict_schema(shape)}
                    },
                )
                return raw.http_response.text
        except anthropic.APIStatusError as error:
            raise self._faults.of_status(error.status_code, error.response.headers) from error
        except anthropic.APIConnectionError as error:
            if isinstance(error.__cause__, TooLongError):
                raise self._faults.too_long() from error
            raise self._faults.of_connection() from error
        except anthropic.AnthropicError as error:
            raise self._faults.unreadable(None) from error

    def _connect(self) -> AsyncAnthropic:
        """A client for one call: nothing stays open between calls, which are minutes apart."""
        import anthropic

        from elephantasm_mcp.providers.transport import bounded_client

        return anthropic.AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,
            timeout=self._deadline_s,
            http_client=bounded_client(timeout_s=self._deadline_s),
        )

    def _usage(self, tokens: _Tokens, *, duration_s: float) -> Usage:
        cached = (tokens.cache_creation_input_tokens or 0) + (tokens.cache_read_input_tokens or 0)
        tokens_in = tokens.input_tokens + cached
        return Usage(
            model=self._model,
            tokens_in=tokens_in,
            tokens_out=tokens.output_tokens,
            duration_s=duration_s,
            cost_usd=cost_usd(self._model, tokens_in=tokens_in, tokens_out=tokens.output_tokens)
            if self._base_url == DEFAULT_URL
            else None,
        )
