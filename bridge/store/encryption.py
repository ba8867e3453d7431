"""Encryption of private data before it reaches Redis, and fingerprints of what Redis must compare."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.domain.secret import Secret
from bridge.errors import DecryptionFailed

DIGEST_BYTES = 16
SHORT_BYTES = 4
"""The length of fingerprints that people compare: 8 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where an encrypted part belongs: its record, its field, its client and its subject."""

    record: str
    field: str
    client: str = ""
    about: str = ""

    def digest(self) -> bytes:
        """Return a short digest that differs for every other binding; it is encrypted along with the text."""
        # With lengths, because plain concatenation would be ambiguous.
        lengths = f"{len(self.record)} {len(self.field)} {len(self.client)} "
        bound_to = f"{lengths}{self.record}{self.field}{self.client}{self.about}"
        return hashlib.blake2b(bound_to.encode(), digest_size=DIGEST_BYTES).digest()


class Encryptor:
    """Encrypts with the newest key. Decrypts with any key, and only for the binding given at encryption."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        """`keys` are Fernet keys, newest first."""
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

    def encrypt(self, text: str, binding: Binding) -> str:
        return self.encrypt_bytes(text.encode(), binding)

    def encrypt_bytes(self, content: bytes, binding: Binding) -> str:
        return self._fernet.encrypt(binding.digest() + content).decode("ascii")

    def decrypt(self, encrypted: str, binding: Binding) -> str:
        """Return the text. Raises DecryptionFailed if no key fits or the binding differs."""
        return self.decrypt_bytes(encrypted, binding).decode()

    def decrypt_bytes(self, encrypted: str, binding: Binding) -> bytes:
        """Return the content. Raises DecryptionFailed if no key fits or the binding differs."""
        try:
            opened = self._fernet.decrypt(encrypted)
        except InvalidToken as error:
            raise DecryptionFailed("no key of BRIDGE_ENCRYPTION_KEYS decrypts the record") from error
        if opened[:DIGEST_BYTES] != binding.digest():
            raise DecryptionFailed("an encrypted part was moved here from another record, or its record was changed")
        return opened[DIGEST_BYTES:]


class Fingerprinter:
    """Computes fingerprints that can be compared but not reversed: HMACs under a key that is never rotated.

    The key is stored encrypted; the process sets it at startup.
    """

    def __init__(self) -> None:
        self._keyed: tuple[hmac.HMAC, hashlib.blake2b] | None = None
        """The hashes of both kinds of fingerprints, with the key and without a text."""

    def set_key(self, key: str) -> None:
        secret = key.encode()
        self._keyed = hmac.new(secret, digestmod=hashlib.sha256), hashlib.blake2b(key=secret, digest_size=SHORT_BYTES)

    def short(self, text: str) -> str:
        """Return a fingerprint for people to compare: 8 characters, the same in every process on this store."""
        _, keyed = self._with_key()
        short = keyed.copy()
        short.update(text.encode())
        return short.hexdigest()

    def fingerprint(self, text: str) -> str:
        """Return a text's fingerprint: 32 characters, the same in every process on this store."""
        keyed, _ = self._with_key()
        full = keyed.copy()
        full.update(text.encode())
        return full.hexdigest()[:32]

    def _with_key(self) -> tuple[hmac.HMAC, hashlib.blake2b]:
        if self._keyed is None:
            raise RuntimeError("no key is set: call check_store first")
        return self._keyed
