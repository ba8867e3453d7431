"""A limit for invalid API keys from one address, which slows guessing and keeps the log short.

Only invalid keys count, and a valid key always passes, because all clients behind one proxy share an address. Each
process counts by itself: an invalid key must not cost a request to Redis.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

COUNTED_FOR = 60.0
"""Seconds in which invalid keys are counted. Without one for this long, a burst ends."""
MAX_INVALID_KEYS = 20
"""The number of invalid keys that an address may send in a minute; further ones get a 429."""
MAX_ADDRESSES = 1000
"""The number of addresses that are remembered; the one with the oldest invalid key is forgotten first."""


@dataclass(slots=True)
class _Burst:
    last: float
    minute_start: float
    in_minute: int = 0


@dataclass(frozen=True, slots=True)
class InvalidKey:
    """One use of an invalid key: whether it begins a burst, and the seconds that its address must wait (0: none)."""

    first: bool
    wait: int


class InvalidKeys:
    """The recent bursts of invalid keys by address, in the order of their last key."""

    def __init__(self) -> None:
        self._bursts: dict[str, _Burst] = {}

    def __len__(self) -> int:
        return len(self._bursts)

    def count(self, address: str, now: float) -> InvalidKey:
        """Count an invalid key of an address, and return what follows; `now` is in seconds."""
        network = _network(address)
        burst = self._bursts.pop(network, None)
        first = burst is None or now - burst.last >= COUNTED_FOR
        if burst is None or now - burst.minute_start >= COUNTED_FOR:
            burst = _Burst(last=now, minute_start=now)
        burst.last = now
        burst.in_minute += 1
        self._bursts[network] = burst
        if len(self._bursts) > MAX_ADDRESSES:
            del self._bursts[next(iter(self._bursts))]
        limited = burst.in_minute > MAX_INVALID_KEYS
        return InvalidKey(first=first, wait=ceil(burst.minute_start + COUNTED_FOR - now) if limited else 0)


def _network(address: str) -> str:
    """Return what keys are counted by: the address; for IPv6 its /64 network, as a host can choose the rest."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a Unix socket has no IP address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address
