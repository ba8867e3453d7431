"""Callbacks: signed JSON to an HTTP endpoint, exactly as Standard Webhooks specifies.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from bridge.destinations.callback_signing import Signing
from bridge.domain.delivery.delivery_schedule import RETRY_AFTER_HONOURED
from bridge.domain.delivery.destination_requests import Request, Response
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import Callback
from bridge.domain.digests import Digest
from bridge.domain.notices.notices import Notice
from bridge.domain.notifications import Notification
from bridge.domain.retry_after import retry_after
from bridge.domain.times import SECOND, Moment
from bridge.http.user_agent import USER_AGENT

BODY_LIMIT = 64 * 1024
REASON_KEPT = 1_000
"""The length to which the reason is cut if the payload is too large even without its other parts."""
OURS = frozenset({"host", "content-type", "content-length", "content-encoding", "accept-encoding"})
HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"})
LONGEST_HEADER = 4_000
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A header's name: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2"""
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")


def render(notification: Notification | Notice | Digest) -> str:
    """Return the payload as compact JSON within the limit, leaving out the least important parts first."""
    text = ""
    for payload in _shrinking(notification.payload()):
        text = _compact(payload)
        if len(text.encode()) <= BODY_LIMIT:
            break
    return text


def _compact(payload: dict[str, Any]) -> str:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()  # JSON can hold a lone surrogate, UTF-8 can't


def _shrinking(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the payload, then smaller and smaller ones; the failed record count stays correct."""
    yield payload
    data = payload["data"]
    if data["import"] is not None:
        records = data["import"]["failedRecords"]
        most_that_fit = bisect_left(
            range(1, len(records) + 1), x=True, key=lambda kept: _too_large(_with_records(payload, kept))
        )
        payload = _with_records(payload, most_that_fit)
        yield payload
    short_reason = data["reason"] and data["reason"][:REASON_KEPT]
    emptied: dict[str, Any] = {"metadata": {}, "label": None, "import": None, "reason": short_reason}
    for name, value in emptied.items():
        payload = payload | {"data": payload["data"] | {name: value}}
        yield payload


def _with_records(payload: dict[str, Any], kept: int) -> dict[str, Any]:
    data = payload["data"]
    fewer = data["import"] | {"failedRecords": data["import"]["failedRecords"][:kept]}
    return payload | {"data": data | {"import": fewer}}


def _too_large(payload: dict[str, Any]) -> bool:
    return len(_compact(payload).encode()) > BODY_LIMIT


def header_problem(name: str, value: str) -> str | None:
    """Return why a client's header may not be sent, without repeating its value; None if it may."""
    if not _TOKEN.fullmatch(name):
        return "A header's name consists of letters, digits and hyphens"
    if name.lower() in OURS | HOP_BY_HOP or name.lower().startswith(("webhook-", "proxy-")):
        return f"The header {name} can't be set"
    if len(value) > LONGEST_HEADER or not _VALUE.fullmatch(value):
        return f"The value of the header {name} must be 1 to {LONGEST_HEADER} visible ASCII characters"
    return None


def prepare(
    destination: Callback,
    body: str,
    *,
    notification_id: str,
    client: str,
    now: Moment,
    signing: Signing,
    traceparent: str | None = None,
) -> Request:
    """Return the request, signed as of `now` with the destination's own secret or else the client's."""
    content = body.encode()
    timestamp = now // SECOND
    secrets = signing.secrets_of(client) if destination.secret is None else (destination.secret,)
    own = {name.lower(): value.reveal() for name, value in destination.headers.items()}
    standard = {
        "content-type": "application/json",
        "webhook-id": notification_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.sign(notification_id, timestamp, content, secrets, client),
    }
    trace = {} if traceparent is None else {"traceparent": traceparent}
    return Request(url=destination.url, headers={"user-agent": USER_AGENT} | own | standard | trace, body=content)


def judge(response: Response, now: Moment) -> Verdict:
    """Return the verdict on a response; only 410 is final, because all else may be fixed at the receiver."""
    wait = retry_after(response.headers, now, at_most=RETRY_AFTER_HONOURED)
    match response.status // 100, response.status:
        case 2, _:
            return Accepted()
        case 3, status:
            return Deferred(f"HTTP {status}, redirects are not followed", wait)
        case _, HTTPStatus.GONE:
            return Rejected("HTTP 410, the receiver is gone for good")
        case _, status:
            return Deferred(f"HTTP {status}", wait)
