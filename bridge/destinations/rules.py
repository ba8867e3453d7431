"""Which URLs a destination may have: checked without DNS, when it is registered and again at each attempt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

import httpx

from bridge.destinations.addresses import IPAddress, IPNetwork, parse_address, refusal_code, unwrap_nat64

DEFAULT_PORTS = {"http": 80, "https": 443}
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
"""The second is GovSlack's: https://docs.slack.dev/govslack."""
SLACK_DOMAINS = frozenset({"slack.com", "slack-gov.com"})
_SLACK_SUFFIXES = tuple(f".{each}" for each in SLACK_DOMAINS)
_NAME = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ENTRY = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<any>\*\.)?(?P<host>[^:/]+))(?::(?P<port>[0-9]{1,5}))?")
_BACKSLASH_OR_SPACE = re.compile(r"[\\\s]")
_HIGHEST_PORT = 65_535
_NEVER = frozenset({"url", "host", "scheme", "userinfo", "fragment", "slack_workflow", "slack_host"})
"""The codes of what no rule permits."""


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

    @property
    def permittable(self) -> bool:
        """Whether an entry of EGRESS_ALLOW would permit the URL."""
        return self.code not in _NEVER


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """What the operator allows in addition to the public internet; an entry without a port allows every port."""

    networks: tuple[tuple[IPNetwork, int | None], ...] = ()
    hosts: tuple[tuple[str, int | None], ...] = ()
    """A name that begins with a dot allows all its subdomains."""

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "EgressRules":
        """Parse CIDRs, addresses, hosts and `*.suffix`es, the last three also with `:port`.

        Raise ValueError with the number of every invalid entry.
        """
        networks: list[tuple[IPNetwork, int | None]] = []
        hosts: list[tuple[str, int | None]] = []
        wrong: list[str] = []
        for number, entry in enumerate(entries, start=1):
            match _parse_entry(entry.strip()):
                case None:
                    wrong.append(f"entry {number} is not a network, address, host, host:port or *.suffix")
                case str(host), port:
                    hosts.append((host, port))
                case network, port:
                    networks.append((network, port))
        if wrong:
            raise ValueError("; ".join(wrong))
        return cls(networks=tuple(networks), hosts=tuple(hosts))

    def also_allowing(self, host: str, port: int) -> "EgressRules":
        """Return these rules with one host, or address, and its port added."""
        return replace(self, hosts=(*self.hosts, (host, port)))

    def allow_host(self, host: str, port: int) -> bool:
        return any(
            (host.endswith(known) if known.startswith(".") else host == known) and at in {None, port}
            for known, at in self.hosts
        )

    def allow_address(self, address: IPAddress, port: int) -> bool:
        """Return whether an entry allows an address; one with NAT64's prefix is checked by its embedded address.

        An entry for IPv6 allows no IPv4 address: the system connects to `::ffff:a.b.c.d` as `a.b.c.d`.
        """
        judged = unwrap_nat64(address)
        if not any(judged in network and at in {None, port} for network, at in self.networks):
            return False
        mapped = judged.ipv4_mapped if isinstance(judged, IPv6Address) else None
        return mapped is None or self.check_address(mapped, port) is None

    def check_address(self, address: IPAddress, port: int) -> Forbidden | None:
        """Return why an address, given or resolved, may not be connected to; None if it may."""
        if self.allow_address(address, port):
            return None
        if code := refusal_code(address):
            detail = f"an address of this kind is not allowed: {code.replace('_', ' ')}"
            return Forbidden(code, detail, by_address=True)
        return None if port in DEFAULT_PORTS.values() else _FORBIDDEN_PORT


_FORBIDDEN_PORT = Forbidden("port", "only the ports 80 and 443 are allowed", by_address=True)


def _parse_entry(entry: str) -> tuple[str | IPNetwork, int | None] | None:
    try:
        return ip_network(entry), None
    except ValueError:
        found = _ENTRY.fullmatch(entry)
    port = None if found is None or found["port"] is None else int(found["port"])
    if found is None or (port is not None and not 1 <= port <= _HIGHEST_PORT):
        return None
    try:
        if found["any"] is None and (found["v6"] or found["host"].replace(".", "").isdigit()):
            return ip_network(found["v6"] or found["host"]), port
        host = ascii_host(found["host"])
        if host is None or not _NAME.fullmatch(host) or parse_address(host) is not None:
            return None
    except ValueError:
        return None
    return f".{host}" if found["any"] else host, port


