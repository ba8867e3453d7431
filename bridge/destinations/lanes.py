"""The lane of a destination: what goes to one place is paced and limited together, whoever asked for it."""

from urllib.parse import urlsplit

from bridge.domain.deliveries import Address, Callback, SlackChannel, SlackWebhook


def lane_of(address: Address) -> tuple[str, str]:
    """Give a lane's kind and what tells it from others of the kind; the latter may be secret.

    Slack counts one message a second for each webhook and channel: https://docs.slack.dev/apis/web-api/rate-limits
    """
    match address:
        case SlackWebhook(url=url):
            return "slack", url.reveal()
        case SlackChannel(channel=channel):
            return "slack", f"channel {channel}"
        case Callback(url=url):
            parts = urlsplit(url.reveal())
            return "callback", f"{parts.scheme}://{parts.netloc}".lower()
