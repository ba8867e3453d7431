"""Errors of calls: their messages, and whether to retry."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from bridge.errors import BridgeError

NOT_RETRYABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError, UnicodeError)
"""Errors that recur: invalid requests, and responses not of a bridge. UnicodeError: an invalid host name."""
RETRYABLE_STATUSES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class CallFailed(BridgeError):
    """A call that was refused or got no response; `problem` is the API's problem document, if any.

    `retry_after`: the seconds of Retry-After in a 429.
    """

    def __init__(
        self,
        words: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(words)
        self.status = status
        self.problem = problem or {}
        self.retry_after = retry_after


def is_safe_to_repeat(error: CallFailed) -> bool:
    """Return whether a call certainly changed nothing; a 503 may mean that a reply of the store was lost."""
    return error.status == HTTPStatus.TOO_MANY_REQUESTS or isinstance(error.__cause__, httpx.ConnectError)


def describe(answer: httpx.Response, problem: Mapping[str, Any]) -> str:
    """Describe a refusal: title, detail and each problem, as far as the document has them."""
    title, detail = (_text(problem.get(name)) for name in ("title", "detail"))
    title = title or f"{answer.request.url.host} answered HTTP {answer.status_code}, which we can't read"
    listed = problem.get("errors")
    errors = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    wrong = [f"{each.get('pointer') or 'the body'}: {each.get('detail')}" for each in errors]
    return "\n  ".join([". ".join(part.rstrip(".") for part in (title, detail) if part) + ".", *wrong])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
