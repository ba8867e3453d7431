"""Signatures of Slack's requests (version v0): HMAC-SHA256 over the time and the body.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

VERSION = b"v0"
TOLERANCE = 300.0
"""Seconds by which Slack's clock and ours may differ."""
LONGEST_TIMESTAMP = 20
"""The largest number of digits of a timestamp; Python refuses to parse numbers of thousands of digits."""


class NotSlacks(Exception):
    """A request that must be ignored; the text says why. It repeats nothing of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSignature:
    """The headers of a recent request whose signature is not verified yet."""

    timestamp: bytes
    signature: bytes = field(repr=False)

    def signed(self, body: bytes) -> bytes:
        """Return what is signed."""
        return b":".join((VERSION, self.timestamp, body))

    def verify(self, body: bytes, secrets: Iterable[str]) -> bool:
        """Return whether the signature is by one of the secrets, in constant time. An empty secret signs nothing."""
        text = self.signed(body)
        codes = [hmac.new(secret.encode(), text, "sha256").hexdigest().encode() for secret in secrets if secret]
        return any(hmac.compare_digest(VERSION + b"=" + code, self.signature) for code in codes)


def read_signature(headers: Iterable[tuple[bytes, bytes]], *, now: float) -> SlackSignature:
    """Return the signature of a request; raise NotSlacks without one, or if it is not recent.

    `now` is in seconds since 1970.
    """
    found: dict[bytes, list[bytes]] = {b"x-slack-request-timestamp": [], b"x-slack-signature": []}
    for name, value in headers:
        if name.lower() in found:
            found[name.lower()].append(value)
    try:
        ((timestamp,), (signature,)) = found.values()
    except ValueError:
        raise NotSlacks("X-Slack-Request-Timestamp and X-Slack-Signature are needed, once each") from None
    if not (timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP):
        raise NotSlacks("X-Slack-Request-Timestamp is not a number")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise NotSlacks("X-Slack-Request-Timestamp is more than 5 minutes from the clock of this machine")
    return SlackSignature(timestamp=timestamp, signature=signature)
