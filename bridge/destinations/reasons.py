"""Reasons: why nothing was sent, in words; what of them would tell names and addresses of the network is for admins."""

from bridge.domain.deliveries import Failure, NoResponse

OUT_OF_REACH = "the host does not resolve, or may not be sent to"
"""All that others than admins are told: which of the two it is would tell the internal names of this network."""
_IN_CONFIDENCE = frozenset({Failure.DNS, Failure.REFUSED_ADDRESS, Failure.PROXY})


def in_full(missed: NoResponse) -> str:
    """Return the reason as it is recorded, logged and told to admins."""
    return f"{OUT_OF_REACH}: {missed.reason}" if missed.failure in _IN_CONFIDENCE else missed.reason


def for_everyone(reason: str | None) -> str | None:
    """Return as much of a recorded reason as every client may read."""
    return OUT_OF_REACH if is_in_confidence(reason) else reason


def is_in_confidence(reason: str | None) -> bool:
    return reason is not None and reason.startswith(OUT_OF_REACH)
