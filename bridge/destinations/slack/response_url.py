"""The `response_url` of Slack's requests: it takes up to five answers within 30 minutes. It is a secret.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import json

import structlog

from bridge.destinations.egress.client import Egress
from bridge.destinations.egress.urls import SLACK_HOSTS
from bridge.destinations.slack.given_urls import given_url
from bridge.domain.delivery.destination_requests import NoResponse, Request
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT

log = structlog.get_logger()


def response_url(text: str, *, api_url: str) -> Secret | None:
    """Return the URL if it is one of Slack's: of its hosts for this purpose, or of the origin of its API."""
    return given_url(text, SLACK_HOSTS, api_url=api_url)


def prepare(url: Secret, text: str, *, replace: bool = False) -> Request:
    """Return the request that shows a text to the person who has asked, and to nobody else.

    `replace`: in place of the message that the person clicked in, which must be one that only they see.
    """
    headers = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}
    payload = {"response_type": "ephemeral", "replace_original": replace, "text": text}
    return Request(url=url, headers=headers, body=json.dumps(payload, ensure_ascii=False).encode())


async def say(egress: Egress, url: Secret | None, text: str, *, replace: bool = False) -> None:
    """Post an answer to `response_url`, once. Slack refuses it if the URL is used up or has expired."""
    if url is None:
        log.warning("slack.not_answered", reason="response_url is not one of Slack's")
        return
    answer = await egress.send(prepare(url, text, replace=replace))
    reason = answer.reason if isinstance(answer, NoResponse) else f"HTTP {answer.status}"
    if reason != "HTTP 200":
        log.warning("slack.not_answered", reason=reason)
