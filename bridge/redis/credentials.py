"""The user and password of REDIS_URL. If it comes from a file, they are read again after Redis rejects them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

from bridge.domain.secret import Secret
from bridge.redis.options import read

SHORTEST_WAIT, LONGEST_WAIT = 0.5, 4.0
"""Seconds before credentials that Redis has refused are tried again; doubled with each refusal."""

log = structlog.get_logger()


class Credentials(CredentialProvider):
    """The credentials of each new connection.

    Rejected credentials are sent again only after a pause; new ones from the file at once.
    """

    def __init__(self, url: Secret, file: Path | None = None, *, clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._file = file
        self._clock = clock
        self._refusal: str | None = None
        self._pause = 0.0
        self._again_at = 0.0

    @property
    def may_change(self) -> bool:
        """Whether the credentials are read from a file, so that they may change."""
        return self._file is not None

    def get_credentials(self) -> Any:  # redis-py accepts an empty tuple, but its type does not
        """Return (user, password), (password,), or nothing."""
        return credentials_in(read(self._url.reveal()))

    async def get_credentials_async(self) -> Any:
        return self.get_credentials()

    def refused(self, said: str) -> None:
        """Record that Redis rejected the credentials, with its message."""
        self._refusal = said
        self._pause = min(max(2 * self._pause, SHORTEST_WAIT), LONGEST_WAIT)
        self._again_at = self._clock() + self._pause

    def accepted(self) -> None:
        self._refusal, self._pause = None, 0.0

    def check(self) -> None:
        """Raise AuthenticationError if Redis has just rejected the same credentials."""
        if self._refusal is not None and not self._read_again() and self._clock() < self._again_at:
            raise AuthenticationError(self._refusal)

    def _read_again(self) -> bool:
        """Read the file. Return whether its credentials changed."""
        if self._file is None:
            return False
        try:
            text = self._file.read_text("utf-8").strip()
            changed: bool = credentials_in(read(text)) != self.get_credentials()
        except (OSError, ValueError):  # it may be in the middle of a replacement
            return False
        if changed:
            self._url = Secret(text)
            self._pause = 0.0
            log.warning("redis.credentials_reloaded")
        return changed


def credentials_in(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return (user, password), (password,), or (), from the options in a URL."""
    if user := options.get("username"):
        return (user, options.get("password") or "")
    return (options["password"],) if options.get("password") else ()
