"""What a person can do about a call that failed, and which option each problem of a request is about."""

import re
from collections.abc import Mapping, Sequence

from bridge.cli.errors import CannotStart
from bridge.client import (
    CallFailed,
    Conflict,
    Destination,
    FieldError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from bridge.errors import BridgeError

_ADDRESS = "Check RALLY_BRIDGE_URL or --url."
_START = "Check RALLY_BRIDGE_URL or --url, or start a bridge on this machine with `rally-bridge up`."
_KEY = "Set RALLY_BRIDGE_KEY, RALLY_BRIDGE_KEY_FILE or --key; `rally-bridge up` prints the key of its bridge."
_PROXY = "Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; NO_PROXY names hosts to reach directly."
_OPERATOR = "Try again later; on the bridge's machine, `rally-bridge doctor` names the cause."
_BY_CODE: Mapping[str | None, str] = {
    "no_key": "`rally-bridge up` prints the key of its bridge.",
    "invalid_key": _KEY,
    **dict.fromkeys(("refused", "unreachable"), _START),
    **dict.fromkeys(("invalid_url", "invalid_request", "unknown_host"), _ADDRESS),
    **dict.fromkeys(("tls", "connect_timeout", "unreadable", "not_found"), _ADDRESS),
    "proxy": _PROXY,
    "forbidden": "The operator of the bridge can permit it to your client.",
    "delivery_pending": "The time of its next attempt: `rally-bridge show` with its id.",
    "delivery_skipped": "`rally-bridge show` names the reason.",
    "import_not_read": "What is known: `rally-bridge show` with its id.",
    "failed_records_changed": "Run the command again; if that fails, watch the import again.",
    "watch_already_settled": "Its outcome: `rally-bridge show` with its id.",
}
"""The remedy for each code of an error."""
_SETTINGS = frozenset({"no_key", "invalid_url"})
"""The codes of errors before the first call."""
_ARGUMENTS: Mapping[str, str] = {
    "/importId": "IMPORT_ID",
    "/label": "--label",
    "/metadata": "--metadata",
    "/workspace": "--workspace",
    "/expiresIn": "--expires-in",
    "/nudgeAfter": "--nudge-after",
    "/since": "--since",
    "?importId": "--import",
}
_POINTER = re.compile(r"/(?:notify/\d+|destination)(?:/\w+)*")
"""A pointer to a destination within a sentence."""
_DESTINATION = re.compile(r"/(?:notify/(\d+)|destination)(/.*)?")


class CommandFailed(BridgeError):
    """A call failed; the message says why and what can be done."""


def explained(error: CallFailed, destinations: Sequence[Destination] = ()) -> BridgeError:
    """Return the error as a person at a shell needs it; `destinations` are those that the command has sent.

    Without a usable address or key nothing was sent: that is an error of the settings.
    """
    words = _words(error, destinations)
    return CannotStart(words) if error.code in _SETTINGS else CommandFailed(words)


def _words(error: CallFailed, destinations: Sequence[Destination]) -> str:
    said = [_first_line(error), *(f"  {_problem(each, destinations)}" for each in error.errors)]
    if (found := remedy(error)) is None:
        return "\n".join(said)
    return "\n".join([f"{said[0]} {found}", *said[1:]])


def _problem(error: FieldError, destinations: Sequence[Destination]) -> str:
    detail = _POINTER.sub(lambda found: argument(found[0], destinations), error.detail)
    return f"{argument(error.pointer, destinations)}: {detail}"


def _first_line(error: CallFailed) -> str:
    """Return the message without the list of problems. The API's advice to a program is left out for a conflict."""
    title = error.problem.get("title")
    if isinstance(error, Conflict) and isinstance(title, str):
        return f"{title}."
    return str(error).partition("\n")[0]


def remedy(error: CallFailed) -> str | None:
    """Return what can be done, in one sentence; None if the message says it."""
    match error:
        case Unavailable(status=int()):
            return _OPERATOR
        case CallFailed(code=code) if code in _BY_CODE:
            return _BY_CODE[code]
        case Unauthorized():
            return _KEY
        case NotFound():
            return "`rally-bridge list` lists your watches."
        case RateLimited(retry_after=float(seconds)):
            return f"Try again in {seconds:.0f} s."
        case _:
            return _OPERATOR if isinstance(error, Unavailable) else None


def argument(pointer: str, destinations: Sequence[Destination] = ()) -> str:
    """Return the argument that a pointer of the API is about, or else the pointer itself."""
    if found := _DESTINATION.fullmatch(pointer):
        number = int(found[1] or 0)
        return _option(destinations[number]) if number < len(destinations) else pointer
    return next((words for start, words in _ARGUMENTS.items() if f"{pointer}/".startswith(f"{start}/")), pointer)


def _option(destination: Destination) -> str:
    """Return the option of a destination, without its address, which may be secret."""
    return f"--{destination['type'].replace('_', '-')}"
