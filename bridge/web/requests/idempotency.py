"""The header Idempotency-Key, by which a client repeats a request without a second effect.

It is validated here. Redis stores only fingerprints: one of the key, and one of the request that it belongs to.
"""

import json
from typing import Any

from starlette.requests import Request

from bridge.domain.clients import Client
from bridge.resources import Resources
from bridge.store.watches.acceptance_call import IdempotencyKey
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

    Bodies that mean the same have the same fingerprint: those that differ only in white space, in the order of names,
    or in whether a field is null or left out.
    """
    if key is None:
        return None
    canonical = json.dumps(_without_nulls(json.loads(body)), sort_keys=True)
    fingerprinter = resources.fingerprinter
    return IdempotencyKey(
        fingerprint=fingerprinter.fingerprint(f"idempotency {client.name} {key}"),
        digest=fingerprinter.fingerprint(f"request {canonical}"),
    )


def batch_fingerprint(resources: Resources, client: Client, key: str | None) -> str | None:
    """Return the fingerprint of a client's key for a whole batch; None without a key."""
    return None if key is None else resources.fingerprinter.fingerprint(f"batch {client.name} {key}")


def _without_nulls(value: Any) -> Any:
    """Return a JSON value without the fields that are null. In metadata, null is a value."""
    match value:
        case dict():
            return {
                name: each if name == "metadata" else _without_nulls(each)
                for name, each in value.items()
                if each is not None
            }
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value
