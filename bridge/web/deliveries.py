"""Deliveries at the front door: one with its attempts, pages of them, and owing them again."""

from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations import describe, kind
from bridge.destinations.confinement import may_use
from bridge.destinations.reasons import for_everyone, is_in_confidence
from bridge.domain.clients import Client
from bridge.domain.deliveries import Attempt, Delivery, DeliveryState, NamedDestination
from bridge.domain.times import SECOND, rfc3339
from bridge.errors import DecryptionFailed, Refusal, Refused
from bridge.queue import Alarm
from bridge.resources import Resources
from bridge.web.auth import authenticate, may_see
from bridge.web.query import DeliveriesQuery, parse_query, reject_query
from bridge.web.responses import ApiResponse
from bridge.web.schemas.responses import (
    AttemptResponse,
    DeliveriesResponse,
    DeliveryResponse,
    DeliveryWithLogResponse,
    ListedDeliveryResponse,
    RedeliveredResponse,
)
from bridge.web.schemas.watches import RedeliverBody, parse, read_json
from bridge.web.times import rfc3339_or_none

OPENED = 100
"""Deliveries that are opened, and owed again in one trip, before others have their turn."""
MOST_REDELIVERED = 1000
"""In one call, so that it answers within seconds."""

log = structlog.get_logger()


async def pages(request: Request) -> Response:
    """Give the client's deliveries, newest first; an admin's are everybody's, and the operator's notices."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    query = parse_query(request, DeliveriesQuery)
    ids = await resources.indexes.deliveries(
        client=None if client.admin else client.name,
        state=None if query.state is None else DeliveryState(query.state),
        below=query.cursor,
        limit=query.limit + 1,
    )
    page = _seen_by(client, await resources.deliveries.of(ids[: query.limit]))
    more = ids[query.limit - 1] if len(ids) > query.limit else None
    answer: DeliveriesResponse = {"data": [_document(each) for each in page], "nextCursor": more}
    return ApiResponse(answer)


async def redeliver(request: Request) -> Response:
    """Owe an ended delivery again, under the same notification id. 409 for one that has not ended or was not wanted.

    A body is not read.
    """
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    delivery = await _visible(resources, client, request.path_params["delivery_id"])
    if not await _sendable(resources, client, [delivery]):
        detail = "Its workspace and its destination were allowed when its watch was made. Nothing was changed."
        raise Refused(Refusal.FORBIDDEN, detail)
    match await resources.deliveries.redeliver(delivery.id, delivery.watch_id):
        case "owed":
            _owed(resources, client, [delivery])
        case "unknown":
            raise Refused(Refusal.DELIVERY_NOT_FOUND)
        case "skipped":
            raise Refused(Refusal.DELIVERY_SKIPPED, "Its destination's `on` leaves this outcome out.")
        case _:
            raise Refused(Refusal.DELIVERY_PENDING, "GET it to see when it is tried next.")
    again = await _visible(resources, client, delivery.id)
    return ApiResponse(_document(again), 202)


async def redeliver_many(request: Request) -> Response:
    """Owe again what was abandoned since a moment, at most a thousand at once; `more`: some may be left.

    What comes from a workspace, or goes to where, the client may not use any more is left as it is.
    """
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    body = parse(await read_json(request), RedeliverBody)
    since = int(body.since.timestamp() * SECOND)
    owed = 0
    below: str | None = None
    owner = None if client.admin else client.name
    while owed < MOST_REDELIVERED:
        limit = min(OPENED, MOST_REDELIVERED - owed)
        ids, below = await resources.indexes.abandoned_since(since, client=owner, below=below, limit=limit)
        wanted = await _sendable(resources, client, _seen_by(client, await resources.deliveries.of(ids)))
        again = await resources.deliveries.redeliver_many(wanted)
        _owed(resources, client, again)
        owed += len(again)
        if below is None:
            break
    answer: RedeliveredResponse = {"redelivered": owed, "more": owed >= MOST_REDELIVERED}
    return ApiResponse(answer, 202)


def _seen_by(client: Client, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Leave out what another client's list or watch names: both are in the clear, whose a delivery is is sealed."""
    return [each for each in deliveries if may_see(client, each.client)]


async def _sendable(resources: Resources, client: Client, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Leave out those whose workspace or destination the client may not use any more; a notice has no workspace."""
    of_watches = [each.watch_id for each in deliveries if each.watch_id]
    confined = client.permissions.workspaces is not None
    workspaces = await resources.watches.workspaces(of_watches) if confined else {}
    return [
        each
        for each in deliveries
        if may_use(client.permissions, each.destination)
        and (each.watch_id not in workspaces or client.permissions.may_watch_in(workspaces[each.watch_id]))
    ]


def _owed(resources: Resources, client: Client, owed: Sequence[Delivery]) -> None:
    for delivery in owed:
        log.info(
            "delivery.redelivery_requested", delivery_id=delivery.id, watch_id=delivery.watch_id, client=client.name
        )
    if owed:
        resources.bell.ring(Alarm.DELIVER)


async def _visible(resources: Resources, client: Client, delivery_id: str) -> Delivery:
    """Return a delivery that a client may see; raises Refused with 404, or SealBroken where it may know of it."""
    try:
        found = await resources.deliveries.get(delivery_id)
    except DecryptionFailed:
        owner = await resources.deliveries.owner(delivery_id)
        if owner is None or not may_see(client, owner):
            raise Refused(Refusal.DELIVERY_NOT_FOUND) from None
        raise
    if found is None or not may_see(client, found.client):
        raise Refused(Refusal.DELIVERY_NOT_FOUND)
    return found


def _document(delivery: Delivery) -> ListedDeliveryResponse:
    return {"watchId": delivery.watch_id or None, **as_json(delivery)}


async def show(request: Request) -> Response:
    """Give a delivery with its last attempts, newest first; another client's is as unknown as one that never was."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    delivery = await _visible(resources, client, request.path_params["delivery_id"])
    attempts = await resources.deliveries.attempts(delivery)
    named = isinstance(delivery.destination, NamedDestination)
    log_of = [attempt_as_json(each, admin=client.admin, named=named) for each in attempts]
    answer: DeliveryWithLogResponse = {**_document(delivery), "log": log_of}
    return ApiResponse(answer)


def as_json(delivery: Delivery) -> DeliveryResponse:
    """Give a delivery as the API shows it, without its secret."""
    return {
        "id": delivery.id,
        "type": kind(delivery.destination),
        "destination": describe(delivery.destination),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "nextAttemptAt": rfc3339_or_none(delivery.due),
        "lastReason": for_everyone(delivery.last_reason),
        "endedAt": rfc3339_or_none(delivery.ended_at),
    }


def attempt_as_json(attempt: Attempt, *, admin: bool, named: bool) -> AttemptResponse:
    """Return an attempt as the API shows it.

    What it tells of our network, its time included, is for admins, and so is what a named destination answered.
    """
    whole = admin or not is_in_confidence(attempt.reason)
    return {
        "number": attempt.number,
        "at": rfc3339(attempt.at),
        "tookMs": attempt.took if whole else 0,
        "status": attempt.status,
        "reason": attempt.reason if whole else for_everyone(attempt.reason),
        "answer": attempt.answer if admin or not named else "",
    }
