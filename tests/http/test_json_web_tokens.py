"""JSON Web Tokens: which are believed, and as whom."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from elephantasm_mcp.app import SystemClock, TokenIssuer, open_app, token_issuer
from elephantasm_mcp.errors import AuthenticationError, ServerError, ValidationError
from elephantasm_mcp.http import limits, tokens
from elephantasm_mcp.http.tokens import Tokens
from elephantasm_mcp.memory import keys
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.callers import Scope
from serving import ask, bearer, send, serving

ISSUER, AUDIENCE = "https://login.example/", "elephantasm"
MAKERS = {
    "RS256": (lambda: rsa.generate_private_key(65_537, 2_048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


class Provider:
    """An identity provider on loopback: signs tokens, and publishes its keys."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {}
        self.published: list[dict[str, Any]] = []
        self.asked = 0
        self.body: bytes | None = None
        """What is published in place of the keys."""
        for algorithm in MAKERS:
            self.add(algorithm, kid=algorithm)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                body = provider.body or json.dumps({"keys": provider.published}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def add(self, algorithm: str, *, kid: str) -> None:
        make, known_as = MAKERS[algorithm]
        key = make()
        public = json.loads(known_as.to_jwk(key.public_key()))
        self.private[kid] = key
        self.published.append(public | {"kid": kid, "use": "sig"})

    def sign(
        self,
        *,
        algorithm: str = "RS256",
        kid: str | None = None,
        key: Any = None,
        without: str = "",
        **claims: Any,
    ) -> str:
        """A token that is good but for what is asked for."""
        now = datetime.now(UTC)  # noqa: TID251 - the library compares with the real time
        said = {
            "sub": "nadia",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": now + timedelta(hours=1),
            **claims,
        }
        said.pop(without, None)
        kid = kid or algorithm
        signer = key if key is not None else self.private.get(kid)
        return jwt.encode(said, signer, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def published() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever, daemon=True)
    thread.start()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()
    thread.join()


@pytest.fixture
def provider(published: Provider) -> Iterator[Provider]:
    before, published.asked = list(published.published), 0
    yield published
    published.published, published.body = before, None


@pytest.fixture
def reader(provider: Provider, clock: FakeClock) -> Tokens:
    return Tokens(TokenIssuer(ISSUER, AUDIENCE, provider.url), clock)


@pytest.mark.parametrize("algorithm", MAKERS)
async def test_a_good_token_names_its_user(
    reader: Tokens, provider: Provider, algorithm: str
) -> None:
    end = datetime(2100, 1, 1, tzinfo=UTC)
    said = await reader.read(provider.sign(algorithm=algorithm, exp=end))
    assert (said.user, said.scopes) == ("nadia", {Scope.READ, Scope.WRITE})
    assert timedelta() <= said.until - end < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("read", {Scope.READ}),
        ("openid admin write", {Scope.ADMIN, Scope.WRITE}),
        ("openid profile", {Scope.READ, Scope.WRITE}),
        ("READ admins", {Scope.READ, Scope.WRITE}),
        ("", {Scope.READ, Scope.WRITE}),
        (["admin"], {Scope.ADMIN}),
    ],
)
async def test_the_scope_claim_says_what_it_is_good_for(
    reader: Tokens, provider: Provider, scope: object, scopes: set[Scope]
) -> None:
    assert (await reader.read(provider.sign(scope=scope))).scopes == scopes


BAD: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1_700_000_000},
    "not valid yet": {"nbf": 4_000_000_000},
    "end is no number": {"exp": "soon"},
    "other issuer": {"iss": "https://evil.example/"},
    "other audience": {"aud": "another"},
    "other audiences": {"aud": ["another", "third"]},
    "no end": {"without": "exp"},
    "no issuer": {"without": "iss"},
    "no audience": {"without": "aud"},
    "no user": {"without": "sub"},
    "the local user": {"sub": "local"},
    "nobody": {"sub": ""},
    "blank": {"sub": "  "},
    "blank around": {"sub": " nadia"},
    "invisible": {"sub": "na\u0000dia"},
    "decomposed": {"sub": "cafe\u0301"},
    "too long": {"sub": "x" * 256},
    "user is a number": {"sub": 7},
    "unknown key": {"kid": "other", "key": rsa.generate_private_key(65_537, 2_048)},
    "another's signature": {"key": rsa.generate_private_key(65_537, 2_048)},
    "other kind of key": {"algorithm": "ES256", "kid": "RS256", "key": "own"},
}


