"""Checks of clients' permissions to use destinations."""

from bridge.destinations.egress.addresses import parse_address
from bridge.destinations.egress.urls import Forbidden, ascii_host, is_slack_url, parse_url
from bridge.domain.clients import Permissions
from bridge.domain.destinations import Callback, Destination, NamedDestination, SlackChannel, SlackWebhook


def may_use(permissions: Permissions, destination: Destination) -> bool:
    """Return whether a client may use a destination."""
    match destination:
        case SlackWebhook(url=url):
            return may_post(permissions, url.reveal())
        case SlackChannel(channel=channel):
            return permissions.slack_channels is None or channel in permissions.slack_channels
        case Callback(url=url):
            return may_call(permissions, url.reveal())
        case NamedDestination(name=name):
            return permissions.named is None or name in permissions.named


def may_post(permissions: Permissions, url: str) -> bool:
    """Return whether a client may use an incoming webhook; those at other hosts than Slack's count as callbacks."""
    return permissions.slack_channels is None if is_slack_url(url) else may_call(permissions, url)


def may_call(permissions: Permissions, url: str) -> bool:
    """Return whether a client's callbacks may go to a URL: its host is listed, or matches a `*.suffix`."""
    if permissions.callback_hosts is None:
        return True
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return False
    host = parsed.host if parsed.address is None else str(parsed.address)
    return any(_matches(each, host) for each in permissions.callback_hosts)


def _matches(entry: str, host: str) -> bool:
    """Compare an entry of `callback_hosts` with the host of a URL, however each is spelt."""
    if entry.startswith("*."):
        suffix = ascii_host(entry.removeprefix("*."))
        return suffix is not None and host.endswith(f".{suffix}")
    return host == _canonical(entry)


def _canonical(entry: str) -> str | None:
    named = ascii_host(entry)
    try:
        address = None if named is None else parse_address(named)
    except ValueError:
        return None
    return named if address is None else str(address)
