"""Verification of webhooks by Standard Webhooks: of Rally's pushes, which Svix signs, and of our own callbacks.

The only code that verifies `v1`: for the endpoint of pushes, for `bridge.client.verify_callback`, and for the sandbox.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.domain.callback_secrets import decode_secret

STANDARD, SVIX = "webhook", "svix"
"""The families of headers: how their names begin."""
PARTS = ("id", "timestamp", "signature")
SYMMETRIC, ASYMMETRIC = "v1", "v1a"
TOLERANCE = 300.0
"""Seconds by which the sender's clock and ours may differ."""
LONGEST_TIMESTAMP = 20
"""The largest number of digits of a timestamp; Python refuses to parse numbers of thousands of digits."""
_ID = re.compile(r"[\x21-\x7e]{1,256}")


class NotSigned(Exception):
    """A message that must be ignored; the text says why. It repeats nothing of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """The headers of a recent message, none of whose signatures is verified yet."""

    message_id: str
    timestamp: str
    entries: Sequence[str] = field(repr=False)
    """The entries of the header; those that are malformed or of an unknown version are skipped."""

    @property
    def prefix(self) -> bytes:
        """What is signed before the body."""
        return f"{self.message_id}.{self.timestamp}.".encode()

    def of_version(self, version: str) -> list[bytes]:
        """Return the signatures of a version; one that is not base64 is empty."""
        prefix = f"{version},"
        return [decoded(each.removeprefix(prefix)) for each in self.entries if each.startswith(prefix)]

    def verify(self, body: bytes, secret: str) -> bool:
        """Return whether one of the signatures is by a secret, in constant time; raise ValueError if it is none."""
        key = decode_secret(secret)
        if not key:
            raise ValueError("an empty secret")
        code = hmac.new(key, self.prefix, "sha256")
        code.update(body)
        return any(hmac.compare_digest(code.digest(), each) for each in self.of_version(SYMMETRIC))


def read_signatures(
    headers: Iterable[tuple[str, str]], *, now: float, families: Sequence[str] = (STANDARD,)
) -> Signatures:
    """Return the signatures of a message; raise NotSigned without them, or if it is not recent.

    All of it is from headers of one family: the first of `families` that is complete. `now` is in seconds since 1970.
    """
    family, message_id, timestamp, signatures = _read_headers(headers, families)
    if not _ID.fullmatch(message_id):
        raise NotSigned(f"the {family}-id is not 1 to 256 visible ASCII characters")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= LONGEST_TIMESTAMP):
        raise NotSigned(f"the {family}-timestamp is not a number")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise NotSigned(f"the {family}-timestamp is too far from now")
    return Signatures(message_id=message_id, timestamp=timestamp, entries=signatures.split(" "))


def _read_headers(headers: Iterable[tuple[str, str]], families: Sequence[str]) -> tuple[str, str, str, str]:
    """Return a family and the values of its headers."""
    wanted = {f"{family}-{part}" for family in families for part in PARTS}
    found: dict[str, set[str]] = {}
    for name, value in headers:
        if (lower := name.lower()) in wanted and value:
            found.setdefault(lower, set()).add(value)
    for family in families:
        names = [f"{family}-{part}" for part in PARTS]
        if all(name in found for name in names):
            message_id, timestamp, signatures = (_single(name, found) for name in names)
            return family, message_id, timestamp, signatures
    needed = " or ".join(f"{family}-id, {family}-timestamp and {family}-signature" for family in families)
    raise NotSigned(f"a header is missing: {needed} are needed")


def _single(name: str, found: Mapping[str, set[str]]) -> str:
    """Return the value of a header, which may be repeated but not differ."""
    if len(found[name]) > 1:
        raise NotSigned(f"the header {name} has two different values")
    (value,) = found[name]
    return value


def decoded(text: str) -> bytes:
    """Return what a text in base64 encodes; nothing if it is not base64."""
    try:
        return b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one
        return b""
