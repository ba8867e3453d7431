"""Why no response was received: a kind and a reason, without the libraries' messages, which may contain the URL."""

import ssl
from dataclasses import dataclass
from enum import Enum, auto

import httpcore

from bridge.errors import causes
from bridge.http.response_limits import LimitExceeded

FAULTS = (
    LimitExceeded,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,  # a TLS alert in place of a response
)
"""All exceptions that an exchange raises for network faults; any other is a bug."""


class Fault(Enum):
    """The kinds of fault of an outgoing request. With CONNECT, CONNECT_TIMEOUT, TLS and PROXY, none of it was sent."""

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
    """No response, or only a part of it; `detail` is a word or two from the error, if it has any."""

    fault: Fault
    detail: str = ""

    @property
    def reason(self) -> str:  # noqa: PLR0911 - a table
        """The reason in words, without anything secret."""
        match self.fault:
            case Fault.CONNECT_TIMEOUT:
                return f"no connection to the {self.detail} in time" if self.detail else "no connection in time"
            case Fault.CONNECT:
                to = f" to the {self.detail}" if self.detail else ""
                return f"the connection{to} was refused or is not possible"
            case Fault.TLS:
                return f"TLS failed: {self.detail}"
            case Fault.PROXY:
                return "the proxy did not let it through" + (f" ({self.detail})" if self.detail else "")
            case Fault.TIMEOUT:
                return f"no answer {self.detail or 'in time'}"
            case Fault.LIMIT:
                return f"the answer has {self.detail}"
            case Fault.PROTOCOL:
                return "the answer broke off or was not HTTP"
            case Fault.BROKEN:
                return "the connection broke"


PROXY = "proxy"
"""The detail of a connection fault if it is the proxy that can't be connected to."""


def not_received(error: BaseException, *, proxied: bool = False) -> NotReceived:  # noqa: PLR0911 - a table
    """Return why no response was received; `error` is one of FAULTS, `proxied`: the connections lead to a proxy."""
    to = PROXY if proxied else ""
    match error:
        case LimitExceeded():
            return NotReceived(Fault.LIMIT, str(error))
        case httpcore.ConnectTimeout():
            return NotReceived(Fault.CONNECT_TIMEOUT, to)
        case httpcore.ConnectError():
            tls = next((cause for cause in causes(error) if isinstance(cause, ssl.SSLError)), None)
            return NotReceived(Fault.CONNECT, to) if tls is None else NotReceived(Fault.TLS, _tls_words(tls))
        case httpcore.ProxyError():
            status = str(error)[:3]  # httpcore's message begins with the status
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
