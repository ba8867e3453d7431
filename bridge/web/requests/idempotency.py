"""The Idempotency-Key header: its validation, and the fingerprints that are stored instead of it."""

import json

from starlette.requests import Request

from bridge.domain.clients import Client
from bridge.resources import Resources
from bridge.store.acceptance import IdempotencyKey
from bridge.web.refusals import Refusal, Refused

MAX_KEY_LENGTH = 255


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key, None without one; raise Refused with 422 for an invalid one."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        detail = f"It must consist of 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        raise Refused(Refusal.INVALID_IDEMPOTENCY_KEY, detail)
    return key


def fingerprints(resources: Resources, client: Client, key: str | None, body: bytes) -> IdempotencyKey | None:
    """Return the fingerprints of a client's key and of its request; None without a key.

    Bodies that differ only in white space or in the order of names have the same fingerprint.
    """
    if key is None:
        return None
    canonical = json.dumps(json.loads(body), sort_keys=True)
    fingerprinter = resources.fingerprinter
    return IdempotencyKey(
        fingerprint=fingerprinter.fingerprint(f"idempotency {client.name} {key}"),
        digest=fingerprinter.fingerprint(f"request {canonical}"),
    )
