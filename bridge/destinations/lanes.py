"""The lane of a destination: what goes to one parsed is paced and limited together, whoever asked for it."""

from bridge.destinations.rules import Forbidden, parse_url
from bridge.domain.deliveries import Callback, ResolvedDestination, SlackChannel, SlackWebhook


def lane_of(address: ResolvedDestination) -> tuple[str, str]:
    """Give a lane's kind and what tells it from others of the kind, however it is spelt; the latter may be secret.

    Slack counts one message a second for each webhook and channel: https://docs.slack.dev/apis/web-api/rate-limits
    """
    match address:
        case SlackWebhook(url=url):
            parsed = parse_url(url.reveal())
            return "slack", url.reveal() if isinstance(parsed, Forbidden) else parsed.origin + parsed.path
        case SlackChannel(channel=channel):
            return "slack", f"channel {channel}"
        case Callback(url=url):
            parsed = parse_url(url.reveal())
            return "callback", url.reveal() if isinstance(parsed, Forbidden) else parsed.origin
