"""What was received for a request, and what it means: a value, or the exception to raise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

from bridge.client.errors import (
    CallFailed,
    Conflict,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    ValidationFailed,
    field_errors,
    text_or_none,
)
from bridge.client.requests import JSON, Request
from bridge.domain.retry_after import retry_after
from bridge.domain.times import HOUR, SECOND, Moment

T = TypeVar("T")

Reason: TypeAlias = Literal[
    "refused", "unknown_host", "tls", "connect_timeout", "unreachable", "proxy", "timeout", "broken", "invalid_request"
]
"""Why there is no answer."""
NOT_SENT: frozenset[Reason] = frozenset({"refused", "unknown_host", "tls", "connect_timeout", "unreachable", "proxy"})
"""The reasons with which the request never reached the bridge."""

UNREADABLE = "unreadable"
"""The code of an answer that no bridge gives."""
NO_SUCH_PATH = "not_found"
"""The code of a bridge's answer to a path that it does not have."""
EXCEPTIONS: Mapping[int, type[CallFailed]] = {
    HTTPStatus.BAD_REQUEST: ValidationFailed,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ValidationFailed,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ValidationFailed,
    HTTPStatus.UNPROCESSABLE_ENTITY: ValidationFailed,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The bridge that is called, and the proxy in between, both as they may be shown."""

    url: str
    proxy: str | None = None

    def __str__(self) -> str:
        return self.url if self.proxy is None else f"{self.url} through the proxy {self.proxy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An HTTP response; `began` and `at` are monotonic, in seconds, and `moment` is the wall clock's."""

    status: int
    headers: Mapping[str, str]
    """The names are in lower case."""
    content: bytes = field(repr=False)
    began: float
    at: float
    moment: Moment

    @property
    def retry_after(self) -> float | None:
        """Return the seconds of Retry-After, at most an hour."""
        wait = retry_after(self.headers, self.moment, at_most=HOUR)
        return None if wait is None else wait / SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A request that got no response, or only a part of one."""

    reason: Reason
    words: str
    """The rest of the sentence that begins with the URL."""
    began: float
    at: float


Answer: TypeAlias = Answered | NoAnswer


def judge(request: Request[T], answer: Answer, server: Server) -> T | CallFailed:
    """Return the value of an answer, or the exception to raise."""
    match answer:
        case NoAnswer(reason="invalid_request"):
            return CallFailed(f"The request to {server} can't be sent: {answer.words}.", code=answer.reason)
        case NoAnswer():
            return Unavailable(f"No answer from {server}: {answer.words}.", code=answer.reason)
        case Answered():
            document = _object_in(answer.content)
            if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return refusal(answer.status, document, server, headers=answer.headers, wait=answer.retry_after)
            if not request.has_expected_type(answer.status, answer.headers):
                return _unreadable(answer, server)
            try:
                return request.read(document if request.media_type == JSON else answer.content)
            except (AttributeError, LookupError, TypeError, ValueError):
                return _unreadable(answer, server)


def _unreadable(answer: Answered, server: Server) -> CallFailed:
    return CallFailed(_unreadable_words(answer.status, server, answer.headers), status=answer.status, code=UNREADABLE)


def refusal(
    status: int, problem: Mapping[str, Any], server: Server, *, headers: Mapping[str, str], wait: float | None = None
) -> CallFailed:
    """Return the exception for a refused request."""
    title = text_or_none(problem.get("title"))
    code = UNREADABLE if title is None else text_or_none(problem.get("code"))
    return _kind(status, code)(
        _unreadable_words(status, server, headers) if title is None else _sentences(title, problem),
        status=status,
        code=code,
        request_id=headers.get("x-request-id"),
        problem=problem,
        retry_after=wait,
    )


def _kind(status: int, code: str | None) -> type[CallFailed]:
    """Return the class of a refusal. A 404 that is about no watch or delivery only shows that the URL is wrong."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable
    if code not in {UNREADABLE, NO_SUCH_PATH} or status == HTTPStatus.TOO_MANY_REQUESTS:
        return EXCEPTIONS.get(status, CallFailed)
    return CallFailed


def _sentences(title: str, problem: Mapping[str, Any]) -> str:
    """Return the title, the detail and each error of a problem document."""
    parts = [title, text_or_none(problem.get("detail"))]
    said = ". ".join(part.rstrip(".") for part in parts if part) + "."
    return "\n  ".join([said, *(f"{each.pointer}: {each.detail}" for each in field_errors(problem))])


def _unreadable_words(status: int, server: Server, headers: Mapping[str, str]) -> str:
    words = f"{server} answered HTTP {status}, which we can't read."
    if target := headers.get("location"):
        return f"{words} It redirects to {_origin(target)}."
    return f"{words} Perhaps it is not a rally-bridge."


def _origin(url: str) -> str:
    """Return scheme and host of a URL; its path and query might contain a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "another address"
    return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else "another path"


def _object_in(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; empty if there is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
