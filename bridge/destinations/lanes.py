"""Lanes: deliveries of all clients to the same receiver are paced and limited together."""

from bridge.destinations.egress.urls import Forbidden, parse_url
from bridge.domain.destinations import Callback, ResolvedDestination, SlackChannel, SlackWebhook


def lane_of(destination: ResolvedDestination) -> tuple[str, str]:
    """Return a lane's kind and its identity within the kind, which does not depend on the URL's spelling.

    The identity may be secret.

    Slack allows one message a second for each webhook and channel: https://docs.slack.dev/apis/web-api/rate-limits
    """
    match destination:
        case SlackWebhook(url=url):
            parsed = parse_url(url.reveal())
            return "slack", url.reveal() if isinstance(parsed, Forbidden) else parsed.origin + parsed.path
        case SlackChannel(channel=channel):
            return "slack", f"channel {channel}"
        case Callback(url=url):
            parsed = parse_url(url.reveal())
            return "callback", url.reveal() if isinstance(parsed, Forbidden) else parsed.origin
