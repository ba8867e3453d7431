"""Signatures by ed25519, with the package cryptography, which is no part of the light install."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def is_signed_by(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Return whether a signature is by the private part of a key; raise ValueError if the key is not one."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except InvalidSignature:
        return False
    return True
