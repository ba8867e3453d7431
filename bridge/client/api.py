"""The calls of the API: retried where that is safe, with errors as sentences."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any, Self

import httpx

from bridge.client.errors import NOT_RETRYABLE, RETRYABLE_STATUSES, CallFailed, describe, is_safe_to_repeat
from bridge.client.watch import WATCH_FIELDS, Watch

DEFAULT_URL = "http://127.0.0.1:8080"
CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 15.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 60
"""The longest long poll of the API, and the longest Retry-After of a 429; seconds."""
PATIENCE = LONGEST_WAIT + 15.0  # longer than a 429 lasts
FOLLOW_INTERVAL = (2, 20)
"""Shortest and longest wait for a followed watch, which is read right after its next poll; seconds."""
DELIVERY_FIELDS = frozenset({"id", "type", "destination", "state", "lastReason"})
PROXY_OR_CERTIFICATES = "A proxy or certificates that the environment names (ALL_PROXY, HTTPS_PROXY, SSL_CERT_FILE, …)"


class Bridge:
    """A rally-bridge, called as one client. Blocking; one per thread."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect to `url`, default RALLY_BRIDGE_URL, with `key`, default RALLY_BRIDGE_KEY or RALLY_BRIDGE_KEY_FILE.

        A bridge that is unreachable or busy is retried for `patience` seconds. Raises CallFailed without a key.
        """
        key = (key or os.environ.get("RALLY_BRIDGE_KEY") or _key_from_file()).strip()  # a file ends with a newline
        if not key:
            raise CallFailed("There is no API key: set RALLY_BRIDGE_KEY or RALLY_BRIDGE_KEY_FILE, or pass one.")
        self.url = (url or os.environ.get("RALLY_BRIDGE_URL") or DEFAULT_URL).rstrip("/")
        self._patience = patience
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=httpx.Timeout(ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT),
                transport=transport,
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise CallFailed(f"{self.url} or the key can't be used: {error}") from None
        except (ImportError, ValueError, OSError) as error:
            raise CallFailed(f"{PROXY_OR_CERTIFICATES} can't be used: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def watch(
        self,
        import_id: str,
        *,
        notify: Sequence[Mapping[str, Any]] = (),
        label: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        workspace: str | None = None,
        expires_in: int | None = None,
        idempotency_key: str | None = None,
    ) -> Watch:
        """Watch an import; `notify` as in the API, `expires_in` in seconds. Raises CallFailed.

        Retries are safe: the `idempotency_key`, a random one by default, creates one watch only.
        """
        fields = {
            "importId": import_id,
            "notify": list(notify),
            "label": label,
            "metadata": metadata,
            "workspace": workspace,
            "expiresIn": expires_in,
        }
        body = {name: value for name, value in fields.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = self._request("POST", "/v1/watches", WATCH_FIELDS, body=body, headers=headers, repeatable=True)
        return self._watch(answer)

    def get(self, watch_id: str, *, wait: int = 0) -> Watch:
        """Return a watch, after a long poll of up to `wait` seconds (60 at most) for its end. Raises CallFailed."""
        return self._watch(self._get(f"/v1/watches/{_path_segment(watch_id)}", WATCH_FIELDS, {"wait": wait or None}))

    def follow(self, watch: Watch, *, timeout: float | None = None) -> Iterator[Watch]:
        """Yield a watch about as often as its import is polled, until it has ended or `timeout` seconds are over."""
        until = None if timeout is None else monotonic() + timeout
        while not watch.ended and (until is None or monotonic() < until):
            watch = self._long_poll(watch, _seconds_to_next_poll(watch), until)
            yield watch

    def wait(self, watch: Watch, *, timeout: float | None = None) -> Watch:
        """Return a watch once it has ended, or its last state after `timeout` seconds. Raises CallFailed."""
        until = None if timeout is None else monotonic() + timeout
        while not watch.ended and (until is None or monotonic() < until):
            watch = self._long_poll(watch, LONGEST_WAIT, until)
        return watch

    def list(
        self, *, state: str | None = None, outcome: str | None = None, import_id: str | None = None, page: int = 50
    ) -> Iterator[Watch]:
        """Yield the client's watches, newest first, loading pages as needed. Raises CallFailed."""
        cursor: str | None = None
        while True:
            query = {"state": state, "outcome": outcome, "importId": import_id, "limit": page, "cursor": cursor}
            found = self._get("/v1/watches", frozenset({"data", "nextCursor"}), query)
            yield from map(self._watch, found["data"])
            cursor = found["nextCursor"]
            if cursor is None:
                return

    def cancel(self, watch_id: str) -> Watch:
        """Cancel a watch. Raises CallFailed, with status 409 if it has already ended."""
        return self._watch(self._request("POST", f"/v1/watches/{_path_segment(watch_id)}/cancel", WATCH_FIELDS))

    def delivery(self, delivery_id: str) -> Mapping[str, Any]:
        """Return a delivery with its attempts. Raises CallFailed."""
        return self._get(f"/v1/deliveries/{_path_segment(delivery_id)}", DELIVERY_FIELDS)

    def redeliver(self, delivery_id: str) -> Mapping[str, Any]:
        """Send an ended delivery again, and return it. Raises CallFailed."""
        return self._request("POST", f"/v1/deliveries/{_path_segment(delivery_id)}/redeliver", DELIVERY_FIELDS)

    def redeliver_since(self, since: datetime) -> int:
        """Send all deliveries again that were abandoned since a time; return their number. Raises CallFailed."""
        body = {"state": "abandoned", "since": since.astimezone(UTC).isoformat()}
        count, more = 0, True
        while more:
            answer = self._request("POST", "/v1/deliveries/redeliver", frozenset({"redelivered", "more"}), body=body)
            count, more = count + answer["redelivered"], answer["more"]
        return count

    def _long_poll(self, watch: Watch, wait: int, until: float | None) -> Watch:
        """Long-poll a watch for up to `wait` seconds.

        If rate limited, sleep for Retry-After and return the watch unchanged; callers loop. So a client may follow more
        watches than its rate limit permits calls.
        """
        left = LONGEST_WAIT if until is None else max(1, round(until - monotonic()))
        path = f"/v1/watches/{_path_segment(watch.id)}"
        try:
            return self._watch(self._get(path, WATCH_FIELDS, {"wait": min(wait, left)}, wait_if_limited=False))
        except CallFailed as error:
            if error.retry_after is None:
                raise
            sleep(min(max(error.retry_after, FIRST_PAUSE), left))
            return watch

    def _watch(self, document: Mapping[str, Any]) -> Watch:
        """Return the watch of a response; values of the wrong type mean that the server is not a bridge."""
        try:
            return Watch.of(document)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise CallFailed(f"{self.url} answered with an unreadable watch ({type(error).__name__}).") from error

    def _get(
        self,
        path: str,
        required: frozenset[str],
        query: Mapping[str, str | int | None] = MappingProxyType({}),
        *,
        wait_if_limited: bool = True,
    ) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        wait = int(given.get("wait", 0))
        timeout = ANSWER_TIMEOUT + wait
        return self._request(
            "GET", path, required, query=given, repeatable=True, wait_if_limited=wait_if_limited, timeout=timeout
        )

    def _request(
        self,
        method: str,
        path: str,
        required: frozenset[str],
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        wait_if_limited: bool = True,
        timeout: float = ANSWER_TIMEOUT,
    ) -> dict[str, Any]:
        """Send a request, with retries; unless `repeatable`, only after a failure that changed nothing.

        `required` are the fields of a bridge's response. Without `wait_if_limited`, a 429 with Retry-After is raised at
        once, with the seconds in `retry_after`.
        """
        until, pause = monotonic() + self._patience, FIRST_PAUSE
        try:
            request = self._http.build_request(
                method,
                path,
                json=body,
                params=query,
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise CallFailed(f"The request can't be sent: {error}") from None
        while True:
            failure, delay = self._send_once(request, required, pause)
            if isinstance(failure, dict):
                return failure
            if failure.retry_after is not None and not wait_if_limited:
                raise failure
            if delay is None or not (repeatable or is_safe_to_repeat(failure)) or monotonic() + delay > until:
                raise failure
            sleep(delay)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _send_once(
        self, request: httpx.Request, required: frozenset[str], pause: float
    ) -> tuple[dict[str, Any] | CallFailed, float | None]:
        """Return the document or the error, and the seconds before a retry (None for no retry)."""
        try:
            answer = self._http.send(request)
        except (httpx.RequestError, UnicodeError) as error:
            failure = CallFailed(f"No answer from {self.url} ({type(error).__name__}).")
            failure.__cause__ = error
            return failure, None if isinstance(error, NOT_RETRYABLE) else pause
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if answer.is_success and isinstance(document, dict) and required <= document.keys():
            return document, None
        problem = document if isinstance(document, dict) else {}
        asked = answer.headers.get("retry-after", "")
        named = float(asked) if asked.isdecimal() else None
        status = answer.status_code
        retry_after = named if status == HTTPStatus.TOO_MANY_REQUESTS else None
        refused = CallFailed(describe(answer, problem), status=status, problem=problem, retry_after=retry_after)
        if status not in RETRYABLE_STATUSES:
            return refused, None
        return refused, pause if named is None else named


def _key_from_file() -> str:
    file = os.environ.get("RALLY_BRIDGE_KEY_FILE")
    try:
        return Path(file).read_text("utf-8") if file else ""
    except (OSError, ValueError) as error:
        raise CallFailed(f"RALLY_BRIDGE_KEY_FILE: {file!r} can't be read ({type(error).__name__}).") from None


def _path_segment(id_: str) -> str:
    """Return an id; raises CallFailed for characters that would change the path."""
    if not (id_.isascii() and id_.replace("_", "").isalnum()):
        raise CallFailed(f"{id_!r} is not an id.")
    return id_


def _seconds_to_next_poll(watch: Watch) -> int:
    shortest, longest = FOLLOW_INTERVAL
    if watch.next_poll_at is None:
        return shortest
    return max(shortest, min(longest, 1 + round((watch.next_poll_at - datetime.now(UTC)).total_seconds())))
