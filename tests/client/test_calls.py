"""The calls: what each sends, what it makes of the answers, and how it fails."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.client import (
    CallFailed,
    Conflict,
    Delivery,
    FieldError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    ValidationFailed,
    Watch,
    WatchRequest,
    calls,
    events,
    waiting,
)
from bridge.client.steps import Call, Feed
from tests.support.played_calls import DELIVERY, ENDED, READING, WATCH, Played, answer, busy, nothing
from tests.support.samples import only

SINCE = datetime(2026, 11, 24, tzinfo=UTC)
TESTED = {
    "type": "callback",
    "destination": "https://…",
    "verdict": "accepted",
    "reason": None,
    "status": 204,
    "tookMs": 7,
}


def items(feed: Callable[[Played], Feed[Any]]) -> Callable[[Played], Any]:
    return lambda played: list(played.iterate(feed(played)))


def value(call: Callable[[Played], Call[Any]]) -> Callable[[Played], Any]:
    return lambda played: played.run(call(played))


CALLS: dict[str, Callable[[Played], Any]] = {
    "watch": value(lambda played: calls.watch(played.session, "imp")),
    "batch": value(lambda played: calls.batch(played.session, [WatchRequest("imp")])),
    "get": value(lambda played: calls.get(played.session, "wat_1")),
    "wait": value(lambda played: waiting.wait(played.session, "wat_1")),
    "history": value(lambda played: calls.history(played.session, "wat_1")),
    "cancel": value(lambda played: calls.cancel(played.session, "wat_1")),
    "delivery": value(lambda played: calls.delivery(played.session, "dlv_1")),
    "redeliver": value(lambda played: calls.redeliver(played.session, "dlv_1")),
    "redeliver_since": value(lambda played: calls.redeliver_since(played.session, SINCE)),
    "test": value(lambda played: calls.send_test(played.session, {"type": "named", "name": "x"})),
    "destinations": value(lambda played: calls.destinations(played.session)),
    "signing_secrets": value(lambda played: calls.signing_secrets(played.session)),
    "signing_keys": value(lambda played: calls.signing_keys(played.session)),
    "list": items(lambda played: calls.list_watches(played.session)),
    "deliveries": items(lambda played: calls.deliveries(played.session)),
    "follow": items(lambda played: waiting.follow(played.session, "wat_1")),
    "events": items(lambda played: events.watch_events(played.session, "wat_1")),
}
NOT_REPEATABLE = {"cancel", "redeliver", "redeliver_since", "test"}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("document", [{"ok": True}, [1], "<html>", None])
def test_every_call_recognizes_the_answer_of_another_server(call: str, document: Any) -> None:
    played = Played(answer(document))
    with pytest.raises(CallFailed, match="http://bridge answered HTTP 200, which we can't read") as caught:
        CALLS[call](played)
    assert caught.value.code == "unreadable"
    assert len(played.requests) == 1


@pytest.mark.parametrize("call", sorted(CALLS.keys() - NOT_REPEATABLE))
def test_a_call_that_is_safe_to_repeat_is_repeated(call: str) -> None:
    played = Played(nothing("broken"), busy(502), busy(503), busy(504), busy(429), busy(401))
    with pytest.raises(Unauthorized):
        CALLS[call](played)
    assert len(played.requests) == (5 if call == "follow" else 6) or call in {"wait", "follow"}
    assert len({request.idempotency_key for request in played.requests}) == 1


@pytest.mark.parametrize("call", sorted(NOT_REPEATABLE))
@pytest.mark.parametrize("failure", [nothing("broken"), nothing("timeout"), busy(502), busy(503), busy(504)], ids=str)
def test_a_call_that_may_have_been_carried_out_is_not_repeated(call: str, failure: Any) -> None:
    played = Played(failure)
    with pytest.raises(Unavailable):
        CALLS[call](played)
    assert len(played.requests) == 1


def test_a_call_that_changed_nothing_is_repeated() -> None:
    played = Played(nothing("refused"), nothing("connect_timeout"), busy(429), answer(DELIVERY, 202))
    assert played.run(calls.redeliver(played.session, "dlv_1")).id == "dlv_1"


def test_a_watch_is_sent_with_what_is_given_and_a_key_of_its_own() -> None:
    played = Played(answer(WATCH, 202), answer(WATCH, 202), answer(WATCH, 202))
    for key in (None, None, "mine"):
        assert played.run(calls.watch(played.session, "imp", label="Panel", idempotency_key=key)).id == "wat_1"
    assert {request.body for request in played.requests} == {b'{"importId":"imp","notify":[],"label":"Panel"}'}
    first, second, third = (request.idempotency_key for request in played.requests)
    assert first != second
    assert third == "mine"


@pytest.mark.parametrize(
    "wish",
    [{"label": "\udcff"}, {"idempotency_key": "ä"}, {"idempotency_key": ""}, {"metadata": {"share": float("nan")}}],
    ids=str,
)
def test_arguments_that_cannot_be_encoded_are_reported(wish: dict[str, Any]) -> None:
    played = Played()
    with pytest.raises(CallFailed, match="The request can't be sent"):
        played.run(calls.watch(played.session, "imp", **wish))
    assert played.requests == []


@pytest.mark.parametrize("id_", ["../signing-secret", "wat_1/cancel", "wat_1?x", "", "wät_1"])
def test_an_invalid_id_cannot_change_the_path(id_: str) -> None:
    played = Played()
    for call in (calls.get(played.session, id_), calls.redeliver(played.session, id_)):
        with pytest.raises(CallFailed, match="is not an id"):
            played.run(call)


BY_OBJECT: dict[str, Callable[[Played], Any]] = {
    "get": value(lambda played: calls.get(played.session, Watch.of(WATCH))),
    "history": value(lambda played: calls.history(played.session, Watch.of(WATCH))),
    "cancel": value(lambda played: calls.cancel(played.session, Watch.of(WATCH))),
    "events": items(lambda played: events.watch_events(played.session, Watch.of(WATCH))),
    "delivery": value(lambda played: calls.delivery(played.session, Delivery.of(DELIVERY))),
    "redeliver": value(lambda played: calls.redeliver(played.session, Delivery.of(DELIVERY))),
}


@pytest.mark.parametrize("call", BY_OBJECT)
def test_a_watch_or_a_delivery_is_as_good_as_its_id(call: str) -> None:
    by_id, by_object = Played(answer({}, 404)), Played(answer({}, 404))
    for play, played in ((CALLS[call], by_id), (BY_OBJECT[call], by_object)):
        with pytest.raises(CallFailed):
            play(played)

    assert only(by_object.requests).path == only(by_id.requests).path


def test_a_watch_has_its_failed_records_and_its_last_poll() -> None:
    poll = {"at": "2026-11-24T09:30:05.000Z", "status": 404, "meaning": "Rally does not know it yet"}
    told = [{"type": "named", "destination": "research-ops", "on": "problems"}]
    document = {**ENDED, "import": READING, "lastPoll": poll, "notify": told, "deliveries": [DELIVERY], "new": 1}
    played = Played(answer(document))
    watch = played.run(calls.get(played.session, "wat_1"))
    assert (watch.status, watch.people, watch.failed_record_count) == ("COMPLETED", 120, 2)
    assert [(each.person_id, each.email) for each in watch.failed_records] == [("p1", None), (None, "ada@example.com")]
    assert watch.last_poll is not None
    assert (watch.last_poll.status, watch.last_poll.meaning) == (404, "Rally does not know it yet")
    assert (watch.ended, watch.deliveries_ended) == (True, False)
    assert [(each.destination, each.on) for each in watch.notify] == [("research-ops", "problems")]
    assert watch.document["new"] == 1
    assert "ada@example.com" not in repr(watch)


def test_a_watch_that_was_not_read_yet_has_no_figures() -> None:
    watch = Watch.of(WATCH)
    assert (watch.status, watch.people, watch.failed_record_count, watch.failed_records) == (None, None, 0, ())


@pytest.mark.parametrize("changes", [{"createdAt": 7}, {"createdAt": "soon"}, {"import": "x"}, {"deliveries": 1}])
def test_an_unreadable_watch_is_reported(changes: dict[str, Any]) -> None:
    played = Played(answer(WATCH | changes))
    with pytest.raises(CallFailed, match="Perhaps it is not a rally-bridge"):
        played.run(calls.get(played.session, "wat_1"))


def test_a_batch_has_a_watch_or_an_exception_for_each_entry() -> None:
    problem = {
        "code": "validation_failed",
        "title": "Not valid",
        "errors": [{"pointer": "/label"}],
    }
    results = [{"status": 202, "watch": WATCH}, {"status": 422, "problem": problem}]
    played = Played(answer({"results": results}))
    first, second = played.run(calls.batch(played.session, [WatchRequest("a", label="x"), WatchRequest("b")]))
    assert isinstance(first, Watch)
    assert isinstance(second, ValidationFailed)
    assert (second.code, second.errors[0].pointer) == ("validation_failed", "/label")
    assert json.loads(played.requests[0].body or b"") == {
        "watches": [{"importId": "a", "notify": [], "label": "x"}, {"importId": "b", "notify": []}]
    }


def test_a_list_goes_through_all_pages() -> None:
    played = Played(
        answer({"data": [WATCH, WATCH], "nextCursor": "wat_1"}), answer({"data": [ENDED], "nextCursor": None})
    )
    found = played.iterate(calls.list_watches(played.session, state="watching"))
    assert [each.state for each in found] == ["watching", "watching", "settled"]
    assert [request.query["cursor"] for request in played.requests] == [None, "wat_1"]
    assert {request.query["state"] for request in played.requests} == {"watching"}


def test_deliveries_are_listed_by_their_state() -> None:
    played = Played(answer({"data": [{**DELIVERY, "watchId": "wat_1"}], "nextCursor": None}))
    (found,) = played.iterate(calls.deliveries(played.session, state="abandoned"))
    assert (found.id, found.watch_id, played.requests[0].query["state"]) == ("dlv_1", "wat_1", "abandoned")


def test_a_delivery_has_its_attempts() -> None:
    attempt = {"number": 1, "at": "2026-11-24T09:30:00.000Z", "tookMs": 5, "status": 503, "reason": "x", "answer": ""}
    played = Played(answer({**DELIVERY, "log": [attempt]}))
    (made,) = played.run(calls.delivery(played.session, "dlv_1")).log
    assert (made.number, made.status, made.took_ms) == (1, 503, 5)


def test_many_are_sent_again_in_as_many_calls_as_it_takes() -> None:
    """Those that are abandoned meanwhile are left out: a receiver that is gone rejects each one at once."""
    until = "2026-11-24T10:00:00.000Z"
    pages = ({"redelivered": 1000, "more": True}, {"redelivered": 7, "more": False})
    played = Played(*(answer({**page, "until": until}, 202) for page in pages))
    assert played.run(calls.redeliver_since(played.session, SINCE)) == 1007
    wanted = {"state": "abandoned", "since": "2026-11-24T00:00:00+00:00"}
    assert [json.loads(each.body or b"") for each in played.requests] == [
        {**wanted, "until": None},
        {**wanted, "until": until},
    ]


def test_a_test_message_has_a_verdict() -> None:
    played = Played(answer(TESTED))
    result = played.run(calls.send_test(played.session, {"type": "callback", "url": "https://crm.example.com"}))
    assert (result.verdict, result.status, result.took_ms) == ("accepted", 204, 7)


def test_named_destinations_are_listed() -> None:
    played = Played(answer({"data": [{"name": "research-ops", "type": "slack"}]}))
    (found,) = played.run(calls.destinations(played.session))
    assert (found.name, found.type) == ("research-ops", "slack")


def test_secrets_and_keys_are_those_of_a_client() -> None:
    played = Played(answer({"client": "crm", "secrets": ["whsec_a"]}), answer({"client": "crm", "keys": ["whpk_b"]}))
    found: Sequence[str] = played.run(calls.signing_secrets(played.session, client="crm"))
    assert (*found, *played.run(calls.signing_keys(played.session))) == ("whsec_a", "whpk_b")
    assert [request.query["client"] for request in played.requests] == ["crm", None]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ValidationFailed),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (405, CallFailed),
        (409, Conflict),
        (413, ValidationFailed),
        (415, ValidationFailed),
        (422, ValidationFailed),
        (429, RateLimited),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_has_a_class_by_its_status(status: int, kind: type[CallFailed]) -> None:
    headers = {"x_request_id": "req-1", "retry_after": "3600"}
    played = Played(answer({"code": "too_bad", "title": "Refused"}, status, **headers))
    with pytest.raises(CallFailed, match=r"^Refused\.$") as caught:
        played.run(calls.cancel(played.session, "wat_1"))
    failure = caught.value
    assert type(failure) is kind
    assert (failure.status, failure.code, failure.request_id, failure.retry_after) == (status, "too_bad", "req-1", 3600)


def test_a_path_that_the_bridge_does_not_have_is_no_missing_watch() -> None:
    played = Played(answer({"code": "not_found", "title": "Not found"}, 404))
    with pytest.raises(CallFailed) as caught:
        played.run(calls.get(played.session, "wat_1"))
    assert type(caught.value) is CallFailed


def test_a_refusal_lists_every_problem_and_is_not_retried() -> None:
    errors = [{"pointer": "/notify/0/url", "detail": "Not allowed", "code": "private"}, {"detail": "Too long"}, 7]
    problem = {"title": "The request is not valid", "detail": "Nothing was changed.", "code": "own", "errors": errors}
    played = Played(answer(problem, 422))
    with pytest.raises(ValidationFailed) as caught:
        played.run(calls.watch(played.session, "imp"))
    said = "The request is not valid. Nothing was changed.\n  /notify/0/url: Not allowed\n  the body: Too long"
    assert (str(caught.value), caught.value.code, caught.value.problem) == (said, "own", problem)
    assert caught.value.errors == (
        FieldError("/notify/0/url", "Not allowed", "private"),
        FieldError("the body", "Too long", None),
    )


@pytest.mark.parametrize(
    ("status", "kind"), [(301, CallFailed), (404, CallFailed), (422, CallFailed), (500, Unavailable)]
)
def test_a_page_of_another_server_is_no_refusal_of_a_bridge(status: int, kind: type[CallFailed]) -> None:
    played = Played(answer("<html>", status, location="https://user@login.example.com/secret"))
    with pytest.raises(CallFailed) as caught:
        played.run(calls.get(played.session, "wat_1"))
    assert type(caught.value) is kind
    assert f"answered HTTP {status}, which we can't read. It redirects to https://login.example.com." in str(
        caught.value
    )
