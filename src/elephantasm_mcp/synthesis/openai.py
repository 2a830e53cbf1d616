"""Language models of OpenAI, and of whatever speaks its Chat Completions API (Ollama, vLLM, …).

Owns one call of that API. Retries, budgets and records are not its matter (`memory/calls.py`).
Invariant: one `answer` is one HTTP request; the model gets no tools.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, final

import anyio
from pydantic import BaseModel, Field

from elephantasm_mcp.ports import Answer, ModelT, Prompt
from elephantasm_mcp.providers.openai import OpenAIServer
from elephantasm_mcp.synthesis.exchange import DEADLINE_S, Exchange, Said
from elephantasm_mcp.synthesis.schemas import strict_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from httpx2 import Response
    from openai import AsyncOpenAI

DEFAULT_MODEL: Final = "gpt-5.6-luna"
"""The cheapest of its family: made for work in bulk."""


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(BaseModel):
    """What we read of an answer; the SDK would take any JSON for a completion."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Tokens | None = None


@final
class OpenAIModel:
    """`LanguageModel` over the Chat Completions API."""

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        api_key: str | None,
        base_url: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._server: Final = OpenAIServer(
            model, model_variable="ELEPHANTASM_LLM", api_key=api_key, base_url=base_url
        )
        self._deadline_s: Final = deadline_s
        self._exchange: Final = Exchange(
            model, faults=self._server.faults, is_official=self._server.official
        )

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return self._server.name

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """See `LanguageModel.answer`."""
        self._server.check()
        ask = partial(self._ask, partial(self._post, prompt=prompt, shape=shape))
        return await self._exchange.hold(shape, ask=ask, read=_read)

    async def _ask(self, post: Callable[[AsyncOpenAI], Awaitable[Response]]) -> str:
        connect = partial(self._server.connect, deadline_s=self._deadline_s)
        client = await anyio.to_thread.run_sync(connect)
        return await self._server.ask(client, post, deadline_s=self._deadline_s)

    async def _post(
        self, client: AsyncOpenAI, *, prompt: Prompt, shape: type[BaseModel]
    ) -> Response:
        import openai  # half a second: `connect` loaded it on a thread

        official = self._server.official
        raw = await client.chat.completions.with_raw_response.create(
            model=self._server.model,
            messages=[
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.data},
            ],
            # servers of one's own know the older name alone, today's models the newer one
            max_tokens=openai.omit if official else prompt.max_tokens,
            max_completion_tokens=prompt.max_tokens if official else openai.omit,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": strict_schema(shape), "strict": True},
            },
        )
        return raw.http_response


def _read(text: str) -> Said:
    completion = _Completion.model_validate_json(text)
    choice, tokens = completion.choices[0], completion.usage or _Tokens()
    return Said(
        text=choice.message.content or "",
        refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
        tokens_in=tokens.prompt_tokens,
        tokens_out=tokens.completion_tokens,
    )
