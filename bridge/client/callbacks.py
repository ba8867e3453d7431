"""Verification of callbacks: signed recently with one of the given secrets or keys.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from bridge.domain.callback_secrets import decode_secret
from bridge.errors import BridgeError

PUBLIC_PREFIX = "whpk_"
TOLERANCE = 300.0
"""Seconds by which the sender's clock and ours may differ."""
LONGEST_TIMESTAMP = 20
"""The largest number of digits of a timestamp; Python refuses to parse numbers of thousands of digits."""


class Headers(Protocol):
    """The headers of a request: a mapping, or those of `http.server`, which are none."""

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
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and signatures):
        raise NotVerified("a webhook-id, webhook-timestamp or webhook-signature is missing")
    _check_time(timestamp, time.time() if now is None else now)
    signed = f"{message_id}.{timestamp}.".encode() + raw
    known = [secrets] if isinstance(secrets, str) else secrets
    if not any(_is_signed_with(secret, signed, signatures.split()) for secret in known):
        raise NotVerified("no signature is by one of these secrets")
    payload: dict[str, Any] = json.loads(raw)
    if client is not None and payload.get("data", {}).get("client") != client:
        raise NotVerified("the message is for another client")
    return payload


def _is_signed_with(secret: str, signed: bytes, signatures: Sequence[str]) -> bool:
    """Return whether one of the signatures is by a secret (`v1`), or by the private part of a public key (`v1a`)."""
    if secret.startswith(PUBLIC_PREFIX):
        return _is_signed_with_key(secret, signed, _of_kind("v1a,", signatures))
    expected = hmac.digest(_key(secret), signed, hashlib.sha256)
    return any(hmac.compare_digest(expected, each) for each in _of_kind("v1,", signatures))


def _of_kind(kind: str, signatures: Sequence[str]) -> list[bytes]:
    return [_decoded(each.removeprefix(kind)) for each in signatures if each.startswith(kind)]


def _is_signed_with_key(public_key: str, signed: bytes, signatures: Sequence[bytes]) -> bool:
    try:
        from bridge.client.ed25519 import is_signed_by  # noqa: PLC0415 - its package may be missing
    except ModuleNotFoundError:
        raise ImportError("To verify with a public key, install a package: pip install cryptography") from None
    key = _decoded(public_key.removeprefix(PUBLIC_PREFIX))
    try:
        return any(is_signed_by(key, each, signed) for each in signatures or [b""])
    except ValueError:
        raise NotVerified(f"a public key is {PUBLIC_PREFIX} and the base64 of 32 bytes") from None


def _check_time(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= LONGEST_TIMESTAMP):
        raise NotVerified("the webhook-timestamp is not a number")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise NotVerified("the webhook-timestamp is too far from now")


def _key(secret: str) -> bytes:
    try:
        key = decode_secret(secret)
    except ValueError:
        key = b""
    if not key:
        raise NotVerified("a secret is whsec_ and base64 after it")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one
        return b""
