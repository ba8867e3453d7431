"""The request of an attempt, and the response to it, or why there was none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to POST, and where. All parts may be secret."""

    url: Secret
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A destination's response: header names in lower case, and at most the first 64 KB of the body.

    `whole` is False if the body broke off or did not end in time.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True


class Failure(StrEnum):
    """Why there was no response; for all but the last two, nothing was sent."""

    NOT_CONFIGURED = "not_configured"
    REFUSED_ADDRESS = "refused_address"
    DNS = "dns_failure"
    CONNECT = "connect_failure"
    PROXY = "proxy_refused"
    TLS = "tls_failure"
    TIMEOUT = "timeout"
    BROKEN = "broken_connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoResponse:
    """No response was received; `reason` contains no secret."""

    failure: Failure
    reason: str


SendResult: TypeAlias = Response | NoResponse
