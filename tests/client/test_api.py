"""The client for scripts, against the real API on a real port: what it gives, repeats and refuses to believe."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import httpx
import pytest

from bridge.client import Bridge, CallFailed, NotVerified, Watch, verify_callback
from bridge.destinations import callback
from bridge.destinations.signatures import Signing
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from tests.support.world import SECRET

DOCUMENT: dict[str, Any] = {
    "id": "wat_1",
    "importId": "imp",
    "state": "watching",
    "outcome": None,
    "reason": None,
    "label": None,
    "import": None,
    "createdAt": "2026-11-24T09:30:00.000Z",
    "nextPollAt": None,
    "settledAt": None,
    "deliveries": [],
}
ENDED = {**DOCUMENT, "state": "settled", "outcome": "completed", "settledAt": "2026-11-24T09:31:00.000Z"}
DELIVERY = {"id": "dlv_1", "type": "callback", "destination": "https://…", "state": "pending", "lastReason": None}


class Answering(httpx.BaseTransport):
    """A bridge that gives these answers, one for each request; an exception is a connection that fails."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers: Iterator[httpx.Response | Exception] = iter(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def bridge_on(*answers: httpx.Response | Exception, patience: float = 30.0) -> tuple[Bridge, Answering]:
    transport = Answering(*answers)
    return Bridge("http://bridge.example.com", "rbk_key", patience=patience, transport=transport), transport


def busy(status: int = 503, after: str = "0") -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": after}, json={"title": "Temporarily unavailable"})


def test_a_watch_is_asked_for_again_under_the_same_key_until_it_is_accepted() -> None:
    bridge, transport = bridge_on(
        httpx.ReadError("reset"), busy(), busy(429), httpx.ConnectError("refused"), httpx.Response(202, json=DOCUMENT)
    )
    assert bridge.watch("imp", label="Panel").id == "wat_1"
    assert len({request.headers["idempotency-key"] for request in transport.requests}) == 1
    assert {request.content for request in transport.requests} == {b'{"importId":"imp","notify":[],"label":"Panel"}'}


@pytest.mark.parametrize("call", ["redeliver", "redeliver_since", "cancel"])
@pytest.mark.parametrize(
    ("status", "words"),
    [(None, "No answer from http://bridge"), *((status, "Temporarily unavailable") for status in (502, 503, 504))],
)
def test_a_call_that_may_have_succeeded_is_not_repeated(call: str, status: int | None, words: str) -> None:
    bridge, transport = bridge_on(httpx.ReadError("reset") if status is None else busy(status))
    with pytest.raises(CallFailed, match=words):
        CALLS[call](bridge)
    assert len(transport.requests) == 1


def test_a_call_that_changed_nothing_is_repeated() -> None:
    bridge, _ = bridge_on(httpx.ConnectError("refused"), busy(429), httpx.Response(202, json=DELIVERY))
    assert bridge.redeliver("dlv_1") == DELIVERY


def test_patience_ends_and_a_longer_wait_is_not_begun() -> None:
    bridge, transport = bridge_on(busy(after="3600"))
    with pytest.raises(CallFailed, match="Temporarily unavailable"):
        bridge.get("wat_1")
    assert len(transport.requests) == 1


def test_a_refusal_is_reported_in_full_and_not_retried() -> None:
    errors = [{"pointer": "/notify/0/url", "detail": "Not allowed"}, {"pointer": "/label", "detail": "Too long"}]
    problem = {"title": "The request is not valid", "detail": "Nothing was changed.", "errors": errors}
    bridge, transport = bridge_on(httpx.Response(422, json=problem))
    with pytest.raises(CallFailed) as caught:
        bridge.watch("imp")
    said = "The request is not valid. Nothing was changed.\n  /notify/0/url: Not allowed\n  /label: Too long"
    assert (str(caught.value), caught.value.status, caught.value.problem) == (said, 422, problem)
    assert len(transport.requests) == 1


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[1])])
def test_another_server_is_reported(answer: httpx.Response) -> None:
    with pytest.raises(CallFailed, match="answered HTTP 200, which we can't read"):
        bridge_on(answer)[0].get("wat_1")


