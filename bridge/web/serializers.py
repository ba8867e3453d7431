"""Watches, deliveries and attempts as the JSON of the API."""

from collections.abc import Sequence
from typing import Literal, cast

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.destinations.reasons import is_confidential, public_reason
from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Destination
from bridge.domain.heartbeats import Heartbeat, Load
from bridge.domain.history.poll_waits import waiting_when_accepted
from bridge.domain.history.wait_reasons import WaitingFor
from bridge.domain.import_state import ImportState
from bridge.domain.notifications import reading_as_json
from bridge.domain.outcomes import Outcome, warning_of
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.subscriptions import subscription_as_json
from bridge.domain.times import SECOND, Moment, rfc3339
from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources
from bridge.store.imports.import_records import ImportRecord
from bridge.store.watches.acceptance_call import AcceptedWatch
from bridge.web.schemas.health_responses import LoadResponse, ProcessResponse, WorkerResponse
from bridge.web.schemas.responses import (
    AttemptResponse,
    DeliveryResponse,
    LastPollResponse,
    ReadingResponse,
    WaitingForResponse,
    WatchedDestinationResponse,
    WatchResponse,
)
from bridge.web.watches.current_watches import as_of_now
from bridge.web.watches.watch_context import WatchContext, polling_of, read_watch_context

UNKNOWN = ImportState()
"""The state of an import that was never polled."""


async def serialize_watches(resources: Resources, watches: Sequence[Watch]) -> list[WatchResponse]:
    """Return watches with their deliveries, what they wait for and, while open, the latest state of their imports."""
    context = await read_watch_context(resources, watches)
    return [serialize_watch(resources, each, context) for each in watches]


def serialize_watch(resources: Resources, watch: Watch, context: WatchContext) -> WatchResponse:
    """Return a watch with what it waits for, by a context that was read for it."""
    deliveries = [delivery_json(resources, each) for each in context.deliveries_of(watch)]
    return _watch_json(resources, watch, context.import_of(watch), deliveries, context.waiting_for(watch))


def accepted_json(resources: Resources, accepted: AcceptedWatch) -> WatchResponse:
    """Return a watch as it was accepted; what its workspace and the workers do is not read for that."""
    waiting = waiting_when_accepted(accepted.watch, polling_of(accepted.import_record))
    return _watch_json(resources, accepted.watch, accepted.import_record, [], waiting)


def _watch_json(
    resources: Resources,
    watch: Watch,
    record: ImportRecord | None,
    deliveries: list[DeliveryResponse],
    waiting: WaitingFor | None,
) -> WatchResponse:
    """Return a watch as JSON; `record` is the latest state of its import, used while the watch is open."""
    if watch.state is WatchState.WATCHING and record is not None and record.state != UNKNOWN:
        watch = as_of_now(watch, record)
    next_poll = waiting.until if waiting is not None and watch.state is WatchState.WATCHING else None
    return {
        "id": watch.id,
        "importId": watch.import_id,
        "workspace": watch.workspace,
        "state": watch.state,
        "outcome": watch.outcome,
        "reason": watch.reason,
        "warning": warning_of(watch.reading),
        "import": None if watch.reading is None else cast("ReadingResponse", reading_as_json(watch.reading)),
        "polls": watch.polls,
        "lastPolledAt": rfc3339_or_none(watch.polled_at),
        "lastPoll": None if watch.last_poll is None else _last_poll_json(watch.last_poll),
        "nextPollAt": rfc3339_or_none(next_poll),
        "waitingFor": None if waiting is None else waiting_json(waiting),
        "label": watch.label,
        "metadata": dict(watch.metadata),
        "createdBy": watch.client,
        "createdAt": rfc3339(watch.created_at),
        "expiresAt": rfc3339(watch.expires_at),
        "nudgeAfter": None if watch.nudge_after is None else watch.nudge_after // SECOND,
        "settledAt": rfc3339_or_none(watch.settled_at),
        "notify": [_destination_json(resources, each) for each in watch.notify],
        "deliveries": deliveries,
    }


def waiting_json(waiting: WaitingFor) -> WaitingForResponse:
    return {
        "reason": waiting.reason,
        "since": rfc3339_or_none(waiting.since),
        "until": rfc3339_or_none(waiting.until),
        "detail": waiting.detail,
    }


def _last_poll_json(last: LastPoll) -> LastPollResponse:
    return {"at": rfc3339(last.at), "status": last.status, "meaning": last.meaning}


def _destination_json(resources: Resources, destination: Destination) -> WatchedDestinationResponse:
    on = cast("Literal['always', 'problems'] | list[Outcome]", subscription_as_json(destination.on))
    return {
        "type": kind(destination),
        "destination": describe(destination),
        "fingerprint": resources.fingerprint(destination),
        "on": on,
    }


def delivery_json(resources: Resources, delivery: Delivery) -> DeliveryResponse:
    """Return a delivery as JSON, without its destination's secrets."""
    max_age = resources.settings.delivery_max_age
    pending = delivery.state is DeliveryState.PENDING
    return {
        "id": delivery.id,
        "type": kind(delivery.destination),
        "destination": describe(delivery.destination),
        "fingerprint": resources.fingerprint(delivery.destination),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "nextAttemptAt": rfc3339_or_none(delivery.due),
        "retriesUntil": rfc3339(delivery.queued_at + max_age) if pending else None,
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


def process_json(heartbeat: Heartbeat) -> ProcessResponse:
    process = heartbeat.process
    return {
        "id": process.id,
        "host": process.host,
        "version": process.version,
        "startedAt": rfc3339(process.started_at),
        "lastSeenAt": rfc3339(heartbeat.at),
    }


def worker_json(heartbeat: Heartbeat) -> WorkerResponse:
    return {**process_json(heartbeat), "load": None if heartbeat.load is None else _load_json(heartbeat.load)}


def _load_json(load: Load) -> LoadResponse:
    return {
        "polls": load.polls,
        "pollPlaces": load.poll_places,
        "deliveries": load.deliveries,
        "deliveryPlaces": load.delivery_places,
    }


def rfc3339_or_none(moment: Moment | None) -> str | None:
    return None if moment is None else rfc3339(moment)
