"""Masking: what must not be stored, taken out of texts.

Owns which masks hold for an anima: secrets, where the settings say so, and its own `never_store`
patterns. Invariant: masking what is masked changes nothing.
"""

from functools import lru_cache

from elephantasm_mcp.pure.patterns import Pattern, compile_pattern, mask
from elephantasm_mcp.pure.redaction import Mask, redact
from elephantasm_mcp.types.records import AnimaSettings


def mask_for(settings: AnimaSettings, *, secrets: bool) -> Mask:
    """The mask of an anima; `secrets` says whether secrets are masked as well."""
    patterns = _compiled(settings.never_store)

    def apply(text: str) -> tuple[str, int]:
        text, found = redact(text) if secrets else (text, 0)
        text, hidden = mask(text, patterns)
        return text, found + hidden

    return apply


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(compile_pattern(text) for text in patterns)