CALLS: dict[str, Callable[[Bridge], Any]] = {
    "watch": lambda bridge: bridge.watch("imp"),
    "get": lambda bridge: bridge.get("wat_1"),
    "list": lambda bridge: list(bridge.list()),
    "cancel": lambda bridge: bridge.cancel("wat_1"),
    "delivery": lambda bridge: bridge.delivery("dlv_1"),
    "redeliver": lambda bridge: bridge.redeliver("dlv_1"),
    "redeliver_since": lambda bridge: bridge.redeliver_since(datetime(2026, 11, 24, tzinfo=UTC)),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_response_of_another_server_is_reported_by_every_call(call: str) -> None:
    bridge, transport = bridge_on(httpx.Response(200, json={"ok": True}))
    with pytest.raises(CallFailed, match="answered HTTP 200, which we can't read"):
        CALLS[call](bridge)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "error", [httpx.UnsupportedProtocol("no http"), httpx.LocalProtocolError("no header"), UnicodeError("no host")]
)
def test_an_invalid_request_is_not_retried(error: Exception) -> None:
    bridge, transport = bridge_on(error)
    with pytest.raises(CallFailed, match="No answer"):
        bridge.get("wat_1")
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "wish", [{"label": "\udcff"}, {"idempotency_key": "ä"}, {"metadata": {"share": float("nan")}}], ids=str
)
def test_arguments_that_cannot_be_encoded_are_reported(wish: dict[str, Any]) -> None:
    bridge, transport = bridge_on()
    with pytest.raises(CallFailed, match="The request can't be sent"):
        bridge.watch("imp", **wish)
    assert transport.requests == []


@pytest.mark.parametrize("changes", [{"createdAt": 7}, {"createdAt": "soon"}, {"import": "x"}, {"deliveries": 1}])
def test_an_unreadable_watch_is_reported(changes: dict[str, Any]) -> None:
    with pytest.raises(CallFailed, match="an unreadable watch"):
        bridge_on(httpx.Response(200, json=DOCUMENT | changes))[0].get("wat_1")


def test_a_key_may_come_from_a_file_with_its_line_end() -> None:
    transport = Answering(httpx.Response(200, json=DOCUMENT))
    Bridge("http://bridge.example.com", "rbk_key\n", transport=transport).get("wat_1")
    assert transport.requests[0].headers["authorization"] == "Bearer rbk_key"


def test_scripts_see_the_types() -> None:
    assert (files("bridge") / "py.typed").is_file()


def test_waiting_survives_restarts() -> None:
    bridge, transport = bridge_on(
        httpx.Response(200, json=DOCUMENT), httpx.RemoteProtocolError("closed"), httpx.Response(200, json=ENDED)
    )
    assert bridge.wait(Watch.of(DOCUMENT)).outcome == "completed"
    assert {request.url.params["wait"] for request in transport.requests} == {"60"}


def test_following_survives_any_number_of_rate_limits() -> None:
    bridge, transport = bridge_on(*(busy(429, "1") for _ in range(2)), httpx.Response(200, json=ENDED), patience=0.5)
    assert [each.state for each in bridge.follow(Watch.of(DOCUMENT))] == ["watching", "watching", "settled"]
    assert len(transport.requests) == 3


def test_a_rate_limited_wait_ends_with_the_timeout() -> None:
    bridge, _ = bridge_on(busy(429, "3600"))
    assert not bridge.wait(Watch.of(DOCUMENT), timeout=0.5).ended


def test_waiting_stops_at_its_timeout() -> None:
    bridge, _ = bridge_on()
    assert not bridge.wait(Watch.of(DOCUMENT), timeout=0).ended
    assert list(bridge.follow(Watch.of(DOCUMENT), timeout=0)) == []


