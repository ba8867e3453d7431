"""Which URLs a destination may have: checked without DNS, when it is registered and again at each attempt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_network

from bridge.destinations.egress.addresses import IPAddress, IPNetwork, parse_address, refusal_code, unwrap_nat64
from bridge.destinations.egress.urls import (
    DEFAULT_PORTS,
    HIGHEST_PORT,
    HOST_NAME,
    SLACK_HOSTS,
    Forbidden,
    ParsedURL,
    ascii_host,
    is_slacks,
    parse_url,
)

_ENTRY = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<any>\*\.)?(?P<host>[^:/]+))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """What the operator allows in addition to the public internet; an entry without a port allows every port."""

    networks: tuple[tuple[IPNetwork, int | None], ...] = ()
    hosts: tuple[tuple[str, int | None], ...] = ()
    """A name that begins with a dot allows all its subdomains."""
    sandboxed: bool = False
    """Whether requests are diverted to a sandbox. A URL may then name any host and port; connections are checked all
    the same."""

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

    def for_sandbox(self, host: str, port: int) -> "EgressRules":
        """Return the rules of a bridge whose requests are diverted to a sandbox at this host, or address, and port."""
        return replace(self.also_allowing(host, port), sandboxed=True)

    def allow(self, url: ParsedURL) -> bool:
        """Return whether an entry allows a URL's host or address."""
        named = self.allow_host(url.host, url.port)
        return named or (url.address is not None and self.allow_address(url.address, url.port))

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
    if found is None or (port is not None and not 1 <= port <= HIGHEST_PORT):
        return None
    try:
        if found["any"] is None and (found["v6"] or found["host"].replace(".", "").isdigit()):
            return ip_network(found["v6"] or found["host"]), port
        host = ascii_host(found["host"])
        if host is None or not HOST_NAME.fullmatch(host) or parse_address(host) is not None:
            return None
    except ValueError:
        return None
    return f".{host}" if found["any"] else host, port


def check_callback(url: str, rules: EgressRules) -> Forbidden | None:
    """Return why a URL may not be a callback; None if it may. Slack's hosts accept incoming webhooks only."""
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return parsed
    if is_slacks(parsed):
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
    if rules.sandboxed or rules.allow(url):
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
