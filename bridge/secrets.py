"""Sealing and marking: what is private is encrypted before it reaches Redis; what must be compared there, marked."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.domain.secret import Secret
from bridge.errors import SealBroken


class Sealer:
    """Seal with the newest key, open with any of them."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        """Take Fernet keys, newest first."""
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Give the text back.

        Raises SealBroken when none of the keys wrote it.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealBroken("a record does not open with any of BRIDGE_ENCRYPTION_KEYS") from error


class Marker:
    """Give texts marks that can be compared and not read back: an HMAC under a key that outlives every rotation.

    The key is kept sealed in the store; `adopt` takes it when the process starts.
    """

    def __init__(self) -> None:
        self._key: bytes | None = None

    def adopt(self, key: str) -> None:
        self._key = key.encode()

    def mark(self, text: str) -> str:
        """Give the mark of a text: 32 characters, the same in every process on this store."""
        if self._key is None:
            raise RuntimeError("no key has been adopted: check_store comes first")
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()[:32]
