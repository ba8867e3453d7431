"""Notices to the operator, and test messages."""

import pytest

from bridge.domain.notices import deliveries_abandoned, redis_evicts, redis_evicts_no_more
from bridge.domain.notices import test_message as message_of_test
from bridge.domain.times import rfc3339
from tests.support.samples import NOW


def test_the_operator_is_notified_that_redis_evicts_watches_and_that_it_stopped() -> None:
    assert redis_evicts("maxmemory-policy allkeys-lru", NOW).payload() == {
        "type": "redis.evicting",
        "timestamp": rfc3339(NOW),
        "data": {
            "client": "operator",
            "text": "Redis may lose watches: maxmemory-policy allkeys-lru.",
            "problem": "maxmemory-policy allkeys-lru",
        },
    }
    assert redis_evicts_no_more(NOW).payload() == {
        "type": "redis.eviction_ended",
        "timestamp": rfc3339(NOW),
        "data": {"client": "operator", "text": "Redis keeps every watch again; some may have been lost."},
    }


@pytest.mark.parametrize(
    ("number", "reason", "text"),
    [
        (1, "HTTP 410", "A message was abandoned: to https://crm.example.com/…, HTTP 410."),
        (
            1234,
            None,
            "1,234 messages were abandoned, the first of them: to https://crm.example.com/…, no reason known.",
        ),
    ],
)
def test_the_operator_is_notified_of_abandoned_deliveries(number: int, reason: str | None, text: str) -> None:
    assert deliveries_abandoned(number, "https://crm.example.com/…", reason, NOW).payload() == {
        "type": "delivery.abandoned",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "operator",
            "text": f"{text} GET /v1/deliveries?state=abandoned lists them.",
            "count": str(number),
            "destination": "https://crm.example.com/…",
            "reason": reason or "",
        },
    }


def test_a_test_message_names_the_client_that_requested_it() -> None:
    assert message_of_test("crm", NOW).payload() == {
        "type": "watch.test",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "text": "This is a test that “crm” asked for: messages of rally-bridge arrive here.",
            "client": "crm",
        },
    }
