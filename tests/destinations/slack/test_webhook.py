"""Incoming webhooks: requests, and what each response means."""

import re

import pytest

from bridge.destinations import judge
from bridge.destinations.slack import webhook as slack_webhook
from bridge.domain.delivery.destination_requests import Request, Response
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected
from bridge.domain.destinations import ResolvedDestination, SlackWebhook
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT

NOW = 784_111_777_000  # 1994-11-06T08:49:37Z, the moment of RFC 9110's examples
SLACK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T0/B0/abcdefSECRET"))


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def slack_says(status: int, word: str) -> tuple[ResolvedDestination, Response]:
    return SLACK, response(status, word.encode())


MATTERMOST = SlackWebhook(url=Secret("https://chat.example.com/hooks/xyz"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "ok"),
        (204, ""),
        (200, '{"success":true}'),
        (200, '{"ok":true}'),
        (200, '{"id":"1","success":null}'),
        (200, " {}\n"),
        (200, "[]"),
    ],
)
def test_a_webhook_that_is_not_slacks_succeeds_in_its_own_way(status: int, body: str) -> None:
    answer = response(status, body.encode())

    assert judge(MATTERMOST, answer, NOW) == Accepted()
    assert (judge(SLACK, answer, NOW) == Accepted()) is (body == "ok")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"ok":false,"error":"x"}'),
        (200, '{"success":false}'),
        (200, "<html>Sign in</html>"),
        (200, ""),
        (200, "1"),
        (200, "[" * 16_000),
        (202, "{}"),
    ],
)
def test_a_response_that_reports_no_success_is_no_success(status: int, body: str) -> None:
    refused = Rejected(f"HTTP {status}, but neither ok nor JSON of a success")

    assert judge(MATTERMOST, response(status, body.encode()), NOW) == refused


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (403, "action_prohibited"),
        (410, "channel_is_archived"),
        (404, "channel_not_found"),
        (403, "invalid_token"),
        (404, "no_active_hooks"),
        (404, "no_service"),
        (404, "no_service_id"),
        (404, "no_team"),
        (403, "posting_to_general_channel_denied"),
        (403, "team_disabled"),
        (400, "user_not_found"),
    ],
)
def test_a_permanent_error_of_a_webhook_is_final_and_has_a_hint(status: int, word: str) -> None:
    for answered in (status, 400):  # for some of them Slack does not say which status it is
        verdict = judge(*slack_says(answered, word), NOW)

        assert isinstance(verdict, Rejected)
        assert re.fullmatch(rf"HTTP {answered}: {word} \(.{{10,}}\)", verdict.reason)


@pytest.mark.parametrize("word", ["invalid_payload", "invalid_blocks", "no_text", "too_many_attachments"])
def test_a_message_that_a_webhook_cannot_read_is_sent_again_as_plain_text_once(word: str) -> None:
    verdict = judge(*slack_says(400, word), NOW)

    assert isinstance(verdict, Deferred)
    assert (verdict.as_plain_text, verdict.ambiguous) == (True, False)


def test_a_webhook_over_its_limit_waits_for_its_retry_after() -> None:
    said = b'{"retry_after":30,"ok":false,"error":"rate_limited"}'

    assert judge(SLACK, response(429, said, retry_after="30"), NOW) == judge(
        SLACK, response(429, retry_after="30"), NOW
    )


TO_SLACK = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}


def test_a_message_to_a_webhook_is_json() -> None:
    assert slack_webhook.prepare(SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/X")), "{}") == Request(
        url=Secret("https://hooks.slack.com/services/T/B/X"), headers=TO_SLACK, body=b"{}"
    )
