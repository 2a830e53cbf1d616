"""Masking: what must not be stored, taken out of texts.

Owns which masks hold for an anima: secrets, where the settings say so, and its own `never_store`
patterns. Invariant: masking what is masked changes nothing.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from elephantasm_mcp.pure.patterns import Pattern, compile_pattern, mask
from elephantasm_mcp.pure.redaction import redact
from elephantasm_mcp.types.records import AnimaSettings

Mask: TypeAlias = Callable[[str], tuple[str, int]]
"""A text without what is to be masked, and how much that was."""


def mask_for(settings: AnimaSettings, *, secrets: bool) -> Mask:
    """The mask of an anima; `secrets` says whether secrets are masked as well."""
    patterns = _compiled(settings.never_store)

    def apply(text: str) -> tuple[str, int]:
        text, found = redact(text) if secrets else (text, 0)
        text, hidden = mask(text, patterns)
        return text, found + hidden

    return apply


def mask_json(value: Any, mask_text: Mask, *, key: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value with its texts masked: by their own look, or by the key they stand under."""
    if isinstance(value, dict):
        return {
            mask_json(name, mask_text): mask_json(one, mask_text, key=str(name))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [mask_json(one, mask_text, key=key) for one in value]
    if not isinstance(value, str):
        return value
    masked, found = mask_text(value)
    named, under_key = mask_text(f"{key}={value}") if key and not found else ("", 0)
    return named.rpartition(f"{key}=")[2] if under_key else masked


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(compile_pattern(text) for text in patterns)
