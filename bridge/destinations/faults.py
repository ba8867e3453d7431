"""What went wrong on the way to a destination, in words of ours: the libraries' own may hold the URL."""

import ssl
from collections.abc import Iterator

import httpx

from bridge.domain.deliveries import Failure, NoResponse


def no_response(error: Exception) -> NoResponse:  # noqa: PLR0911 - a table
    """Say why no answer came; what httpx does not name is a connection that broke."""
    match error:
        case httpx.ConnectTimeout():
            return NoResponse(failure=Failure.CONNECT, reason="no connection in time")
        case httpx.ConnectError():
            if tls := next((cause for cause in _chain(error) if isinstance(cause, ssl.SSLError)), None):
                return NoResponse(failure=Failure.TLS, reason=f"TLS failed: {_tls_words(tls)}")
            return NoResponse(failure=Failure.CONNECT, reason="the connection was refused or is not possible")
        case httpx.ProxyError():
            status = str(error)[:3]  # httpcore's words begin with the status
            said = f" (HTTP {status})" if status.isdecimal() else ""
            return NoResponse(failure=Failure.CONNECT, reason=f"the proxy did not let it through{said}")
        case httpx.TimeoutException():
            return NoResponse(failure=Failure.TIMEOUT, reason="no answer in time")
        case httpx.ProtocolError():
            return NoResponse(failure=Failure.BROKEN, reason="the answer broke off or was not HTTP")
        case _:
            return NoResponse(failure=Failure.BROKEN, reason="the connection broke")


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "handshake failed").lower().replace("_", " ")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
