"""The meaning of each answer to the Slack bot."""

import json
import re
from typing import Any

import pytest

from bridge.destinations import (
    judge,
)
from bridge.destinations.callback_signing import Signing
from bridge.destinations.slack import bot_verdicts
from bridge.domain.delivery.destination_requests import Response
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import SlackChannel
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW

CHANNEL = SlackChannel(channel="C0123ABCD")
SIGNING = Signing((Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),))


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def bot_says(**document: Any) -> Response:
    return response(200, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (bot_says(ok=True, ts="1503435956.000247"), Accepted()),
        (
            bot_says(ok=True, channel="C0123ABCD", ts="1503435956.000247"),
            Accepted(PostedMessage(channel="C0123ABCD", ts="1503435956.000247")),
        ),
        (bot_says(ok=False, error="ratelimited"), Deferred("Slack: ratelimited", SECOND, whole_lane=True)),
        (bot_says(ok=False, error="rate_limited"), Deferred("Slack: rate_limited", SECOND, whole_lane=True)),
        (
            response(429, b"{}", retry_after="30"),
            Deferred("HTTP 429, over Slack's rate limit", 30 * SECOND, whole_lane=True),
        ),
        *(
            (bot_says(ok=False, error=error), Deferred(f"Slack: {error}"))
            for error in ("service_unavailable", "team_added_to_org", "org_login_required")
        ),
        *(
            (bot_says(ok=False, error=error), Deferred(f"Slack: {error}", ambiguous=True))
            for error in ("internal_error", "fatal_error", "request_timeout")
        ),
        *(
            (bot_says(ok=False, error=error), Deferred(f"Slack: {error}", HOUR))
            for error in ("message_limit_exceeded", "accesslimited")
        ),
        (bot_says(ok=False, error="brand_new"), Deferred("Slack: brand_new", max_tries=3)),
        (
            bot_says(ok=False, error="<b>Bearer x</b>"),
            Deferred("an answer that is not Slack's", ambiguous=True, max_tries=3),
        ),
        (bot_says(ok="true"), Deferred("an answer that is not Slack's", ambiguous=True, max_tries=3)),
        (response(200, b"<html>"), Deferred("an answer that is not Slack's", ambiguous=True, max_tries=3)),
        (response(302), Rejected("HTTP 302, redirects are not followed")),
        (response(404), Rejected("HTTP 404")),
        (response(502), Deferred("HTTP 502", ambiguous=True)),
    ],
)
def test_each_answer_to_the_bot_has_its_meaning(answer: Response, verdict: Verdict) -> None:
    assert judge(CHANNEL, answer, NOW) == verdict


@pytest.mark.parametrize(
    "error",
    [
        *("missing_scope", "no_permission", "team_access_not_granted", "two_factor_setup_required"),
        *("ekm_access_denied", "enterprise_is_restricted", "access_denied", "channel_not_found", "not_in_channel"),
        *("is_archived", "restricted_action", "restricted_action_read_only_channel"),
        *("restricted_action_thread_only_channel", "restricted_action_non_threadable_channel"),
        *("restricted_action_thread_locked", "cannot_reply_to_message", "messages_tab_disabled"),
    ],
)
def test_a_permanent_error_is_final_and_has_a_hint(error: str) -> None:
    verdict = judge(CHANNEL, bot_says(ok=False, error=error), NOW)

    assert isinstance(verdict, Rejected)
    assert re.fullmatch(rf"Slack: {error} \(.{{10,}}\)", verdict.reason)


@pytest.mark.parametrize(
    "error",
    [
        *("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"),
        *("not_allowed_token_type", "team_not_found"),
    ],
)
def test_a_refused_token_pauses_the_channel_until_the_operator_replaces_it(error: str) -> None:
    verdict = judge(CHANNEL, bot_says(ok=False, error=error), NOW)

    assert isinstance(verdict, Deferred)
    assert (verdict.wait, verdict.whole_lane, verdict.refused_token) == (MINUTE, True, True)
    assert re.fullmatch(rf"Slack: {error} \(.{{10,}}\)", verdict.reason)


@pytest.mark.parametrize(
    "error",
    [
        *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "no_text", "too_many_attachments"),
        *("attachment_payload_limit_exceeded", "invalid_arguments", "invalid_arg_name", "invalid_post_type"),
        *("invalid_charset", "metadata_too_large", "markdown_text_conflict", "msg_too_long"),
    ],
)
def test_a_message_that_slack_cannot_read_is_sent_again_as_plain_text_once(error: str) -> None:
    verdict = judge(CHANNEL, bot_says(ok=False, error=error), NOW)

    assert isinstance(verdict, Deferred)
    assert verdict.as_plain_text


def a_long_word(length: int) -> str:
    return ("a_" * length)[:length]


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (429, {}, Deferred("HTTP 429, over Slack's rate limit", 7 * SECOND, whole_lane=True)),
        (200, {"error": "ratelimited"}, Deferred("Slack: ratelimited", 7 * SECOND, whole_lane=True)),
        (200, {"error": "service_unavailable"}, Deferred("Slack: service_unavailable", 7 * SECOND)),
        (200, {"error": "fatal_error"}, Deferred("Slack: fatal_error", 7 * SECOND, ambiguous=True)),
        (
            200,
            {"error": "no_text"},
            Deferred(
                "Slack: no_text (Slack does not take the form of our message; please report it)", as_plain_text=True
            ),
        ),
        (200, {"error": a_long_word(60)}, Deferred(f"Slack: {a_long_word(60)}", 7 * SECOND, max_tries=3)),
        (
            200,
            {"error": a_long_word(61)},
            Deferred("an answer that is not Slack's", 7 * SECOND, ambiguous=True, max_tries=3),
        ),
        (200, [], Deferred("an answer that is not Slack's", 7 * SECOND, ambiguous=True, max_tries=3)),
        (503, {}, Deferred("HTTP 503", 7 * SECOND, ambiguous=True)),
    ],
)
def test_a_deferred_message_of_the_bot_waits_for_its_retry_after(
    status: int, document: object, verdict: Verdict
) -> None:
    response = Response(status=status, headers={"retry-after": "7"}, body=json.dumps(document).encode())

    assert bot_verdicts.judge(response, NOW) == verdict


def test_a_rate_limited_bot_without_a_retry_after_waits_a_second() -> None:
    response = Response(status=429, headers={}, body=b"")

    assert bot_verdicts.judge(response, NOW) == Deferred("HTTP 429, over Slack's rate limit", SECOND, whole_lane=True)


@pytest.mark.parametrize(
    "error",
    [
        *("cannot_reply_to_message", "invalid_thread_ts", "message_not_found", "thread_not_found"),
        *("restricted_action_non_threadable_channel", "restricted_action_thread_locked"),
    ],
)
def test_an_error_of_a_thread_is_followed_by_an_ordinary_message(error: str) -> None:
    refused = Deferred(f"Slack: {error}", outside_thread=True)

    assert judge(CHANNEL, bot_says(ok=False, error=error), NOW, in_thread=True) == refused
    assert judge(CHANNEL, bot_says(ok=False, error=error), NOW) != refused


def test_an_error_of_the_channel_concerns_a_reply_as_well() -> None:
    assert isinstance(judge(CHANNEL, bot_says(ok=False, error="is_archived"), NOW, in_thread=True), Rejected)


def test_a_hostile_error_of_a_thread_is_no_error_of_ours() -> None:
    assert isinstance(judge(CHANNEL, bot_says(ok=False, error=["x"]), NOW, in_thread=True), Deferred)
