"""Tokens: the JSON Web Tokens of an identity provider, checked against the keys that it publishes.

Owns fetching those keys and reading a token. Who the user of a token is here, `guard` finds out.
Invariant: a token says nothing until its signature, its issuer, its audience and its end are
checked; only signatures that nobody can make with a public key count.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, final

import anyio
import httpx2
import jwt
from jwt import PyJWK
from jwt.types import Options

from elephantasm_mcp.app import TokenIssuer
from elephantasm_mcp.errors import AuthenticationError, ServerError, ValidationError
from elephantasm_mcp.memory.keys import LOCAL, clean_name
from elephantasm_mcp.ports import Clock
from elephantasm_mcp.types.callers import DEFAULT_SCOPES, Scope

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
MAX_TOKEN_CHARS: Final = 8_192
MAX_SET_BYTES: Final = 262_144
FETCH_S: Final = 5.0
REFETCH_AFTER: Final = timedelta(minutes=1)
"""A token with an unknown key is a reason to fetch the keys again, at most this often."""
STALE_AFTER: Final = timedelta(minutes=10)
"""So long a key that the provider withdrew may still count."""
LEEWAY_S: Final = 10
_CHECKS: Final[Options] = {
    "require": ["exp", "iss", "aud", "sub"],
    "enforce_minimum_key_length": True,
}
_HINT: Final = "Get a new one from the identity provider."

logger = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once it is believed."""

    user: str
    scopes: frozenset[Scope]
    until: datetime


@final
class Tokens:
    """Reads the tokens of one issuer."""

    def __init__(self, issuer: TokenIssuer, clock: Clock) -> None:
        self._issuer: Final = issuer
        self._clock: Final = clock
        self._lock: Final = anyio.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: datetime | None = None
        """When the keys came."""
        self._tried_at: datetime | None = None

    async def read(self, token: str) -> Claims:
        """What a token says.

        Raises:
            AuthenticationError: it is not believed.
            ServerError: the issuer's keys cannot be had.
        """
        key = await self._key_for(_header(token))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._issuer.audience,
                issuer=self._issuer.name,
                leeway=LEEWAY_S,
                options=_CHECKS,
            )
        except jwt.ExpiredSignatureError:
            raise AuthenticationError("This token has expired.", hint=_HINT) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise _refused() from None
        return _claims(claims)

    async def _key_for(self, header: Mapping[str, Any]) -> PyJWK:
        """The key that a token says it was signed with."""
        kid = header.get("kid")
        if not self._has(kid):
            async with self._lock:
                await self._refresh(wanted=kid)
        keys = self._keys
        key = keys.get(kid) if isinstance(kid, str) else None
        if kid is None and len(keys) == 1:
            (key,) = keys.values()
        if key is None or header.get("alg") != key.algorithm_name:
            raise _refused()
        return key

    def _has(self, wanted: object) -> bool:
        """Whether the keys are new enough, and the one that is wanted is among them."""
        if self._fetched_at is None or self._clock.now() - self._fetched_at >= STALE_AFTER:
            return False
        return wanted is None or wanted in self._keys

    async def _refresh(self, *, wanted: object) -> None:
        """Fetch the keys where they are old, or lack the one that is wanted."""
        if self._has(wanted):
            return  # another token has fetched them
        now = self._clock.now()
        if self._tried_at is None or now - self._tried_at >= REFETCH_AFTER:
            self._tried_at = now
            try:
                self._keys, self._fetched_at = _usable(await _fetch(self._issuer.jwks_url)), now
            except (httpx2.HTTPError, ValueError) as error:
                logger.warning(
                    "The keys of the token issuer cannot be had: %s", type(error).__name__
                )
        if self._fetched_at is None:
            raise ServerError(
                "Tokens cannot be checked: their issuer does not answer.", hint="Try again later."
            )


async def _fetch(url: str) -> object:
    """The document at an address.

    Raises:
        httpx2.HTTPError: it cannot be had in time.
        ValueError: it is no JSON, or too long.
    """
    body = bytearray()
    with anyio.move_on_after(FETCH_S) as fetching:
        async with (
            httpx2.AsyncClient(timeout=FETCH_S, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_SET_BYTES:
                    raise ValueError("a key set is not that long")
            return httpx2.Response(200, content=bytes(body)).json()
    if fetching.cancelled_caught:
        raise httpx2.ReadTimeout("the keys did not come in time")
    raise ValueError("nothing came")


def _usable(document: object) -> dict[str, PyJWK]:
    """The keys of a set that tokens may be signed with, by their ids.

    Raises:
        ValueError: it is no key set, or has no such key.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, PyJWK] = {}
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            key = PyJWK(one)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # of a kind that we have no use for
        if key.algorithm_name in ALGORITHMS:
            found[str(one.get("kid", ""))] = key
    if not found:
        raise ValueError("no key set")
    return found


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > MAX_TOKEN_CHARS:
        raise _refused()
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise _refused() from None
    if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid", ""), str):
        raise _refused()
    return header


def _claims(claims: Mapping[str, Any]) -> Claims:
    user = claims["sub"]
    try:
        known = isinstance(user, str) and clean_name(user, field="sub") == user
    except ValidationError:
        known = False
    if not known or user == LOCAL:
        raise AuthenticationError("This token names nobody who could be a user here.")
    scopes = frozenset(one for one in Scope if one in _listed(claims))
    try:
        until = datetime.fromtimestamp(int(claims["exp"]) + LEEWAY_S, UTC)
    except (ValueError, OverflowError, OSError):
        until = datetime.max.replace(tzinfo=UTC)
    return Claims(user, scopes or frozenset(DEFAULT_SCOPES), until)


def _listed(claims: Mapping[str, Any]) -> Sequence[object]:
    """The scopes that a token names, as `scope` or `scp`, in a text or a list."""
    named = claims.get("scope", claims.get("scp"))
    return named.split() if isinstance(named, str) else named if isinstance(named, list) else ()


def _refused() -> AuthenticationError:
    return AuthenticationError("This token is not one that is accepted here.", hint=_HINT)
