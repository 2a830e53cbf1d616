"""Endpoints: where a server is, and with which key one goes there.

Owns what may be given as ELEPHANTASM_ENDPOINT and ELEPHANTASM_API_KEY. Invariant: the key is in no
representation, and goes unencrypted to no machine outside one's own network.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Final, final
from urllib.parse import SplitResult, urlsplit

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.settings import Settings

EXAMPLE: Final = "Example: https://memory.example.org."
PORTS: Final = {"http": 80, "https": 443}
_SURFACES: Final = ("/api", "/mcp")
_OWN_DOMAINS: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


@final
@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks REST at `/api` and MCP at `/mcp`."""

    url: str
    """Its address without a slash at the end."""
    host: str
    """How messages call it: host and port."""
    loopback: bool
    """Whether it is on this machine."""
    key: str | None = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What shows who asks."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}


def parse_endpoint(settings: Settings) -> Endpoint | None:
    """The server that the settings name; None when they name none.

    Raises:
        ValidationError: the address is none, or the key no key for it.
    """
    if not settings.endpoint:
        return None
    parts = _split(settings.endpoint.strip())
    name = parts.hostname or ""
    key = _clean_key(settings.api_key)
    if key is not None and parts.scheme == "http" and not _is_near(name):
        raise ValidationError(
            f"Over http:// everybody on the way to {name} could read the API key.",
            field="endpoint",
            hint="Use https://, or a tunnel to an address of this machine.",
        )
    path = parts.path.rstrip("/")
    for surface in _SURFACES:
        path = path.removesuffix(surface)
    return Endpoint(
        url=f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}",
        host=parts.netloc,
        loopback=_is_loopback(name),
        key=key,
    )


def _split(text: str) -> SplitResult:
    """The parts of an address.

    Raises:
        ValidationError: it is none of a server.
    """
    try:
        parts = urlsplit(text)
        sound = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound, parts = False, SplitResult("", "", "", "", "")
    if not sound or not text.isprintable() or " " in text:
        raise ValidationError(
            "ELEPHANTASM_ENDPOINT must be the address of a server, beginning with https:// or "
            "http://.",
            field="endpoint",
            hint=EXAMPLE,
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError(
            "ELEPHANTASM_ENDPOINT must hold nothing but the address: no user, password or query.",
            field="endpoint",
            hint=f"{EXAMPLE} The key goes into ELEPHANTASM_API_KEY.",
        )
    return parts


def _clean_key(key: str | None) -> str | None:
    """A key that can stand in a header.

    Raises:
        ValidationError: it cannot.
    """
    key = (key or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValidationError(
            "ELEPHANTASM_API_KEY has characters that no key has.",
            field="api_key",
            hint="Copy it again, whole: it begins with sk_live_.",
        )
    return key or None


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _is_near(name: str) -> bool:
    """Whether a host is in one's own network: by address, or by a name that only works there."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_OWN_DOMAINS)
    return address.is_loopback or address.is_private or address.is_link_local
