"""Notifications: ids, types and payloads."""

from bridge.domain.conclusions import Conclusion
from bridge.domain.notifications import Notification, build_notification, notification_id, reading_as_json
from bridge.domain.outcomes import Outcome
from bridge.domain.times import rfc3339
from tests.support.samples import NOW, READING, WATCH


def test_a_notification_keeps_its_id_and_names_the_import() -> None:
    first = build_notification(WATCH, Conclusion(Outcome.NOT_FOUND, "why"), None, NOW)

    assert first.id == build_notification(WATCH, Conclusion(Outcome.NOT_FOUND, "why"), None, NOW + 5).id
    assert first.payload() == {
        "type": "watch.not_found",
        "timestamp": rfc3339(NOW),
        "data": {
            "client": "crm",
            "watchId": "wat_01",
            "workspace": "eu",
            "importId": "imp",
            "label": "Q4",
            "metadata": {"ticket": "RES-12"},
            "outcome": "not_found",
            "reason": "why",
            "warning": None,
            "import": None,
        },
    }


def test_every_outcome_has_a_type_of_notification() -> None:
    types = {build_notification(WATCH, Conclusion(outcome), None, NOW).type for outcome in Outcome}

    assert len(types) == len(Outcome)


def test_a_notification_has_every_field() -> None:
    conclusion = Conclusion(Outcome.FAILED, "why")

    assert build_notification(WATCH, conclusion, READING, NOW + 5) == Notification(
        id="ntf_01",
        type="import.failed",
        at=NOW + 5,
        client="crm",
        watch_id="wat_01",
        workspace="eu",
        import_id="imp",
        outcome=Outcome.FAILED,
        reason="why",
        label="Q4",
        metadata={"ticket": "RES-12"},
        reading=READING,
        watched_for=5,
    )
    assert notification_id("wat_wat_01") == "ntf_wat_01"


def test_a_reading_is_shown_with_rallys_values() -> None:
    assert reading_as_json(READING) == {
        "importId": "imp",
        "type": "CSV",
        "status": "UPLOADING",
        "personCount": 7,
        "failedRecordCount": 9,
        "failedRecords": [{"personId": "p1", "email": "jane@example.com"}, {"email": "kim@example.com"}],
        "updatedAt": "2027-01-15T08:00:00Z",
    }
    assert build_notification(WATCH, Conclusion(Outcome.FAILED), READING, NOW).payload()["data"][
        "import"
    ] == reading_as_json(READING)
