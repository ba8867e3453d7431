"""What went wrong on the way to a destination, in words for people."""

from bridge.domain.deliveries import Failure, NoResponse
from bridge.http import Fault, NotReceived


def no_response(missed: NotReceived) -> NoResponse:
    """Say why no answer came."""
    failure, reason = _named(missed)
    return NoResponse(failure=failure, reason=reason)


def _named(missed: NotReceived) -> tuple[Failure, str]:  # noqa: PLR0911 - a table
    match missed:
        case NotReceived(Fault.CONNECT_TIMEOUT):
            return Failure.CONNECT, "no connection in time"
        case NotReceived(Fault.CONNECT):
            return Failure.CONNECT, "the connection was refused or is not possible"
        case NotReceived(Fault.TLS, why):
            return Failure.TLS, f"TLS failed: {why}"
        case NotReceived(Fault.PROXY, status):
            return Failure.PROXY, "the proxy did not let it through" + (f" ({status})" if status else "")
        case NotReceived(Fault.TIMEOUT, span):
            return Failure.TIMEOUT, f"no answer {span or 'in time'}"
        case NotReceived(Fault.LIMIT, limit):
            return Failure.BROKEN, f"the answer holds {limit}"
        case NotReceived(Fault.PROTOCOL):
            return Failure.BROKEN, "the answer broke off or was not HTTP"
        case _:
            return Failure.BROKEN, "the connection broke"
