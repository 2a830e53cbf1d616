"""Fences: tags around remembered text that nobody who writes such text can close.

Owns their keys; how a fence reads is each caller's. Invariant: the same text under the same secret
has the same key, and without the secret it cannot be told.
"""

import hmac
from hashlib import sha256
from typing import Final

KEY_CHARS: Final = 16


def fence_key(text: str, *, secret: bytes) -> str:
    """The key that stands in both tags: `KEY_CHARS` hexadecimal digits."""
    return hmac.new(secret, text.encode(), sha256).hexdigest()[:KEY_CHARS]
