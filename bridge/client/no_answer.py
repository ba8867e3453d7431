"""Why a request got no response, in words; without the libraries' messages, which may contain the URL."""

import os
import socket
import ssl
from collections.abc import Iterator

import httpx

from bridge.client.answers import NoAnswer, Reason

FAULTS = (httpx.RequestError, httpx.InvalidURL, UnicodeError)
"""The exceptions of a request that got no response. UnicodeError: an invalid host name."""


def no_answer(error: BaseException, *, began: float, at: float) -> NoAnswer:
    """Return why there is no answer, by the exception of httpx: one of FAULTS."""
    reason, words = _reason(error, at - began)
    return NoAnswer(reason=reason, words=words, began=began, at=at)


def _reason(error: BaseException, seconds: float) -> tuple[Reason, str]:  # noqa: PLR0911 - a table
    match error:
        case httpx.ConnectTimeout():
            return "connect_timeout", f"no connection within {seconds:.2g} s"
        case httpx.ConnectError():
            return _why_not_connected(error)
        case httpx.ProxyError():
            return "proxy", f"the proxy did not let the request through ({_status_in(error)})"
        case httpx.TimeoutException():
            return "timeout", f"nothing was received for {seconds:.2g} s"
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL() | UnicodeError():
            return "invalid_request", f"its URL or a header is not valid ({type(error).__name__})"
        case httpx.DecodingError():
            return "broken", "the answer is not compressed as it says"
        case _:
            return "broken", f"the connection broke ({type(error).__name__})"


def _why_not_connected(error: BaseException) -> tuple[Reason, str]:
    for cause in _causes(error):
        match cause:
            case ssl.SSLError():
                return "tls", f"TLS failed: {_tls_words(cause)}"
            case socket.gaierror():
                return "unknown_host", "the host name is unknown"
            case ConnectionRefusedError():
                return "refused", "the connection was refused; nothing listens there"
    numbers = [cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno]
    return "unreachable", f"no connection is possible ({os.strerror(numbers[-1]) if numbers else 'unknown reason'})"


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return "the server does not speak TLS, so perhaps its URL begins with http://"
    return (error.reason or "handshake failed").lower().replace("_", " ")


def _status_in(error: BaseException) -> str:
    status = str(error)[:3]  # httpx's words begin with the proxy's status
    return f"HTTP {status}" if status.isdecimal() else "no reason given"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it, also contexts that are suppressed, as httpcore's pool does.

    asyncio raises a group if it has tried several addresses.
    """
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
