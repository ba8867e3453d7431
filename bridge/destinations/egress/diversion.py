"""The diversion of a sandboxed bridge: messages go to the inbox of the sandbox, whatever host they are addressed to.

The rest is as in production: the signatures, the messages for Slack, the pace. The inbox reads the original address
from the path: `/outbound/https/hooks.slack.com/services/…`.
"""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

import httpx

from bridge.destinations.egress.rules import EgressRules
from bridge.destinations.egress.urls import Forbidden, ParsedURL, parse_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversion:
    """The sandbox that receives all messages: its origin, and the host and port to connect to."""

    origin: str
    host: str
    port: int
    _url: httpx.URL = field(repr=False)

    @classmethod
    def to(cls, sandbox: str) -> Self:
        """Return the diversion to the sandbox at a URL. Raise ValueError if it is not the URL of an origin."""
        parsed = parse_url(sandbox)
        if isinstance(parsed, Forbidden):
            raise ValueError(parsed.detail)  # noqa: TRY004 - about the value, not its type
        if parsed.parsed.raw_path != b"/":
            raise ValueError("must have no path, as in http://127.0.0.1:8081")
        return cls(origin=parsed.origin, host=parsed.host, port=parsed.port, _url=parsed.parsed)

    def of(self, url: ParsedURL, rules: EgressRules) -> httpx.URL:
        """Return the URL that a request is sent to in place of `url`; the same if it is not diverted."""
        if not self.diverts(url, rules):
            return url.parsed
        place = f"/outbound/{url.scheme}/{quote(url.parsed.netloc, safe='')}"
        return self._url.copy_with(raw_path=place.encode() + url.parsed.raw_path)

    def diverts(self, url: ParsedURL, rules: EgressRules) -> bool:
        """Return whether a URL is neither the sandbox's own nor a receiver on this machine that the operator allows."""
        return url.origin != self.origin and not (_is_loopback(url) and rules.allow(url))


def _is_loopback(url: ParsedURL) -> bool:
    if url.address is not None:
        return url.address.is_loopback
    return url.host == "localhost" or url.host.endswith(".localhost")
