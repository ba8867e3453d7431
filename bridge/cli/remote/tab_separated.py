"""Watches and deliveries as lines of tab-separated values, for programs."""

from collections.abc import Iterator

from bridge.cli.remote.printable import printable
from bridge.client import Delivery, Watch

DELIVERY_COLUMNS = ("id", "watchId", "type", "destination", "state", "attempts", "lastReason", "endedAt")
COLUMNS = (
    *("id", "importId", "state", "outcome", "people", "failed", "label", "createdAt", "workspace", "createdBy"),
    "undelivered",
)
"""The columns, in order. Scripts rely on the order, so a new column comes last."""


def line(watch: Watch) -> str:
    """Return the values of all COLUMNS, whole; an unknown value is empty, and a tab within one is an escape."""
    return "\t".join(map(printable, _values(watch)))


def _values(watch: Watch) -> Iterator[str]:
    yield watch.id
    yield watch.import_id
    yield watch.state
    yield watch.outcome or ""
    yield "" if watch.people is None else str(watch.people)
    yield str(watch.failed_record_count)
    yield watch.label or ""
    yield str(watch.document["createdAt"])
    yield watch.workspace
    yield watch.created_by
    yield str(watch.undelivered)


def delivery_line(delivery: Delivery) -> str:
    """Return the values of all DELIVERY_COLUMNS in the same way."""
    values = (
        *(delivery.id, delivery.watch_id or "", delivery.type, delivery.destination, delivery.state),
        *(str(delivery.attempts), delivery.last_reason or "", str(delivery.document["endedAt"] or "")),
    )
    return "\t".join(map(printable, values))
