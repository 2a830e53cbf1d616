"""Callers: who asks over HTTP, and what that one may do.

Owns the scopes and which of them covers which. How a caller is told from a request is `http`'s.
Invariant: a caller may do no more than its scopes say, and sees no more than its user.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final
from uuid import UUID

from elephantasm_mcp.types.records import LOCAL_USER, User


class Scope(StrEnum):
    """What a key is good for. Each covers those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@final
@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user, by a key, by a token, or without either on a machine of their own."""

    user: User
    scopes: frozenset[Scope]
    key: UUID | None = None
    """The key that was shown."""

    def may(self, needed: Scope) -> bool:
        """Whether a scope of the caller covers what is needed."""
        order = list(Scope)
        return any(order.index(one) >= order.index(needed) for one in self.scopes)


LOCAL_CALLER: Final = Caller(LOCAL_USER, frozenset(Scope))
"""Who calls when nobody has to log in."""
