"""Ids: lower-case ULIDs (https://github.com/ulid/spec), which sort by creation time."""

from secrets import randbits
from time import time_ns

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""The characters of an id, Crockford's base 32: without i, l, o and u, which people misread."""
RANDOM_BITS = 80
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
"""The digits of base 1024, which halves the number of steps."""


def new_id(prefix: str) -> str:
    """Return a prefix followed by a new ULID: 48 bits of the time in ms, then 80 random bits."""
    number = (time_ns() // 1_000_000) << RANDOM_BITS | randbits(RANDOM_BITS)
    return prefix + "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
