"""Callbacks, verified: signed with one of our secrets, and not long ago.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import BridgeError

TOLERANCE = 300.0
"""Seconds by which the sender's clock and ours may differ."""
LONGEST_TIMESTAMP = 20
"""Digits; Python refuses to read numbers of thousands."""


class NotVerified(BridgeError):
    """A request that nobody may act on; says why."""


def verify_callback(
    body: bytes | str, headers: Mapping[str, str], secrets: str | Sequence[str], *, now: float | None = None
) -> dict[str, Any]:
    """Give a callback's `{type, timestamp, data}`; raises NotVerified.

    `body` exactly as received; `secrets`: `whsec_…`, several while they are rotated; `now` in seconds since 1970.
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
    expected = [hmac.digest(_key(secret), signed, hashlib.sha256) for secret in known]
    offered = [_decoded(each.removeprefix("v1,")) for each in signatures.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in offered):
        raise NotVerified("no signature is by one of these secrets")
    payload: dict[str, Any] = json.loads(raw)
    return payload


def _check_time(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= LONGEST_TIMESTAMP):
        raise NotVerified("the webhook-timestamp is no time")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise NotVerified("the webhook-timestamp is too far from now")


def _key(secret: str) -> bytes:
    key = _decoded(secret.removeprefix("whsec_"))
    if not key:
        raise NotVerified("a secret is whsec_ and base64 after it")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one
        return b""
