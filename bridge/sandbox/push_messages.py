"""The webhook messages by which Rally pushes the end of an import, signed as Svix signs them.

Sources: https://docs.rallyuxr.com/webhooks/person-import-csv-finished and
https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EVENTS: Mapping[str, str] = {"API": "person_import.api.finished", "CSV": "person_import.csv.finished"}
"""The event by the type of an import. Rally has none for ACTIVITIES."""
TEST_ID = "test_cm1uwhduy001vle4gr4soyqkq"
"""The import in the example of the event catalogue, which the Testing tab of Svix' portal sends."""
FORGER = "whsec_" + base64.b64encode(b"a secret that no bridge knows").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """A message about one import, with the id that all of its attempts bear."""

    message_id: str
    workspace: str
    event: str
    import_id: str
    body: str


def message_of(shown: Mapping[str, Any], event: str, workspace: str = "default") -> PushMessage:
    """Return the message about an import that Rally's API shows like this: without its type and number of people."""
    fields = {name: shown[name] for name in ("importId", "status", "updatedAt", "failedRecords")}
    return PushMessage(
        message_id=f"msg_{secrets.token_hex(12)}",
        workspace=workspace,
        event=event,
        import_id=shown["importId"],
        body=json.dumps({"_eventType": event, **fields}),
    )


def signed_headers(message: PushMessage, keys: Sequence[str], now: float) -> Mapping[str, str]:
    """Return the headers of one attempt, with a signature by each secret: two while a secret is rotated."""
    content = f"{message.message_id}.{int(now)}.{message.body}".encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Svix-Webhooks/1.0 (sandbox)",
        "svix-id": message.message_id,
        "svix-timestamp": str(int(now)),
        "svix-signature": " ".join(f"v1,{_signature(key, content)}" for key in keys),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
