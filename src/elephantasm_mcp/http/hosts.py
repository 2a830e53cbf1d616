"""Hosts: under which names the server may be addressed, and which web pages may ask it.

Owns reading the headers `Host` and `Origin`. Invariant: a web page of a stranger gets no answer,
whether it asks by its own name (an `Origin` that is not known) or had its name point here (a `Host`
that is not known).
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, final

from elephantasm_mcp.settings import Settings

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_ORIGIN: Final = re.compile(r"https?://(.+)")


@final
class Hosts:
    """The names that are known: those of loopback, and others with any port, or with one."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: Final = (*LOOPBACK_NAMES, *(name.lower() for name in names))

    def knows(self, host: str) -> bool:
        """Whether a `Host` header names this server."""
        match = _HOST.fullmatch(host.lower())
        return match is not None and (match[0] in self.names or match[1] in self.names)

    def trusts(self, origin: str) -> bool:
        """Whether a web page of this origin may ask."""
        match = _ORIGIN.fullmatch(origin.lower())
        return match is not None and self.knows(match[1])


def hosts_of(settings: Settings) -> Hosts:
    """The names that the settings allow, and the one that is listened on."""
    allowed = [name.strip() for name in settings.allowed_hosts.split(",")]
    return Hosts(name for name in (*allowed, _listened_on(settings.host)) if name)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listened_on(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return ""
    return f"[{address}]" if address.version == 6 else str(address)
