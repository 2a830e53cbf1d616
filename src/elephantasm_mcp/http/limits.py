"""Limits: how often a key may ask, and an address guess.

Owns counting, on the clock that it is told. Invariant: what is remembered is bounded; what is
forgotten for that is what was not seen for longest.
"""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final, final

MAX_CALLERS: Final = 10_000
MAX_ADDRESSES: Final = 10_000
MAX_FAILURES: Final = 10
WINDOW: Final = timedelta(minutes=1)
"""After so many failures in this time an address is not heard."""
_IPV6_NETWORK_BITS: Final = 64
"""What one machine gets of IPv6 addresses is a whole network."""


@final
class Buckets:
    """A token bucket for each caller, which holds a minute's requests; 0 is no limit."""

    def __init__(self, *, per_min: int, most: int = MAX_CALLERS) -> None:
        self._per_min: Final = per_min
        self._most: Final = most
        self._left: Final[OrderedDict[Hashable, tuple[float, datetime]]] = OrderedDict()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._left)

    def take(self, caller: Hashable, *, now: datetime) -> float:
        """Count a request; the seconds after which it may be repeated, 0 when it may go on."""
        if self._per_min == 0:
            return 0.0
        per_s = self._per_min / 60
        left, at = self._left.get(caller, (float(self._per_min), now))
        left = min(self._per_min, left + max(0.0, (now - at).total_seconds()) * per_s)
        wait_s = 0.0 if left >= 1 else (1 - left) / per_s
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        self._left.move_to_end(caller)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait_s


@final
class Failures:
    """The keys that did not fit, by the address that they came from."""

    def __init__(self, *, most: int = MAX_ADDRESSES) -> None:
        self._most: Final = most
        self._at: Final[OrderedDict[str, deque[datetime]]] = OrderedDict()

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._at)

    def note(self, address: str, *, now: datetime) -> None:
        """Count a key that did not fit."""
        network = _network(address)
        self._at.setdefault(network, deque(maxlen=MAX_FAILURES)).append(now)
        self._at.move_to_end(network)
        while len(self._at) > self._most:
            self._at.popitem(last=False)

    def wait_s(self, address: str, *, now: datetime) -> float:
        """After how many seconds keys from an address are looked at again; 0: they are."""
        network = _network(address)
        seen = self._at.get(network)
        if seen is None:
            return 0.0
        if seen[-1] + WINDOW <= now:
            del self._at[network]
            return 0.0
        until = seen[0] + WINDOW
        return max(0.0, (until - now).total_seconds()) if len(seen) == MAX_FAILURES else 0.0


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
    return str(parsed)
