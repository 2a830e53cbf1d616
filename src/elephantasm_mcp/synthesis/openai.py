"""Language models of OpenAI, and of whatever speaks its Chat Completions API (Ollama, vLLM, …).

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
from elephantasm_mcp.synthesis.faults import Faults, host_of
from elephantasm_mcp.synthesis.prices import cost_usd
from elephantasm_mcp.synthesis.schemas import read_answer, strict_schema

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PROVIDER: Final = "openai"
DEFAULT_MODEL: Final = "gpt-5.6-luna"
"""The cheapest of its family: made for work in bulk."""
DEFAULT_URL: Final = "https://api.openai.com/v1"
DEADLINE_S: Final = 120.0
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
        self._faults: Final = Faults(
            name=self.name,
            key_variable="OPENAI_API_KEY",
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
            completion = _Completion.model_validate_json(text)
        except PydanticValidationError:
            raise self._faults.unreadable(None) from None
        tokens = completion.usage or _Tokens()
        usage = self._usage(tokens, duration_s=perf_counter() - started)
        choice = completion.choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise self._faults.refused(usage)
        value = read_answer(choice.message.content or "", shape)
        if value is None:
            raise self._faults.unreadable(usage)
        return Answer(value=value, usage=usage)

    async def _post(self, client: AsyncOpenAI, prompt: Prompt, shape: type[ModelT]) -> str:
        """The body of the answer.

        Raises:
            ModelError: there is none.
        """
        import openai  # half a second: `_connect` loaded it on a thread

        from elephantasm_mcp.synthesis.transport import TooLongError

        official = self._base_url == DEFAULT_URL
        try:
            async with client:
                raw = await client.chat.completions.with_raw_response.create(
                    model=self._model,
                    messages=[
                        {"role": "system", "content": prompt.instructions},
                        {"role": "user", "content": prompt.data},
                    ],
                    # servers of one's own know the older name alone, today's models the newer one
                    max_tokens=openai.omit if official else prompt.max_tokens,
                    max_completion_tokens=prompt.max_tokens if official else openai.omit,
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
        except openai.APIStatusError as error:
            raise self._faults.of_status(error.status_code, error.response.headers) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, TooLongError):
                raise self._faults.too_long() from error
            raise self._faults.of_connection() from error
        except openai.OpenAIError as error:
            raise self._faults.unreadable(None) from error

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

    def _usage(self, tokens: _Tokens, *, duration_s: float) -> Usage:
        return Usage(
            model=self._model,
            tokens_in=tokens.prompt_tokens,
            tokens_out=tokens.completion_tokens,
            duration_s=duration_s,
            cost_usd=cost_usd(
                self._model, tokens_in=tokens.prompt_tokens, tokens_out=tokens.completion_tokens
            )
            if self._base_url == DEFAULT_URL
            else None,
        )
