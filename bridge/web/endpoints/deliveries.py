"""The endpoints of deliveries: get one with its attempts, list, and redeliver one or many."""

from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations.egress.permissions import may_use
from bridge.destinations.reasons import public_reason
from bridge.domain.clients import Client
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import NamedDestination
from bridge.domain.times import SECOND, rfc3339
from bridge.errors import DecryptionFailed
from bridge.queue import Job
from bridge.resources import Resources
from bridge.web.auth import may_see
from bridge.web.endpoints.authenticated import authenticated, authenticated_with
from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import parse, read_json
from bridge.web.requests.query import DeliveriesQuery
from bridge.web.schemas.redeliver import RedeliverBody
from bridge.web.schemas.responses import (
    DeliveriesResponse,
    DeliveryWithLogResponse,
    ListedDeliveryResponse,
    RedeliveredResponse,
)
from bridge.web.serializers import attempt_json, delivery_json

CHUNK = 100
"""The number of deliveries that are redelivered at once, before other requests get their turn."""
MAX_REDELIVERED = 1000
"""The number of deliveries that one request redelivers at most, so that it is answered within seconds."""

log = structlog.get_logger()


@authenticated_with(DeliveriesQuery)
async def pages(_: Request, resources: Resources, client: Client, query: DeliveriesQuery) -> Response:
    """List your deliveries, newest first. Admins see the deliveries of all clients, and notices to the operator."""
    ids, cursor = query.split(
        await resources.indexes.deliveries(
            client=None if client.admin else client.name,
            state=query.state,
            below=query.cursor,
            limit=query.read_limit,
        )
    )
    page = _visible_to(client, await resources.deliveries.many(ids))
    response: DeliveriesResponse = {"data": [_document(resources, each) for each in page], "nextCursor": cursor}
    return ApiResponse(response)


@authenticated
async def redeliver(request: Request, resources: Resources, client: Client) -> Response:
    """Send a delivery again, with the same notification id. A pending or skipped delivery is refused (409).

    A body is not read.
    """
    delivery = await _visible(resources, client, request.path_params["delivery_id"])
    if not await _permitted(resources, client, [delivery]):
        detail = "Your client may no longer use its workspace or its destination. Nothing was changed."
        raise Refused(Refusal.FORBIDDEN, detail)
    match await resources.deliveries.redeliver(delivery.id, delivery.watch_id):
        case "queued":
            _requested(resources, client, [delivery])
        case "unknown":
            raise Refused(Refusal.DELIVERY_NOT_FOUND)
        case "skipped":
            raise Refused(Refusal.DELIVERY_SKIPPED, f"The reason: {public_reason(delivery.last_reason)}.")
        case _:
            raise Refused(Refusal.DELIVERY_PENDING, "GET the delivery for the time of its next attempt.")
    again = await _visible(resources, client, delivery.id)
    return ApiResponse(_document(resources, again), 202)


@authenticated
async def redeliver_many(request: Request, resources: Resources, client: Client) -> Response:
    """Send again the deliveries that were abandoned since a time, at most 1000. If `more` is true, some may be left.

    Deliveries whose workspace or destination your client may no longer use are left as they are.
    """
    body = parse(await read_json(request), RedeliverBody)
    since = int(body.since.timestamp() * SECOND)
    until = await resources.store.now() if body.until is None else round(body.until.timestamp() * SECOND)
    count = 0
    below: str | None = None
    owner = None if client.admin else client.name
    while count < MAX_REDELIVERED:
        limit = min(CHUNK, MAX_REDELIVERED - count)
        ids, below = await resources.indexes.abandoned_since(since, until=until, client=owner, below=below, limit=limit)
        permitted = await _permitted(resources, client, _visible_to(client, await resources.deliveries.many(ids)))
        redelivered = await resources.deliveries.redeliver_many(permitted)
        _requested(resources, client, redelivered)
        count += len(redelivered)
        if below is None:
            break
    response: RedeliveredResponse = {
        "redelivered": count,
        "more": count >= MAX_REDELIVERED,
        "until": rfc3339(until),
    }
    return ApiResponse(response, 202)


def _visible_to(client: Client, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the deliveries that the client may see.

    Lists and watch indexes are not encrypted; only a delivery's encrypted record is proof of its client.
    """
    return [each for each in deliveries if may_see(client, each.client)]


async def _permitted(resources: Resources, client: Client, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the deliveries whose workspace and destination the client may use; operator notices have no workspace."""
    watch_ids = [each.watch_id for each in deliveries if each.watch_id]
    restricted = client.permissions.workspaces is not None
    workspaces = await resources.watches.workspaces(watch_ids) if restricted else {}
    return [
        each
        for each in deliveries
        if may_use(client.permissions, each.destination)
        and (each.watch_id not in workspaces or client.permissions.may_watch_in(workspaces[each.watch_id]))
    ]


def _requested(resources: Resources, client: Client, deliveries: Sequence[Delivery]) -> None:
    """Log each redelivery, and ring the bell so that a worker sends them at once."""
    for delivery in deliveries:
        log.info(
            "delivery.redelivery_requested", delivery_id=delivery.id, watch_id=delivery.watch_id, client=client.name
        )
    if deliveries:
        resources.bell.ring(Job.DELIVER)


async def _visible(resources: Resources, client: Client, delivery_id: str) -> Delivery:
    """Return a delivery that the client may see.

    Raise Refused with 404 for another delivery, and DecryptionFailed if it is the client's but can't be decrypted.
    """
    try:
        delivery = await resources.deliveries.get(delivery_id)
    except DecryptionFailed:
        owner = await resources.deliveries.owner(delivery_id)
        if owner is None or not may_see(client, owner):
            raise Refused(Refusal.DELIVERY_NOT_FOUND) from None
        raise
    if delivery is None or not may_see(client, delivery.client):
        raise Refused(Refusal.DELIVERY_NOT_FOUND)
    return delivery


def _document(resources: Resources, delivery: Delivery) -> ListedDeliveryResponse:
    return {"watchId": delivery.watch_id or None, **delivery_json(resources, delivery)}


@authenticated
async def show(request: Request, resources: Resources, client: Client) -> Response:
    """Get a delivery with its last attempts, newest first. A delivery of another client is not found (404)."""
    delivery = await _visible(resources, client, request.path_params["delivery_id"])
    attempts = await resources.attempts.of(delivery)
    named = isinstance(delivery.destination, NamedDestination)
    attempt_log = [attempt_json(each, admin=client.admin, named=named) for each in attempts]
    response: DeliveryWithLogResponse = {**_document(resources, delivery), "log": attempt_log}
    return ApiResponse(response)
