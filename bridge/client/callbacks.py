"""Verification of callbacks: signed recently with one of the given secrets or keys."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from bridge.domain.webhook_verification import ASYMMETRIC, NotSigned, Signatures, decoded, read_signatures
from bridge.errors import BridgeError

PUBLIC_PREFIX = "whpk_"


class Headers(Protocol):
    """The headers of a request: a mapping, or those of `http.server`, which are no mapping for a type checker."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class NotVerified(BridgeError):
    """A request that must be ignored; the message says why."""


def verify_callback(
    body: bytes | str,
    headers: Headers,
    secrets: str | Sequence[str],
    *,
    client: str | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """Return a callback's `{type, timestamp, data}`; raises NotVerified.

    `body` exactly as received; `secrets`: `whsec_…` or public keys `whpk_…` (for these, install cryptography), several
    while they are rotated; `client`: the name of your client, where others may send to the same receiver; `now` in
    seconds since 1970.
    Act once for each `webhook-id`: a repetition bears the same one.
    """
    raw = body.encode() if isinstance(body, str) else body
    try:
        signatures = read_signatures(headers.items(), now=time.time() if now is None else now)
    except NotSigned as error:
        raise NotVerified(str(error)) from None
    known = [secrets] if isinstance(secrets, str) else secrets
    if not any(_is_signed_with(secret, signatures, raw) for secret in known):
        raise NotVerified("no signature is by one of these secrets")
    payload = _payload(raw)
    if client is not None and _client_of(payload) != client:
        raise NotVerified("the message is for another client")
    return payload


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        payload = None
    if not isinstance(payload, dict):
        raise NotVerified("the body is not a JSON object")
    return payload


def _client_of(payload: dict[str, Any]) -> Any:
    data = payload.get("data")
    return data.get("client") if isinstance(data, dict) else None


def _is_signed_with(secret: str, signatures: Signatures, body: bytes) -> bool:
    """Return whether one of the signatures is by a secret (`v1`), or by the private part of a public key (`v1a`)."""
    if secret.startswith(PUBLIC_PREFIX):
        return _is_signed_with_key(secret, signatures, body)
    try:
        return signatures.verify(body, secret)
    except ValueError:
        raise NotVerified("a secret is whsec_ and base64 after it") from None


def _is_signed_with_key(public_key: str, signatures: Signatures, body: bytes) -> bool:
    try:
        from bridge.client.ed25519 import is_signed_by  # noqa: PLC0415 - its package may be missing
    except ModuleNotFoundError:
        raise ImportError("To verify with a public key, install a package: pip install cryptography") from None
    key = decoded(public_key.removeprefix(PUBLIC_PREFIX))
    try:
        offered = signatures.of_version(ASYMMETRIC) or [b""]
        return any(is_signed_by(key, each, signatures.prefix + body) for each in offered)
    except ValueError:
        raise NotVerified(f"a public key is {PUBLIC_PREFIX} and the base64 of 32 bytes") from None
