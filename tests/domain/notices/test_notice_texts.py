"""What each notice to the operator says, and a test message."""

import pytest

from bridge.domain.notices.notice_texts import (
    deliveries_abandoned,
    imports_shown,
    imports_vanished,
    key_accepted,
    key_refused,
    redis_evicts,
    redis_evicts_no_more,
)
from bridge.domain.notices.notice_texts import test_message as message_of_test
from bridge.domain.times import HOUR, SECOND, rfc3339
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
        (
            1,
            "HTTP 410",
            "A message was abandoned: to https://crm.example.com/…, HTTP 410.",
        ),
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
            "text": f"{text} None is sent again by itself. `rally-bridge deliveries --state abandoned` lists all.",
            "count": str(number),
            "destination": "https://crm.example.com/…",
            "reason": reason or "",
        },
    }


def test_the_notice_of_an_abandoned_message_says_where_its_remedy_is() -> None:
    notice = deliveries_abandoned(1, "#ops", "no_service", NOW, delivery_id="dlv_1")

    assert "`rally-bridge why dlv_1` says what to do; `rally-bridge deliveries" in notice.text


def test_a_test_message_names_the_client_that_requested_it() -> None:
    assert message_of_test("crm", NOW).payload() == {
        "type": "watch.test",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "text": "This is a test that “crm” asked for: messages of rally-bridge arrive here.",
            "client": "crm",
        },
    }


def test_a_notice_names_the_workspace_and_the_time() -> None:
    assert key_refused("eu", NOW).payload() == {
        "type": "workspace.refused",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "operator",
            "text": "Rally refuses the API key of the workspace “eu”. Its watches stay open; polling is paused. "
            "Set a valid key, RALLY_API_KEY or `key` of the workspace in bridge.toml, and restart all processes.",
            "workspace": "eu",
            "since": "2027-01-15T08:00:00.000Z",
        },
    }
    assert key_accepted("eu", NOW, NOW + SECOND).payload() == {
        "type": "workspace.accepted",
        "timestamp": "2027-01-15T08:00:01.000Z",
        "data": {
            "client": "operator",
            "text": "Rally accepts the API key of the workspace “eu” again. Polling goes on.",
            "workspace": "eu",
            "refusedSince": "2027-01-15T08:00:00.000Z",
        },
    }


def test_the_notice_of_vanished_imports_says_what_to_check() -> None:
    begun, over = imports_vanished("eu", NOW, NOW + HOUR), imports_shown("eu", NOW, NOW + 2 * HOUR)

    assert (begun.type, begun.at, begun.facts) == (
        "workspace.imports_vanished",
        NOW + HOUR,
        {"workspace": "eu", "since": rfc3339(NOW)},
    )
    assert "“eu”" in begun.text
    assert "base URL" in begun.text
    assert (over.type, over.at, over.facts) == (
        "workspace.imports_shown",
        NOW + 2 * HOUR,
        {"workspace": "eu", "vanishedSince": rfc3339(NOW)},
    )
