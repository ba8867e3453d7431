"""Wrong keys: how many came from an address lately, so that guessing is slow and fills no log.

Only wrong keys are counted, and a right one always passes: behind one proxy all callers have one address. Counted by
each process for itself, since a wrong key should cost no trip to Redis.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

MINUTE = 60.0
"""Seconds for which wrong keys are counted; and after which, without one, a burst of them is over."""
WRONG_KEYS = 20
"""From one address in a minute; further ones are asked to wait."""
MOST_ADDRESSES = 1000
"""Of the addresses beyond it, the one that has been quiet longest is forgotten."""


@dataclass(slots=True)
class _Burst:
    last: float
    minute_began: float
    in_minute: int = 0


@dataclass(frozen=True, slots=True)
class Noted:
    """What a wrong key means: whether it begins a burst, and for how many seconds no other is looked at."""

    begins: bool
    wait: int


class WrongKeys:
    """The bursts of the addresses that sent wrong keys lately; the one that was heard of last comes last."""

    def __init__(self) -> None:
        self._bursts: dict[str, _Burst] = {}

    def __len__(self) -> int:
        return len(self._bursts)

    def note(self, address: str, now: float) -> Noted:
        """Count a wrong key; `now` in seconds."""
        network = _network(address)
        burst = self._bursts.pop(network, None)
        begins = burst is None or now - burst.last >= MINUTE
        if burst is None or now - burst.minute_began >= MINUTE:
            burst = _Burst(last=now, minute_began=now)
        burst.last = now
        burst.in_minute += 1
        self._bursts[network] = burst
        if len(self._bursts) > MOST_ADDRESSES:
            del self._bursts[next(iter(self._bursts))]
        over = burst.in_minute > WRONG_KEYS
        return Noted(begins=begins, wait=ceil(burst.minute_began + MINUTE - now) if over else 0)


def _network(address: str) -> str:
    """Return what one caller can be told by: of IPv6 the first half, since the rest is anyone's to choose."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a socket of the file system has none
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address
