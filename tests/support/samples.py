"""Values and small helpers that several tests use."""

from typing import Any

from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import Callback
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE
from bridge.domain.watches import Watch

NOW = 1_800_000_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
"""NOW, as an HTTP date."""
READING = Reading(
    import_id="imp",
    type="CSV",
    status="UPLOADING",
    person_count=7,
    failed_records=(FailedRecord(person_id="p1", email="jane@example.com"), FailedRecord(email="kim@example.com")),
    failed_record_count=9,
    updated_at="2027-01-15T08:00:00Z",
)
WATCH = Watch(
    id="wat_01",
    client="crm",
    workspace="eu",
    import_id="imp",
    label="Q4",
    metadata={"ticket": "RES-12"},
    created_at=NOW,
    grace_until=NOW + MINUTE,
    expires_at=NOW + HOUR,
)
DELIVERY = Delivery(
    id="dlv_1",
    watch_id="wat_01",
    client="crm",
    notification_id="ntf_01",
    destination=Callback(url=Secret("https://crm.example.com/hush")),
    lane="callback:x",
    body="{}",
    queued_at=NOW,
)


def only(things: list[Any]) -> Any:
    """Return the only element of a list, and assert that it is the only one."""
    assert len(things) == 1, things
    return things[0]
