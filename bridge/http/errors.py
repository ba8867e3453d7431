"""Why no response was received: a kind and words of ours, since the libraries' own may hold the URL."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import httpcore

from bridge.http.limits import LimitExceeded

FAULTS = (
    LimitExceeded,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,  # a TLS alert in place of a response
)
"""All that an exchange raises; anything else is a fault of ours."""


class Fault(Enum):
    """The kinds of fault; up to PROXY nothing was sent."""

    CONNECT = auto()
    CONNECT_TIMEOUT = auto()
    TLS = auto()
    PROXY = auto()
    TIMEOUT = auto()
    PROTOCOL = auto()
    LIMIT = auto()
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class NotReceived:
    """No response, or not all of it; `detail` says more where there is more to say."""

    fault: Fault
    detail: str = ""


def not_received(error: BaseException) -> NotReceived:  # noqa: PLR0911 - a table
    """Classify one of FAULTS."""
    match error:
        case LimitExceeded():
            return NotReceived(Fault.LIMIT, str(error))
        case httpcore.ConnectTimeout():
            return NotReceived(Fault.CONNECT_TIMEOUT)
        case httpcore.ConnectError():
            tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
            return NotReceived(Fault.CONNECT) if tls is None else NotReceived(Fault.TLS, _tls_words(tls))
        case httpcore.ProxyError():
            status = str(error)[:3]  # httpcore's words begin with the status
            return NotReceived(Fault.PROXY, f"HTTP {status}" if status.isdecimal() else "")
        case httpcore.TimeoutException():
            return NotReceived(Fault.TIMEOUT)
        case httpcore.ProtocolError() | httpcore.UnsupportedProtocol():
            return NotReceived(Fault.PROTOCOL)
        case _:
            return NotReceived(Fault.BROKEN)


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "handshake failed").lower().replace("_", " ")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
