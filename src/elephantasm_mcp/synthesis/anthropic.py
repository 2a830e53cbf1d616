"""Language models of Anthropic, and of whatever speaks its Messages API.

Owns how that API is asked, and how its answers read. Retries, budgets and records are not its
matter (`memory/calls.py`).
Invariant: one `answer` is one HTTP request; the model gets no tools.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, final

import anyio
from pydantic import BaseModel, Field

from elephantasm_mcp.ports import Answer, ModelT, Prompt
from elephantasm_mcp.providers import asking
from elephantasm_mcp.providers.faults import Faults, host_of
from elephantasm_mcp.synthesis.exchange import DEADLINE_S, Exchange, Said
from elephantasm_mcp.synthesis.schemas import strict_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anthropic import AsyncAnthropic
    from httpx2 import Response

PROVIDER: Final = "anthropic"
DEFAULT_MODEL: Final = "claude-haiku-5-5"
"""The fastest and cheapest: made for extraction."""
DEFAULT_URL: Final = "https://api.anthropic.com"


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
            name=self.name, key_variable="ANTHROPIC_API_KEY", where=host_of(self._base_url)
        )
        self._exchange: Final = Exchange(
            model, faults=self._faults, is_official=self._base_url == DEFAULT_URL
        )

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return f"{PROVIDER}:{self._model}"

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """See `LanguageModel.answer`."""
        self._faults.check(self._api_key)
        ask = partial(self._ask, partial(self._post, prompt=prompt, shape=shape))
        return await self._exchange.hold(shape, ask=ask, read=_read)

    async def _ask(self, post: Callable[[AsyncAnthropic], Awaitable[Response]]) -> str:
        client = await anyio.to_thread.run_sync(self._connect)

        import anthropic  # half a second: `_connect` loaded it on a thread

        return await asking.ask(
            client,
            post,
            faults=self._faults,
            deadline_s=self._deadline_s,
            failures=anthropic.AnthropicError,
            no_connection=anthropic.APIConnectionError,
        )

    async def _post(
        self, client: AsyncAnthropic, *, prompt: Prompt, shape: type[BaseModel]
    ) -> Response:
        raw = await client.messages.with_raw_response.create(
            model=self._model,
            max_tokens=prompt.max_tokens,
            system=prompt.instructions,
            messages=[{"role": "user", "content": prompt.data}],
            output_config={"format": {"type": "json_schema", "schema": strict_schema(shape)}},
        )
        return raw.http_response

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


def _read(text: str) -> Said:
    message = _Message.model_validate_json(text)
    tokens = message.usage
    cached = (tokens.cache_creation_input_tokens or 0) + (tokens.cache_read_input_tokens or 0)
    return Said(
        text="".join(block.text for block in message.content if block.type == "text"),
        refused=message.stop_reason == "refusal",
        tokens_in=tokens.input_tokens + cached,
        tokens_out=tokens.output_tokens,
    )
