"""Reasons: why nothing was sent, in words; what of them would tell names and addresses of the network is for admins."""

from bridge.domain.deliveries import Failure, NoResponse

UNREACHABLE = "the host does not resolve, or may not be sent to"
"""All that others than admins are told: which of the two it is would tell the internal names of this network."""
_IN_CONFIDENCE = frozenset({Failure.DNS, Failure.REFUSED_ADDRESS, Failure.PROXY})


def full_reason(missed: NoResponse) -> str:
    """Return the reason as it is recorded, logged and told to admins."""
    return f"{UNREACHABLE}: {missed.reason}" if missed.failure in _IN_CONFIDENCE else missed.reason


def public_reason(reason: str | None) -> str | None:
    """Return as much of a recorded reason as every client may read."""
    return UNREACHABLE if is_confidential(reason) else reason


def is_confidential(reason: str | None) -> bool:
    return reason is not None and reason.startswith(UNREACHABLE)