def ascii_host(host: str) -> str | None:
    """Return a host as it appears in requests; None if it is invalid."""
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii").lower().removesuffix(".")
    except (ValueError, TypeError, httpx.InvalidURL):
        return None


def is_slack_url(url: str) -> bool:
    """Return whether a URL's host is one of Slack's."""
    parsed = parse_url(url)
    return isinstance(parsed, ParsedURL) and _is_slacks(parsed)


def _is_slacks(url: ParsedURL) -> bool:
    return url.host in SLACK_DOMAINS or url.host.endswith(_SLACK_SUFFIXES)


def check_callback(url: str, rules: EgressRules) -> Forbidden | None:
    """Return why a URL may not be a callback; None if it may. Slack's hosts accept incoming webhooks only."""
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return parsed
    if _is_slacks(parsed):
        return Forbidden("slack_host", "Slack's hosts take no callbacks; give an incoming webhook as `slack_webhook`")
    return _objection(parsed, rules, slack=False)


def check_url(url: str, rules: EgressRules, *, slack: bool) -> Forbidden | None:
    """Return why a URL may not be a destination; None if it may."""
    judged = judge_url(url, rules, slack=slack)
    return judged if isinstance(judged, Forbidden) else None


def judge_url(url: str, rules: EgressRules, *, slack: bool) -> ParsedURL | Forbidden:
    """Parse a URL and check whether it may be a destination; `slack` if it is to be an incoming webhook.

    A host name is checked again when it is resolved, by its addresses.
    """
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return parsed
    return _objection(parsed, rules, slack=slack) or parsed


def _objection(url: ParsedURL, rules: EgressRules, *, slack: bool) -> Forbidden | None:
    if slack and (wrong := _starts_a_workflow(url)):
        return wrong
    if rules.allow_host(url.host, url.port):
        return None
    if url.address is not None and rules.allow_address(url.address, url.port):
        return None
    if slack and (wrong := _not_slacks(url)):
        return wrong
    return _wrong_name(url, rules) if url.address is None else rules.check_address(url.address, url.port)


def _wrong_name(url: ParsedURL, rules: EgressRules) -> Forbidden | None:
    if url.host == "localhost" or url.host.endswith(".localhost"):
        return Forbidden("loopback", "localhost is not allowed", by_address=True)
    if url.port in DEFAULT_PORTS.values() or any(port in {None, url.port} for _, port in rules.networks):
        return None  # the name may resolve into a network for which this port is allowed
    return _FORBIDDEN_PORT


_USUAL = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?][!-\"$-\[\]-~]{0,4000})?")
"""A URL in printable ASCII without user name, fragment and backslash; the group is its origin."""


def parse_url(url: str) -> ParsedURL | Forbidden:
    """Parse a URL with the parser that is used for sending, so that both interpret it alike.

    Of most URLs only the origin needs to be parsed. Origins repeat and are not secret, so they may be cached.
    """
    usual = _USUAL.fullmatch(url)
    if usual is None:
        return _parse(url)
    origin = _parse_origin(usual[1])
    return origin if isinstance(origin, Forbidden) else replace(origin, url=url)


@lru_cache(maxsize=1024)
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
    if address is None and not _NAME.fullmatch(host):
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
    if not 1 <= _port(parsed) <= _HIGHEST_PORT:
        return Forbidden("port", f"a port is a number from 1 to {_HIGHEST_PORT}")
    return None


def _port(parsed: httpx.URL) -> int:
    return DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port


def _starts_a_workflow(url: ParsedURL) -> Forbidden | None:
    """Refuse URLs of Slack workflows, which accept no messages, whatever the operator allows.

    Source: https://slack.com/help/articles/360041352714
    """
    if url.host not in SLACK_HOSTS or not url.path.startswith(("/workflows/", "/triggers/")):
        return None
    return Forbidden(
        "slack_workflow", "this URL starts a workflow, which takes no messages; give an incoming webhook's URL"
    )


def _not_slacks(url: ParsedURL) -> Forbidden | None:
    at_slacks = url.host in SLACK_HOSTS and url.scheme == "https" and url.port == DEFAULT_PORTS["https"]
    if at_slacks and url.path.startswith("/services/"):
        return None
    detail = "a Slack webhook's URL begins with https://hooks.slack.com/services/"
    return Forbidden("not_slack", detail, by_address=True)


@lru_cache(maxsize=1000)  # the same destinations are shown again and again, and parsing is costly
def redacted_url(url: str) -> str:
    """Return a URL's scheme, host and port; the rest may be secret."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "…"
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}/…"
