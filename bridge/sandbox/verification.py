"""Verification of callbacks, as a receiver does it by Standard Webhooks."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from bridge.domain.webhook_verification import NotSigned, read_signatures


def fault_of_signature(
    headers: Iterable[tuple[str, str]], body: bytes, secrets: Sequence[str], now: float
) -> str | None:
    """Return the fault of a callback's signature; None if it verifies with any of the secrets."""
    if not secrets:
        return "the sandbox has no secret to verify with: set SANDBOX_CALLBACK_SECRETS"
    try:
        signatures = read_signatures(headers, now=now)
    except NotSigned as error:
        return str(error)
    for secret in secrets:
        with suppress(ValueError):
            if signatures.verify(body, secret):
                return None
    return "signed with a secret that the sandbox does not know"
