"""Answers of any kind: each is a value or a CallFailed, never another exception."""

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bridge.client import CallFailed, WatchRequest, calls, events
from tests.support.played_calls import DELIVERED, DELIVERY, READING, WATCH, Played, Prepared, stream

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADERS = some.dictionaries(
    some.sampled_from(["retry-after", "date", "location", "x-request-id", "content-type"]),
    some.text(max_size=30) | some.sampled_from(["http://[", "-1", "1e99", "text/event-stream"]),
)


@some.composite
def nearly(draw: some.DrawFn, document: Mapping[str, Any]) -> Any:
    """Draw a document in which some fields are missing or have any value."""
    wrong = draw(some.dictionaries(some.sampled_from(sorted(document)), VALUES, min_size=1, max_size=3))
    missing = draw(some.sets(some.sampled_from(sorted(document)), max_size=1))
    return {name: wrong.get(name, value) for name, value in document.items() if name not in missing}


WATCHES = nearly({**WATCH, "import": READING, "deliveries": [DELIVERY]}) | nearly(WATCH)
ENTRIES = nearly({"status": 422, "problem": {"title": "Refused"}}) | nearly({"status": 202, "watch": WATCH}) | VALUES
PAGES = some.fixed_dictionaries({"data": some.lists(WATCHES, max_size=2), "nextCursor": some.none()})
PROBLEMS = nearly({"title": "Refused", "detail": "x", "code": "y", "errors": [{"pointer": "/x", "detail": "y"}]})


@pytest.mark.slow  # builds many documents
@settings(max_examples=500)
@given(
    document=VALUES | WATCHES | PAGES | PROBLEMS | some.fixed_dictionaries({"results": some.lists(ENTRIES)}),
    status=some.sampled_from([200, 202, 301, 400, 404, 422, 429, 500, 503, 999]),
    headers=HEADERS,
)
def test_any_answer_is_a_value_or_a_failure(document: Any, status: int, headers: dict[str, str]) -> None:
    for call in (
        lambda session: calls.get(session, "wat_1"),
        lambda session: calls.batch(session, [WatchRequest("imp")]),
        lambda session: calls.redeliver(session, "dlv_1"),
    ):
        played = Played(Prepared(status, document, headers), patience=0)
        with contextlib.suppress(CallFailed):
            played.run(call(played.session))
    played = Played(Prepared(status, document, headers), patience=0)
    with contextlib.suppress(CallFailed):
        list(played.iterate(calls.list_watches(played.session)))


@settings(max_examples=50)
@given(name=some.sampled_from(["watch", "reading", "outcome", "delivery"]), data=VALUES | WATCHES | nearly(DELIVERED))
def test_any_event_is_a_value_or_a_failure(name: str, data: Any) -> None:
    played = Played(stream((name, data)), Prepared(404))
    with contextlib.suppress(CallFailed):
        list(played.iterate(events.watch_events(played.session, "wat_1")))
