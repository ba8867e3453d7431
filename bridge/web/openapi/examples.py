"""Examples of bodies, responses and messages for the OpenAPI description; tests validate them against it."""

from collections.abc import Mapping
from typing import Any

from bridge.domain.outcomes import Outcome

WATCH: Mapping[str, Any] = {
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "label": "Q4 panel upload",
    "metadata": {"ticket": "RES-12"},
    "expiresIn": 86400,
    "nudgeAfter": 1800,
    "notify": [
        {
            "type": "slack_webhook",
            "url": "https://hooks.slack.com/services/T000/B000/XXXX",
            "on": "problems",
        },
        {"type": "callback", "url": "https://crm.example.com/hooks/rally", "headers": {"X-Source": "rally-bridge"}},
    ],
}
FIRST_WATCH: Mapping[str, Any] = {
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "notify": [{"type": "slack_webhook", "url": "https://hooks.slack.com/services/T000/B000/XXXX"}],
}
BATCH: Mapping[str, Any] = {
    "watches": [
        {"importId": import_id, "notify": FIRST_WATCH["notify"]}
        for import_id in ("cm1uwhduy001vle4gr4soyqkq", "cm1uwhduy001vle4gr4soyqkr")
    ],
    "digest": True,
}
REDELIVER: Mapping[str, Any] = {"state": "abandoned", "since": "2026-11-24T09:30:00Z"}
TEST: Mapping[str, Any] = {"destination": {"type": "callback", "url": "https://crm.example.com/hooks/rally"}}
PUSH: Mapping[str, Any] = {
    "_eventType": "person_import.csv.finished",
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "status": "COMPLETED",
    "updatedAt": "2026-11-24T09:29:58.000Z",
    "failedRecords": [{"email": "participant@example.com"}],
}
NAMED_DESTINATIONS: Mapping[str, Any] = {
    "data": [{"name": "crm-hook", "type": "callback"}, {"name": "research-ops", "type": "slack_webhook"}]
}

READING: Mapping[str, Any] = {
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "type": "CSV",
    "status": "COMPLETED",
    "personCount": 120,
    "failedRecordCount": 2,
    "failedRecords": [{"personId": "cm1person00001"}, {"email": "participant@example.com"}],
    "updatedAt": "2026-11-24T09:29:58.000Z",
}
FAILED_RECORDS: Mapping[str, Any] = {
    "importId": READING["importId"],
    "status": READING["status"],
    "failedRecordCount": READING["failedRecordCount"],
    "data": READING["failedRecords"],
    "nextCursor": None,
}
FAILED_RECORDS_CSV = (
    "email,personId,importId\r\n"
    ",cm1person00001,cm1uwhduy001vle4gr4soyqkq\r\n"
    "participant@example.com,,cm1uwhduy001vle4gr4soyqkq\r\n"
)
ACCEPTED: Mapping[str, Any] = {
    "id": "wat_01kb2x3v8mrd4hz0c7w9t5qfyn",
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "workspace": "default",
    "state": "watching",
    "outcome": None,
    "reason": None,
    "warning": None,
    "import": None,
    "polls": 0,
    "lastPolledAt": None,
    "lastPoll": None,
    "nextPollAt": "2026-11-24T09:28:00.000Z",
    "waitingFor": {
        "reason": "next_poll",
        "since": "2026-11-24T09:28:00.000Z",
        "until": "2026-11-24T09:28:00.000Z",
        "detail": "the first poll of the import",
    },
    "label": "Q4 panel upload",
    "metadata": {"ticket": "RES-12"},
    "createdBy": "crm",
    "createdAt": "2026-11-24T09:28:00.000Z",
    "expiresAt": "2026-11-25T09:28:00.000Z",
    "nudgeAfter": 1800,
    "settledAt": None,
    "notify": [
        {
            "type": "slack_webhook",
            "destination": "https://hooks.slack.com/services/…",
            "fingerprint": "3f9a1c2e",
            "on": "problems",
        },
        {"type": "callback", "destination": "https://crm.example.com/…", "fingerprint": "b80d4e17", "on": "always"},
    ],
    "deliveries": [],
}
SETTLED: Mapping[str, Any] = {
    **ACCEPTED,
    "state": "settled",
    "outcome": "completed_with_failures",
    "import": READING,
    "polls": 9,
    "lastPolledAt": "2026-11-24T09:30:00.000Z",
    "lastPoll": {"at": "2026-11-24T09:30:00.000Z", "status": 200, "meaning": "Rally reports COMPLETED"},
    "nextPollAt": None,
    "waitingFor": {
        "reason": "retry",
        "since": "2026-11-24T09:30:00.000Z",
        "until": "2026-11-24T09:30:02.000Z",
        "detail": "attempt 1 to https://crm.example.com/… (b80d4e17) failed: HTTP 503; "
        "the next one follows the schedule",
    },
    "settledAt": "2026-11-24T09:30:00.000Z",
    "deliveries": [
        {
            "id": "dlv_01kb2x3v8mrd4hz0c7w9t5qfyn0",
            "type": "callback",
            "destination": "https://crm.example.com/…",
            "fingerprint": "b80d4e17",
            "state": "pending",
            "attempts": 1,
            "nextAttemptAt": "2026-11-24T09:30:02.000Z",
            "retriesUntil": "2026-11-27T09:30:00.000Z",
            "lastReason": "HTTP 503",
            "endedAt": None,
        }
    ],
}
HISTORY: Mapping[str, Any] = {
    "watchId": ACCEPTED["id"],
    "summary": "The import completed, with failed records. The message to https://crm.example.com/… (b80d4e17) is not "
    "delivered yet: HTTP 503.",
    "waitingFor": SETTLED["waitingFor"],
    "advice": [
        "Repair the receiver; the next attempt then succeeds.",
    ],
    "data": [
        {"at": "2026-11-24T09:28:00.000Z", "kind": "accepted", "text": "the client crm asked for the watch"},
        {"at": "2026-11-24T09:28:00.250Z", "kind": "reading", "text": "Rally reports UPLOADING, 40 people"},
        {
            "at": "2026-11-24T09:30:00.000Z",
            "kind": "outcome",
            "text": "the import completed, with failed records: Rally reports COMPLETED, 120 people, 2 failed",
        },
        {
            "at": "2026-11-24T09:30:00.010Z",
            "kind": "attempt",
            "text": "attempt 1 to https://crm.example.com/… (b80d4e17) failed: HTTP 503 (35 ms)",
        },
    ],
}


def notification(type_: str, outcome: Outcome) -> Mapping[str, Any]:
    """Return the body of a callback for an outcome."""
    readings = {
        Outcome.COMPLETED: {**READING, "failedRecordCount": 0, "failedRecords": []},
        Outcome.COMPLETED_WITH_FAILURES: READING,
        Outcome.FAILED: {**READING, "status": "ERROR", "failedRecordCount": 0, "failedRecords": []},
    }
    data = {name: ACCEPTED[name] for name in ("workspace", "importId", "label", "metadata")}
    ended = {
        "client": "crm",
        "watchId": ACCEPTED["id"],
        **data,
        "outcome": outcome.value,
        "reason": None,
        "warning": None,
        "import": readings.get(outcome),
    }
    return {"type": type_, "timestamp": SETTLED["settledAt"], "data": ended}


def notice(type_: str) -> Mapping[str, Any]:
    """Return the body of a callback for a test or a notice to the operator."""
    return {
        "type": type_,
        "timestamp": SETTLED["settledAt"],
        "data": {"client": "crm", "text": "A description of the event."},
    }
