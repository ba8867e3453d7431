"""The calls of the API, written once for `Bridge` and `AsyncBridge`: each is a generator of steps (see `steps`).

Each raises CallFailed or one of its subclasses.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from bridge.client import requests
from bridge.client.answers import refusal
from bridge.client.errors import CallFailed
from bridge.client.exchange import Session, exchange
from bridge.client.requests import Page, Request
from bridge.client.steps import Call, Feed, Item
from bridge.client.values.delivery import Delivery
from bridge.client.values.destinations import Destination
from bridge.client.values.failed_record import FailedRecord
from bridge.client.values.history import History
from bridge.client.values.literals import DeliveryState, Outcome, State
from bridge.client.values.named_destination import NamedDestination
from bridge.client.values.test_result import TestResult
from bridge.client.values.watch import Watch
from bridge.client.values.watch_request import WatchRequest

T = TypeVar("T")


def watch(
    session: Session,
    import_id: str,
    *,
    notify: Sequence[Destination] = (),
    label: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    workspace: str | None = None,
    expires_in: int | None = None,
    nudge_after: int | None = None,
    idempotency_key: str | None = None,
) -> Call[Watch]:
    """Watch an import; `notify` as in the API, `expires_in` and `nudge_after` in seconds.

    Retries are safe: the `idempotency_key`, a random one by default, creates one watch only.
    """
    wanted = WatchRequest(import_id, notify, label, metadata, workspace, expires_in, nudge_after)
    return (yield from exchange(session, requests.create_watch(wanted, _key(idempotency_key))))


def batch(
    session: Session,
    watches: Sequence[WatchRequest],
    *,
    digest: bool = False,
    idempotency_key: str | None = None,
) -> Call[Sequence[Watch | CallFailed]]:
    """Watch up to 100 imports in one request; return for each, in order, its watch or why it was refused.

    With `digest`, Slack gets one message for each destination, when all have ended or 15 minutes after the first end.
    For entries that are Unavailable, repeat the call with the same `idempotency_key`: each watch is created once.
    """
    request = requests.create_watches(watches, _key(idempotency_key), digest=digest)
    results = yield from exchange(session, request)
    return tuple(
        each if isinstance(each, Watch) else refusal(each.status, each.problem, session.server, headers={})
        for each in results
    )


def get(session: Session, watch: Watch | str, *, wait: int = 0) -> Call[Watch]:
    """Return a watch, given by itself or its id, after a long poll of up to `wait` seconds (60 at most) for its end."""
    return (yield from exchange(session, requests.get_watch(watch, wait=wait)))


def list_watches(
    session: Session,
    *,
    state: State | None = None,
    outcome: Outcome | None = None,
    import_id: str | None = None,
    undelivered: bool = False,
    page: int = 50,
) -> Feed[Watch]:
    """Yield the client's watches, newest first, loading pages as needed.

    With `undelivered`, only settled watches with a message that is not delivered: pending or abandoned.
    """

    def request(cursor: str | None) -> Request[Page[Watch]]:
        return requests.list_watches(
            state=state, outcome=outcome, import_id=import_id, undelivered=undelivered, limit=page, cursor=cursor
        )

    yield from _pages(session, request)


def failed_records(session: Session, watch: Watch | str, *, page: int = 1000) -> Feed[FailedRecord]:
    """Yield all failed records of a watch's import, loading pages as needed.

    Raise Conflict if the import was never read, or if its failed records change meanwhile.
    """

    def request(cursor: str | None) -> Request[Page[FailedRecord]]:
        return requests.list_failed_records(watch, limit=page, cursor=cursor)

    yield from _pages(session, request)


def failed_records_csv(session: Session, watch: Watch | str, *, safe: bool = False) -> Call[bytes]:
    """Return all failed records of a watch's import as CSV, which Rally's upload takes.

    With `safe`, a spreadsheet runs no cell as a formula. Raise Conflict if the import was never read.
    """
    return (yield from exchange(session, requests.failed_records_csv(watch, safe=safe)))


def history(session: Session, watch: Watch | str) -> Call[History]:
    """Return what happened to a watch, given by itself or its id, what it waits for, and what to do."""
    return (yield from exchange(session, requests.get_history(watch)))


def cancel(session: Session, watch: Watch | str) -> Call[Watch]:
    """Cancel a watch, given by itself or its id. Raise Conflict if it has already settled."""
    return (yield from exchange(session, requests.cancel_watch(watch)))


def deliveries(session: Session, *, state: DeliveryState | None = None, page: int = 50) -> Feed[Delivery]:
    """Yield the client's deliveries, newest first, loading pages as needed."""

    def request(cursor: str | None) -> Request[Page[Delivery]]:
        return requests.list_deliveries(state=state, limit=page, cursor=cursor)

    yield from _pages(session, request)


def delivery(session: Session, delivery: Delivery | str) -> Call[Delivery]:
    """Return a delivery, given by itself or its id, with its attempts."""
    return (yield from exchange(session, requests.get_delivery(delivery)))


def redeliver(session: Session, delivery: Delivery | str) -> Call[Delivery]:
    """Send an ended delivery again, given by itself or its id, and return it.

    Raise Conflict if it is pending or was skipped.
    """
    return (yield from exchange(session, requests.redeliver(delivery)))


def redeliver_since(session: Session, since: datetime) -> Call[int]:
    """Send all deliveries again that were abandoned from a time until now; return their number."""
    count, until = yield from exchange(session, requests.redeliver_since(since, until=None))
    while until is not None:
        redelivered, until = yield from exchange(session, requests.redeliver_since(since, until))
        count += redelivered
    return count


def destinations(session: Session) -> Call[Sequence[NamedDestination]]:
    """Return the named destinations that the client may use."""
    return (yield from exchange(session, requests.named_destinations()))


def send_test(session: Session, destination: Destination) -> Call[TestResult]:
    """Send a test message to a destination now, and return what became of it."""
    return (yield from exchange(session, requests.send_test(destination)))


def signing_secrets(session: Session, *, client: str | None = None) -> Call[Sequence[str]]:
    """Return the secrets (`whsec_…`) that sign the client's callbacks, newest first. Admins may name another client."""
    return (yield from exchange(session, requests.signing_secrets(client)))


def signing_keys(session: Session, *, client: str | None = None) -> Call[Sequence[str]]:
    """Return the public keys (`whpk_…`) that verify the client's callbacks, newest first."""
    return (yield from exchange(session, requests.signing_keys(client)))


def _key(idempotency_key: str | None) -> str:
    return str(uuid4()) if idempotency_key is None else idempotency_key


def _pages(session: Session, request: Callable[[str | None], Request[Page[T]]]) -> Feed[T]:
    cursor: str | None = None
    while True:
        found = yield from exchange(session, request(cursor))
        for each in found.values:
            yield Item(each)
        cursor = found.cursor
        if cursor is None:
            return
