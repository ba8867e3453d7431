"""Edits of messages in Slack: the call that replaces a message, and what Slack's answer to it means.

Source: https://docs.slack.dev/reference/methods/chat.update
"""

import json
from http import HTTPStatus

from bridge.destinations.reasons import full_reason
from bridge.destinations.slack.bot import SlackBot, prepare_call
from bridge.destinations.slack.bot_verdicts import document_of
from bridge.destinations.slack.message import without_blocks
from bridge.domain.delivery.destination_requests import NoResponse, Request, Response, SendResult
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.living.edit_results import Edited, EditResult, Gone, Postponed, Refused, Unreadable
from bridge.domain.retry_after import retry_after
from bridge.domain.times import HOUR, SECOND, Moment, Span

LONGEST_PAUSE: Span = HOUR


def prepare_edit(posted: PostedMessage, body: str, bot: SlackBot, *, plain: bool) -> Request:
    """Return the request that replaces a posted message by `body`, which is the JSON of a rendered message.

    With `plain`, only its text is sent, which removes the blocks: for when Slack has refused them.
    """
    payload = json.loads(without_blocks(body) if plain else body)
    shown = {key: payload[key] for key in ("text", "blocks") if key in payload}
    return prepare_call("chat.update", {"channel": posted.channel, "ts": posted.ts, **shown}, bot)


_GONE = frozenset({"message_not_found", "is_inactive", "channel_not_found"})
_LATER = frozenset(
    {
        *("streaming_state_conflict", "external_channel_migrating", "update_failed", "internal_error", "fatal_error"),
        *("request_timeout", "service_unavailable", "team_added_to_org", "org_login_required", "accesslimited"),
        *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "message_limit_exceeded"),
    }
)
"""Errors that pass, some of them only when the operator has replaced the token."""
_OVER_LIMIT = frozenset({"ratelimited", "rate_limited"})
_OUR_FORM = ("msg_too_long", "invalid_blocks", "msg_blocks_too_long", "block_mismatch", "no_text", "invalid_arguments")
"""How the errors begin after which only the text is sent."""


def judge_edit(answer: SendResult, now: Moment) -> EditResult:
    """Return what Slack's answer to an edit means."""
    if isinstance(answer, NoResponse):
        return Postponed(full_reason(answer))
    wait = retry_after(answer.headers, now, at_most=LONGEST_PAUSE)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Postponed("HTTP 429, over Slack's rate limit", SECOND if wait is None else wait)
    if answer.status // 100 != 2:  # noqa: PLR2004 - 2xx
        return Postponed(f"HTTP {answer.status}")
    return _judge_document(answer, wait)


def _judge_document(answer: Response, wait: Span | None) -> EditResult:  # noqa: PLR0911 - a table
    document = document_of(answer)
    match document.get("error"):
        case _ if document.get("ok") is True:
            return Edited()
        case str(error) if error in _GONE:
            return Gone(f"Slack: {error}")
        case str(error) if error in _OVER_LIMIT:
            return Postponed(f"Slack: {error}", SECOND if wait is None else wait)
        case str(error) if error in _LATER:
            return Postponed(f"Slack: {error}")
        case str(error) if error.startswith(_OUR_FORM):
            return Unreadable("Slack does not take the form of our message")
        case str(error) if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60:  # noqa: PLR2004
            return Refused(f"Slack: {error}")
        case _:
            return Postponed("an answer that is not Slack's")
