"""URLs of destinations: parsed as the client that sends requests parses them."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from bridge.destinations.egress.addresses import IPAddress, parse_address

DEFAULT_PORTS = {"http": 80, "https": 443}
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
"""The second is GovSlack's: https://docs.slack.dev/govslack."""
SLACK_DOMAINS = frozenset({"slack.com", "slack-gov.com"})
_SLACK_SUFFIXES = tuple(f".{each}" for each in SLACK_DOMAINS)
HOST_NAME = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_BACKSLASH_OR_SPACE = re.compile(r"[\\\s]")
HIGHEST_PORT = 65_535
ORIGINS = 1024
"""The number of parsed origins in the cache."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why a URL is refused: a stable code, and a sentence without the URL's path and query."""

    code: str
    detail: str
    by_address: bool = False
    """Whether only the address, host or port is the reason, so that EGRESS_ALLOW can allow it."""

    @property
    def for_operators(self) -> str:
        """The sentence with the setting that can allow the URL."""
        return f"{self.detail}; EGRESS_ALLOW can allow it" if self.by_address else self.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedURL:
    """A URL and its origin: the host in ASCII, lower case, without a trailing dot; and its address, if it is one."""

    url: str = field(repr=False)
    scheme: str
    host: str
    port: int
    address: IPAddress | None

    @property
    def parsed(self) -> httpx.URL:
        return httpx.URL(self.url)

    @property
    def path(self) -> str:
        return self.parsed.path

    @property
    def origin(self) -> str:
        """The origin in one canonical spelling."""
        host = self.host if self.address is None else str(self.address)
        host = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{host}:{self.port}"


USUAL_URL = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?][!-\"$-\[\]-~]{0,4000})?")
"""A URL in printable ASCII without user name, fragment and backslash; the group is its origin."""


def parse_url(url: str) -> ParsedURL | Forbidden:
    """Parse a URL with the parser that is used for sending, so that both interpret it alike.

    Of most URLs only the origin needs to be parsed. Origins repeat and are not secret, so they may be cached.
    """
    usual = USUAL_URL.fullmatch(url)
    if usual is None:
        return _parse(url)
    origin = _parse_origin(usual[1])
    if isinstance(origin, Forbidden):
        return origin
    return ParsedURL(url=url, scheme=origin.scheme, host=origin.host, port=origin.port, address=origin.address)


@lru_cache(maxsize=ORIGINS)
def _parse_origin(origin: str) -> ParsedURL | Forbidden:
    return _parse(origin)


def _parse(url: str) -> ParsedURL | Forbidden:
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii").lower().removesuffix(".")
        address = parse_address(host) if host else None
    except (httpx.InvalidURL, ValueError):
        return Forbidden("url", "this is not a URL that can be sent to")
    if wrong := _malformed(url, parsed):
        return wrong
    if address is None and not HOST_NAME.fullmatch(host):
        return Forbidden("host", "this is not a host name")
    return ParsedURL(url=url, scheme=parsed.scheme, host=host, port=_port(parsed), address=address)


def _malformed(url: str, parsed: httpx.URL) -> Forbidden | None:
    if parsed.scheme not in DEFAULT_PORTS:
        return Forbidden("scheme", "only http:// and https:// URLs are allowed")
    if _BACKSLASH_OR_SPACE.search(url):
        return Forbidden("url", "backslashes and spaces are not allowed in a URL")
    if parsed.userinfo:
        return Forbidden("userinfo", "a user name or password in a URL is not allowed")
    if "#" in url:
        return Forbidden("fragment", "a fragment (#…) is never sent; leave it out")
    if not 1 <= _port(parsed) <= HIGHEST_PORT:
        return Forbidden("port", f"a port is a number from 1 to {HIGHEST_PORT}")
    return None


def _port(parsed: httpx.URL) -> int:
    return DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port


def ascii_host(host: str) -> str | None:
    """Return a host as it appears in requests; None if it is invalid."""
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii").lower().removesuffix(".")
    except (ValueError, TypeError, httpx.InvalidURL):
        return None


def is_slack_url(url: str) -> bool:
    """Return whether a URL's host is one of Slack's."""
    parsed = parse_url(url)
    return isinstance(parsed, ParsedURL) and is_slacks(parsed)


def is_slacks(url: ParsedURL) -> bool:
    return url.host in SLACK_DOMAINS or url.host.endswith(_SLACK_SUFFIXES)
