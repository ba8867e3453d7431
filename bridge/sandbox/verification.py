"""Verification of callbacks, as a receiver does it by Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

LONGEST_TIMESTAMP = 20
TOLERANCE = 300
"""Seconds by which a callback's timestamp may differ, by Standard Webhooks."""


def fault_of_signature(headers: Mapping[str, str], body: str, secrets: Sequence[str], now: float) -> str | None:
    """Return the fault of a callback's signature; None if it verifies with any of the secrets.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    if not secrets:
        return "the sandbox has no secret to verify with: set SANDBOX_CALLBACK_SECRETS"
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal() or len(timestamp) > LONGEST_TIMESTAMP:
        return "webhook-id or webhook-timestamp is missing"
    if abs(now - int(timestamp)) > TOLERANCE:
        return "the timestamp is too far from now"
    content = f"{message_id}.{timestamp}.{body}".encode()
    offered = headers.get("webhook-signature", "").split(" ")
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"))
        except binascii.Error:
            continue
        wanted = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        if any(hmac.compare_digest(wanted.encode(), each.encode()) for each in offered):
            return None
    return "signed with a secret that the sandbox does not know"
