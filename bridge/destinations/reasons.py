"""Reasons why nothing was sent. Those that would reveal names and addresses of the network are for admins only."""

from bridge.domain.delivery.destination_requests import Failure, NoResponse

UNREACHABLE = "the host does not resolve, or may not be sent to"
"""The public reason for both cases: to distinguish them would reveal internal names of the network."""
_IN_CONFIDENCE = frozenset({Failure.DNS, Failure.REFUSED_ADDRESS, Failure.PROXY})


def full_reason(missed: NoResponse) -> str:
    """Return the reason as it is recorded, logged and shown to admins."""
    return f"{UNREACHABLE}: {missed.reason}" if missed.failure in _IN_CONFIDENCE else missed.reason


def public_reason(reason: str | None) -> str | None:
    """Return the part of a recorded reason that every client may read."""
    return UNREACHABLE if is_confidential(reason) else reason


def is_confidential(reason: str | None) -> bool:
    return reason is not None and reason.startswith(UNREACHABLE)
