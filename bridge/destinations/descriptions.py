"""Descriptions of destinations without secrets: for logs, responses of the API and messages."""

from functools import lru_cache

import httpx

from bridge.destinations.egress.urls import ORIGINS, USUAL_URL, is_slack_url
from bridge.domain.destinations import Callback, Destination, NamedDestination, SlackChannel, SlackWebhook


def describe(destination: Destination) -> str:
    """Describe a destination: by its channel, its name, or the origin of its URL, as path and query may be secret."""
    match destination:
        case SlackWebhook(url=url):
            return _describe_webhook(url.reveal())
        case SlackChannel(channel=channel):
            return f"#{channel}"
        case Callback(url=url):
            return redacted_url(url.reveal())
        case NamedDestination(name=name):
            return name


def _describe_webhook(url: str) -> str:
    """Describe a webhook by its origin; one of Slack's also by the beginning of its path."""
    redacted = redacted_url(url)
    return redacted.replace("/…", "/services/…") if is_slack_url(url) else redacted


def redacted_url(url: str) -> str:
    """Return a URL's scheme, host and port; the rest may be secret."""
    usual = USUAL_URL.fullmatch(url)
    return _redacted(url) if usual is None else _redacted_origin(usual[1])


@lru_cache(maxsize=ORIGINS)
def _redacted_origin(origin: str) -> str:
    return _redacted(origin)


def _redacted(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "…"
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}/…"
