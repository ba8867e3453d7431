"""Requests with the token of the Slack bot."""

import json

import pytest

from bridge.destinations import Sender, prepare
from bridge.destinations.callback_signing import Signing
from bridge.destinations.slack import bot as slack_bot
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.delivery.destination_requests import Request
from bridge.domain.delivery.posted_messages import Thread
from bridge.domain.destinations import SlackChannel
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT
from tests.support.samples import NOW

CHANNEL = SlackChannel(channel="C0123ABCD")
SIGNING = Signing((Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),))


def test_the_bot_posts_to_its_channel_with_its_token_and_plainly_without_blocks() -> None:
    sender = Sender(signing=SIGNING, slack_bot=SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api"))
    body = '{"text":"hi","blocks":[{"type":"divider"}]}'
    requests = [
        prepare(CHANNEL, body, notification_id="n", client="crm", now=NOW, sender=sender, plain=plain)
        for plain in (False, True)
    ]

    assert {request.url.reveal() for request in requests} == {"https://slack.com/api/chat.postMessage"}
    assert {request.headers["authorization"] for request in requests} == {"Bearer xoxb-1"}
    assert [json.loads(request.body) for request in requests] == [
        {"channel": "C0123ABCD", "text": "hi", "blocks": [{"type": "divider"}]},
        {"channel": "C0123ABCD", "text": "hi"},
    ]
    assert "xoxb" not in repr(requests) + repr(sender)


TO_SLACK = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}


def test_a_message_of_the_bot_is_json_with_its_channel_and_token() -> None:
    bot = slack_bot.SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")

    assert slack_bot.prepare(SlackChannel(channel="C0"), '{"text": "é"}', bot) == Request(
        url=Secret("https://slack.com/api/chat.postMessage"),
        headers=TO_SLACK | {"authorization": "Bearer xoxb-1"},
        body='{"channel":"C0","text":"é"}'.encode(),
    )


def test_a_bots_token_is_checked_without_posting() -> None:
    bot = slack_bot.SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")

    assert slack_bot.prepare_check(bot) == Request(
        url=Secret("https://slack.com/api/auth.test"),
        headers=TO_SLACK | {"authorization": "Bearer xoxb-1"},
        body=b"{}",
    )


@pytest.mark.parametrize("broadcast", [True, False])
def test_a_reply_is_posted_in_its_thread(*, broadcast: bool) -> None:
    thread = Thread(ts="1503435956.000247", broadcast=broadcast)
    request = slack_bot.prepare(CHANNEL, '{"text": "x"}', SlackBot(token=Secret("xoxb-1"), api_url="u"), thread=thread)

    assert json.loads(request.body) == {
        "channel": "C0123ABCD",
        "text": "x",
        "thread_ts": "1503435956.000247",
        "reply_broadcast": broadcast,
    }
