"""A response of Rally, and what we read in one."""

import json
from typing import Any

from bridge.domain.imports import Reply
from bridge.rally import decipher
from tests.support.samples import NOW

GOOD = {
    "importId": "imp",
    "type": "CSV",
    "status": "COMPLETED",
    "personCount": 7,
    "failedRecords": [{"personId": "p1"}, {"email": "jane@example.com"}, {"personId": "p2", "email": "x@example.com"}],
    "updatedAt": "2027-01-15T08:00:00Z",
}


def answer(status: int = 200, body: Any = GOOD, headers: dict[str, str] | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decipher(status=status, headers=list((headers or {}).items()), body=raw, import_id="imp", at=NOW)
