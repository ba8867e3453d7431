"""Slack's incoming webhooks, and compatible ones of other products. The status decides; the body has a hint.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/apis/web-api/rate-limits
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from bridge.domain.delivery.delivery_schedule import RETRY_AFTER_HONOURED
from bridge.domain.delivery.destination_requests import Request, Response
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import SlackWebhook
from bridge.domain.retry_after import retry_after
from bridge.domain.times import SECOND, Moment
from bridge.http.user_agent import USER_AGENT


def prepare(destination: SlackWebhook, body: str) -> Request:
    headers = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}
    return Request(url=destination.url, headers=headers, body=body.encode())


_HINTS: Mapping[str, str] = {
    "action_prohibited": "an administrator has restricted posting to this channel",
    "channel_is_archived": "unarchive the channel, or use another webhook",
    "channel_not_found": "the channel no longer exists",
    "invalid_blocks": "Slack does not take the form of our message; please report it",
    "invalid_payload": "Slack does not take the form of our message; please report it",
    "invalid_token": "the webhook's URL is wrong or was revoked; make a new one",
    "no_active_hooks": "the webhook was disabled; make a new one",
    "no_service": "the webhook was disabled or removed; make a new one",
    "no_service_id": "the webhook's URL is not complete",
    "no_team": "the workspace does not exist or the webhook's URL is not complete",
    "no_text": "Slack does not take the form of our message; please report it",
    "posting_to_general_channel_denied": "an administrator has restricted posting to this channel",
    "team_disabled": "the Slack workspace is disabled",
    "too_many_attachments": "Slack does not take the form of our message; please report it",
    "user_not_found": "the user that the webhook posts to no longer exists",
}
"""What to do about each of Slack's error words; sources: the first above and
https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks"""
_UNREADABLE = frozenset({"invalid_blocks", "invalid_payload", "no_text", "too_many_attachments"})
"""Errors about our payload, after which it is sent once more as plain text."""
_WORD = re.compile(rb"[a-z_]{1,60}")


def judge(response: Response, now: Moment, *, at_slack: bool = True) -> Verdict:  # noqa: PLR0911 - a table
    """Return the verdict on a response; with `at_slack`, only the body `ok` is a success."""
    wait = retry_after(response.headers, now, at_most=RETRY_AFTER_HONOURED)
    match response.status // 100, response.status:
        case _, HTTPStatus.OK if response.body.strip() == b"ok":
            return Accepted()
        case 2, _ if not at_slack and _accepts(response):
            return Accepted()
        case 2, status:
            expected = "not Slack's ok" if at_slack else "neither ok nor JSON of a success"
            return Rejected(f"HTTP {status}, but {expected}{_said(response)}")
        case 3, status:
            return Rejected(f"HTTP {status}, redirects are not followed")
        case _, HTTPStatus.TOO_MANY_REQUESTS:
            return Deferred("HTTP 429, over Slack's rate limit", SECOND if wait is None else wait, whole_lane=True)
        case _, HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_EARLY as status:
            return Deferred(f"HTTP {status}", wait)
        case 4, status if _word(response) in _UNREADABLE:
            return Deferred(f"HTTP {status}{_said(response)}", as_plain_text=True)
        case 4, status:
            return Rejected(f"HTTP {status}{_said(response)}")
        case _, status:
            return Deferred(f"HTTP {status}{_said(response)}", wait, ambiguous=True)


def _accepts(response: Response) -> bool:
    """Return whether a Slack-compatible product (Mattermost, Rocket.Chat and others) has accepted a message.

    They respond with 204, or with 200 and JSON that does not report a failure.
    """
    if response.status == HTTPStatus.NO_CONTENT:
        return True
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return False
    failed = isinstance(said, dict) and (said.get("ok") is False or said.get("success") is False)
    return response.status == HTTPStatus.OK and isinstance(said, dict | list) and not failed


def _said(response: Response) -> str:
    """Return Slack's error word with a hint, for the reason; nothing else of the body is used."""
    word = _word(response)
    return f": {word} ({_HINTS[word]})" if word in _HINTS else f": {word}" if word else ""


def _word(response: Response) -> str:
    said = response.body.strip()
    return said.decode("ascii") if _WORD.fullmatch(said) else ""
