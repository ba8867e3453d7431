"""Edits of messages: the request, and what each answer means."""

import json
from typing import Any

import pytest

from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.message_edits import judge_edit, prepare_edit
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.living.edit_results import Edited, EditResult, Gone, Postponed, Refused, Unreadable
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, SECOND
from tests.support.samples import NOW

POSTED = PostedMessage(channel="C0123ABCD", ts="1503435956.000247")
BOT = SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")
BODY = '{"text": "hi", "mrkdwn": false, "blocks": [{"type": "divider"}]}'


def says(**document: Any) -> Response:
    return Response(status=200, headers={}, body=json.dumps(document).encode())


def test_an_edit_names_the_message_and_has_only_arguments_of_chat_update() -> None:
    request = prepare_edit(POSTED, BODY, BOT, plain=False)
    plain = prepare_edit(POSTED, BODY, BOT, plain=True)

    assert request.url.reveal() == "https://slack.com/api/chat.update"
    assert json.loads(request.body).keys() == {"channel", "ts", "text", "blocks"}
    assert json.loads(plain.body).keys() == {"channel", "ts", "text"}
    assert json.loads(plain.body)["ts"] == "1503435956.000247"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says(ok=True, channel="C0123ABCD", ts="1503435956.000247"), Edited()),
        *(
            (says(ok=False, error=e), Gone(f"Slack: {e}"))
            for e in ("message_not_found", "is_inactive", "channel_not_found")
        ),
        *((says(ok=False, error=e), Refused(f"Slack: {e}")) for e in ("cant_update_message", "edit_window_closed")),
        *(
            (says(ok=False, error=e), Postponed(f"Slack: {e}"))
            for e in (
                *("streaming_state_conflict", "external_channel_migrating", "update_failed", "internal_error"),
                *("fatal_error", "request_timeout", "service_unavailable", "invalid_auth", "token_revoked"),
            )
        ),
        *((says(ok=False, error=e), Postponed(f"Slack: {e}", SECOND)) for e in ("ratelimited", "rate_limited")),
        *(
            (says(ok=False, error=e), Unreadable("Slack does not take the form of our message"))
            for e in (
                "msg_too_long",
                "invalid_blocks",
                "invalid_blocks_format",
                "msg_blocks_too_long",
                "block_mismatch",
            )
        ),
        (says(ok=False, error="brand_new"), Refused("Slack: brand_new")),
        (says(ok=False, error="<b>Bearer x</b>"), Postponed("an answer that is not Slack's")),
        (says(ok=False, error=["x"]), Postponed("an answer that is not Slack's")),
        (says(ok="true"), Postponed("an answer that is not Slack's")),
        (Response(status=200, headers={}, body=b"<html>"), Postponed("an answer that is not Slack's")),
        (Response(status=200, headers={}, body=b"[" * 9_999), Postponed("an answer that is not Slack's")),
        (
            Response(status=429, headers={"retry-after": "30"}, body=b""),
            Postponed("HTTP 429, over Slack's rate limit", 30 * SECOND),
        ),
        (Response(status=429, headers={}, body=b""), Postponed("HTTP 429, over Slack's rate limit", SECOND)),
        (
            Response(status=429, headers={"retry-after": "999999999"}, body=b""),
            Postponed("HTTP 429, over Slack's rate limit", HOUR),
        ),
        *((Response(status=s, headers={}, body=b""), Postponed(f"HTTP {s}")) for s in (302, 404, 500, 503)),
        (NoResponse(failure=Failure.TIMEOUT, reason="no answer"), Postponed("no answer")),
    ],
)
def test_each_answer_to_an_edit_has_its_meaning(answer: Response | NoResponse, result: EditResult) -> None:
    assert judge_edit(answer, NOW) == result
