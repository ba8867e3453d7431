"""The exceptions of rally-bridge, except those of the API, the client and the command line.

BridgeError
├── SettingsError        the settings are invalid
├── WrongPackage         `bridge` or `workers` is not ours, or some of its files are not
├── StoreUnavailable     Redis does not reply; whether a write took effect is unknown
│   ├── WritesRefused    it replies, but refuses or may lose writes; reads still work
│   │   ├── StoreFull        its memory is full
│   │   └── ReplicasMissing  too few replicas have confirmed the write, or are connected
│   └── StoreRefused     it refuses the connection or a command, or is not Redis; waiting does not help
│       └── CredentialsRefused  it refuses the user or the password; waiting helps only if they come from a file
└── DecryptionFailed     a record can't be decrypted with the configured keys
"""

from collections.abc import Iterator, Sequence


class BridgeError(Exception):
    """The base class of all exceptions that rally-bridge raises."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, the outermost first; also those that `raise … from None` hides from tracebacks."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class SettingsError(BridgeError):
    """Invalid settings, with one sentence for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class WrongPackage(BridgeError):
    """Another distribution is in the place of ours. The message names it, and the remedy."""


class StoreUnavailable(BridgeError):
    """The store can't be reached or can't write now. The same call may succeed later."""


class WritesRefused(StoreUnavailable):
    """Redis can be read, but refuses the write, or may lose it after a failover."""


class ReplicasMissing(WritesRefused):
    """Too few replicas are connected, or have confirmed a write in time; it may have taken effect."""


class StoreFull(WritesRefused):
    """Redis has reached its maxmemory with `noeviction`. It refuses writes until memory is freed."""


class StoreRefused(StoreUnavailable):
    """Redis refuses the connection or a command, or the server is not Redis. Only other settings help."""


class CredentialsRefused(StoreRefused):
    """Redis refuses the user or the password, or requires one that is not configured."""


class DecryptionFailed(BridgeError):
    """A record can't be decrypted: it was encrypted with a key that is not in BRIDGE_ENCRYPTION_KEYS."""
