"""The endpoints of deliveries: get one with its attempts, list, and redeliver one or many."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import NamedDestination
from bridge.domain.times import SECOND, rfc3339
from bridge.resources import Resources
from bridge.web.endpoints.authenticated import authenticated, authenticated_with
from bridge.web.json_response import ApiResponse
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
from bridge.web.watches.delivery_steps import (
    MAX_REDELIVERED,
    redeliver_abandoned,
    redeliver_one,
    visible_delivery,
    visible_to,
)


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
    page = visible_to(client, await resources.deliveries.many(ids))
    response: DeliveriesResponse = {"data": [_document(resources, each) for each in page], "nextCursor": cursor}
    return ApiResponse(response)


@authenticated
async def redeliver(request: Request, resources: Resources, client: Client) -> Response:
    """Send a delivery again, with the same notification id. A pending or skipped delivery is refused (409).

    A body is not read.
    """
    again = await redeliver_one(resources, client, request.path_params["delivery_id"])
    return ApiResponse(_document(resources, again), 202)


@authenticated
async def redeliver_many(request: Request, resources: Resources, client: Client) -> Response:
    """Send again the deliveries that were abandoned since a time, at most 1000. If `more` is true, some may be left.

    Deliveries whose workspace or destination your client may no longer use are left as they are.
    """
    body = parse(await read_json(request), RedeliverBody)
    since = int(body.since.timestamp() * SECOND)
    until = await resources.store.now() if body.until is None else round(body.until.timestamp() * SECOND)
    count = await redeliver_abandoned(resources, client, since=since, until=until)
    response: RedeliveredResponse = {
        "redelivered": count,
        "more": count >= MAX_REDELIVERED,
        "until": rfc3339(until),
    }
    return ApiResponse(response, 202)


def _document(resources: Resources, delivery: Delivery) -> ListedDeliveryResponse:
    return {"watchId": delivery.watch_id or None, **delivery_json(resources, delivery)}


@authenticated
async def show(request: Request, resources: Resources, client: Client) -> Response:
    """Get a delivery with its last attempts, newest first. A delivery of another client is not found (404)."""
    delivery = await visible_delivery(resources, client, request.path_params["delivery_id"])
    attempts = await resources.attempts.of(delivery)
    named = isinstance(delivery.destination, NamedDestination)
    attempt_log = [attempt_json(each, admin=client.admin, named=named) for each in attempts]
    response: DeliveryWithLogResponse = {**_document(resources, delivery), "log": attempt_log}
    return ApiResponse(response)
