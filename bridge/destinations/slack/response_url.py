"""The `response_url` of Slack's requests: it takes up to five answers within 30 minutes. It is a secret.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import json

from bridge.destinations.egress.urls import SLACK_HOSTS
from bridge.destinations.slack.given_urls import given_url
from bridge.domain.delivery.destination_requests import Request
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT


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