@pytest.mark.parametrize("why", BAD)
async def test_a_bad_token_is_refused(reader: Tokens, provider: Provider, why: str) -> None:
    changed = dict(BAD[why])
    if changed.get("key") == "own":
        changed["key"] = provider.private[changed["algorithm"]]
    number = changed.pop("sub", None) if changed.get("sub") == 7 else None
    token = provider.sign(**changed)
    if number is not None:
        payload = {"sub": number, "iss": ISSUER, "aud": AUDIENCE, "exp": 4_000_000_000}
        token = jwt.PyJWS().encode(
            json.dumps(payload).encode(),
            provider.private["RS256"],
            algorithm="RS256",
            headers={"kid": "RS256"},
        )
    with pytest.raises(AuthenticationError) as refused:
        await reader.read(token)
    assert token not in refused.value.explain()


async def test_signatures_that_anybody_can_make_are_none(
    reader: Tokens, provider: Provider
) -> None:
    public = provider.private["RS256"].public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    good = provider.sign()
    forged = [
        jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, algorithm="none"),
        hs256(good, secret=pem, kid="RS256"),
        hs256(good, secret=b"", kid="RS256"),
        good.rsplit(".", 1)[0] + ".",
        good.rsplit(".", 1)[0],
        good + ".x",
        "..",
        "a.b.c",
        "",
        "x" * 10_000,
    ]
    for token in forged:
        with pytest.raises(AuthenticationError):
            await reader.read(token)


def hs256(good: str, *, secret: bytes, kid: str) -> str:
    """The same claims, signed with what is no secret: the library will not, so by hand."""
    import hashlib
    import hmac
    from base64 import urlsafe_b64encode

    def encoded(raw: bytes) -> bytes:
        return urlsafe_b64encode(raw).rstrip(b"=")

    head = encoded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
    signed = head + b"." + good.split(".")[1].encode()
    return (signed + b"." + encoded(hmac.digest(secret, signed, hashlib.sha256))).decode()


async def test_a_symmetric_or_encrypting_key_of_the_set_signs_nothing(
    reader: Tokens, provider: Provider
) -> None:
    secret = b"s" * 32
    oct_key = {"kty": "oct", "k": "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M", "kid": "oct"}
    encrypting = provider.published[0] | {"kid": "enc", "use": "enc"}
    provider.published = [*provider.published, oct_key, encrypting]
    for token in (
        hs256(provider.sign(), secret=secret, kid="oct"),
        provider.sign(kid="enc", key=provider.private["RS256"]),
    ):
        with pytest.raises(AuthenticationError):
            await reader.read(token)


async def test_a_new_key_is_fetched_at_most_once_a_minute(
    reader: Tokens, provider: Provider, clock: FakeClock
) -> None:
    await reader.read(provider.sign())
    assert provider.asked == 1
    provider.add("ES256", kid="new")
    token = provider.sign(algorithm="ES256", kid="new")
    for _ in range(3):
        with pytest.raises(AuthenticationError):
            await reader.read(token)
    assert provider.asked == 1
    clock.move(tokens.REFETCH_AFTER)
    assert (await reader.read(token)).user == "nadia"
    for _ in range(3):
        with pytest.raises(AuthenticationError):
            await reader.read(provider.sign(kid="none", key=provider.private["RS256"]))
        await reader.read(token)
    assert provider.asked == 2


