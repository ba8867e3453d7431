"""Signing of callbacks by Standard Webhooks, with secrets and keys per client, derived from the service's own.

There are two kinds: `v1` with a shared secret, and, if the operator has configured keys, `v1a` (ed25519), which anyone
can verify with the client's public key. A message to one client does not verify with another client's secret or key.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.domain.callback_secrets import decode_secret, encode_secret
from bridge.domain.secret import Secret

PRIVATE_PREFIX, PUBLIC_PREFIX = "whsk_", "whpk_"
SEED_BYTES = 32
"""The length of an ed25519 seed; a private key is written as its seed, or as the seed and the public key."""
DERIVED_BYTES = 32
_PURPOSE = b"rally-bridge callback secret v1\x00"
"""The purpose that derived secrets are bound to. Changing it would change the secret of every client."""
_KEY_PURPOSE = b"rally-bridge callback ed25519 v1\x00"
"""The purpose that derived private keys are bound to."""


@dataclass(frozen=True, slots=True)
class Signing:
    """The service's own secrets (`whsec_…`), newest first; they are never shown to clients."""

    secrets: tuple[Secret, ...]
    ed25519_keys: tuple[Secret, ...] = ()
    """Private keys (`whsk_…`), newest first."""

    def sign(self, message_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret], client: str) -> str:
        """Return the signatures of a message, as the header `webhook-signature` lists them.

        There is a `v1` for each of the secrets, then a `v1a` for each private key of the client.
        """
        keys = self._private_keys_of(client)
        asymmetric = [sign_asymmetrically(message_id, timestamp, body, key) for key in keys]
        return " ".join([sign(message_id, timestamp, body, secrets), *asymmetric])

    def public_keys_of(self, client: str) -> tuple[str, ...]:
        """Return a client's public keys, newest first."""
        return tuple(public_key(key) for key in self._private_keys_of(client))

    def _private_keys_of(self, client: str) -> tuple[Secret, ...]:
        return tuple(derived_key(key, client) for key in self.ed25519_keys)

    def secrets_of(self, client: str) -> tuple[Secret, ...]:
        """Return a client's secrets, newest first; during a rotation there is one for each of the service's."""
        return tuple(Secret(derived_secret(secret.reveal(), client)) for secret in self.secrets)


def derived_secret(secret: str, client: str) -> str:
    """Derive a client's secret from one of the service's, so that clients can't forge messages to each other."""
    return encode_secret(_derived(decode_secret(secret), _PURPOSE, client))


def derived_key(key: Secret, client: str) -> Secret:
    """Derive a client's private key (`whsk_…`) from one of the service's, so that messages verify for it only."""
    seed = _derived(_seed_of(key), _KEY_PURPOSE, client)
    return Secret(PRIVATE_PREFIX + b64encode(seed).decode("ascii"))


def _derived(material: bytes, purpose: bytes, client: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=DERIVED_BYTES, salt=None, info=purpose + client.encode()).derive(material)


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret]) -> str:
    """Sign with each secret; receivers accept a message if any signature verifies."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + b64encode(digest(decode_secret(secret.reveal()), signed, sha256)).decode("ascii") for secret in secrets
    )


def sign_asymmetrically(message_id: str, timestamp: int, body: bytes, key: Secret) -> str:
    """Sign with a private key (`whsk_…`)."""
    signature = _private_key(key).sign(f"{message_id}.{timestamp}.".encode() + body)
    return "v1a," + b64encode(signature).decode("ascii")


def public_key(key: Secret) -> str:
    """Return the public key (`whpk_…`) of a private key."""
    return PUBLIC_PREFIX + b64encode(_private_key(key).public_key().public_bytes_raw()).decode("ascii")


def check_private_key(text: str) -> str | None:
    """Return why a text is not an ed25519 key, without repeating it; None if it is one."""
    try:
        raw = b64decode(text.removeprefix(PRIVATE_PREFIX), validate=True)
    except binascii.Error:
        raw = b""
    if not text.startswith(PRIVATE_PREFIX) or len(raw) not in {SEED_BYTES, 2 * SEED_BYTES}:
        return f"must be {PRIVATE_PREFIX} and the base64 of 32 bytes (the seed) or 64 (the seed and the public key)"
    own = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES]).public_key().public_bytes_raw()
    return None if raw[SEED_BYTES:] in {b"", own} else "holds a public key that is not its seed's"


def _private_key(key: Secret) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_seed_of(key))


def _seed_of(key: Secret) -> bytes:
    return b64decode(key.reveal().removeprefix(PRIVATE_PREFIX), validate=True)[:SEED_BYTES]
