"""Ids: lower-case ULIDs (https://github.com/ulid/spec), which sort by creation time."""

import hashlib
from os import urandom
from time import time_ns

from bridge.domain.times import Moment

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""The characters of an id, Crockford's base 32: without i, l, o and u, which people misread."""
RANDOM_BYTES = 10
RANDOM_BITS = 8 * RANDOM_BYTES
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
"""The digits of base 1024, which halves the number of steps."""


def new_id(prefix: str) -> str:
    """Return a prefix followed by a new ULID: 48 bits of the time in ms, then 80 random bits."""
    return _ulid(prefix, time_ns() // 1_000_000, int.from_bytes(urandom(RANDOM_BYTES)))


def lowest_id(prefix: str, at: Moment) -> str:
    """Return an id that sorts before those of this moment, and after those of earlier ones."""
    return _ulid(prefix, at, 0)


def derived_id(prefix: str, at: Moment, *parts: str) -> str:
    """Return a prefix followed by a ULID of a moment and of these texts: the same texts always have the same id."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return _ulid(prefix, at, int.from_bytes(digest[:RANDOM_BYTES]))


def _ulid(prefix: str, at: Moment, random: int) -> str:
    number = at << RANDOM_BITS | random
    return prefix + "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
