"""The guard: an ASGI app before all others, which lets in whom it knows.

Owns finding out who asks, by API key or token, and refusing: strange hosts and origins, nobody, and
who asks too often. What a caller may do, `access` says. Invariant: what stands behind runs in the
name of a caller, or is what everybody may see; a key is never written anywhere.
"""

from collections.abc import Hashable
from contextlib import ExitStack
from dataclasses import replace
from math import ceil
from typing import Final, final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from elephantasm_mcp.access import CALLER
from elephantasm_mcp.app import App
from elephantasm_mcp.errors import (
    AuthenticationError,
    ElephantasmError,
    RateLimitError,
    ScopeError,
    ServerError,
)
from elephantasm_mcp.http.hosts import Hosts, is_loopback
from elephantasm_mcp.http.limits import Buckets, Failures
from elephantasm_mcp.http.metadata import WELL_KNOWN, metadata_url
from elephantasm_mcp.http.tokens import Tokens
from elephantasm_mcp.memory import keys
from elephantasm_mcp.types.callers import LOCAL_CALLER, Caller, may_change

FOR_EVERYBODY: Final = ("/api/health", "/docs", "/redoc", "/openapi.json", WELL_KNOWN)
"""What nobody has to be anybody for: these, and what stands below them."""
MAX_CREDENTIAL_CHARS: Final = 16_384


@final
class Guard:
    """Stands before an ASGI app.

    Where no key was ever made and no tokens are taken, everybody is the local user; that is for
    loopback alone.
    """

    def __init__(
        self, behind: ASGIApp, app: App, *, hosts: Hosts, tokens: Tokens | None = None
    ) -> None:
        self._behind: Final = behind
        self._app: Final = app
        self._hosts: Final = hosts
        self._tokens: Final = tokens
        self._buckets: Final = Buckets(per_min=app.settings.rate_per_min)
        self._failures: Final = Failures()
        self._closed = tokens is not None
        """Whether nobody is let in without a key or token; once it is so it stays so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._behind(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        refusal = self._stranger(headers)
        with ExitStack() as stack:
            if refusal is None and not _is_for_everybody(scope):
                try:
                    caller = await self._admit(scope, headers)
                except ElephantasmError as error:
                    refusal = refused(error, scope, headers)
                else:
                    _name(scope, caller)
                    stack.enter_context(self._app.asked_by(caller))
            await (refusal or self._behind)(scope, receive, send)

    def _stranger(self, headers: Headers) -> Response | None:
        """The refusal of whom a web page of somebody else may have sent."""
        asked = headers.getlist("host")
        if len(asked) != 1 or not self._hosts.knows(asked[0]):
            sentence = "This server is not called that. ELEPHANTASM_ALLOWED_HOSTS adds a name."
            return _answer(421, sentence, code="unknown_host")
        if not all(map(self._hosts.trusts, headers.getlist("origin"))):
            return _answer(403, "Web pages of that origin may not ask.", code="unknown_origin")
        return None

    async def _admit(self, scope: Scope, headers: Headers) -> Caller:
        """Who asks, and may go on.

        Raises:
            AuthenticationError: nobody, or with a bad key or token.
            RateLimitError: too often.
            ServerError: that cannot be found out.
        """
        if not self._closed:
            self._closed = await keys.any_made(self._app.core)
        if not self._closed:
            return _neighbour(scope)
        caller = await self._identify(_credential(headers), address=_address(scope))
        whose: Hashable = caller.key or caller.user.no
        wait_s = self._buckets.take(whose, now=self._app.core.clock.now())
        if wait_s:
            raise RateLimitError("This key asks too often.", retry_after=wait_s)
        return caller

    async def _identify(self, credential: str, *, address: str) -> Caller:
        clock = self._app.core.clock
        try:
            if self._tokens is None or credential.startswith(keys.BEGINNING):
                return await keys.authenticate(self._app.core, credential)
            claims = await self._tokens.read(credential)
        except AuthenticationError:
            # a good key is let in all the same: others may share the address with a bad one
            wait_s = self._failures.wait_s(address, now=clock.now())
            if wait_s:
                raise RateLimitError(
                    "Too many keys from this address were wrong; wait before the next.",
                    retry_after=wait_s,
                ) from None
            self._failures.note(address, now=clock.now())
            raise
        user = await keys.user_of(self._app.core, claims.user)
        user = replace(user, makes=may_change(claims.scopes))
        return Caller(user, claims.scopes, until=claims.until)


def refused(error: ElephantasmError, scope: Scope, headers: Headers) -> Response:
    """The answer that says why a request does not go on."""
    extra: dict[str, str] = {}
    if isinstance(error, AuthenticationError) and not isinstance(error, ScopeError):
        extra["WWW-Authenticate"] = _challenge(scope, headers)
    if isinstance(error, RateLimitError):
        extra["Retry-After"] = str(max(1, ceil(error.retry_after)))
    status = 503 if isinstance(error, ServerError) else error.http_status
    return _answer(status, error.explain(), code=error.code, headers=extra)


def _challenge(scope: Scope, headers: Headers) -> str:
    shown = ', error="invalid_token"' if "authorization" in headers else ""
    return f'Bearer resource_metadata="{metadata_url(scope, headers)}"{shown}'


def _answer(
    status: int, sentence: str, *, code: str, headers: dict[str, str] | None = None
) -> Response:
    return JSONResponse({"detail": sentence, "code": code}, status, headers)


def _credential(headers: Headers) -> str:
    """What the one `Authorization` header shows.

    Raises:
        AuthenticationError: there is none that could be a key or token.
    """
    shown = headers.getlist("authorization")
    scheme, _, credential = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not 0 < len(credential) <= MAX_CREDENTIAL_CHARS:
        raise AuthenticationError(
            "This needs an API key.",
            hint="Send it as `Authorization: Bearer sk_live_…`; "
            "`elephantasm-mcp keys create` makes one.",
        )
    return credential


def _neighbour(scope: Scope) -> Caller:
    """The local user, where nobody has to log in: whoever asks from this machine.

    Raises:
        AuthenticationError: a proxy on this machine passes on what somebody elsewhere asks.
    """
    address = _address(scope)
    if address and not is_loopback(address):
        raise AuthenticationError(
            "Without an API key this machine alone is served.",
            hint="`elephantasm-mcp keys create` makes one.",
        )
    return LOCAL_CALLER


def _is_for_everybody(scope: Scope) -> bool:
    path = scope["path"]
    return scope["method"] in ("GET", "HEAD") and any(
        path == known or path.startswith(f"{known}/") for known in FOR_EVERYBODY
    )


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _name(scope: Scope, caller: Caller) -> None:
    """Say who asks to what stands behind.

    Ours reads the state. The SDK reads the user, and keeps a session to whoever opened it.
    """
    scope.setdefault("state", {})[CALLER] = caller
    if caller is not LOCAL_CALLER:
        shown = AccessToken(
            token="",
            client_id=str(caller.key or ""),
            scopes=sorted(caller.scopes),
            subject=str(caller.user.no),
        )
        scope["user"] = AuthenticatedUser(shown)