def test_a_list_goes_through_all_pages() -> None:
    bridge, transport = bridge_on(
        httpx.Response(200, json={"data": [DOCUMENT, DOCUMENT], "nextCursor": "wat_1"}),
        httpx.Response(200, json={"data": [ENDED], "nextCursor": None}),
    )
    assert [each.state for each in bridge.list(state="watching")] == ["watching", "watching", "settled"]
    assert [dict(request.url.params) for request in transport.requests] == [
        {"state": "watching", "limit": "50"},
        {"state": "watching", "limit": "50", "cursor": "wat_1"},
    ]


def test_many_are_sent_again_in_as_many_calls_as_it_takes() -> None:
    answers = [httpx.Response(202, json={"redelivered": n, "more": more}) for n, more in ((1000, True), (7, False))]
    bridge, transport = bridge_on(*answers)
    assert bridge.redeliver_since(datetime(2026, 11, 24, tzinfo=UTC)) == 1007
    assert json.loads(transport.requests[0].content) == {"state": "abandoned", "since": "2026-11-24T00:00:00+00:00"}


@pytest.mark.parametrize("id_", ["../signing-secret", "wat_1/cancel", "wat_1?x", "", "wät_1"])
def test_an_invalid_id_cannot_change_the_path(id_: str) -> None:
    with pytest.raises(CallFailed, match="is not an id"):
        bridge_on()[0].get(id_)


def test_a_missing_key_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RALLY_BRIDGE_KEY", raising=False)
    with pytest.raises(CallFailed, match="RALLY_BRIDGE_KEY"):
        Bridge()


def sent(body: str, now: int, secret: str = SECRET) -> dict[str, str]:
    """Sign as the bridge itself does."""
    destination = Callback(url=Secret("https://crm.example.com"), secret=Secret(secret))
    signing = Signing((), ())
    request = callback.prepare(
        destination, body, notification_id="ntf_1", client="crm", now=now * 1000, signing=signing
    )
    return dict(request.headers)


BODY = '{"type": "import.completed", "timestamp": "2026-11-24T09:30:00Z", "data": {"label": "Pänel"}}'
NOBODYS = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
OTHER = "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="


@pytest.mark.parametrize("secrets", [SECRET, [OTHER, SECRET]])
@pytest.mark.parametrize("body", [BODY, BODY.encode()])
def test_a_genuine_callback_is_verified(body: str | bytes, secrets: Any) -> None:
    now = int(time.time())
    assert verify_callback(body, sent(BODY, now), secrets)["data"] == {"label": "Pänel"}
    shouted = {name.upper(): value for name, value in sent(BODY, now).items()}
    assert verify_callback(body, shouted, secrets, now=now + 299)["type"] == "import.completed"


@pytest.mark.parametrize(
    ("changes", "body", "secret", "later", "why"),
    [
        ({}, BODY + " ", SECRET, 0, "no signature"),
        ({}, BODY, OTHER, 0, "no signature"),
        ({}, BODY, SECRET, 301, "too far from now"),
        ({}, BODY, SECRET, -301, "too far from now"),
        ({"webhook-id": "ntf_2"}, BODY, SECRET, 0, "no signature"),
        ({"webhook-id": ""}, BODY, SECRET, 0, "missing"),
        ({"webhook-timestamp": "now"}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-timestamp": "9" * 5000}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-timestamp": "١٢"}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-signature": "v1,"}, BODY, SECRET, 0, "no signature"),
        ({"webhook-signature": "v1,ä"}, BODY, SECRET, 0, "no signature"),
        ({}, BODY, "whsec_", 0, "a secret is"),
        ({}, BODY, "", 0, "a secret is"),
        ({}, BODY, "whpk_AAAA", 0, "a public key is"),
        ({"webhook-signature": "v1a,AAAA v1a,ä"}, BODY, NOBODYS, 0, "no signature"),
    ],
)
def test_a_forged_or_old_callback_is_refused(
    changes: dict[str, str], body: str, secret: str, later: int, why: str
) -> None:
    now = 1_800_000_000
    with pytest.raises(NotVerified, match=why):
        verify_callback(body, {**sent(BODY, now), **changes}, secret, now=now + later)