async def test_a_key_that_was_withdrawn_counts_no_longer_than_ten_minutes(
    reader: Tokens, provider: Provider, clock: FakeClock
) -> None:
    token = provider.sign()
    await reader.read(token)
    provider.published = [one for one in provider.published if one["kid"] != "RS256"]
    await reader.read(token)
    clock.move(tokens.STALE_AFTER)
    with pytest.raises(AuthenticationError):
        await reader.read(token)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"keys": []}', b'{"keys": [7]}', b" " * 300_000])
async def test_without_keys_tokens_cannot_be_checked_and_with_old_ones_they_can(
    reader: Tokens, provider: Provider, clock: FakeClock, body: bytes
) -> None:
    provider.body = body
    for _ in range(2):
        with pytest.raises(ServerError):
            await reader.read(provider.sign())
    assert provider.asked == 1
    provider.body = None
    clock.move(tokens.REFETCH_AFTER)
    await reader.read(provider.sign())
    provider.body = body
    clock.move(tokens.STALE_AFTER)
    assert (await reader.read(provider.sign())).user == "nadia"


@pytest.mark.parametrize(
    "given",
    [
        {"jwks_url": "https://x.example"},
        {"jwks_url": "https://x.example", "jwt_issuer": "i"},
        {"jwt_issuer": "i", "jwt_audience": "a"},
        {"jwks_url": "http://x.example/keys", "jwt_issuer": "i", "jwt_audience": "a"},
        {"jwks_url": "file:///etc/keys", "jwt_issuer": "i", "jwt_audience": "a"},
        {"jwks_url": "//127.0.0.1/keys", "jwt_issuer": "i", "jwt_audience": "a"},
    ],
)
def test_half_of_the_settings_or_keys_on_an_open_way_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="ELEPHANTASM_JWKS_URL"):
        token_issuer(load_settings(**given))


def test_without_the_settings_there_are_no_tokens() -> None:
    assert token_issuer(load_settings()) is None


@pytest.fixture
async def url(tmp_path: Path, provider: Provider) -> AsyncIterator[str]:
    """A server that takes tokens."""
    settings = load_settings(
        database=str(tmp_path / "memory.sqlite3"),
        embedder="none",
        jwks_url=provider.url,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        rate_per_min=50,
    )
    async with open_app(settings, guarded=True) as app:
        assert isinstance(app.core.clock, SystemClock)
        key = (await keys.create(app.core, "k", user="nadia", scopes=[Scope.READ]))[1]
        async with serving(app) as served:
            yield f"{served} {key}"


async def test_a_token_and_a_key_of_one_name_are_one_user_and_others_are_others(
    url: str, provider: Provider
) -> None:
    url, key = url.split()
    nadia, bob = provider.sign(), provider.sign(sub="bob", scope="admin")
    made = await ask(url, nadia, "tools/call", name="create_anima", arguments={"name": "hers"})
    assert not made.is_error
    for shown, names in ((nadia, ["hers"]), (key, ["hers"]), (bob, [])):
        got = await send(f"{url}/api/animas", "GET", bearer(shown))
        assert [one["name"] for one in json.loads(got.text)] == names
    refused = await ask(
        url, provider.sign(scope="read"), "tools/call", name="create_anima", arguments={"name": "x"}
    )
    assert "it needs the scope `write`" in refused.text


async def test_over_http_a_bad_token_is_401_and_too_many_are_429(
    url: str, provider: Provider
) -> None:
    url, key = url.split()
    got = await send(f"{url}/api/animas", "GET", {})
    assert got.status == 401
    for _ in range(limits.MAX_FAILURES):
        got = await send(f"{url}/api/animas", "GET", bearer(provider.sign(sub="local")))
        assert got.status == 401
    assert (await send(f"{url}/api/animas", "GET", bearer("not.a.token"))).status == 429
    assert (await send(f"{url}/api/animas", "GET", bearer(provider.sign()))).status == 200
    assert (await send(f"{url}/api/animas", "GET", bearer(key))).status == 200


async def test_the_metadata_names_the_issuer(url: str) -> None:
    url, _ = url.split()
    got = await send(f"{url}/.well-known/oauth-protected-resource/mcp", "GET", {})
    assert json.loads(got.text)["authorization_servers"] == [ISSUER]
