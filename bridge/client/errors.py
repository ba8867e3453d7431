"""The exceptions of the client.

CallFailed             a call that was refused or not answered; any status that has no class of its own
├── Unauthorized       401, 403: the API key is missing or wrong, or its client may not do this
├── NotFound           404: no such watch or delivery
├── Conflict           409: the state of the watch or delivery does not allow it
├── ValidationFailed   400, 413, 415, 422: the request is not valid; `errors` lists every problem
├── RateLimited        429: too many requests; `retry_after` says when the next may be sent
├── Unavailable        no answer, or 5xx: the bridge, its store or the network
└── WaitTimeout        the watch did not end within the `timeout` of `wait`; `watch` is its last state
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.client.values.watch import Watch
from bridge.errors import BridgeError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One problem of a request: a JSON pointer into the body or `?name` for the query, a sentence, a stable code."""

    pointer: str
    detail: str
    code: str | None


class CallFailed(BridgeError):
    """A call that was refused or got no answer; the message says why."""

    def __init__(
        self,
        words: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(words)
        self.status = status
        """The HTTP status; None without an answer."""
        self.code = code
        """A stable word for programs: the kind of refusal, or why there was no answer."""
        self.request_id = request_id
        """The id by which the bridge's log names the request; None without an answer."""
        self.problem = problem or {}
        """The API's problem document, if there is one."""
        self.errors = field_errors(self.problem)
        self.retry_after = retry_after
        """The seconds of Retry-After, if there is one."""


class Unauthorized(CallFailed):
    """The API key is missing or wrong, or its client may not do this."""


class NotFound(CallFailed):
    """There is no such watch or delivery, or it belongs to another client."""


class Conflict(CallFailed):
    """The state of the watch or delivery does not allow the call."""


class ValidationFailed(CallFailed):
    """The request is not valid; `errors` lists every problem. Nothing was changed."""


class RateLimited(CallFailed):
    """Too many requests; `retry_after` are the seconds before the next may be sent."""


class Unavailable(CallFailed):
    """The bridge did not answer, or can't carry out calls at the moment."""


class WaitTimeout(CallFailed):
    """The watch did not end in time. It continues; `watch` is its last state."""

    def __init__(self, watch: Watch, seconds: float) -> None:
        super().__init__(f"{watch.id} did not end within {seconds:g} s; it continues.", code="wait_timeout")
        self.watch = watch


def field_errors(problem: Mapping[str, Any]) -> Sequence[FieldError]:
    """Return the errors of a problem document; entries of the wrong type are left out."""
    listed = problem.get("errors")
    errors = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        FieldError(
            pointer=text_or_none(each.get("pointer")) or "the body",
            detail=text_or_none(each.get("detail")) or "is not valid",
            code=text_or_none(each.get("code")),
        )
        for each in errors
    )


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
