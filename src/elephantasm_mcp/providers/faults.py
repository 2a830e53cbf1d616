"""Faults: what a provider's failure means, in our words.

Owns which failure is for good, which is about the prompt, and the sentence about each. Invariant:
no sentence holds a key, or words that a provider sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final
from urllib.parse import urlsplit

from elephantasm_mcp.errors import ModelError
from elephantasm_mcp.ports import Usage

LONGEST_WAIT_S: Final = 3_600.0
_REDIRECT: Final = range(300, 400)
_KEY: Final = (401, 403)
_ADDRESS: Final = (404, 405, 410, *_REDIRECT)
_PROMPT: Final = (400, 413, 415, 422)
_UNPAID: Final = 402
_BLANK: Final = re.compile(r"\s")


def host_of(url: str) -> str:
    """The host that a base URL names; empty when it is no web address."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return parts.netloc if known and not _BLANK.search(url) else ""


@dataclass(frozen=True, slots=True)
class Faults:
    """The failures of one model of one provider."""

    name: str
    """As it stands in rows: `anthropic:<model>`."""
    key_variable: str
    where: str
    """The host that is asked; empty when the base URL names none."""
    model_variable: str = "ELEPHANTASM_LLM"
    """Where users name the model."""

    def check(self, key: str | None) -> None:
        """Find out what is wrong before anybody is asked.

        Raises:
            ModelError: there is no key, or it or the base URL can be none.
        """
        asked = f"{self.name} cannot be asked"
        if not key:
            raise ModelError(f"{asked}: {self.key_variable} is not set.", permanent=True)
        if not key.isascii() or not key.isprintable() or _BLANK.search(key):
            raise ModelError(f"{asked}: {self.key_variable} is not a key.", permanent=True)
        if not self.where:
            raise ModelError(
                f"{asked}: its base URL is not a web address.",
                permanent=True,
                hint='It must be like "http://127.0.0.1:11434/v1".',
            )

    def of_status(self, status: int, headers: Mapping[str, str]) -> ModelError:
        """It answered with an HTTP status that says no."""
        told = f"{self.name} was asked at {self.where} and answered {status}"
        if status in _KEY:
            return ModelError(
                f"{told}: it refused the key.", permanent=True, hint=f"See {self.key_variable}."
            )
        if status == _UNPAID:
            return ModelError(f"{told}: the account must be paid for.", permanent=True)
        if status in _ADDRESS:
            return ModelError(
                f"{told}: there is no such model, or the base URL is wrong.",
                permanent=True,
                hint=f"See {self.model_variable} and the base URL.",
            )
        if status in _PROMPT:
            return ModelError(
                f"{told}: it does not take what it was sent.", permanent=True, about_prompt=True
            )
        return ModelError(
            f"{told}: it is overloaded or out of order.",
            permanent=False,
            retry_after_s=_wait_s(headers),
        )

    def of_connection(self) -> ModelError:
        """It could not be reached, or went away in the middle."""
        return ModelError(f"{self.name} was not reached at {self.where}.", permanent=False)

    def of_silence(self, deadline_s: float) -> ModelError:
        """It was not done in time."""
        return ModelError(
            f"{self.name} gave no whole answer within {deadline_s:g} s.", permanent=False
        )

    def too_long(self) -> ModelError:
        """More came than any answer may have."""
        return ModelError(
            f"{self.name} sent more than an answer may have.", permanent=False, about_prompt=True
        )

    def refused(self, usage: Usage) -> ModelError:
        """It will not write about this."""
        return ModelError(
            f"{self.name} refused to make memories of some events.",
            permanent=True,
            about_prompt=True,
            usage=usage,
        )

    def unreadable(self, usage: Usage | None) -> ModelError:
        """It answered, but not in the shape that was asked for."""
        return ModelError(
            f"{self.name} gave an answer that cannot be read.",
            permanent=False,
            about_prompt=True,
            usage=usage,
        )


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """The seconds that a provider asks to wait, within reason; a date is not read."""
    try:
        wait_s = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S) if isfinite(wait_s) else None
