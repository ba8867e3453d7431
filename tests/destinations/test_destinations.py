"""Every kind of destination: each response has a verdict, and no secret is shown."""

import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations import Sender, callback, judge, kind, prepare, render
from bridge.destinations.callback_signing import Signing
from bridge.destinations.descriptions import describe
from bridge.destinations.lanes import lane_of
from bridge.destinations.reasons import full_reason
from bridge.destinations.slack import bot_verdicts
from bridge.destinations.slack import webhook as slack_webhook
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.delivery.delivery_schedule import RETRY_AFTER_HONOURED
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response, SendResult
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import Callback, NamedDestination, ResolvedDestination, SlackChannel, SlackWebhook
from bridge.domain.digests import EndedImport, OfRule, digest_of
from bridge.domain.notifications import Notification
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support import samples

NOW = 784_111_777_000  # 1994-11-06T08:49:37Z, the moment of RFC 9110's examples
SLACK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T0/B0/abcdefSECRET"))
CALLBACK = Callback(
    url=Secret("https://user@crm.example.com:8443/hooks/SECRET?token=SECRET"), headers={"X-Api-Key": Secret("SECRET")}
)
CHANNEL = SlackChannel(channel="C0123ABCD")
SIGNING = Signing((Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),))


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def slack_says(status: int, word: str) -> tuple[ResolvedDestination, Response]:
    return SLACK, response(status, word.encode())


def callback_says(status: int, **headers: str) -> tuple[ResolvedDestination, Response]:
    return CALLBACK, response(status, b"anything", **headers)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (callback_says(200), Accepted()),
        (callback_says(202), Accepted()),
        (callback_says(204), Accepted()),
        (callback_says(299), Accepted()),
        (callback_says(101), Deferred("HTTP 101")),
        (callback_says(301), Deferred("HTTP 301, redirects are not followed")),
        (callback_says(302), Deferred("HTTP 302, redirects are not followed")),
        (callback_says(304), Deferred("HTTP 304, redirects are not followed")),
        (callback_says(400), Deferred("HTTP 400")),
        (callback_says(401), Deferred("HTTP 401")),
        (callback_says(404), Deferred("HTTP 404")),
        (callback_says(404, retry_after="7"), Deferred("HTTP 404", 7 * SECOND)),
        (callback_says(410), Rejected("HTTP 410, the receiver is gone for good")),
        (callback_says(429), Deferred("HTTP 429")),
        (callback_says(429, retry_after="120"), Deferred("HTTP 429", 2 * MINUTE)),
        (callback_says(302, retry_after="1"), Deferred("HTTP 302, redirects are not followed", SECOND)),
        (callback_says(500), Deferred("HTTP 500")),
        (callback_says(503, retry_after="60"), Deferred("HTTP 503", MINUTE)),
        (callback_says(599), Deferred("HTTP 599")),
        (callback_says(999), Deferred("HTTP 999")),
        (slack_says(200, "ok"), Accepted()),
        (slack_says(200, " ok\n"), Accepted()),
        (slack_says(200, "OK"), Rejected("HTTP 200, but not Slack's ok")),
        (slack_says(200, ""), Rejected("HTTP 200, but not Slack's ok")),
        (slack_says(200, "invalid_token_again"), Rejected("HTTP 200, but not Slack's ok: invalid_token_again")),
        (slack_says(200, "<html>Sign in</html>"), Rejected("HTTP 200, but not Slack's ok")),
        (slack_says(201, "ok"), Rejected("HTTP 201, but not Slack's ok: ok")),
        (slack_says(302, ""), Rejected("HTTP 302, redirects are not followed")),
        (slack_says(400, "x" * 61), Rejected("HTTP 400")),
        (slack_says(400, "Bearer abc"), Rejected("HTTP 400")),
        (slack_says(403, "some_new_word"), Rejected("HTTP 403: some_new_word")),
        (
            slack_says(410, "channel_is_archived"),
            Rejected("HTTP 410: channel_is_archived (unarchive the channel, or use another webhook)"),
        ),
        (
            slack_says(404, "no_service"),
            Rejected("HTTP 404: no_service (the webhook was disabled or removed; make a new one)"),
        ),
        (slack_says(429, ""), Deferred("HTTP 429, over Slack's rate limit", SECOND, whole_lane=True)),
        (
            (SLACK, response(429, b"{}", retry_after="30")),
            Deferred("HTTP 429, over Slack's rate limit", 30 * SECOND, whole_lane=True),
        ),
        (slack_says(500, "rollup_error"), Deferred("HTTP 500: rollup_error", ambiguous=True)),
        (slack_says(503, "<html>"), Deferred("HTTP 503", ambiguous=True)),
        ((SLACK, response(503, b"", retry_after="9")), Deferred("HTTP 503", 9 * SECOND, ambiguous=True)),
        (
            slack_says(400, "invalid_blocks"),
            Deferred(
                "HTTP 400: invalid_blocks (Slack does not take the form of our message; please report it)",
                as_plain_text=True,
            ),
        ),
    ],
)
def test_each_answer_has_its_meaning(said: tuple[ResolvedDestination, Response], verdict: Verdict) -> None:
    destination, answer = said

    assert judge(destination, answer, NOW) == verdict


