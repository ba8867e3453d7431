"""Signatures of callbacks: Standard Webhooks, with a secret per client derived from the service's own.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.domain.secret import Secret

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the specification has them."""
DERIVED_BYTES = 32
_PURPOSE = b"rally-bridge callback secret v1\x00"
"""Binds a derived secret to its use; a change of it changes every client's secret."""


@dataclass(frozen=True, slots=True)
class Signing:
    """The service's secrets (`whsec_…`), newest first; no client ever sees one of them."""

    secrets: tuple[Secret, ...]

    def secrets_of(self, client: str) -> tuple[Secret, ...]:
        """Give a client's own secrets, newest first: while the service's rotate, each of them counts."""
        return tuple(Secret(derived_secret(secret.reveal(), client)) for secret in self.secrets)


def derived_secret(secret: str, client: str) -> str:
    """Derive a client's secret from one of the service's, so that no client can forge a message to another."""
    derivation = HKDF(algorithm=SHA256(), length=DERIVED_BYTES, salt=None, info=_PURPOSE + client.encode())
    return PREFIX + b64encode(derivation.derive(_bytes_of(secret))).decode("ascii")


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret]) -> str:
    """Sign with each secret; a receiver accepts the message if it knows any of them."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + b64encode(digest(_bytes_of(secret.reveal()), signed, sha256)).decode("ascii") for secret in secrets
    )


def check_secret(text: str) -> str | None:
    """Say what is wrong with a secret, without repeating it; None when it is one."""
    if not text.startswith(PREFIX):
        return f"A callback secret begins with {PREFIX}"
    try:
        length = len(_bytes_of(text))
    except (binascii.Error, ValueError):
        return f"A callback secret is base64 after {PREFIX}"
    if not SHORTEST <= length <= LONGEST:
        return f"A callback secret has {SHORTEST} to {LONGEST} bytes; this one has {length}"
    return None


def _bytes_of(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX), validate=True)
