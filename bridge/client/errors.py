"""A call that failed: in which words, whether anything may have been done, and whether to try again."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from bridge.errors import BridgeError

HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError, UnicodeError)
"""What would fail each time: before it is sent, or because no bridge answers so. UnicodeError: the host is no name."""
COME_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class CallFailed(BridgeError):
    """A call that was refused or did not arrive; `problem` is the API's own document, where it gave one.

    `turn`: after so many seconds a client that called too often may call again.
    """

    def __init__(
        self,
        words: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        turn: float | None = None,
    ) -> None:
        super().__init__(words)
        self.status = status
        self.problem = problem or {}
        self.turn = turn


def surely_unchanged(fault: CallFailed) -> bool:
    """Tell whether a call was refused before anything was done; a 503 may tell of a reply that was lost."""
    return fault.status == HTTPStatus.TOO_MANY_REQUESTS or isinstance(fault.__cause__, httpx.ConnectError)


def in_words(answer: httpx.Response, problem: Mapping[str, Any]) -> str:
    """Put a refusal into sentences: what, why, and each thing that is wrong, as far as it is told as a bridge does."""
    title, detail = (_text(problem.get(name)) for name in ("title", "detail"))
    title = title or f"{answer.request.url.host} answered HTTP {answer.status_code}, which we can't read"
    listed = problem.get("errors")
    errors = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    wrong = [f"{each.get('pointer') or 'the body'}: {each.get('detail')}" for each in errors]
    return "\n  ".join([". ".join(part.rstrip(".") for part in (title, detail) if part) + ".", *wrong])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
