"""A server that speaks OpenAI's protocol: OpenAI itself, Ollama, vLLM, LM Studio and others.

Owns its address, its key and how one request is sent. What is asked, and what an answer means, is
its callers' matter. Invariant: one `ask` is one HTTP request, and ends within its deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from elephantasm_mcp.providers import asking
from elephantasm_mcp.providers.faults import Faults, host_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from httpx2 import Response
    from openai import AsyncOpenAI

PROVIDER: Final = "openai"
DEFAULT_URL: Final = "https://api.openai.com/v1"
NO_KEY: Final = "none"
"""What a server of one's own is told: it wants no key, but the header must be there."""


@final
class OpenAIServer:
    """One model of one server, as the settings name it; not asked yet."""

    def __init__(
        self, model: str, *, model_variable: str, api_key: str | None, base_url: str | None
    ) -> None:
        self.model: Final = model
        self.name: Final = f"{PROVIDER}:{model}"
        self._base_url: Final = base_url or DEFAULT_URL
        self._api_key: Final = api_key or (NO_KEY if base_url else None)
        self.official: Final = self._base_url == DEFAULT_URL
        self.faults: Final = Faults(
            name=self.name,
            key_variable="OPENAI_API_KEY",
            where=host_of(self._base_url),
            model_variable=model_variable,
        )

    def check(self) -> None:
        """Find out what is wrong before anybody is asked.

        Raises:
            ModelError: there is no key, or it or the base URL can be none.
        """
        self.faults.check(self._api_key)

    def connect(self, *, deadline_s: float, most_bytes: int | None = None) -> AsyncOpenAI:
        """A client for one request; blocks for half a second the first time."""
        import openai

        from elephantasm_mcp.providers.transport import MOST_BYTES, bounded_client

        return openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,
            timeout=deadline_s,
            http_client=bounded_client(timeout_s=deadline_s, most_bytes=most_bytes or MOST_BYTES),
        )

    async def ask(
        self,
        client: AsyncOpenAI,
        request: Callable[[AsyncOpenAI], Awaitable[Response]],
        *,
        deadline_s: float,
    ) -> str:
        """The body of the answer to a request; the client is closed after it.

        Raises:
            ModelError: there is none.
        """
        import openai  # `connect` loaded it

        return await asking.ask(
            client,
            request,
            faults=self.faults,
            deadline_s=deadline_s,
            failures=openai.OpenAIError,
            no_connection=openai.APIConnectionError,
        )
