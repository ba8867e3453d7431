"""Sealing: what is private is encrypted before it reaches Redis."""

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
