"""Pushes as Rally sends them through Svix, signed by the library of Standard Webhooks."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from bridge.domain.rules.pushes import CSV_FINISHED

PUSH_SECRET = "whsec_cHVzaGVzLW9mLXRoZS10ZXN0cy1vZi1yYWxseQ=="
OTHER_PUSH_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2YtcHVzaGVzIQ=="


def push_body(import_id: str = "imp", **changes: Any) -> bytes:
    """Return a body with all documented fields."""
    fields = {
        "_eventType": CSV_FINISHED,
        "importId": import_id,
        "status": "COMPLETED",
        "updatedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "failedRecords": [{"personId": "per_1"}, {"email": "jane@example.com"}],
    }
    return json.dumps(fields | changes).encode()


def signed_headers(
    body: bytes,
    *,
    message_id: str = "msg_1",
    secrets: Sequence[str] = (PUSH_SECRET,),
    family: str = "svix",
    at: float | None = None,
) -> dict[str, str]:
    """Return the headers of a message that is signed with each of the secrets."""
    moment = datetime.fromtimestamp(int(time.time() if at is None else at), UTC)
    signatures = [Webhook(secret).sign(message_id, moment, body.decode()) for secret in secrets]
    return {
        f"{family}-id": message_id,
        f"{family}-timestamp": str(int(moment.timestamp())),
        f"{family}-signature": " ".join(signatures),
    }


async def send_push(
    api: httpx.AsyncClient, body: bytes | None = None, *, workspace: str = "default", **signing: Any
) -> httpx.Response:
    """Send a signed push to the bridge."""
    content = push_body() if body is None else body
    return await api.post(f"/v1/push/rally/{workspace}", content=content, headers=signed_headers(content, **signing))
