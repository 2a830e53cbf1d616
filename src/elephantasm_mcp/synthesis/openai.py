"""Language models of OpenAI, and of whatever speaks its Chat Completions API (Ollama, vLLM, …).

Owns how that API is asked, and how its answers read. Retries, budgets and records are not its
matter (`memory/calls.py`).
Invariant: one `answer` is one HTTP request; the model gets no tools.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, final

from pydantic import BaseModel, Field

from elephantasm_mcp.ports import Answer, ModelT, Prompt
from elephantasm_mcp.synthesis.exchange import DEADLINE_S, Exchange, Said
from elephantasm_mcp.synthesis.schemas import strict_schema

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PROVIDER: Final = "openai"
DEFAULT_MODEL: Final = "gpt-5.6-luna"
"""The cheapest of its family: made for work in bulk."""
DEFAULT_URL: Final = "https://api.openai.com/v1"
NO_KEY: Final = "none"
"""What a server of one's own is told: it wants no key, but the header must be there."""


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
        self._model: Final = model
        self._base_url: Final = base_url or DEFAULT_URL
        self._api_key: Final = api_key or (NO_KEY if base_url else None)
        self._deadline_s: Final = deadline_s
        self._is_official: Final = self._base_url == DEFAULT_URL
        self._exchange: Final = Exchange(
            provider=PROVIDER,
            model=model,
            api_key=self._api_key,
            key_variable="OPENAI_API_KEY",
            base_url=self._base_url,
            is_official=self._is_official,
            deadline_s=deadline_s,
        )

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return self._exchange.name

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """See `LanguageModel.answer`."""
        post = partial(self._post, prompt=prompt, shape=shape)
        return await self._exchange.hold(shape, connect=self._connect, post=post, read=_read)

    async def _post(self, client: AsyncOpenAI, *, prompt: Prompt, shape: type[BaseModel]) -> str:
        """The body of the answer.

        Raises:
            ModelError: there is none.
        """
        import openai  # half a second: `_connect` loaded it on a thread

        failed, connection = openai.OpenAIError, openai.APIConnectionError
        with self._exchange.translating(failed, connection=connection):
            async with client:
                raw = await client.chat.completions.with_raw_response.create(
                    model=self._model,
                    messages=[
                        {"role": "system", "content": prompt.instructions},
                        {"role": "user", "content": prompt.data},
                    ],
                    # servers of one's own know the older name alone, today's models the newer one
                    max_tokens=openai.omit if self._is_official else prompt.max_tokens,
                    max_completion_tokens=prompt.max_tokens if self._is_official else openai.omit,
                    response_format={
                        "type": "json_schema",
                        "json_schema": {
                            "name": "answer",
                            "schema": strict_schema(shape),
                            "strict": True,
                        },
                    },
                )
                return raw.http_response.text

    def _connect(self) -> AsyncOpenAI:
        """A client for one call: nothing stays open between calls, which are minutes apart."""
        import openai

        from elephantasm_mcp.synthesis.transport import bounded_client

        return openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,
            timeout=self._deadline_s,
            http_client=bounded_client(timeout_s=self._deadline_s),
        )


def _read(text: str) -> Said:
    completion = _Completion.model_validate_json(text)
    choice, tokens = completion.choices[0], completion.usage or _Tokens()
    return Said(
        text=choice.message.content or "",
        refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
        tokens_in=tokens.prompt_tokens,
        tokens_out=tokens.completion_tokens,
    )
