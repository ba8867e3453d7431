"""Watches, deliveries and attempts as the JSON of the API."""

from collections.abc import Mapping, Sequence
from typing import cast

from bridge.destinations import describe, kind
from bridge.destinations.reasons import is_confidential, public_reason
from bridge.domain.attempts import Attempt
from bridge.domain.deliveries import Delivery
from bridge.domain.notifications import reading_as_json
from bridge.domain.times import Moment, rfc3339
from bridge.domain.watches import Watch, WatchState, trouble_in_words
from bridge.resources import Resources
from bridge.store.imports import ImportRecord
from bridge.web.schemas.responses import AttemptResponse, DeliveryResponse, ReadingResponse, WatchResponse


async def serialize_watches(resources: Resources, watches: Sequence[Watch]) -> list[WatchResponse]:
    """Return watches with their deliveries and, while they are open, the latest state of their imports."""
    open_imports = list({(each.workspace, each.import_id) for each in watches if each.state is WatchState.WATCHING})
    records = dict(zip(open_imports, await resources.imports.many(open_imports), strict=True))
    deliveries: Mapping[str, Delivery] = {
        delivery.id: delivery
        for delivery in await resources.deliveries.many([id_ for each in watches for id_ in each.deliveries])
    }
    return [
        watch_json(
            each,
            records.get((each.workspace, each.import_id)) if each.state is WatchState.WATCHING else None,
            [deliveries[id_] for id_ in each.deliveries if id_ in deliveries and deliveries[id_].watch_id == each.id],
        )
        for each in watches
    ]


def watch_json(watch: Watch, record: ImportRecord | None, deliveries: Sequence[Delivery]) -> WatchResponse:
    """Return a watch as JSON; `record` is the latest state of its import, used while the watch is open."""
    watching = watch.state is WatchState.WATCHING
    reading = record.known.reading if watching and record else watch.reading
    trouble = record.known.trouble if watching and record else None
    return {
        "id": watch.id,
        "importId": watch.import_id,
        "workspace": watch.workspace,
        "state": watch.state,
        "outcome": watch.outcome,
        "reason": watch.reason if trouble is None else trouble_in_words(trouble),
        "import": None if reading is None else cast("ReadingResponse", reading_as_json(reading)),
        "polls": record.polls if watching and record else watch.polls,
        "lastPolledAt": rfc3339_or_none(record.known.polled_at if watching and record else watch.polled_at),
        "nextPollAt": rfc3339_or_none(record.next_due if watching and record else None),
        "label": watch.label,
        "metadata": dict(watch.metadata),
        "createdBy": watch.client,
        "createdAt": rfc3339(watch.created_at),
        "expiresAt": rfc3339(watch.expires_at),
        "settledAt": rfc3339_or_none(watch.settled_at),
        "deliveries": [delivery_json(delivery) for delivery in deliveries],
    }


def delivery_json(delivery: Delivery) -> DeliveryResponse:
    """Return a delivery as JSON, without its destination's secrets."""
    return {
        "id": delivery.id,
        "type": kind(delivery.destination),
        "destination": describe(delivery.destination),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "nextAttemptAt": rfc3339_or_none(delivery.due),
        "lastReason": public_reason(delivery.last_reason),
        "endedAt": rfc3339_or_none(delivery.ended_at),
    }


def attempt_json(attempt: Attempt, *, admin: bool, named: bool) -> AttemptResponse:
    """Return an attempt as JSON.

    Only admins see details of the internal network, including how long it took, and what a named destination answered.
    """
    complete = admin or not is_confidential(attempt.reason)
    return {
        "number": attempt.number,
        "at": rfc3339(attempt.at),
        "tookMs": attempt.took if complete else 0,
        "status": attempt.status,
        "reason": attempt.reason if complete else public_reason(attempt.reason),
        "answer": attempt.answer if admin or not named else "",
    }


def rfc3339_or_none(moment: Moment | None) -> str | None:
    return None if moment is None else rfc3339(moment)
