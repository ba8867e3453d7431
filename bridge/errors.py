"""What can go wrong on purpose.

BridgeError
├── SettingsError        the environment does not describe a bridge that could start
├── StoreUnavailable     Redis does not answer; nothing was changed that we know of
│   └── StoreFull        it answers, but takes no writes: what only reads still works
├── SealBroken           a record does not open with the configured keys
└── Refused              a request that we do not carry out: a status, a title, every problem named
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class BridgeError(Exception):
    """Anything that rally-bridge raises knowingly."""


class SettingsError(BridgeError):
    """Names every problem of the settings at once, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreUnavailable(BridgeError):
    """The store can't be reached or can't write just now; the same call may succeed later."""


class StoreFull(StoreUnavailable):
    """Redis is at its maxmemory with noeviction: it refuses each write until there is room."""


class SealBroken(BridgeError):
    """A sealed record was written under a key that is not among BRIDGE_ENCRYPTION_KEYS."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: where (a JSON pointer into the body), what, and a stable code."""

    pointer: str
    detail: str
    code: str | None = None


class Refused(BridgeError):
    """A request that is answered with a problem document and changes nothing."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = headers
