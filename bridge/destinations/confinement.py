"""Confinement: whether a client may use a destination, by what the operator lets it use."""

from bridge.destinations.addresses import parse_address
from bridge.destinations.rules import Forbidden, ascii_host, is_slack_url, parse_url
from bridge.domain.clients import Permissions
from bridge.domain.deliveries import Callback, Destination, NamedDestination, SlackChannel, SlackWebhook


def may_use(permissions: Permissions, destination: Destination) -> bool:
    """Return whether messages may go there."""
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
    """Return whether an incoming webhook may be used: at a host other than Slack's it is a callback like any other."""
    return permissions.slack_channels is None if is_slack_url(url) else may_call(permissions, url)


def may_call(permissions: Permissions, url: str) -> bool:
    """Return whether callbacks may go to a URL: its host is named, or ends as `*.suffix` says."""
    if permissions.callback_hosts is None:
        return True
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return False
    host = parsed.host if parsed.address is None else str(parsed.address)
    return any(_names(each, host) for each in permissions.callback_hosts)


def _names(entry: str, host: str) -> bool:
    """Compare an entry of the operator's with a host or address as URLs are sent to; however each is spelt."""
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
