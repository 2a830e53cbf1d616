"""Callers: who asks over HTTP, and what that one may do.

Owns the scopes and which of them covers which, and what is shown of an API key. How a caller is
told from a request is `http`'s. Invariant: a caller may do no more than its scopes say, and sees no
more than its user; a key itself stands in none of these.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, final
from uuid import UUID

from elephantasm_mcp.types.records import LOCAL_USER, Record, User, UtcDatetime


class Scope(StrEnum):
    """What a key is good for. Each covers those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


DEFAULT_SCOPES: Final = (Scope.READ, Scope.WRITE)
"""Of a key, or a token, of which nothing is said."""

KeyState = Literal["active", "expired", "revoked"]


def may_change(scopes: frozenset[Scope]) -> bool:
    """Whether scopes are good for more than reading."""
    return bool(scopes - {Scope.READ})


@final
@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user, by a key, by a token, or without either on a machine of their own."""

    user: User
    scopes: frozenset[Scope]
    key: UUID | None = None
    """The key that was shown."""
    until: datetime | None = None
    """When what was shown expires."""

    def may(self, needed: Scope) -> bool:
        """Whether a scope of the caller covers what is needed."""
        order = list(Scope)
        return any(order.index(one) >= order.index(needed) for one in self.scopes)


LOCAL_CALLER: Final = Caller(LOCAL_USER, frozenset(Scope))
"""Who calls when nobody has to log in."""


class ApiKey(Record):
    """What is known of an API key; the key itself is nowhere."""

    id: UUID
    name: str
    user: str
    prefix: str
    """How it begins, to tell it from others."""
    scopes: tuple[Scope, ...]
    animas: tuple[UUID, ...] | None = None
    """The only animas that it opens; None: all of its user's."""
    created_at: UtcDatetime
    last_used_at: UtcDatetime | None = None
    """To the hour."""
    expires_at: UtcDatetime | None = None
    revoked_at: UtcDatetime | None = None
    state: KeyState = "active"
