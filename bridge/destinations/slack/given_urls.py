"""URLs that Slack names in its requests and answers: used only at hosts of Slack for that purpose. Each is a secret."""

from collections.abc import Set as AbstractSet

from bridge.destinations.egress.urls import DEFAULT_PORTS, Forbidden, ParsedURL, parse_url
from bridge.domain.secret import Secret


def given_url(text: str, hosts: AbstractSet[str], *, api_url: str) -> Secret | None:
    """Return a URL if it is at one of the hosts, by HTTPS, or at the origin of Slack's API."""
    parsed, api = parse_url(text), parse_url(api_url)
    if isinstance(parsed, Forbidden) or isinstance(api, Forbidden):
        return None
    return Secret(text) if _is_at(parsed, hosts) or parsed.origin == api.origin else None


def _is_at(url: ParsedURL, hosts: AbstractSet[str]) -> bool:
    return url.scheme == "https" and url.port == DEFAULT_PORTS["https"] and url.host in hosts
