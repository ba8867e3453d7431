"""What a destination's URL may be: judged without asking the DNS, when it is given and again at each attempt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

import httpx

from bridge.destinations.addresses import IPAddress, IPNetwork, literal, refusal, represented

DEFAULT_PORTS = {"http": 80, "https": 443}
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
"""The second is GovSlack's: https://docs.slack.dev/govslack."""
SLACK_DOMAINS = frozenset({"slack.com", "slack-gov.com"})
_NAME = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ENTRY = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<any>\*\.)?(?P<host>[^:/]+))(?::(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT = 65_535
URLS_KEPT = 1_000
"""Tools name the same few URLs again and again, and reading one costs more than all else that is done with it."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why a URL is refused: a stable code, and a sentence that repeats neither path nor query."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a URL leads: the host in ASCII, lower case, without a trailing dot; the address, if it is one."""

    scheme: str
    host: str
    port: int
    path: str
    address: IPAddress | None

    @property
    def origin(self) -> str:
        """The same text however the URL was spelt."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """What is let through beside the public internet; an entry without a port lets every port through."""

    networks: tuple[tuple[IPNetwork, int | None], ...] = ()
    hosts: tuple[tuple[str, int | None], ...] = ()
    """A name that begins with a dot stands for everything beneath it."""

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "EgressRules":
        """Read CIDRs, addresses, hosts and `*.suffix`es, the last three also with `:port`.

        Raises ValueError naming every entry that is none of them.
        """
        networks: list[tuple[IPNetwork, int | None]] = []
        hosts: list[tuple[str, int | None]] = []
        wrong: list[str] = []
        for entry in entries:
            match _parse_entry(entry.strip()):
                case None:
                    wrong.append(f"{entry!r} is no network, address, host, host:port or *.suffix")
                case str(host), port:
                    hosts.append((host, port))
                case network, port:
                    networks.append((network, port))
        if wrong:
            raise ValueError("; ".join(wrong))
        return cls(networks=tuple(networks), hosts=tuple(hosts))

    def allow_host(self, host: str, port: int) -> bool:
        return any(
            (host.endswith(known) if known.startswith(".") else host == known) and at in {None, port}
            for known, at in self.hosts
        )

    def allow_address(self, address: IPAddress, port: int) -> bool:
        """Whether an entry lets an address through, judged by the IPv4 address that it stands for, if it does.

        An entry for IPv6 lets no IPv4 address through: the system dials `::ffff:a.b.c.d` as `a.b.c.d`.
        """
        judged = represented(address)
        if not any(judged in network and at in {None, port} for network, at in self.networks):
            return False
        mapped = judged.ipv4_mapped if isinstance(judged, IPv6Address) else None
        return mapped is None or self.objection(mapped, port) is None

    def objection(self, address: IPAddress, port: int) -> Forbidden | None:
        """Judge an address that was given, or that a name led to."""
        if self.allow_address(address, port):
            return None
        if code := refusal(address):
            return Forbidden(code, f"an address of this kind is not allowed: {code.replace('_', ' ')}")
        return None if port in DEFAULT_PORTS.values() else _FORBIDDEN_PORT


_FORBIDDEN_PORT = Forbidden("port", "only the ports 80 and 443 are allowed")


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
        if host is None or not _NAME.fullmatch(host) or literal(host) is not None:
            return None
    except ValueError:
        return None
    return f".{host}" if found["any"] else host, port


def ascii_host(host: str) -> str | None:
    """Return a host as it stands in the URLs that are sent to; None where it can't stand there."""
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii").lower().removesuffix(".")
    except (ValueError, TypeError, httpx.InvalidURL):
        return None


def is_slacks(url: str) -> bool:
    """Return whether a URL leads to one of Slack's own hosts."""
    place = parse_target(url)
    if isinstance(place, Forbidden):
        return False
    return any(place.host == each or place.host.endswith(f".{each}") for each in SLACK_DOMAINS)


def check_callback(url: str, rules: EgressRules) -> Forbidden | None:
    """Return why a URL may not be a callback: Slack's hosts take incoming webhooks alone, whatever is allowed."""
    if is_slacks(url):
        return Forbidden("slack_host", "Slack's hosts take no callbacks; give an incoming webhook as `slack_webhook`")
    return check_url(url, rules, slack=False)


def check_url(url: str, rules: EgressRules, *, slack: bool) -> Forbidden | None:
    """Say why a URL may not be a destination; None when it may. A name is judged again by what it resolves to."""
    place = parse_target(url)
    if isinstance(place, Forbidden):
        return place
    if slack and (wrong := _starts_a_workflow(place)):
        return wrong
    if rules.allow_host(place.host, place.port):
        return None
    if place.address is not None and rules.allow_address(place.address, place.port):
        return None
    if slack and (wrong := _not_slacks(place)):
        return wrong
    return _wrong_name(place, rules) if place.address is None else rules.objection(place.address, place.port)


def _wrong_name(place: Target, rules: EgressRules) -> Forbidden | None:
    if place.host == "localhost" or place.host.endswith(".localhost"):
        return Forbidden("loopback", "localhost is not allowed")
    if place.port in DEFAULT_PORTS.values() or any(port in {None, place.port} for _, port in rules.networks):
        return None  # the name may lead into an allowed network, where this port is: known when it is resolved
    return _FORBIDDEN_PORT


read = lru_cache(maxsize=URLS_KEPT)(httpx.URL)
"""Parse a URL; raises httpx.InvalidURL."""


@lru_cache(maxsize=URLS_KEPT)
def parse_target(url: str) -> Target | Forbidden:
    """Read a URL with the parser that sends to it, so that both understand the same."""
    try:
        parsed = read(url)
        host = parsed.raw_host.decode("ascii").lower().removesuffix(".")
        address = literal(host) if host else None
    except (httpx.InvalidURL, ValueError):
        return Forbidden("url", "this is no URL that can be sent to")
    if wrong := _malformed(url, parsed):
        return wrong
    if address is None and not _NAME.fullmatch(host):
        return Forbidden("host", "this is no host name")
    return Target(scheme=parsed.scheme, host=host, port=_port(parsed), path=parsed.path, address=address)


def _malformed(url: str, parsed: httpx.URL) -> Forbidden | None:
    if parsed.scheme not in DEFAULT_PORTS:
        return Forbidden("scheme", "only http:// and https:// URLs are allowed")
    if "\\" in url or any(character.isspace() for character in url):
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


def _starts_a_workflow(place: Target) -> Forbidden | None:
    """Refuse what no operator can allow: a workflow's fields are its own, it takes no messages.

    Source: https://slack.com/help/articles/360041352714
    """
    if place.host not in SLACK_HOSTS or not place.path.startswith(("/workflows/", "/triggers/")):
        return None
    return Forbidden(
        "slack_workflow", "this URL starts a workflow, which takes no messages; give an incoming webhook's URL"
    )


def _not_slacks(place: Target) -> Forbidden | None:
    at_slacks = place.host in SLACK_HOSTS and place.scheme == "https" and place.port == DEFAULT_PORTS["https"]
    if at_slacks and place.path.startswith("/services/"):
        return None
    return Forbidden("not_slack", "a Slack webhook's URL begins with https://hooks.slack.com/services/")


def shortened(url: str) -> str:
    """Show a URL by its scheme, host and port; the rest may be secret."""
    try:
        parsed = read(url)
    except httpx.InvalidURL:
        return "…"
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}/…"
