"""What an answer of Slack's API means: accepted, deferred or rejected, by the status, then `ok`, then `error`.

Slack answers even failed calls with 200; `error` is then the name of what went wrong.

Source: https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bridge.domain.delivery.delivery_schedule import RETRY_AFTER_HONOURED
from bridge.domain.delivery.destination_requests import Response
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.retry_after import retry_after
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment, Span

LONG_WAIT: Span = HOUR
TOKEN_PROBE: Span = MINUTE
"""The shortest pause of a channel after a refused token, as after a refused key of Rally."""
UNKNOWN_TRIES = 3
"""The number of attempts after an unknown error of Slack: it may be temporary, but is not retried for days."""

_OVER_LIMIT = frozenset({"ratelimited", "rate_limited"})
_PASSING = frozenset({"service_unavailable", "team_added_to_org", "org_login_required"})
_PERHAPS_DONE = frozenset({"internal_error", "fatal_error", "request_timeout"})
"""Errors after which, by Slack's documentation, parts of the call may have succeeded."""
_LONG = frozenset({"message_limit_exceeded", "accesslimited"})
_UNREADABLE = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_charset",
        "invalid_post_type",
        "markdown_text_conflict",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_THREAD = frozenset(
    {
        "cannot_reply_to_message",
        "invalid_thread_ts",
        "message_not_found",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
"""Errors of a reply that do not concern an ordinary message in the same channel."""
_SCOPE = "give the bot the scope chat:write, and install it again"
_POLICY = "an administrator of the Slack workspace must allow it"
_CHANNEL = "check the channel's id, and that the bot may see it"
_RESTRICTED = "the bot may not post to this channel as it is set up"
_TOKEN = "check SLACK_BOT_TOKEN"  # noqa: S105 - a hint, no secret
_TOKEN_HINTS: Mapping[str, str] = {
    "account_inactive": _TOKEN,
    "invalid_auth": _TOKEN,
    "not_allowed_token_type": "SLACK_BOT_TOKEN must be a bot's token (xoxb-…)",
    "not_authed": _TOKEN,
    "team_not_found": _TOKEN,
    "token_expired": "the bot's token has run out; make a new one",
    "token_revoked": "the bot's token was revoked; make a new one",
}
"""Errors of the token, which concern every message: they wait until the operator has replaced it."""
_HINTS: Mapping[str, str] = {
    "access_denied": _POLICY,
    "cannot_reply_to_message": _RESTRICTED,
    "channel_not_found": _CHANNEL,
    "ekm_access_denied": _POLICY,
    "enterprise_is_restricted": _POLICY,
    "is_archived": "unarchive the channel, or use another",
    "messages_tab_disabled": _RESTRICTED,
    "missing_scope": _SCOPE,
    "no_permission": _SCOPE,
    "not_in_channel": "invite the bot to the channel, or give it the scope chat:write.public",
    "restricted_action": _POLICY,
    "restricted_action_non_threadable_channel": _RESTRICTED,
    "restricted_action_read_only_channel": _RESTRICTED,
    "restricted_action_thread_locked": _RESTRICTED,
    "restricted_action_thread_only_channel": _RESTRICTED,
    "team_access_not_granted": _POLICY,
    "two_factor_setup_required": _POLICY,
}
"""Errors that stay until the cause is fixed, and how to fix it."""


def judge(response: Response, now: Moment, *, in_thread: bool = False) -> Verdict:
    """Return the verdict on a response. `in_thread`: the message was a reply, whose thread may be the problem."""
    wait = retry_after(response.headers, now, at_most=RETRY_AFTER_HONOURED)
    match response.status // 100, response.status:
        case _, HTTPStatus.TOO_MANY_REQUESTS:
            return Deferred("HTTP 429, over Slack's rate limit", SECOND if wait is None else wait, whole_lane=True)
        case 2, _:
            return _judge_document(document_of(response), wait, in_thread=in_thread)
        case 3, status:
            return Rejected(f"HTTP {status}, redirects are not followed")
        case _, HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_EARLY as status:
            return Deferred(f"HTTP {status}", wait)
        case 4, status:
            return Rejected(f"HTTP {status}")
        case _, status:
            return Deferred(f"HTTP {status}", wait, ambiguous=True)


def _judge_document(document: Mapping[str, Any], wait: Span | None, *, in_thread: bool) -> Verdict:
    error = document.get("error")
    if document.get("ok") is True:
        return Accepted(PostedMessage.of(document))
    if in_thread and isinstance(error, str) and error in _THREAD:
        return Deferred(f"Slack: {error}", outside_thread=True)
    return _judge_error(error, wait)


def _judge_error(error: object, wait: Span | None) -> Verdict:  # noqa: PLR0911 - a table
    match error:
        case str(error) if error in _OVER_LIMIT:
            return Deferred(f"Slack: {error}", SECOND if wait is None else wait, whole_lane=True)
        case str(error) if error in _PASSING:
            return Deferred(f"Slack: {error}", wait)
        case str(error) if error in _PERHAPS_DONE:
            return Deferred(f"Slack: {error}", wait, ambiguous=True)
        case str(error) if error in _LONG:
            return Deferred(f"Slack: {error}", LONG_WAIT)
        case str(error) if error in _UNREADABLE:
            return Deferred(
                f"Slack: {error} (Slack does not take the form of our message; please report it)", as_plain_text=True
            )
        case str(error) if error in _TOKEN_HINTS:
            reason = f"Slack: {error} ({_TOKEN_HINTS[error]})"
            return Deferred(reason, TOKEN_PROBE, whole_lane=True, refused_token=True)
        case str(error) if error in _HINTS:
            return Rejected(f"Slack: {error} ({_HINTS[error]})")
        case str(error) if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60:  # noqa: PLR2004
            return Deferred(f"Slack: {error}", wait, max_tries=UNKNOWN_TRIES)
        case _:
            return Deferred("an answer that is not Slack's", wait, ambiguous=True, max_tries=UNKNOWN_TRIES)


def document_of(response: Response) -> Mapping[str, Any]:
    """Return the JSON object in a response; an empty one if the body is something else."""
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
