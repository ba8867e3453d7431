"""Slack messages of rules: whom they mention, which rule speaks, and what is known of an import that nobody watched."""

import json
import re
from dataclasses import replace

from bridge.destinations import render
from bridge.domain.destinations import Callback, NamedDestination
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from tests.support.slack_messages import NOTIFICATION, OUR_DATE, READING, message, texts

RULE = replace(NOTIFICATION, client="rule:ops-csv", label=None)


def test_users_are_mentioned_in_a_block_of_their_own() -> None:
    blocks = message(replace(RULE, mention=("U0123", "W0456")))["blocks"]

    assert blocks[1] == {"type": "section", "text": {"type": "mrkdwn", "text": "<@U0123> <@W0456>", "verbatim": True}}
    assert "<@" not in json.dumps(message(RULE))


def test_foreign_text_mentions_nobody_beside_them() -> None:
    foreign = "<@U999> <!here> @channel <!subteam^S1>"
    payload = message(replace(RULE, label=foreign, import_id=foreign, reason=foreign, mention=("U0123",)))
    mentions = [text["text"] for text in texts(payload) if re.search("<[@!#]", OUR_DATE.sub("", text["text"]))]

    assert mentions == ["<@U0123>"]
    assert not re.search("<[@!#]", payload["text"])


def test_a_callback_mentions_nobody() -> None:
    mentioning = replace(RULE, mention=("U0123",))
    bodies = json.loads(render(mentioning, NamedDestination(name="room")))

    assert "U0123" not in render(mentioning, Callback(url=Secret("https://crm.example.com/")))
    assert ("U0123" in bodies["callback"], "U0123" in bodies["slack_webhook"]) == (False, True)


def test_the_context_names_the_rule() -> None:
    elements = message(RULE)["blocks"][-1]["elements"]

    assert elements[1]["text"] == "Rule ops-csv"


def test_a_rule_does_not_know_how_long_an_import_took_but_when_it_ended() -> None:
    ended = message(replace(RULE, reading=replace(READING, updated_at="2025-11-24T15:58:00Z")))

    assert ended["blocks"][2]["text"]["text"] == (
        "*120 people* imported · ended <!date^1763999880^{date_short_pretty} {time}|2025-11-24 15:58 UTC>"
    )
    assert message(RULE)["blocks"][2]["text"]["text"] == "*120 people* imported"


def test_an_import_known_by_its_push_alone_has_a_message_without_figures() -> None:
    unread = replace(RULE, outcome=Outcome.FAILED, reading=replace(READING, person_count=None, type=None))

    assert message(unread)["blocks"][2]["text"]["text"] == "No figures are known"
