"""Steps of deliveries that the API and the console share: finding those of a client, and sending them again."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeAlias

import structlog

from bridge.destinations.egress.client_permissions import may_use
from bridge.destinations.reasons import public_reason
from bridge.domain.clients import Client
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.times import Moment
from bridge.errors import DecryptionFailed
from bridge.queue import Job
from bridge.resources import Resources
from bridge.web.auth import may_see
from bridge.web.refusals import Refusal, Refused

CHUNK = 100
"""The number of deliveries that are redelivered at once, before other requests get their turn."""
MAX_REDELIVERED = 1000
"""The number of deliveries that one request redelivers at most, so that it is answered within seconds."""

Wanted: TypeAlias = Callable[[Delivery], bool]

log = structlog.get_logger()


def is_any(_: Delivery) -> bool:
    """Return True: as a filter, this keeps every delivery."""
    return True


async def redeliver_one(resources: Resources, client: Client, delivery_id: str) -> Delivery:
    """Make a delivery due again and return it. Raise Refused if its state, or what the client may do, forbids it."""
    delivery = await sendable_delivery(resources, client, delivery_id)
    match await resources.deliveries.redeliver(delivery.id, delivery.watch_id, by=client.name):
        case "queued":
            _requested(resources, client, [delivery])
        case "unknown":
            raise Refused(Refusal.DELIVERY_NOT_FOUND)
        case "skipped":
            raise Refused(Refusal.DELIVERY_SKIPPED, f"The reason: {public_reason(delivery.last_reason)}.")
        case _:
            raise Refused(Refusal.DELIVERY_PENDING, "GET the delivery for the time of its next attempt.")
    return await visible_delivery(resources, client, delivery.id)


async def sendable_delivery(resources: Resources, client: Client, delivery_id: str) -> Delivery:
    """Return a delivery to whose destination the client may send. Raise Refused if it may not."""
    delivery = await visible_delivery(resources, client, delivery_id)
    if not await _permitted(resources, client, [delivery]):
        detail = "Your client may no longer use its workspace or its destination. Nothing was changed."
        raise Refused(Refusal.FORBIDDEN, detail)
    return delivery


async def redeliver_abandoned(
    resources: Resources, client: Client, *, since: Moment, until: Moment, wanted: Wanted = is_any
) -> int:
    """Make deliveries due again that were abandoned between two times, at most MAX_REDELIVERED. Return how many."""
    count = 0
    async for permitted in _abandoned(resources, client, since, until, wanted):
        part = permitted[: MAX_REDELIVERED - count]
        redelivered = await resources.deliveries.redeliver_many(part, by=client.name)
        _requested(resources, client, redelivered)
        count += len(redelivered)
        if count >= MAX_REDELIVERED:
            break
    return count


async def count_abandoned(
    resources: Resources, client: Client, *, since: Moment, until: Moment, wanted: Wanted = is_any
) -> int:
    """Return how many deliveries `redeliver_abandoned` would make due again, except for parts of digests."""
    count = 0
    async for permitted in _abandoned(resources, client, since, until, wanted):
        count += len(permitted)
        if count >= MAX_REDELIVERED:
            break
    return min(count, MAX_REDELIVERED)


async def _abandoned(
    resources: Resources, client: Client, since: Moment, until: Moment, wanted: Wanted
) -> AsyncIterator[list[Delivery]]:
    """Yield the abandoned deliveries of some time that the client may send again, CHUNK at a time."""
    below: str | None = None
    owner = None if client.admin else client.name
    while True:
        ids, below = await resources.indexes.abandoned_since(since, until=until, client=owner, below=below, limit=CHUNK)
        found = [each for each in visible_to(client, await resources.deliveries.many(ids)) if wanted(each)]
        yield await _permitted(resources, client, found)
        if below is None:
            return


def visible_to(client: Client, deliveries: Sequence[Delivery]) -> list[Delivery]:
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


async def visible_delivery(resources: Resources, client: Client, delivery_id: str) -> Delivery:
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