MATTERMOST = SlackWebhook(url=Secret("https://chat.example.com/hooks/xyz"))


@pytest.mark.parametrize("status", [408, 425])
@pytest.mark.parametrize("destination", [SLACK, MATTERMOST, CHANNEL])
def test_a_408_and_a_425_of_slack_are_repeated(destination: ResolvedDestination, status: int) -> None:
    assert judge(destination, response(status), NOW) == Deferred(f"HTTP {status}")
    assert judge(destination, response(status, retry_after="5"), NOW) == Deferred(f"HTTP {status}", 5 * SECOND)


@pytest.mark.parametrize("destination", [SLACK, CHANNEL, CALLBACK])
@pytest.mark.parametrize("failure", list(Failure))
def test_without_a_response_no_verdict_is_final(destination: ResolvedDestination, failure: Failure) -> None:
    answer = NoResponse(failure=failure, reason="in words")

    verdict = judge(destination, answer, NOW)

    assert isinstance(verdict, Deferred)
    assert verdict == Deferred(full_reason(answer), ambiguous=failure in {Failure.TIMEOUT, Failure.BROKEN})
    assert "in words" in verdict.reason


@pytest.mark.parametrize("destination", [SLACK, CHANNEL])
@pytest.mark.parametrize("answer", [response(500), NoResponse(failure=Failure.TIMEOUT, reason="no answer in time")])
def test_with_slack_at_most_once_an_ambiguous_attempt_is_not_repeated(
    destination: ResolvedDestination, answer: SendResult
) -> None:
    assert isinstance(judge(destination, answer, NOW), Deferred)
    assert isinstance(judge(destination, answer, NOW, slack_at_most_once=True), Rejected)


def test_with_slack_at_most_once_an_unsent_message_is_repeated() -> None:
    unsent = NoResponse(failure=Failure.CONNECT, reason="no connection in time")

    assert isinstance(judge(SLACK, unsent, NOW, slack_at_most_once=True), Deferred)
    assert isinstance(judge(SLACK, response(429), NOW, slack_at_most_once=True), Deferred)
    assert isinstance(judge(CALLBACK, response(500), NOW, slack_at_most_once=True), Deferred)


KINDS: list[tuple[ResolvedDestination, bytes]] = [
    (SLACK, b"ok"),
    (CHANNEL, b'{"ok":true}'),
    (CALLBACK, b""),
]
"""Every kind of destination, with its response to an accepted message. A new kind gets a row here."""


@pytest.mark.parametrize(("destination", "well"), KINDS)
def test_every_kind_meets_the_contract_for_any_response(destination: ResolvedDestination, well: bytes) -> None:
    assert judge(destination, response(200, well), NOW) == Accepted()
    for status in range(100, 600):
        verdict = judge(destination, response(status, b"", retry_after="3600"), NOW)
        match status:
            case 429:
                assert isinstance(verdict, Deferred), "over a limit is no failure for good"
                assert verdict.wait == HOUR
            case _ if status >= 500:
                assert isinstance(verdict, Deferred), "what is down comes back"
                assert verdict.wait == HOUR
            case _ if 300 <= status < 400:
                assert not isinstance(verdict, Accepted), "redirects are not followed"
            case 410:
                assert isinstance(verdict, Rejected)
            case _ if not 200 <= status < 300:
                assert not isinstance(verdict, Accepted)
    for failure in Failure:
        assert isinstance(judge(destination, NoResponse(failure=failure, reason="r"), NOW), Deferred)


