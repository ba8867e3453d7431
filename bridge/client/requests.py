"""The requests of the API as values: what is sent, and how the answer is read."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from bridge.client.errors import CallFailed
from bridge.client.values.delivery import Delivery
from bridge.client.values.destinations import Destination
from bridge.client.values.failed_record import FailedRecord
from bridge.client.values.history import History
from bridge.client.values.literals import DeliveryState, Outcome, State
from bridge.client.values.named_destination import NamedDestination
from bridge.client.values.test_result import TestResult
from bridge.client.values.watch import Watch
from bridge.client.values.watch_request import WatchRequest

ANSWER_TIMEOUT = 15.0
"""Seconds for an answer, besides those that a long poll asks for."""
TEST_TIMEOUT = 60.0
"""Seconds for a test message, which the bridge sends before it answers."""
CSV_TIMEOUT = 30.0
"""Seconds for a CSV, whose records the bridge may have to read from Rally first."""
KEEP_ALIVE_TIMEOUT = 45.0
"""Seconds of silence on a stream of events; the bridge sends a comment every 15 s."""

JSON, CSV = "application/json", "text/csv"

T = TypeVar("T")
Query = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T]):
    """One request; `read` returns the value of a successful answer, and raises if the JSON is not a bridge's."""

    method: str
    path: str
    read: Callable[[Any], T]
    """It gets the JSON object of the answer, or its bytes if `media_type` is not JSON."""
    media_type: str = JSON
    query: Query = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    timeout: float = ANSWER_TIMEOUT
    streams: bool = False
    """Whether the answer is a stream of events."""

    @property
    def repeatable(self) -> bool:
        """Return whether the request has the same effect when it is sent twice."""
        return self.method == "GET" or self.idempotency_key is not None

    def is_open_stream(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether an answer is the stream that was asked for, not a refusal or another server's page."""
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        return self.streams and status == HTTPStatus.OK and is_stream

    def has_expected_type(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether an answer is of the kind that was asked for; whether JSON is valid shows when it is read."""
        if self.streams:
            return self.is_open_stream(status, headers)
        return self.media_type == JSON or headers.get("content-type", "").startswith(self.media_type)

    @property
    def headers(self) -> Mapping[str, str]:
        headers = {} if self.body is None else {"Content-Type": "application/json"}
        return headers if self.idempotency_key is None else {**headers, "Idempotency-Key": self.idempotency_key}


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry of a batch that was refused: the status and the problem document that it would have had alone."""

    status: int
    problem: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "RefusedEntry":
        return cls(status=int(document["status"]), problem=dict(document["problem"]))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, and the cursor of the next one; None on the last page."""

    values: Sequence[T]
    cursor: str | None


def create_watch(wanted: WatchRequest, idempotency_key: str) -> Request[Watch]:
    return Request(
        method="POST",
        path="/v1/watches",
        read=Watch.of,
        body=_encoded(wanted.as_json()),
        idempotency_key=_checked_key(idempotency_key),
    )


def create_watches(
    wanted: Sequence[WatchRequest], idempotency_key: str, *, digest: bool
) -> Request[Sequence[Watch | RefusedEntry]]:
    return Request(
        method="POST",
        path="/v1/watches/batch",
        read=lambda document: tuple(map(_entry, document["results"])),
        body=_encoded({"watches": [each.as_json() for each in wanted], **({"digest": True} if digest else {})}),
        idempotency_key=_checked_key(idempotency_key),
        timeout=2 * ANSWER_TIMEOUT,
    )


def _entry(document: Mapping[str, Any]) -> Watch | RefusedEntry:
    return Watch.of(document["watch"]) if "watch" in document else RefusedEntry.of(document)


def get_watch(watch: Watch | str, *, wait: int = 0) -> Request[Watch]:
    """Return the request for a watch; the answer waits up to `wait` seconds for its end."""
    path, query = f"/v1/watches/{_segment(watch)}", {"wait": wait or None}
    return Request(method="GET", path=path, read=Watch.of, query=query, timeout=ANSWER_TIMEOUT + wait)


def list_watches(
    *,
    state: State | None,
    outcome: Outcome | None,
    import_id: str | None,
    undelivered: bool,
    limit: int,
    cursor: str | None,
) -> Request[Page[Watch]]:
    only = {"state": state, "outcome": outcome, "importId": import_id, "undelivered": "true" if undelivered else None}
    query: Query = {**only, "limit": limit, "cursor": cursor}
    return Request(method="GET", path="/v1/watches", read=_page_of(Watch.of), query=query)


def get_history(watch: Watch | str) -> Request[History]:
    return Request(method="GET", path=f"/v1/watches/{_segment(watch)}/history", read=History.of)


def cancel_watch(watch: Watch | str) -> Request[Watch]:
    return Request(method="POST", path=f"/v1/watches/{_segment(watch)}/cancel", read=Watch.of)


def watch_events(watch: Watch | str) -> Request[None]:
    """Return the request for the stream of a watch's events, which has no JSON answer."""
    path = f"/v1/watches/{_segment(watch)}/events"
    return Request(method="GET", path=path, read=lambda _: None, timeout=KEEP_ALIVE_TIMEOUT, streams=True)


def list_failed_records(watch: Watch | str, *, limit: int, cursor: str | None) -> Request[Page[FailedRecord]]:
    query: Query = {"limit": limit, "cursor": cursor}
    path = f"/v1/watches/{_segment(watch)}/failed-records"
    return Request(method="GET", path=path, read=_page_of(FailedRecord.of), query=query)


def failed_records_csv(watch: Watch | str, *, safe: bool) -> Request[bytes]:
    path, query = f"/v1/watches/{_segment(watch)}/failed-records.csv", {"safe": "true" if safe else None}
    return Request(method="GET", path=path, read=bytes, media_type=CSV, query=query, timeout=CSV_TIMEOUT)


def get_delivery(delivery: Delivery | str) -> Request[Delivery]:
    return Request(method="GET", path=f"/v1/deliveries/{_segment(delivery)}", read=Delivery.of)


def list_deliveries(*, state: DeliveryState | None, limit: int, cursor: str | None) -> Request[Page[Delivery]]:
    query: Query = {"state": state, "limit": limit, "cursor": cursor}
    return Request(method="GET", path="/v1/deliveries", read=_page_of(Delivery.of), query=query)


def redeliver(delivery: Delivery | str) -> Request[Delivery]:
    return Request(method="POST", path=f"/v1/deliveries/{_segment(delivery)}/redeliver", read=Delivery.of)


def redeliver_since(since: datetime, until: str | None) -> Request[tuple[int, str | None]]:
    """Return the request to send abandoned deliveries again.

    Its answer is their number, and the time until which others may be left; None if there are none.
    """
    return Request(
        method="POST",
        path="/v1/deliveries/redeliver",
        read=lambda document: (document["redelivered"], document["until"] if document["more"] else None),
        body=_encoded({"state": "abandoned", "since": since.astimezone(UTC).isoformat(), "until": until}),
    )


def named_destinations() -> Request[Sequence[NamedDestination]]:
    return Request(
        method="GET",
        path="/v1/destinations",
        read=lambda found: tuple(map(NamedDestination.of, found["data"])),
    )


def send_test(destination: Destination) -> Request[TestResult]:
    body = _encoded({"destination": destination})
    return Request(method="POST", path="/v1/destinations/test", read=TestResult.of, body=body, timeout=TEST_TIMEOUT)


def signing_secrets(client: str | None) -> Request[Sequence[str]]:
    return Request(
        method="GET", path="/v1/signing-secret", read=lambda found: tuple(found["secrets"]), query={"client": client}
    )


def signing_keys(client: str | None) -> Request[Sequence[str]]:
    return Request(
        method="GET", path="/v1/signing-keys", read=lambda found: tuple(found["keys"]), query={"client": client}
    )


def _page_of(read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], Page[T]]:
    return lambda document: Page(tuple(map(read, document["data"])), document["nextCursor"])


def _segment(identified: Watch | Delivery | str) -> str:
    """Return the id of a record, which may be given instead of it; raise CallFailed if it would change the path."""
    id_ = identified if isinstance(identified, str) else identified.id
    if not (id_.isascii() and id_.replace("_", "").isalnum()):
        raise CallFailed(f"{id_!r} is not an id.", code="invalid_id")
    return id_


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise CallFailed(f"The request can't be sent: {error}", code="invalid_request") from None


def _checked_key(key: str) -> str:
    """Return an Idempotency-Key; raise CallFailed for characters that a header can't contain."""
    if not (key.isascii() and key.isprintable() and key):
        raise CallFailed("The request can't be sent: an Idempotency-Key has visible characters of ASCII.")
    return key
