"""Sealing and marking: what is private is encrypted before it reaches Redis; what must be compared there, marked."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.domain.secret import Secret
from bridge.errors import DecryptionFailed

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The one place that a sealed part belongs to: its record, its field, whose it is and what it is about."""

    record: str
    field: str
    client: str = ""
    about: str = ""

    def digest(self) -> bytes:
        """Return what is sealed along: short, and another one for any other place."""
        # With their lengths, since texts that are merely joined may read alike.
        lengths = f"{len(self.record)} {len(self.field)} {len(self.client)} "
        place = f"{lengths}{self.record}{self.field}{self.client}{self.about}"
        return hashlib.blake2b(place.encode(), digest_size=DIGEST_BYTES).digest()


class Encryptor:
    """Seal with the newest key, open with any of them; and only in the place that it was sealed for."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        """Take Fernet keys, newest first."""
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

    def encrypt(self, text: str, binding: Binding) -> str:
        return self._fernet.encrypt(binding.digest() + text.encode()).decode("ascii")

    def decrypt(self, sealed: str, binding: Binding) -> str:
        """Return the text; raises DecryptionFailed when none of the keys wrote it, or for another place."""
        try:
            opened = self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise DecryptionFailed("a record does not open with any of BRIDGE_ENCRYPTION_KEYS") from error
        if opened[:DIGEST_BYTES] != binding.digest():
            raise DecryptionFailed("a sealed part was moved here from another record, or its record was changed")
        return opened[DIGEST_BYTES:].decode()


class Fingerprinter:
    """Give texts marks that can be compared and not read back: an HMAC under a key that outlives every rotation.

    The key is kept sealed in the store; `adopt` takes it when the process starts.
    """

    def __init__(self) -> None:
        self._key: bytes | None = None

    def set_key(self, key: str) -> None:
        self._key = key.encode()

    def fingerprint(self, text: str) -> str:
        """Give the mark of a text: 32 characters, the same in every process on this store."""
        if self._key is None:
            raise RuntimeError("no key has been adopted: check_store comes first")
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()[:32]