def test_every_kind_is_in_the_contract() -> None:
    assert {type(destination) for destination, _ in KINDS} == set(get_args(ResolvedDestination))


@pytest.mark.parametrize(("destination", "well"), KINDS)
def test_every_kind_is_prepared_described_and_kept_in_a_lane(destination: ResolvedDestination, well: bytes) -> None:
    del well
    sender = Sender(signing=SIGNING, slack_bot=SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api"))
    request = prepare(destination, "{}", notification_id="ntf_1", client="crm", now=NOW, sender=sender)

    assert request.url.reveal().startswith("https://")
    assert lane_of(destination)[0] in {"slack", "callback"}
    assert "SECRET" not in describe(destination) + kind(destination) + repr(request)


@given(status=st.integers(100, 999), body=st.binary(max_size=40), retry_after=st.text(max_size=30))
def test_every_response_has_a_verdict(status: int, body: bytes, retry_after: str) -> None:
    answer: SendResult = Response(status=status, headers={"retry-after": retry_after, "date": retry_after}, body=body)

    for destination in (SLACK, CHANNEL, CALLBACK):
        verdict = judge(destination, answer, NOW)
        if isinstance(verdict, Deferred) and verdict.wait is not None:
            assert 0 <= verdict.wait <= RETRY_AFTER_HONOURED


@pytest.mark.parametrize("destination", [SLACK, CALLBACK])
def test_no_secret_shows_in_a_repr(destination: ResolvedDestination) -> None:
    request = prepare(destination, "{}", notification_id="ntf_1", client="crm", now=NOW, sender=Sender(signing=SIGNING))

    assert "SECRET" not in repr(destination) + repr(request) + repr(SIGNING) + describe(destination)
    assert "whsec" not in repr(SIGNING)


@pytest.mark.parametrize("destination", [SLACK, CALLBACK])
def test_every_request_has_our_user_agent(destination: ResolvedDestination) -> None:
    request = prepare(destination, "{}", notification_id="ntf_1", client="crm", now=NOW, sender=Sender(signing=SIGNING))

    assert re.fullmatch(r"rally-bridge/\d+\.\d+\.\d+.*", request.headers["user-agent"])
    assert request.body == b"{}"
    assert not isinstance(destination, SlackChannel)
    assert request.url == destination.url


@pytest.mark.parametrize("destination", [SLACK, CALLBACK])
def test_rendering_a_message_again_gives_the_same_body(destination: ResolvedDestination) -> None:
    notification = Notification(
        id="ntf_1",
        type="watch.not_found",
        at=NOW,
        client="crm",
        watch_id="wat_1",
        workspace="default",
        import_id="imp_1",
        outcome=Outcome.NOT_FOUND,
        reason=None,
        label="\ud800 half a pair",
    )

    assert render(notification, destination) == render(notification, destination)
    assert render(notification, destination).encode()


def test_a_retry_after_date_counts_from_now_if_the_response_has_no_date() -> None:
    response_ = Response(status=503, headers={"retry-after": "Fri, 15 Jan 2027 08:00:07 GMT"}, body=b"")

    for judge_of_kind in (callback.judge, bot_verdicts.judge, slack_webhook.judge):
        assert judge_of_kind(response_, samples.NOW) == Deferred(
            "HTTP 503", 7 * SECOND, ambiguous=judge_of_kind is not callback.judge
        )


def test_a_digest_for_a_name_has_a_form_for_slack_and_one_for_callbacks() -> None:
    ended = EndedImport(watch_id="wat_1", import_id="imp", outcome=Outcome.FAILED, at=samples.NOW)
    digest = digest_of("dlv_1", OfRule("ops"), "rule:ops", [ended], samples.NOW)

    forms = json.loads(render(digest, NamedDestination(name="research-ops")))

    assert json.loads(forms["callback"]) == digest.payload()
    assert json.loads(forms["slack_webhook"]) == json.loads(render(digest, SlackChannel(channel="C0123ABCD")))
